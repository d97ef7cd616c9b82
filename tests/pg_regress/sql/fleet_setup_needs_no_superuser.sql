-- A migration role that owns the tables sets the kit up; what it lacks is asked for, with the grant.
create role regress_fleet_migrator;
create role regress_fleet_other;
create role regress_fleet_stranger;
create schema fleet_role;
create table fleet_role.drivers (id uuid primary key, user_id uuid);
create table fleet_role.trips (id uuid primary key, driver_id uuid references fleet_role.drivers);
alter table fleet_role.drivers owner to regress_fleet_migrator;
alter table fleet_role.trips owner to regress_fleet_other;
\set steps 'select status, object, why, sql from realtime_sync.fleet_setup(\'fleet_role\') where status not in (\'skip\', \'found\') and object !~ \'^(index|function|view|trigger|policy|timer)\' order by step'
set role regress_fleet_migrator;
:steps;
reset role;
select realtime_sync.allow('regress_fleet_migrator', 'migrate');
set role regress_fleet_migrator;
:steps;
reset role;
grant create, usage on schema fleet_role to regress_fleet_migrator;
select realtime_sync.allow('regress_fleet_migrator', 'send', topics => array['*']);
set role regress_fleet_migrator;
:steps;
reset role;
grant regress_fleet_other to regress_fleet_migrator;
-- As Supabase has it: what a role makes is everybody's, if nobody takes care.
alter default privileges for role regress_fleet_migrator grant all on functions to regress_fleet_stranger;
set role regress_fleet_migrator;
:steps;
select actual, pg_get_userbyid(p.proowner) as owner, has_function_privilege('regress_fleet_stranger', p.oid, 'execute') as stranger,
    has_function_privilege('public', p.oid, 'execute') as public
from realtime_sync.fleet_object o join pg_proc p on p.proname = o.actual and p.pronamespace = 'fleet_role'::regnamespace
where o.kind = 'function' and o.name in ('realtime_driver', 'realtime_topics') order by 1;
select realtime_sync.fleet_allow('fleet_role', 'regress_fleet_stranger');
select count(*) from realtime_sync.fleet_remove('fleet_role') where status <> 'done';
reset role;
select count(*) from realtime_sync.fleet_object where schema = 'fleet_role';
set role regress_fleet_stranger;
select realtime_sync.fleet_setup('fleet_role');
reset role;
alter default privileges for role regress_fleet_migrator revoke all on functions from regress_fleet_stranger;
select realtime_sync.disallow('regress_fleet_migrator', 'migrate');
select realtime_sync.disallow('regress_fleet_migrator', 'send');
set client_min_messages = warning;
drop schema fleet_role cascade;
drop owned by regress_fleet_migrator, regress_fleet_other, regress_fleet_stranger;
drop role regress_fleet_migrator, regress_fleet_other, regress_fleet_stranger;
