-- dry_run gives the row as it would be and the statements, and neither changes nor locks anything.
begin;
create table drivers (id bigint primary key, status text);
create table trips (id bigint primary key, status text) partition by hash (id);
create table trips_1 partition of trips for values with (modulus 1, remainder 0);
commit;
begin;
\x on
select * from realtime_sync.enable('drivers', filter => 'new.status = ''on''', publication => 'feed', replica_identity => 'full', dry_run => true);
\x off
select ddl from realtime_sync.enable('trips', operations => array['update', 'truncate'], replica_mode => 'replica', dry_run => true);
select relation::regclass, mode from pg_locks where pid = pg_backend_pid() and relation in ('drivers'::regclass, 'trips'::regclass, 'trips_1'::regclass);
select count(*) from realtime_sync.source;
select count(*) from pg_publication;
rollback;
-- What it says is what enable() then does.
begin;
select ddl from realtime_sync.enable('drivers', watch => array['status'], replica_mode => 'always', dry_run => true) \gset
:ddl
select ddl = '' as nothing_left_to_do from realtime_sync.enable('drivers', watch => array['status'], replica_mode => 'always', dry_run => true);
rollback;
drop table drivers, trips;
