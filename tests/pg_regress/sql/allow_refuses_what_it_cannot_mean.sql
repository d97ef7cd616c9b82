-- Promise: every mistake in allow() and disallow() has its SQLSTATE, and changes nothing.
\set SHOW_CONTEXT never
create role reader;
create role nobody_special;
select realtime_sync.allow('no_such_role', 'read', array['a']);
\echo :SQLSTATE
select realtime_sync.allow('public', 'read', array['a']);
\echo :SQLSTATE
select realtime_sync.allow(null, 'read', array['a']);
\echo :SQLSTATE
select realtime_sync.allow(4000000000::oid::regrole, 'read', array['a']);
\echo :SQLSTATE
select realtime_sync.allow('reader', 'write', array['a']);
\echo :SQLSTATE
select realtime_sync.disallow('reader', null);
\echo :SQLSTATE
select realtime_sync.allow('reader', 'read');
\echo :SQLSTATE
select realtime_sync.allow('reader', 'send', '{}');
\echo :SQLSTATE
select realtime_sync.allow('reader', 'migrate', array['a']);
\echo :SQLSTATE
select realtime_sync.allow('reader', 'read', array['a', null]);
\echo :SQLSTATE
select realtime_sync.allow('reader', 'read', array['ok', 'a*b']);
\echo :SQLSTATE
select realtime_sync.allow('reader', 'read', array['driver:{jwt.sub}*']);
\echo :SQLSTATE
select realtime_sync.allow('reader', 'read', array['driver:{id}']);
\echo :SQLSTATE
select realtime_sync.allow('reader', 'read', array['driver:{jwt.sub']);
\echo :SQLSTATE
select realtime_sync.allow('reader', 'send', array['']);
\echo :SQLSTATE
grant usage on schema realtime_sync to nobody_special;
grant execute on function realtime_sync.allow, realtime_sync.check_permission to nobody_special;
set role nobody_special;
select realtime_sync.allow('reader', 'read', array['a']);
\echo :SQLSTATE
reset role;
-- a long name
select ('r' || repeat('x', 62)) as long \gset
create role :long;
select realtime_sync.allow(:'long', 'read', array['a']);
select realtime_sync.allow(:'long', 'send', array['a']);
select regexp_replace(polname, '[0-9a-f]{32}$', 'MD5') from pg_policy where polrelid = 'realtime_sync.event'::regclass and polpermissive order by polname;
select realtime_sync.disallow(:'long', 'read');
select realtime_sync.disallow(:'long', 'send');
drop role :long;
select count(*) from pg_policy where polrelid = 'realtime_sync.event'::regclass and polpermissive;
select has_schema_privilege('reader', 'realtime_sync', 'usage');
drop owned by nobody_special;
drop role reader, nobody_special;
