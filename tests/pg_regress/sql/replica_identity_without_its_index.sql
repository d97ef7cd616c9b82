-- Dropping the index of a replica identity leaves one without an index: enable() and disable() still do their work.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create table public.coded (id int primary key, code int not null constraint coded_key unique);
select replica_identity from realtime_sync.enable('public.coded', replica_identity => 'coded_key');
alter table public.coded drop constraint coded_key;
select replica_identity, drift from realtime_sync.source where relation = 'public.coded'::regclass;
select replica_identity, drift from realtime_sync.enable('public.coded');
select relreplident from pg_class where relname = 'coded';
select replica_identity from realtime_sync.enable('public.coded', replica_identity => 'full');
select realtime_sync.disable('public.coded');
select relreplident from pg_class where relname = 'coded';
-- The index it had before enable() has gone: there is nothing to give back.
create unique index coded_key on public.coded (code);
alter table public.coded replica identity using index coded_key;
select replica_identity from realtime_sync.enable('public.coded', replica_identity => 'full');
drop index coded_key;
select realtime_sync.disable('public.coded');
select relreplident from pg_class where relname = 'coded';
-- Never a source, and already so.
create table public.bare (id int primary key, code int not null constraint bare_key unique);
alter table public.bare replica identity using index bare_key;
alter table public.bare drop constraint bare_key;
select replica_identity from realtime_sync.enable('public.bare');
select realtime_sync.disable('public.bare');
rollback;
