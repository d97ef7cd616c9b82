-- An unchanged call changes nothing and locks nothing but catalogs.
begin;
create table drivers (id bigint primary key, meta json, status text);
create table trips (id bigint, day date, status text, primary key (id, day)) partition by range (day);
create table trips_1 partition of trips for values from ('2026-01-01') to ('2027-01-01');
create table trips_2 partition of trips default;
create function call(dry boolean) returns bigint language sql as $$
    select pg_catalog.count(r.relation)
    from (
        select (realtime_sync.enable(
            'public.drivers', topics => array['driver:{id}'], watch => array['meta', 'status'],
            filter => 'new.status like ''o%''', replica_mode => 'always', replica_identity => 'full',
            publication => 'feed', dry_run => dry)).*
        union all
        select (realtime_sync.enable('public.trips', operations => array['update'], replica_identity => 'full', dry_run => dry)).*
    ) as r
$$;
select call(false);
commit;
begin;
create temp table before as select oid, xmin as version from pg_trigger where tgname like '00\_realtime\_sync\_%';
select count(*) from before;
select call(false);
select call(true);
select * from realtime_sync.enable('trips', operations => array['update'], replica_identity => 'full', dry_run => true) \gset dry_
\echo [:dry_ddl]
select count(*) as changed
from before b
full join pg_trigger t on t.oid = b.oid
where (t.tgname like '00\_realtime\_sync\_%' or b.oid is not null) and t.xmin is distinct from b.version;
select relation::regclass, mode
from pg_locks
where pid = pg_backend_pid()
    and relation in ('drivers'::regclass, 'trips'::regclass, 'trips_1'::regclass, 'trips_2'::regclass);
rollback;
select realtime_sync.disable_all();
drop table drivers, trips;
drop function call;
select count(*) from pg_publication;
