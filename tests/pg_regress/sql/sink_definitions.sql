-- Promise: a sink is a row: who may read the whole log adds and drops it, at once, and the view shows it.
\set SHOW_CONTEXT never
select id, name, dialect, target, topics, payload, owner = current_user::regrole as mine
from realtime_sync.sink;

-- every kind of target
create schema shop;
create table shop."Out box" (
    id bigint generated always as identity primary key,
    event_id bigint, cursor text, topics text[], type text, payload jsonb, created_at timestamptz not null default now()
);
create function shop.short(event json) returns text language sql as $$ select event ->> 'type' $$;
set search_path = shop, public;
select realtime_sync.add_sink('rooms', target => 'notify:rt:{topic}', topics => array['driver:*', 'drivers']) > 1 as added;
select realtime_sync.add_sink('box', 'short', 'table:"Out box"') > 1 as added;
select realtime_sync.add_sink('signed', dialect => 'shop.short(json)', target => 'wal:outbox', payload => 'reference') > 1 as added;
select realtime_sync.add_sink('again', payload => 'reference') > 1 as added;
reset search_path;
select name, dialect, target, topics, payload, state, behind, retries from realtime_sync.sink where name <> 'notify' order by id;
select name, dialect, target, topics, payload from realtime_sync.sink where name = 'notify';
-- rolled back, it never was
begin;
select realtime_sync.add_sink('passing', target => 'notify:p') > 1 as added;
rollback;
-- dropped, its name is free and its id is not used again
select max(id) as highest from realtime_sync.sink \gset
select realtime_sync.drop_sink('again');
select realtime_sync.add_sink('again', target => 'notify:again') > :highest as newer;
select realtime_sync.drop_sink('again');
select realtime_sync.drop_sink(name) from realtime_sync.sink where name <> 'notify' order by id;
-- the one out of the box goes as well, and another may have its name
begin;
select realtime_sync.drop_sink('notify');
select count(*) from realtime_sync.sink;
select realtime_sync.drop_sink('notify');
\echo :SQLSTATE
rollback;
begin;
select realtime_sync.drop_sink('notify');
select realtime_sync.add_sink('notify', target => 'notify:mine', topics => array['a*']) > 1 as added;
select name, target, topics from realtime_sync.sink;
rollback;

-- who may: a role that PostgreSQL lets past the policies on the log
create role bystander;
create role reader;
create role auditor bypassrls;
grant usage on schema realtime_sync, shop to bystander, reader, auditor;
set role bystander;
select realtime_sync.add_sink('x');
\echo :SQLSTATE
reset role;
grant execute on function realtime_sync.add_sink, realtime_sync.drop_sink to bystander, reader, auditor;
set role bystander;
select realtime_sync.add_sink('x', target => 'notify:x');
\echo :SQLSTATE
reset role;
-- reading under a policy, of all topics even, is not enough; nor is migrate
select realtime_sync.allow('reader', 'read', array['*']);
select realtime_sync.allow('reader', 'migrate');
set role reader;
select realtime_sync.add_sink('x', target => 'notify:x');
\echo :SQLSTATE
-- nor BYPASSRLS without SELECT
set role auditor;
select realtime_sync.add_sink('x', target => 'notify:x');
\echo :SQLSTATE
reset role;
grant select on realtime_sync.event to auditor;
set role auditor;
select realtime_sync.add_sink('x', target => 'notify:x') > 1 as added;
-- its dialect must be the owner's to run and its table the owner's to write, not the caller's superuser's
select realtime_sync.add_sink('y', target => 'table:shop."Out box"');
\echo :SQLSTATE
reset role;
revoke execute on function shop.short(json) from public;
set role auditor;
select realtime_sync.add_sink('y', 'shop.short', 'notify:y');
\echo :SQLSTATE
reset role;
grant insert (event_id, cursor, topics, type, payload) on shop."Out box" to auditor;
grant execute on function shop.short(json) to auditor;
set role auditor;
select realtime_sync.add_sink('y', 'shop.short', 'table:shop."Out box"') > 1 as added;
select realtime_sync.drop_sink('notify');
\echo :SQLSTATE
reset role;
select name, owner from realtime_sync.sink where owner = 'auditor'::regrole order by id;
set role reader;
select realtime_sync.drop_sink('x');
\echo :SQLSTATE
set role auditor;
select realtime_sync.drop_sink('x');
reset role;
select realtime_sync.drop_sink('y');
drop owned by bystander, reader, auditor;
drop role bystander, reader, auditor;
drop schema shop cascade;
select name from realtime_sync.sink;
