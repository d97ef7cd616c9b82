-- A dry run changes nothing; its SQL, run by hand, is the same kit, noted and removable. Indexes can be made
-- concurrently: those are for the hand.
create schema fleet_hand;
set search_path = fleet_hand, public;
create table drivers (id uuid primary key, user_id uuid, is_online bool, lat float8, lng float8);
create temporary table plan as select * from realtime_sync.fleet_setup('fleet_hand', create_missing => true, dry_run => true);
select count(*) from realtime_sync.fleet_object where schema = 'fleet_hand';
select count(*) from realtime_sync.fleet_map where schema = 'fleet_hand';
select relname from pg_class where relnamespace = 'fleet_hand'::regnamespace order by 1;
select proname from pg_proc where pronamespace = 'fleet_hand'::regnamespace;
select status, object, sql from plan where object ~ '^(driver$|table fleet_hand.passengers|source fleet_hand.drivers|index realtime_(driver_login|trip_passenger))' order by step;
begin;
do $$ declare s record; begin for s in select sql from plan where status in ('found', 'create') order by step loop execute s.sql; end loop; end $$;
create temporary table by_hand as
select kind, name, actual, made, body from realtime_sync.fleet_object where schema = 'fleet_hand';
select status, object from realtime_sync.fleet_setup('fleet_hand', create_missing => true) where status not in ('exists', 'found', 'skip', 'ask');
rollback;
create temporary table if not exists by_hand (kind text, name text, actual name, made text, body text);
begin;
do $$ declare s record; begin for s in select sql from plan where status in ('found', 'create') order by step loop execute s.sql; end loop; end $$;
insert into by_hand select kind, name, actual, made, body from realtime_sync.fleet_object where schema = 'fleet_hand';
select count(*) from realtime_sync.fleet_remove('fleet_hand', drop_tables => true) where status <> 'done';
select relname from pg_class where relnamespace = 'fleet_hand'::regnamespace order by 1;
commit;
delete from realtime_sync.fleet_map where schema = 'fleet_hand';
select count(*) from realtime_sync.fleet_setup('fleet_hand', create_missing => true) where status = 'ask';
select count(*) from (
    table by_hand except select kind, name, actual, made, body from realtime_sync.fleet_object where schema = 'fleet_hand'
) only_by_hand;
select count(*) from (
    select kind, name, actual, made, body from realtime_sync.fleet_object where schema = 'fleet_hand' except table by_hand
) only_by_setup;
select count(*) from realtime_sync.fleet_remove('fleet_hand', drop_tables => true) where status <> 'done';
-- Concurrently.
select status, object, why, sql from realtime_sync.fleet_setup('fleet_hand', concurrently => true) where object ~ '^index realtime_driver_login';
select pg_catalog.unnest(pg_catalog.string_to_array(sql, E';\n'))
from realtime_sync.fleet_setup('fleet_hand', concurrently => true) where status = 'ask' and object ~ '^index' \gexec
select status, object, why from realtime_sync.fleet_setup('fleet_hand', concurrently => true) where object ~ '^index realtime_driver_login';
-- Of a partitioned table, with partitions of partitions, other columns and a name in need of quotes.
create table telemetry_logs (driver_id uuid, type text, message text, meta jsonb, created_at timestamptz not null)
partition by range (created_at);
create table "logs of 2025" partition of telemetry_logs for values from ('2025-01-01') to ('2026-01-01');
create table logs_2026 (gone int, created_at timestamptz not null, meta jsonb, message text, type text, driver_id uuid) partition by range (created_at);
alter table logs_2026 drop column gone;
alter table telemetry_logs attach partition logs_2026 for values from ('2026-01-01') to ('2027-01-01');
create table logs_2026_1 partition of logs_2026 for values from ('2026-01-01') to ('2026-07-01');
select object, sql from realtime_sync.fleet_setup('fleet_hand', concurrently => true) where status = 'ask' and object ~ '^index realtime_telemetry_driver';
select pg_catalog.unnest(pg_catalog.string_to_array(sql, E';\n'))
from realtime_sync.fleet_setup('fleet_hand', concurrently => true) where status = 'ask' and object ~ '^index' \gexec
select c.relname, i.indisvalid, i.indrelid::regclass
from pg_index i join pg_class c on c.oid = i.indexrelid where c.relname ~ '^realtime_telemetry' order by 1;
select status, object, why from realtime_sync.fleet_setup('fleet_hand', concurrently => true) where object ~ '^index realtime_telemetry';
select status, object, why from realtime_sync.fleet_remove('fleet_hand') where object ~ '^index realtime_telemetry';
drop table telemetry_logs;
-- Tables that were made are kept with their rows, and known again.
select count(*) from realtime_sync.fleet_setup('fleet_hand', create_missing => true) where status = 'done' and object = 'table fleet_hand.passengers';
insert into passengers (name) values ('Pia');
select status, object, why from realtime_sync.fleet_remove('fleet_hand') where object ~ 'passengers';
select name from passengers;
select status, object, why from realtime_sync.fleet_setup('fleet_hand', create_missing => true) where object ~ 'passenger' and object !~ '^(index|function)';
select count(*) from realtime_sync.fleet_remove('fleet_hand', drop_tables => true) where status <> 'done';
set client_min_messages = warning;
drop schema fleet_hand cascade;
delete from realtime_sync.fleet_map where schema = 'fleet_hand';
