-- Promise: a table sink fills the columns a table has by their names, as its owner, in order, each event
-- once; a topic column has a row for each topic; what the sink's topics leave out is left out.
\set SHOW_CONTEXT never
create schema shop;
create procedure shop.relay_until(condition text) language plpgsql as $$
declare
    met boolean;
begin
    for n in 1..200 loop
        perform realtime_sync.relay();
        commit;
        execute 'select ' || condition into met;
        if met then
            return;
        end if;
        perform pg_sleep(0.05);
    end loop;
    raise exception 'not within 10 s: %', condition;
end
$$;
create table shop.orders (id integer primary key, driver integer, note text);
select relation from realtime_sync.enable('shop.orders', topics => array['orders', 'driver:{driver}']);
create type shop.kind as enum ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'LEAVE', 'MESSAGE');
create table shop.box (
    n bigint generated always as identity primary key,
    id uuid default gen_random_uuid(),
    cursor text not null,
    event_id numeric not null,
    txid xid8 not null,
    topics varchar(20)[] not null,
    type shop.kind not null,
    event text,
    schema text,
    schema_name varchar(63),
    "table" text,
    table_name name,
    key jsonb,
    payload json not null,
    created_at timestamptz not null default now(),
    by name default current_user,
    note text
);
create table shop.rows (id bigint, topic text, payload jsonb) partition by list (topic);
create table shop.rows_all partition of shop.rows default;
select realtime_sync.add_sink('box', target => 'table:shop.box') > 1 as added;
select realtime_sync.add_sink('rows', target => 'table:shop.rows', topics => array['driver:*'], payload => 'reference') > 1 as added;
select count(*) from realtime_sync.relay();

insert into shop.orders values (1, 7, 'it''s "odd" \ ü'), (2, null, null);
update shop.orders set driver = 8 where id = 1;
select realtime_sync.send('driver:8', 'typing', '{"a": 1}') > 0 as sent;
select realtime_sync.send('elsewhere', 'typing', null) > 0 as sent;
truncate shop.orders;
select count(*) from realtime_sync.relay();
select topics, type, event, schema, schema_name, "table", table_name, key, by, note,
    event_id = (payload ->> 'id')::numeric as id, txid::text = payload ->> 'txid' as txid, cursor = payload ->> 'cursor' as cursor,
    id is not null and created_at <= now() as own
from shop.box order by n;
select payload -> 'new' as new, payload -> 'payload' as payload from shop.box order by n;
-- n is the order they were written in
select count(*) from (select cursor > lag(cursor) over (order by n) as grows, event_id > lag(event_id) over (order by n) as younger from shop.box) b
where not (grows and younger);
select topic, payload - array['id', 'txid', 'cursor'] as payload, id = (payload ->> 'id')::bigint as id from shop.rows order by id, topic;
-- again, and there is nothing new
select count(*) from realtime_sync.relay();
select (select count(*) from shop.box) as box, (select count(*) from shop.rows) as rows;
select name, state, behind, retries, error, cursor = (select max(cursor) from shop.box) is not null as has_cursor
from realtime_sync.sink where id > 1 order by id;

-- several topics of one event: a row for each in one table, one row in the other
create table shop.pairs (id integer primary key, a text, b text);
select relation from realtime_sync.enable('shop.pairs', topics => array['pairs', 'driver:{a}', 'driver:{b}']);
insert into shop.pairs values (1, 'a', 'b');
select count(*) from realtime_sync.relay();
select topic, payload -> 'topics' as topics from shop.rows where payload ->> 'table' = 'pairs' order by topic;
select topics from shop.box where table_name = 'pairs';

-- a column that comes later is filled within a second; one that goes is done without
alter table shop.box drop column event, drop column schema_name;
alter table shop.rows add column type text;
do $$
begin
    for n in 1..200 loop
        insert into shop.orders values (100 + n, 9, null);
        commit;
        perform realtime_sync.relay();
        commit;
        exit when exists (select from shop.rows where type is not null);
        perform pg_sleep(0.05);
    end loop;
end
$$;
call shop.relay_until('(select count(*) = 2 from realtime_sync.sink where id > 1 and state = ''even'')');
select distinct topic, type from shop.rows where type is not null;
select distinct topics, type from shop.box where 'driver:9' = any (topics);
select count(*) from ((select event_id from shop.box where 'driver:9' = any (topics)) except select id from shop.rows) missing;

-- A table that cannot take an event stops its sink alone, at that event, and catches up once mended.
alter table shop.box add constraint small check (event_id < 0) not valid;
insert into shop.orders values (4, 10, null);
select count(*) from realtime_sync.relay();
insert into shop.orders values (5, 10, null);
select count(*) from realtime_sync.relay();
select name, state, behind, retries > 0 as tried, regexp_replace(error, '\d+', 'N') as error from realtime_sync.sink where id > 1 order by id;
select count(*) from shop.box where payload #>> '{new,driver}' = '10';
select count(*) from shop.rows where topic = 'driver:10';
alter table shop.box drop constraint small;
call shop.relay_until('(select state = ''even'' from realtime_sync.sink where name = ''box'')');
select payload #>> '{new,id}' as id from shop.box where payload #>> '{new,driver}' = '10' order by n;
select name, state, behind, retries, error from realtime_sync.sink where id > 1 order by id;

-- Renamed away, it is missed; made a source, it would feed on itself.
alter table shop.box rename to boxes;
insert into shop.orders values (6, 11, null);
call shop.relay_until('(select error = ''table shop.box does not exist'' from realtime_sync.sink where name = ''box'')');
alter table shop.boxes rename to box;
select relation from realtime_sync.enable('shop.box', key_columns => array['n']);
call shop.relay_until('(select error = ''shop.box is a source'' from realtime_sync.sink where name = ''box'')');
select realtime_sync.disable('shop.box');
select realtime_sync.drop_sink(name) from realtime_sync.sink where id > 1;
select realtime_sync.disable('shop.orders');
set client_min_messages = warning;
drop schema shop cascade;
truncate realtime_sync.event;
