-- Promise: a table sink fills the columns a table has by their names, as its owner, in order, each event
-- once; a topic column has a row for each topic; what the sink's topics leave out is left out.
\set SHOW_CONTEXT never
create schema shop;
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

-- a column that comes later is filled from then on; one that goes is done without
alter table shop.box drop column event, drop column schema_name;
alter table shop.rows add column type text;
select pg_sleep(1.1);
insert into shop.orders values (3, 9, null);
select count(*) from realtime_sync.relay();
select topics, type from shop.box order by n desc limit 1;
select topic, type from shop.rows where topic = 'driver:9';
select name, state, retries, error from realtime_sync.sink where id > 1 order by id;

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
-- every try waits twice as long as the one before, a tenth of a second at first
select pg_sleep(0.5);
select count(*) from realtime_sync.relay();
select payload #>> '{new,id}' as id from shop.box where payload #>> '{new,driver}' = '10' order by n;
select name, state, behind, retries, error from realtime_sync.sink where id > 1 order by id;

-- Renamed away, it is missed; made a source, it would feed on itself.
alter table shop.box rename to boxes;
insert into shop.orders values (6, 11, null);
select pg_sleep(1.1);
select count(*) from realtime_sync.relay();
select error from realtime_sync.sink where name = 'box';
alter table shop.boxes rename to box;
select relation from realtime_sync.enable('shop.box', key_columns => array['n']);
select pg_sleep(1.1);
select count(*) from realtime_sync.relay();
select error from realtime_sync.sink where name = 'box';
select realtime_sync.disable('shop.box');
select realtime_sync.drop_sink(name) from realtime_sync.sink where id > 1;
select realtime_sync.disable('shop.orders');
set client_min_messages = warning;
drop schema shop cascade;
truncate realtime_sync.event;
