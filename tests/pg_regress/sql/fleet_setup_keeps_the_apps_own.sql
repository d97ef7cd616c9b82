-- Nothing of the app's is replaced: not a function, view, table, index, trigger, policy or source of the kit's name.
create schema fleet_keep;
set search_path = fleet_keep, public;
insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template) values
    ('probe_answers', 'table', 90, null, '{driver.id}', 'create table {{schema}}.probe_answers (id {{driver.id:type}} primary key)'),
    ('probe_index', 'index', 90, null, '{driver.name}', 'create index if not exists probe_index on {{driver}} (lower({{driver.name}}))'),
    ('get_probe', 'function', 90, null, '{driver.id}', 'create or replace function {{schema}}.get_probe(id {{driver.id:type}} default null) returns int language sql stable as $$ select count(*)::int from {{rpc.probe_answers}} $$'),
    ('ask_probe', 'function', 91, null, '{driver.id}', 'create function {{schema}}.ask_probe() returns int language sql stable as $$ select {{rpc.get_probe}}() $$'),
    ('need_probe', 'function', 92, null, '{driver.id,driver.speed,driver.heading}', 'create function {{schema}}.need_probe() returns int language sql as $$ select 1 $$'),
    ('probe_names', 'view', 90, null, '{driver.name}', 'create view {{schema}}.probe_names with (security_invoker = true) as select {{driver.name}} from {{driver}}'),
    ('probe_noted', 'trigger', 90, null, '{driver}', 'create trigger probe_noted after insert on {{driver}} for each row execute function pg_catalog.suppress_redundant_updates_trigger()'),
    ('probe_own', 'policy', 90, null, '{driver}', 'create policy probe_own on {{driver}} for select using (true)');
\set steps 'select status, object, why from realtime_sync.fleet_setup(\'fleet_keep\', create_missing => true) where object ~ \'probe|dashboard|overview|source fleet_keep.drivers|^without\' order by step'
create table drivers (id int primary key, user_id text, name text);
select count(*) from realtime_sync.enable('drivers');
create table probe_answers (mine text);
create function get_probe(a text, b text) returns text language sql as $$ select 'mine'::text $$;
create function get_driver_dashboard(id int) returns text language sql as $$ select 'mine'::text $$;
create function get_fleet_overview() returns text language sql as $$ select 'mine'::text $$;
create view probe_names as select 'mine' as name;
create function noted() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger probe_noted before update on drivers for each row execute function noted();
create policy probe_own on drivers using (false);
create index by_name on drivers (lower(name));
begin;
update realtime_sync.fleet_template set needs = '{driver.speed}' where name = 'get_probe';
select status, object, why from realtime_sync.fleet_setup('fleet_keep', dry_run => true) where object ~ '(probe_answers|_probe)$';
rollback;
:steps;
select p.oid::regprocedure from pg_proc p where p.pronamespace = 'fleet_keep'::regnamespace and p.proname ~ 'probe|dashboard|overview' order by p.proname;
select get_probe('a', 'b'), realtime_probe(), ask_probe();
select topics from realtime_sync.source where relation = 'drivers'::regclass;
:steps;
-- A template that has changed is written again, with its grants, and leaves no overload behind.
create role regress_fleet_keep;
grant execute on function ask_probe() to regress_fleet_keep;
update realtime_sync.fleet_template set template = replace(template, '()', '() /* new */') where name = 'ask_probe';
update realtime_sync.fleet_template set template = replace(template, 'default null', 'default null, more text default ''''') where name = 'get_probe';
:steps;
select p.oid::regprocedure, has_function_privilege('regress_fleet_keep', p.oid, 'execute') from pg_proc p
where p.pronamespace = 'fleet_keep'::regnamespace and p.proname ~ 'probe' order by p.proname;
-- Another type of the answer, or another name of an argument, is not for create or replace.
update realtime_sync.fleet_template set template = replace(template, 'returns int', 'returns bigint') where name = 'ask_probe';
:steps;
select has_function_privilege('regress_fleet_keep', 'ask_probe()', 'execute');
-- What the app has made its own stays so.
create or replace function ask_probe() returns bigint language sql as $$ select 42::bigint $$;
update realtime_sync.fleet_template set template = template || ' ' where name = 'ask_probe';
update realtime_sync.fleet_template set template = replace(template, '::int', '::int4') where name = 'ask_probe';
update realtime_sync.fleet_template set template = replace(template, 'new', 'newer') where name = 'ask_probe';
:steps;
select ask_probe();
-- What was dropped comes again.
drop function ask_probe();
drop view realtime_probe_names;
:steps;
-- What is used stays, and is named.
create policy uses on drivers using (ask_probe() > 0);
select status, object, why from realtime_sync.fleet_remove('fleet_keep') where status <> 'done' and object ~ 'probe';
drop policy uses on drivers;
create function ask_probe(more int) returns int language sql as $$ select 1 $$;
select status, object, why from realtime_sync.fleet_remove('fleet_keep') where status <> 'done' and object ~ 'ask_probe';
drop function ask_probe(int);
select status, object, why from realtime_sync.fleet_remove('fleet_keep', dry_run => true) where object ~ 'probe';
select status, object, sql from realtime_sync.fleet_remove('fleet_keep') where object ~ 'probe';
select get_probe('a', 'b'), (select count(*) from pg_trigger where tgrelid = 'drivers'::regclass and tgname = 'probe_noted') as trigger,
    (select count(*) from pg_policy where polrelid = 'drivers'::regclass) as policy,
    (select count(*) from realtime_sync.source where relation = 'drivers'::regclass) as source;
-- Both names taken: asked.
create function realtime_probe() returns int language sql as $$ select 1 $$;
:steps;
select count(*) from realtime_sync.fleet_remove('fleet_keep', drop_tables => true) where status <> 'done';
delete from realtime_sync.fleet_template where name ~ 'probe';
set client_min_messages = warning;
drop schema fleet_keep cascade;
drop role regress_fleet_keep;
