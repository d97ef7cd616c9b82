-- Promise: every mistake in add_sink() and drop_sink() has its SQLSTATE and says what would be right,
-- and changes nothing.
\set SHOW_CONTEXT never
create schema shop;
-- names
select realtime_sync.add_sink(null);
\echo :SQLSTATE
select realtime_sync.add_sink('  ');
\echo :SQLSTATE
select realtime_sync.add_sink('notify');
\echo :SQLSTATE
select realtime_sync.drop_sink('nothing');
\echo :SQLSTATE
select realtime_sync.drop_sink(null);
\echo :SQLSTATE

-- targets
select realtime_sync.add_sink('x', target => 'feed');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'kafka:feed');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'notify:');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'notify:{table}');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'notify:' || repeat('c', 64));
\echo :SQLSTATE

-- payload and topics
select realtime_sync.add_sink('x', payload => 'half');
\echo :SQLSTATE
select realtime_sync.add_sink('x', payload => null);
\echo :SQLSTATE
select realtime_sync.add_sink('x', topics => '{}');
\echo :SQLSTATE
select realtime_sync.add_sink('x', topics => array['a', null]);
\echo :SQLSTATE
select realtime_sync.add_sink('x', topics => array[['a'], ['b']]);
\echo :SQLSTATE
select realtime_sync.add_sink('x', topics => array['a', '']);
\echo :SQLSTATE
select realtime_sync.add_sink('x', topics => array['a*b']);
\echo :SQLSTATE
select realtime_sync.add_sink('x', topics => array['driver:{id}']);
\echo :SQLSTATE

-- dialects
create function shop.to_int(json) returns integer language sql as $$ select 1 $$;
create function shop.of_text(text) returns text language sql as $$ select $1 $$;
create function shop.of_text(text, integer) returns text language sql as $$ select $1 $$;
create function shop.many(json) returns setof text language sql as $$ select 'a' $$;
create procedure shop.proc(json) language sql as $$ select 1 $$;
create aggregate shop.agg(json) (sfunc = json_agg_transfn, stype = internal, finalfunc = json_agg_finalfn);
create function pg_temp.mine(json) returns text language sql as $$ select 'a' $$;
select realtime_sync.add_sink('x', null);
\echo :SQLSTATE
select realtime_sync.add_sink('x', 'socketio');
\echo :SQLSTATE
select realtime_sync.add_sink('x', 'shop.of_text');
\echo :SQLSTATE
select realtime_sync.add_sink('x', 'shop.of_text(text)');
\echo :SQLSTATE
select realtime_sync.add_sink('x', 'shop.to_int');
\echo :SQLSTATE
select realtime_sync.add_sink('x', 'shop.many');
\echo :SQLSTATE
select realtime_sync.add_sink('x', 'shop.proc');
\echo :SQLSTATE
select realtime_sync.add_sink('x', 'shop.agg');
\echo :SQLSTATE
select realtime_sync.add_sink('x', 'pg_temp.mine');
\echo :SQLSTATE
select realtime_sync.add_sink('x', 'gone.f');
\echo :SQLSTATE

-- tables
create table shop.nothing (id bigint generated always as identity, note text);
create table shop.mandatory (tenant text not null, payload text);
create table shop.keyed (key text not null, payload text);
create table shop.typed (topic text, payload bytea);
create table shop.ids (id uuid, payload json);
create view shop.seen as select 1 as topic;
create temp table passing (payload text);
create table shop.source (id integer primary key, payload text);
select relation from realtime_sync.enable('shop.source');
select realtime_sync.add_sink('x', target => 'table:shop.missing');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'table:shop.nothing');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'table:shop.mandatory');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'table:shop.keyed');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'table:shop.typed');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'table:shop.ids');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'table:shop.seen');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'table:pg_temp.passing');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'table:shop.source');
\echo :SQLSTATE
select realtime_sync.add_sink('x', target => 'table:realtime_sync.event');
\echo :SQLSTATE

select realtime_sync.disable('shop.source');
select name from realtime_sync.sink;
drop schema shop cascade;
drop table passing;
