-- Promise: nothing of the extension is granted to PUBLIC or to any role but its owner, no segment can be
-- read past the policies, and no function resolves names by its caller's search_path.
\set SHOW_CONTEXT never
select n.nspname, a.grantee::regrole, a.privilege_type
from pg_namespace n, aclexplode(n.nspacl) a
where n.nspname = 'realtime_sync' and a.grantee <> n.nspowner;

select c.oid::regclass, a.grantee::regrole, a.privilege_type
from pg_class c, aclexplode(c.relacl) a
where c.relnamespace = 'realtime_sync'::regnamespace and a.grantee <> c.relowner;

select t.oid::regtype, a.grantee::regrole, a.privilege_type
from pg_type t, aclexplode(t.typacl) a
where t.typnamespace = 'realtime_sync'::regnamespace and a.grantee <> t.typowner;

select p.oid::regprocedure, a.grantee::regrole, a.privilege_type
from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
where p.pronamespace = 'realtime_sync'::regnamespace and a.grantee <> p.proowner;

select count(*) > 20 as functions_seen from pg_proc p where p.pronamespace = 'realtime_sync'::regnamespace;

-- what has a comment can be looked up with \dx+ and \df+
select p.oid::regprocedure as without_comment
from pg_proc p
where p.pronamespace = 'realtime_sync'::regnamespace and obj_description(p.oid, 'pg_proc') is null;
select c.oid::regclass as without_comment
from pg_class c
where c.relnamespace = 'realtime_sync'::regnamespace and c.relkind in ('v', 'p')
    and obj_description(c.oid, 'pg_class') is null;

-- A function in SQL or PL/pgSQL fixes its search_path, or was parsed when it was made. may_read() and
-- may_send() ask the policies under the caller's, as a query would: it decides over nobody but itself.
select p.oid::regprocedure as open_to_search_path
from pg_proc p
join pg_language l on l.oid = p.prolang
where p.pronamespace = 'realtime_sync'::regnamespace and l.lanname in ('sql', 'plpgsql')
    and p.prosqlbody is null
    and not exists (select from unnest(p.proconfig) c where c like 'search_path=%')
order by 1;
-- and only these run with their owner's rights, their search_path their own
select p.oid::regprocedure, p.proconfig from pg_proc p where p.pronamespace = 'realtime_sync'::regnamespace and p.prosecdef order by p.oid::regprocedure::text;

-- the caller's search_path, made hostile, changes nothing
create schema hostile;
create function hostile.hijack(text, text) returns boolean language sql as $$ select 1 / 0 = 1 $$;
create operator hostile.= (leftarg = text, rightarg = text, function = hostile.hijack);
create function hostile.format(text, variadic anyarray) returns text language sql as $$ select (1 / 0)::text $$;
create function hostile.unnest(text[]) returns setof text language sql as $$ select (1 / 0)::text $$;
create role guarded;
select realtime_sync.allow('guarded', 'read', array['a', 'b:*', 'c:{jwt.sub}']);
select realtime_sync.allow('guarded', 'send', array['a']);
grant usage on schema hostile to guarded;
truncate realtime_sync.event;
set search_path = hostile, pg_catalog;
set role guarded;
select realtime_sync.send('a', 'e', '1') > 0 as sent;
select type, event, topics from realtime_sync.events;
reset role;
select pg_catalog.count(level) > 0 as checked from realtime_sync.health();
select pg_catalog.count(segment) from realtime_sync.retain();
select realtime_sync.disallow('guarded', 'read', array['a']);
reset search_path;
drop owned by guarded;
drop role guarded;
drop schema hostile cascade;

-- nor do types of the caller's own, which PostgreSQL looks for in pg_temp first unless it is named
select p.oid::regprocedure as takes_types_of_the_callers from pg_proc p, unnest(p.proconfig) c
where p.pronamespace = 'realtime_sync'::regnamespace and c like 'search_path=%' and c not like 'search_path=%, pg_temp';
select name from realtime_sync.fleet_template where template ~ 'search_path' and template !~ 'set search_path = (pg_catalog, pg_temp|\{\{path\}\})';
create role guest;
grant usage on schema realtime_sync to guest;
grant execute on function realtime_sync.health(), realtime_sync.metrics() to guest;
\c
set role guest;
create function pg_temp.ran() returns boolean language plpgsql as $$ begin raise 'the caller''s code ran as %', current_user; end $$;
create domain pg_temp.text as pg_catalog.text check (pg_temp.ran());
create domain pg_temp.regclass as pg_catalog.regclass check (pg_temp.ran());
create domain pg_temp.regnamespace as pg_catalog.regnamespace check (pg_temp.ran());
create domain pg_temp.regprocedure as pg_catalog.regprocedure check (pg_temp.ran());
create domain pg_temp.timestamptz as pg_catalog.timestamptz check (pg_temp.ran());
select 'x'::text;
select count(*) > 0 as checked from realtime_sync.health();
select pg_catalog.length(realtime_sync.metrics()) > 0 as measured;
reset role;
discard temp;
drop owned by guest;
drop role guest;
truncate realtime_sync.event;

-- Nor by privileges that roles have by default of whatever is made: the segments would be read past the policies.
select current_database() as home \gset
create database regress_default_privileges;
\c regress_default_privileges
create role reads_all;
alter default privileges grant usage on schemas to reads_all;
alter default privileges grant select on tables to reads_all, public;
alter default privileges grant usage on sequences to reads_all;
alter default privileges grant execute on functions to reads_all;
create extension realtime_sync;
select n.nspname, a.grantee::regrole from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = 'realtime_sync' and a.grantee <> n.nspowner;
select count(*) as granted from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'realtime_sync'::regnamespace and a.grantee <> c.relowner;
select count(*) as granted from pg_proc p, aclexplode(p.proacl) a where p.pronamespace = 'realtime_sync'::regnamespace and a.grantee <> p.proowner;
set role reads_all;
select * from realtime_sync.event_0;
reset role;
drop owned by reads_all;
\c :home
drop database regress_default_privileges;
drop role reads_all;
