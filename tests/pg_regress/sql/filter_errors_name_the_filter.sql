-- PostgreSQL parses the filter; its errors keep their SQLSTATE and say whose words they are about.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create table drivers (id bigint primary key, status text);
select realtime_sync.enable('drivers', filter => 'status = ''on''');
\echo :LAST_ERROR_SQLSTATE
select realtime_sync.enable('drivers', filter => 'new.stat = ''on''');
\echo :LAST_ERROR_SQLSTATE
select realtime_sync.enable('drivers', filter => 'new.status = 1');
\echo :LAST_ERROR_SQLSTATE
select realtime_sync.enable('drivers', filter => 'new.id');
\echo :LAST_ERROR_SQLSTATE
select realtime_sync.enable('drivers', filter => 'new.status = ');
\echo :LAST_ERROR_SQLSTATE
select realtime_sync.enable('drivers', filter => 'new.id in (select 1)');
\echo :LAST_ERROR_SQLSTATE
select realtime_sync.enable('drivers', filter => 'new.id = 1/0::bigint and is_odd(new.id)');
\echo :LAST_ERROR_SQLSTATE
select realtime_sync.enable('drivers', filter => 'new.status = ''a''::public.mood');
\echo :LAST_ERROR_SQLSTATE
select realtime_sync.enable('drivers', filter => 'count(new.id) > 1');
\echo :LAST_ERROR_SQLSTATE
select realtime_sync.enable('drivers', filter => 'new.status = "on"');
\echo :LAST_ERROR_SQLSTATE
create table "OrderItem" ("orderId" int primary key);
select realtime_sync.enable('"OrderItem"', filter => 'new.orderId > 0');
\echo :LAST_ERROR_SQLSTATE
select relation, filter from realtime_sync.enable('"OrderItem"', filter => 'new."orderId" > 0', dry_run => true);
select count(*) from realtime_sync.source;
rollback;
