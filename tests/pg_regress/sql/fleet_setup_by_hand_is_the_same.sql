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
create index concurrently realtime_driver_login on fleet_hand.drivers (user_id);
select realtime_sync.fleet_note('fleet_hand', 'index', 'realtime_driver_login', 'realtime_driver_login', 'fleet_hand.drivers');
select status, object, why from realtime_sync.fleet_setup('fleet_hand', concurrently => true) where object ~ '^index realtime_driver_login';
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
