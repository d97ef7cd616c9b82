-- Couriers with bigint keys and an enum are found; whose login a number is, is asked.
create schema fleet_adopt_bigint;
set search_path = fleet_adopt_bigint, public;
\getenv abs_srcdir PG_ABS_SRCDIR
\set file :abs_srcdir '/../adoption/bigint.sql'
\i :file
-- Steps of the kit's other templates are those templates' tests.
\set steps 'select status, object, why from realtime_sync.fleet_setup(\'fleet_adopt_bigint\') where object !~ \'^(table (driver_locations|trip_)|index|function|view|trigger|policy|timer)\' order by step'
create temporary view own as
select pg_get_functiondef(p.oid) as own from pg_proc p where p.pronamespace = 'fleet_adopt_bigint'::regnamespace
union all
select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'fleet_adopt_bigint'::regnamespace
union all
select p::text from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = 'fleet_adopt_bigint'::regnamespace
union all
select c.relname::text || c.relkind::text || coalesce(c.relacl::text, '') from pg_class c where c.relnamespace = 'fleet_adopt_bigint'::regnamespace;
create temporary table before as table own;
:steps;
-- What the app had is as it was.
select count(*) from (table before except table own) gone;
select relation, topics, status_columns, exclude, throttle, throttle_columns from realtime_sync.source
where relation in (select relation from realtime_sync.fleet_map where schema = 'fleet_adopt_bigint') order by relation::text;
select p.proname, pg_get_function_result(p.oid) from pg_proc p
where p.pronamespace = 'fleet_adopt_bigint'::regnamespace and p.proname in ('realtime_driver', 'realtime_passenger') order by 1;
insert into parcel_delivery_order (user_login, courier_id, destination, delivery_cost) values ('u', 1, 'there', 5);
update parcel_delivery_order set order_status = 'ASSIGNED';
update couriers set courier_status = 'BUSY';
-- Nobody is courier 1 because some user is user 1.
set request.jwt.claims = '{"sub": "1"}';
select realtime_driver();
select columns ->> 'login' as login from realtime_sync.fleet_map('fleet_adopt_bigint', 'driver', columns => '{"login": "login"}');
select status, object, why from realtime_sync.fleet_setup('fleet_adopt_bigint') where object ~ 'realtime_driver( |$|_login)' or status = 'ask';
set request.jwt.claims = '{"sub": "ira"}';
select realtime_driver();
set request.jwt.claims = '{"sub": "99999999999999999999999"}';
select realtime_driver();
reset request.jwt.claims;
select event, topics, status from realtime_sync.events where schema = 'fleet_adopt_bigint' and event <> 'INSERT' order by id;
-- Again: nothing to do.
-- The calls that were made, with this app's types.
select p.oid::regprocedure as call, pg_get_function_result(p.oid) as returns
from realtime_sync.fleet_object o
join pg_proc p on p.pronamespace = 'fleet_adopt_bigint'::regnamespace and p.proname = o.actual
where o.schema = 'fleet_adopt_bigint' and o.kind = 'function' and o.name not like 'realtime\_%'
order by p.proname;
select status, object from realtime_sync.fleet_setup('fleet_adopt_bigint') where status not in ('exists', 'found', 'skip', 'ask');
select status, object, why from realtime_sync.fleet_remove('fleet_adopt_bigint') where status <> 'done';
-- Nothing is left, nothing is gone.
select count(*) from (table own except table before) left_behind;
select count(*) from (table before except table own) gone;
select count(*) from realtime_sync.fleet_map where schema = 'fleet_adopt_bigint' and by_hand is null;
set client_min_messages = warning;
drop schema fleet_adopt_bigint cascade;
delete from realtime_sync.fleet_map where schema = 'fleet_adopt_bigint';
