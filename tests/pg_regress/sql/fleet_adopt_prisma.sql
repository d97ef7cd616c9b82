-- Quoted camelCase and text keys are found, and every name is quoted where it has to be.
create schema fleet_adopt_prisma;
set search_path = fleet_adopt_prisma, public;
\getenv abs_srcdir PG_ABS_SRCDIR
\set file :abs_srcdir '/../adoption/prisma.sql'
\i :file
-- Steps of the kit's other templates are those templates' tests.
\set steps 'select status, object, why from realtime_sync.fleet_setup(\'fleet_adopt_prisma\') where object !~ \'^(table (driver_locations|trip_)|index|function|view|trigger|policy|timer)\' order by step'
create temporary view own as
select pg_get_functiondef(p.oid) as own from pg_proc p where p.pronamespace = 'fleet_adopt_prisma'::regnamespace
union all
select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'fleet_adopt_prisma'::regnamespace
union all
select p::text from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = 'fleet_adopt_prisma'::regnamespace
union all
select c.relname::text || c.relkind::text || coalesce(c.relacl::text, '') from pg_class c where c.relnamespace = 'fleet_adopt_prisma'::regnamespace;
create temporary table before as table own;
:steps;
-- What the app had is as it was.
select count(*) from (table before except table own) gone;
select relation, topics, status_columns, exclude, throttle, throttle_columns from realtime_sync.source
where relation in (select relation from realtime_sync.fleet_map where schema = 'fleet_adopt_prisma') order by relation::text;
select p.proname, pg_get_function_result(p.oid) from pg_proc p
where p.pronamespace = 'fleet_adopt_prisma'::regnamespace and p.proname in ('realtime_driver', 'realtime_passenger') order by 1;
insert into "Ride" ("id", "riderId", "driverId", "pickupLat", "pickupLng", "destLat", "destLng", "price")
values ('r1', 'p1', 'clx1', 1, 2, 3, 4, 5);
update "Driver" set "status" = 'online', "lat" = 1, "lng" = 2;
set request.jwt.claims = '{"sub": "clx1"}';
select realtime_driver(), realtime_passenger(), realtime_topics();
reset request.jwt.claims;
select event, topics, status from realtime_sync.events where schema = 'fleet_adopt_prisma' and event <> 'INSERT' order by id;
-- Again: nothing to do.
-- The calls that were made, with this app's types.
select p.oid::regprocedure as call, pg_get_function_result(p.oid) as returns
from realtime_sync.fleet_object o
join pg_proc p on p.pronamespace = 'fleet_adopt_prisma'::regnamespace and p.proname = o.actual
where o.schema = 'fleet_adopt_prisma' and o.kind = 'function' and o.name not like 'realtime\_%'
order by p.proname;
select status, object from realtime_sync.fleet_setup('fleet_adopt_prisma') where status not in ('exists', 'found', 'skip', 'ask');
select status, object, why from realtime_sync.fleet_remove('fleet_adopt_prisma') where status <> 'done';
-- Nothing is left, nothing is gone.
select count(*) from (table own except table before) left_behind;
select count(*) from (table before except table own) gone;
select count(*) from realtime_sync.fleet_map where schema = 'fleet_adopt_prisma' and by_hand is null;
set client_min_messages = warning;
drop schema fleet_adopt_prisma cascade;
delete from realtime_sync.fleet_map where schema = 'fleet_adopt_prisma';
