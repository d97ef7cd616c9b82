-- Promise: fleet_remove() takes away what is left of the kit, whatever the app has dropped of it before: its drivers,
-- a timer, the whole schema.
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
-- kept tables are known again
create table fleet_gone.drivers (id int primary key, is_online bool);
select count(*) filter (where status = 'done') > 50 as made, count(*) filter (where status = 'ask') as asked from realtime_sync.fleet_setup('fleet_gone', create_missing => true);
drop schema fleet_gone cascade;
select status, count(*) from realtime_sync.fleet_remove('fleet_gone', drop_tables => true) group by 1 order by 1;
select name from realtime_sync.timer where name ~ 'fleet_gone';
select kind, name from realtime_sync.fleet_object where schema = 'fleet_gone';
select entity from realtime_sync.fleet_map where schema = 'fleet_gone';
