-- Every column an option names, renamed, retyped and dropped; the table and its schema renamed: what
-- PostgreSQL refuses, what drift then says, and that the recipe works.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\pset format unaligned
\pset tuples_only on
begin;
create table drivers (
    id bigint primary key, topic int, shown int, watched int, filtered int, key int not null, status int, free int
);
create function enable() returns setof regclass language sql as $$
    select relation from realtime_sync.enable(
        'public.drivers', topics => array['driver:{topic}'], columns => array['shown', 'status'], watch => array['watched'],
        filter => 'new.filtered > 0', key_columns => array['key'], status_columns => array['status'])
$$;
create view drift as select coalesce(array_to_string(drift, chr(10)), 'none') from realtime_sync.source;
create view conditions as
select substring(tgname from 18) || coalesce(substring(pg_get_triggerdef(oid) from ' WHEN .*(?= EXECUTE)'), '')
from pg_trigger where tgrelid = 'drivers'::regclass and tgname like '00%' order by tgname;
select enable();
\echo -- retyped: only what a WHEN names is refused
alter table drivers alter free type bigint;
alter table drivers alter topic type bigint, alter shown type bigint, alter key type bigint, alter status type bigint;
alter table drivers alter watched type bigint;
\echo :LAST_ERROR_SQLSTATE
alter table drivers alter filtered type bigint;
\echo :LAST_ERROR_SQLSTATE
select * from drift;
\echo -- dropped: the same
alter table drivers drop watched;
\echo :LAST_ERROR_SQLSTATE
alter table drivers drop filtered;
\echo :LAST_ERROR_SQLSTATE
savepoint dropped;
alter table drivers drop topic, drop shown, drop key, drop status;
select * from drift;
rollback to dropped;
\echo -- renamed: a WHEN follows, the options do not
savepoint renamed;
alter table drivers rename topic to topic2;
alter table drivers rename shown to shown2;
alter table drivers rename watched to watched2;
alter table drivers rename filtered to filtered2;
alter table drivers rename key to key2;
alter table drivers rename status to status2;
select * from conditions;
select * from drift;
update drivers set watched2 = 1;
select relation, drift from realtime_sync.enable(
    'drivers', topics => array['driver:{topic2}'], columns => array['shown2', 'status2'], watch => array['watched2'],
    filter => 'new.filtered2 > 0', key_columns => array['key2'], status_columns => array['status2']);
rollback to renamed;
\echo -- renamed, and another column gets the name: the same call looks at that one
alter table drivers rename watched to old_watched;
alter table drivers rename filtered to old_filtered;
alter table drivers add watched bigint, add filtered bigint;
select * from drift;
select level, problem from realtime_sync.source_health() where subject = 'public.drivers';
select (realtime_sync.enable(
    'drivers', topics => array['driver:{topic}'], columns => array['shown', 'status'], watch => array['watched'],
    filter => 'new.filtered > 0', key_columns => array['key'], status_columns => array['status'], dry_run => true)).ddl;
select enable();
select * from conditions;
select * from drift;
select enable();
alter table drivers drop watched cascade;
rollback to renamed;
\echo -- the table and its schema renamed: nothing names them
create schema place;
alter table drivers set schema place;
alter table place.drivers rename to chauffeurs;
alter schema place rename to elsewhere;
select relation, drift from realtime_sync.source;
select realtime_sync.disable('elsewhere.chauffeurs');
alter table elsewhere.chauffeurs rename to drivers;
alter table elsewhere.drivers set schema public;
\echo -- the recipe: disable, migrate, enable
select enable();
select realtime_sync.disable('drivers');
alter table drivers alter watched type bigint, drop filtered, add filtered bigint;
select enable();
select * from drift;
\echo -- cascade takes the triggers that need the column
alter table drivers drop watched cascade;
select * from conditions;
select * from drift;
rollback;
