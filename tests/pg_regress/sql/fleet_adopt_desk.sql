-- A ticket desk has no driver: fleet_setup() asks and makes nothing, and the core serves it alone.
create schema fleet_adopt_desk;
set search_path = fleet_adopt_desk, public;
\getenv abs_srcdir PG_ABS_SRCDIR
\set file :abs_srcdir '/../adoption/desk.sql'
\i :file
-- Steps of the kit's other templates are those templates' tests.
\set steps 'select status, object, why from realtime_sync.fleet_setup(\'fleet_adopt_desk\') where object !~ \'^(table (driver_locations|trip_)|index|function|view|trigger|policy|timer)\' order by step'
create temporary view own as
select pg_get_functiondef(p.oid) as own from pg_proc p where p.pronamespace = 'fleet_adopt_desk'::regnamespace
union all
select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'fleet_adopt_desk'::regnamespace
union all
select p::text from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = 'fleet_adopt_desk'::regnamespace
union all
select c.relname::text || c.relkind::text || coalesce(c.relacl::text, '') from pg_class c where c.relnamespace = 'fleet_adopt_desk'::regnamespace;
create temporary table before as table own;
:steps;
select count(*) as made from (table own except table before) made;
select count(*) from realtime_sync.fleet_object where schema = 'fleet_adopt_desk';
select topics, status_columns from realtime_sync.enable('ticket', topics => array['tickets', 'ticket:{id}', 'client:{client_id}'], status_columns => array['status']);
insert into ticket (title, client_id, status) values ('printer', 1, 'open');
update ticket set status = 'closed';
select event, topics, status from realtime_sync.events where schema = 'fleet_adopt_desk' order by id;
select realtime_sync.disable('ticket');
set client_min_messages = warning;
drop schema fleet_adopt_desk cascade;
delete from realtime_sync.fleet_map where schema = 'fleet_adopt_desk';
