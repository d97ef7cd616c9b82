-- A transaction that captured nothing ends as if the extension were not there: no transaction id, parallel plans work.
create table capture_takes_no_xid (id int primary key);
select count(*) from realtime_sync.enable('capture_takes_no_xid');
insert into capture_takes_no_xid values (1);
select pg_snapshot_xmax(pg_current_snapshot()) as before \gset
select count(*) from capture_takes_no_xid;
begin;
select count(*) from capture_takes_no_xid;
commit;
select pg_snapshot_xmax(pg_current_snapshot())::text = :'before' as no_xid_taken;
set max_parallel_workers_per_gather = 2;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
select count(*) > 0 as read_in_parallel from realtime_sync.event;
drop table capture_takes_no_xid;
