-- PostGIS columns are found where PostGIS is. Without it there is nothing to adopt, and nothing stands in for it.
select not exists (select from pg_available_extensions where name = 'postgis') as without_postgis \gset
\if :without_postgis
\echo 'PostGIS is not installed here'
\quit
\endif
set client_min_messages = warning;
create extension if not exists postgis;
reset client_min_messages;
create schema fleet_adopt_postgis;
set search_path = fleet_adopt_postgis, public;
\getenv abs_srcdir PG_ABS_SRCDIR
\set file :abs_srcdir '/../adoption/postgis.sql'
\i :file
-- Steps of the kit's other templates are those templates' tests.
\set steps 'select status, object, why from realtime_sync.fleet_setup(\'fleet_adopt_postgis\') where object !~ \'^(table (driver_locations|trip_)|index|function|view|trigger|policy|timer)\' order by step'
create temporary view own as
select pg_get_functiondef(p.oid) as own from pg_proc p where p.pronamespace = 'fleet_adopt_postgis'::regnamespace
union all
select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'fleet_adopt_postgis'::regnamespace
union all
select p::text from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = 'fleet_adopt_postgis'::regnamespace
union all
select c.relname::text || c.relkind::text || coalesce(c.relacl::text, '') from pg_class c where c.relnamespace = 'fleet_adopt_postgis'::regnamespace;
create temporary table before as table own;
:steps;
-- What the app had is as it was.
select count(*) from (table before except table own) gone;
select relation, topics, status_columns, exclude, throttle, throttle_columns from realtime_sync.source
where relation in (select relation from realtime_sync.fleet_map where schema = 'fleet_adopt_postgis') order by relation::text;
select p.proname, pg_get_function_result(p.oid) from pg_proc p
where p.pronamespace = 'fleet_adopt_postgis'::regnamespace and p.proname in ('realtime_driver', 'realtime_passenger') order by 1;
update drivers set available = false;
select event, topics, status from realtime_sync.events where schema = 'fleet_adopt_postgis' and event <> 'INSERT' order by id;
-- Again: nothing to do.
select status, object from realtime_sync.fleet_setup('fleet_adopt_postgis') where status not in ('exists', 'found', 'skip', 'ask');
select status, object, why from realtime_sync.fleet_remove('fleet_adopt_postgis') where status <> 'done';
-- Nothing is left, nothing is gone.
select count(*) from (table own except table before) left_behind;
select count(*) from (table before except table own) gone;
select count(*) from realtime_sync.fleet_map where schema = 'fleet_adopt_postgis' and by_hand is null;
set client_min_messages = warning;
drop schema fleet_adopt_postgis cascade;
delete from realtime_sync.fleet_map where schema = 'fleet_adopt_postgis';
drop extension postgis cascade;
truncate realtime_sync.event;
