-- Triggers written by hand, by a role that may only migrate: a superuser who disables their table does just that.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create role disable_trusts_no_trigger;
select realtime_sync.allow('disable_trusts_no_trigger', 'migrate');
create schema d authorization disable_trusts_no_trigger;
create publication everything for all tables;
create publication nothing_yet;
create table public.victim (id int primary key);
create publication of_victim for table public.victim;
set local role disable_trusts_no_trigger;
-- A name with SQL in it.
create table d.t (id int primary key);
create trigger "00_realtime_sync_" before insert on d.t for each row execute function suppress_redundant_updates_trigger();
create trigger "00_realtime_sync_"" on d.t;drop table public.victim--" after insert on d.t for each row execute function realtime_sync.capture('{}');
-- Publications it did not make.
create table d.a (id int primary key);
create trigger "00_realtime_sync_insert" after insert on d.a for each row execute function realtime_sync.capture('{"restore":{"publication":{"name":"everything","created":true}}}');
create table d.b (id int primary key);
create trigger "00_realtime_sync_insert" after insert on d.b for each row execute function realtime_sync.capture('{"restore":{"publication":{"name":"nothing_yet","created":true}}}');
-- Options that no text of PostgreSQL's can hold.
create table d.c (id int primary key);
create trigger by_hand after insert on d.c for each row execute function realtime_sync.capture('{"event_name":"a\u0000b"}');
create trigger by_hand_too after update on d.c for each row execute function realtime_sync.capture('{"of_a_newer_version":{"\u0000":"\u0000"}}');
reset role;
select relation, options, drift from realtime_sync.source where relation = 'd.c'::regclass;
select level, subject from realtime_sync.health() where subject = 'd.c';
select realtime_sync.disable_all();
select tgrelid::regclass, tgname from pg_trigger where tgname like '00\_realtime%' order by 1, 2;
select pubname from pg_publication order by 1;
select count(*) from public.victim;
-- Nor do they make another source's disable() take one for its own.
set local role disable_trusts_no_trigger;
create trigger "00_realtime_sync_insert" after insert on d.a for each row execute function realtime_sync.capture('{"restore":{"publication":{"name":"nothing_yet","created":true}}}');
reset role;
select options from realtime_sync.enable('public.victim', publication => 'nothing_yet');
select realtime_sync.disable('public.victim');
select pubname from pg_publication order by 1;
-- A publication of somebody else's with nothing but the table in it stays.
create publication of_somebody for table d.a;
drop trigger "00_realtime_sync_insert" on d.a;
set local role disable_trusts_no_trigger;
create trigger "00_realtime_sync_insert" after insert on d.a for each row execute function realtime_sync.capture('{"restore":{"publication":{"name":"of_somebody","created":true}}}');
reset role;
select realtime_sync.disable('d.a');
select pubname from pg_publication where pubname = 'of_somebody';
select count(*) from pg_publication_tables where pubname = 'of_somebody';
-- What enable() has made goes, though the table is another's than whoever called it.
select publication from realtime_sync.enable('d.a', publication => 'made_by_enable');
select pg_catalog.obj_description(oid, 'pg_publication') from pg_publication where pubname = 'made_by_enable';
select realtime_sync.disable('d.a');
select pubname from pg_publication where pubname = 'made_by_enable';
rollback;
