-- Promise: fleet_remove() takes away what is left of the kit, whatever the app has dropped of it before: its drivers,
-- a timer, the whole schema; and fleet_setup() what of its own can no longer work.
\set SHOW_CONTEXT never
set client_min_messages = warning;
create schema fleet_gone;
create table fleet_gone.drivers (id int primary key, is_online bool);
select count(*) filter (where status = 'done') > 50 as made from realtime_sync.fleet_setup('fleet_gone', create_missing => true);
select realtime_sync.drop_timer('fleet fleet_gone offers');
insert into realtime_sync.fleet_object (schema, place, kind, name, actual, made) values ('fleet_gone', 0, 'timer', 'junk', 'junk', '');
drop table fleet_gone.drivers cascade;
select status, object, why from realtime_sync.fleet_setup('fleet_gone') where status <> 'exists';
select status, object, why from realtime_sync.fleet_remove('fleet_gone') where status <> 'done' or object ~ '^timer';
select relname from pg_class where relnamespace = 'fleet_gone'::regnamespace and relkind in ('r', 'v') order by 1;
select oid::regprocedure as function_left from pg_proc where pronamespace = 'fleet_gone'::regnamespace;
-- kept tables are known again
create table fleet_gone.drivers (id int primary key, is_online bool);
select count(*) filter (where status = 'done') > 50 as made, count(*) filter (where status = 'ask') as asked from realtime_sync.fleet_setup('fleet_gone', create_missing => true);
create role fleet_gone_role;
select count(*) > 30 as allowed from realtime_sync.fleet_allow('fleet_gone', 'fleet_gone_role');
drop schema fleet_gone cascade;
select status, count(*) > 2 as some from realtime_sync.fleet_remove('fleet_gone', drop_tables => true) group by 1 order by 1;
select name from realtime_sync.timer where name ~ 'fleet_gone';
select kind, name from realtime_sync.fleet_object where schema = 'fleet_gone';
select entity from realtime_sync.fleet_map where schema = 'fleet_gone';
select role from realtime_sync.fleet_permission where schema = 'fleet_gone';
drop role fleet_gone_role;

-- renamed: followed under its new name, and the old one is free for another table
create schema fleet_gone;
create table fleet_gone.drivers (id int primary key, is_online bool);
create table fleet_gone.trips (id int primary key, driver_id int references fleet_gone.drivers, status text);
select count(*) filter (where status = 'done') > 50 as made from realtime_sync.fleet_setup('fleet_gone', create_missing => true);
alter table fleet_gone.drivers rename to couriers;
create table fleet_gone.drivers (id int primary key, state text);
-- not before the other has one of its own
select realtime_sync.fleet_status_telemetry('fleet_gone.drivers', '{state}', 'fleet_gone.telemetry_logs', '{"driver": "driver_id", "message": "message", "type": "type", "created_at": "created_at"}', label => 'Truck');
\echo :SQLSTATE
select status, object from realtime_sync.fleet_setup('fleet_gone') where status not in ('exists', 'found', 'skip') and object ~ '^(timer|source)';
select realtime_sync.fleet_status_telemetry('fleet_gone.drivers', '{state}', 'fleet_gone.telemetry_logs', '{"driver": "driver_id", "message": "message", "type": "type", "created_at": "created_at"}', label => 'Truck') <> '' as followed;
insert into fleet_gone.couriers values (1, true);
insert into fleet_gone.drivers values (1, 'parked');
select driver_id, message from fleet_gone.telemetry_logs order by id;
select tgrelid::regclass, tgfoid::regprocedure from pg_trigger where tgname = '00_realtime_tell_status_update' and tgrelid::regclass::text like 'fleet_gone.%' order by 1;
-- the table they are written to is gone: so is what writes them, but not what the app has made its own
do $$ begin execute replace(pg_get_functiondef('fleet_gone.log_telemetry'::regproc), E'\nbegin\n', E'\n-- ours\nbegin\n'); end $$;
drop table fleet_gone.telemetry_logs cascade;
select status, object from realtime_sync.fleet_setup('fleet_gone', dry_run => true) where status in ('drop', 'done');
select status, object, why from realtime_sync.fleet_setup('fleet_gone') where status in ('drop', 'done') and why !~ 'made again';
update fleet_gone.couriers set is_online = false;
drop table fleet_gone.drivers;
drop table fleet_gone.trips cascade;
select status, object, why from realtime_sync.fleet_setup('fleet_gone') where status in ('drop', 'done') and why !~ 'made again' and object ~ 'timer|[a-z]+_offer$|trip_status|telemetry|status' order by step;
select count(*) from realtime_sync.fleet_setup('fleet_gone') where status in ('drop', 'done');
select status, count(*) > 2 as some from realtime_sync.fleet_remove('fleet_gone', drop_tables => true) group by 1 order by 1;
select oid::regprocedure as function_left from pg_proc where pronamespace = 'fleet_gone'::regnamespace;
drop schema fleet_gone cascade;
delete from realtime_sync.fleet_map where schema = 'fleet_gone';
truncate realtime_sync.event;
