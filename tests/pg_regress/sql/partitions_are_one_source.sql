-- A partitioned table is one source: row triggers on the root, copied by PostgreSQL, TRUNCATE triggers on
-- every partition; a partition can be a source only for itself.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
create view firings as
select tgrelid::regclass as relation, substring(tgname from 18) as trigger, tgenabled as mode, tgparentid <> 0 as copy,
    convert_from(substring(tgargs from 1 for position('\x00'::bytea in tgargs) - 1), 'UTF8') as argument
from pg_trigger
where tgname like '00\_realtime\_sync\_%'
order by tgrelid::regclass::text, tgname;
begin;
create table trips (id bigint, day date, status text, primary key (id, day)) partition by range (day);
create table trips_2026 partition of trips for values from ('2026-01-01') to ('2027-01-01') partition by hash (id);
create table trips_2026_a partition of trips_2026 for values with (modulus 1, remainder 0);
create table trips_rest partition of trips default;
select relation, operations, options from realtime_sync.enable('trips', operations => array['update', 'truncate'], replica_mode => 'always');
select * from firings;
select relation, operations, drift from realtime_sync.source;
-- A partition of a source is not one, and cannot be made or unmade.
select realtime_sync.enable('trips_rest');
select realtime_sync.enable('trips_2026_a');
select realtime_sync.disable('trips_2026');
-- A later partition gets the row triggers, in their mode, from PostgreSQL; TRUNCATE is reported, and mended by
-- the same call.
create table trips_2027 partition of trips for values from ('2027-01-01') to ('2028-01-01');
select trigger, mode from firings where relation = 'trips_2027'::regclass;
select drift from realtime_sync.source;
select drift from realtime_sync.enable('trips', operations => array['update', 'truncate'], replica_mode => 'always');
-- A trigger of one partition alone: a copy that is disabled, and one of the app's that sorts earlier.
alter table trips_2027 disable trigger "00_realtime_sync_update";
create function nothing() returns trigger language plpgsql as 'begin return null; end';
create trigger "00_app" after update on trips_rest for each row execute function nothing();
select problem, fix from realtime_sync.health() where subject = 'public.trips' order by problem;
select fix from realtime_sync.health() where subject = 'public.trips' order by problem \gexec
alter table trips_2027 enable always trigger "00_realtime_sync_update";
select drift from realtime_sync.source;
drop function nothing cascade;
-- Another mode reaches the copies.
select replica_mode from realtime_sync.enable('trips', operations => array['update', 'truncate'], replica_mode => 'replica');
select relation, mode, count(*) from firings group by relation, mode order by relation::text;
-- A detached partition keeps its TRUNCATE trigger, shows it, and can be cleaned.
alter table trips detach partition trips_2027;
select relation, operations from realtime_sync.source order by relation::text;
select realtime_sync.disable('trips_2027');
select realtime_sync.disable('trips');
select * from firings;
-- TRUNCATE alone needs no row trigger; all four need no list.
select operations, options from realtime_sync.enable('trips', operations => array['truncate']);
select count(*), count(*) filter (where trigger <> 'truncate') as rows from firings;
select relation from realtime_sync.source;
select operations, options from realtime_sync.enable('trips');
select realtime_sync.disable('trips');
-- A partition alone.
select relation, operations from realtime_sync.enable('trips_rest', operations => array['update']);
select * from firings;
select realtime_sync.enable('trips');
select realtime_sync.disable('trips');
select realtime_sync.disable('trips_rest');
select relation, operations from realtime_sync.enable('trips_2026');
select realtime_sync.enable('trips_2026_a');
select realtime_sync.disable('trips_2026');
select count(*) from firings;
rollback;
drop view firings;
