-- Promise: a function dialect gets the event as json and runs as the sink's owner, restricted, under
-- search_path = pg_catalog, pg_temp; null leaves the event out; what it raises stops its sink alone.
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
create role keeper bypassrls;
create role other;
grant usage on schema realtime_sync to keeper;
grant usage, create on schema shop to keeper;
grant select on realtime_sync.event to keeper;
grant execute on function realtime_sync.add_sink, realtime_sync.drop_sink to keeper;
create table shop.orders (id integer primary key, note text);
select relation from realtime_sync.enable('shop.orders', topics => array['orders']);
set role keeper;
create table shop.box (n bigint generated always as identity, payload text);
create function shop.tell(event json) returns text language plpgsql as $$
begin
    if event #>> '{new,note}' = 'skip' then
        return null;
    end if;
    if event #>> '{new,note}' = 'fail' then
        raise exception 'no % here', event #>> '{new,id}' using hint = 'mend it';
    end if;
    return concat_ws(' ', event ->> 'type', event #>> '{new,id}', current_user, session_user = current_user,
        current_setting('search_path'), event -> 'new' is null);
end
$$;
select realtime_sync.add_sink('told', 'shop.tell', 'table:shop.box') > 1 as added;
select realtime_sync.add_sink('short', 'shop.tell', 'table:shop.box', payload => 'reference') > 1 as added;
reset role;
select count(*) from realtime_sync.relay();
insert into shop.orders values (1, 'tell'), (2, 'skip'), (3, 'tell');
select count(*) from realtime_sync.relay();
select payload from shop.box order by n;

-- What it may not: it is not the relay's superuser, nor may it become anyone else, nor leave something behind.
create table shop.secret (a integer);
create function shop.reach(event json) returns text language plpgsql as $$
begin
    case event #>> '{new,note}'
        when 'read' then perform from shop.secret;
        when 'role' then set local role postgres;
        when 'temp' then create temp table left_behind (a integer);
        when 'listen' then listen left_behind;
        when 'capture' then set local realtime_sync.capture = off;
        else null;
    end case;
    return 'no harm';
end
$$;
truncate shop.box;
select realtime_sync.drop_sink('told'), realtime_sync.drop_sink('short');
grant execute on function shop.reach(json) to keeper;
set role keeper;
select realtime_sync.add_sink('reach', 'shop.reach', 'table:shop.box') > 1 as added;
reset role;
create function shop.try(id integer, note text) returns text language plpgsql as $$
declare
    said text;
begin
    -- the sink is dropped and added, so that no failure holds the next back
    perform realtime_sync.drop_sink('reach');
    set local role keeper;
    perform realtime_sync.add_sink('reach', 'shop.reach', 'table:shop.box');
    reset role;
    insert into shop.orders values (id, note);
    return null;
end
$$;
select shop.try(11, 'read');
select count(*) from realtime_sync.relay();
select regexp_replace(error, '\d+', 'N') as error from realtime_sync.sink where name = 'reach';
select shop.try(12, 'role');
select count(*) from realtime_sync.relay();
select regexp_replace(error, '\d+', 'N') as error from realtime_sync.sink where name = 'reach';
select shop.try(13, 'temp');
select count(*) from realtime_sync.relay();
select regexp_replace(error, '\d+', 'N') as error from realtime_sync.sink where name = 'reach';
select shop.try(14, 'listen');
select count(*) from realtime_sync.relay();
select regexp_replace(error, '\d+', 'N') as error from realtime_sync.sink where name = 'reach';
select shop.try(15, 'capture');
select count(*) from realtime_sync.relay();
select regexp_replace(error, '\d+', 'N') as error from realtime_sync.sink where name = 'reach';
select shop.try(16, 'none');
select count(*) from realtime_sync.relay();
select error from realtime_sync.sink where name = 'reach';
select payload from shop.box order by n;
select current_user, current_setting('search_path');

-- What is replaced is the new one's from then on; what is gone stops the sink until it is back.
drop function shop.reach(json);
insert into shop.orders values (21, 'tell');
select count(*) from realtime_sync.relay();
select regexp_replace(error, '\d+', 'N') as error from realtime_sync.sink where name = 'reach';
create function shop.reach(event json) returns text language sql as $$ select 'back for ' || (event #>> '{new,id}') $$;
call shop.relay_until('exists (select from shop.box where payload = ''back for 21'')');

-- An owner who may no longer read the whole log, or is gone, has a sink that sends nothing.
revoke select on realtime_sync.event from keeper;
insert into shop.orders values (22, 'tell');
select count(*) from realtime_sync.relay();
select error from realtime_sync.sink where name = 'reach';
grant select on realtime_sync.event to keeper;
update realtime_sync.sink_definition set owner = '4000000000' where name = 'reach';
call shop.relay_until('(select error = ''the sink''''s owner does not exist any more'' from realtime_sync.sink where name = ''reach'')');
-- A definition written by hand that means nothing stops that sink as well.
update realtime_sync.sink_definition set owner = 'keeper', target = 'carrier pigeon' where name = 'reach';
call shop.relay_until('(select error = ''the sink''''s target or topics cannot be read'' from realtime_sync.sink where name = ''reach'')');
select count(*) from shop.box where payload = 'back for 22';
update realtime_sync.sink_definition set target = 'table:shop.box' where name = 'reach';
call shop.relay_until('exists (select from shop.box where payload = ''back for 22'')');
select count(*) from shop.box where payload like 'back for %';
select realtime_sync.drop_sink('reach');
select realtime_sync.disable('shop.orders');
set client_min_messages = warning;
drop schema shop cascade;
drop owned by keeper;
drop role keeper, other;
truncate realtime_sync.event;
