-- Only a table's owner, and only one who may attach capture(), makes it a source or unmakes it.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create role regress_owner;
create role regress_stranger;
grant usage on schema realtime_sync to regress_owner, regress_stranger;
grant execute on all functions in schema realtime_sync to regress_owner, regress_stranger;
grant select on realtime_sync.source to regress_owner, regress_stranger;
create table drivers (id bigint primary key);
alter table drivers owner to regress_owner;
set local role regress_stranger;
select realtime_sync.enable('drivers');
select realtime_sync.enable('drivers', dry_run => true);
set local role regress_owner;
select relation from realtime_sync.enable('drivers');
set local role regress_stranger;
select relation from realtime_sync.source;
select realtime_sync.disable('drivers');
select realtime_sync.disable_all();
set local role regress_owner;
select realtime_sync.disable_all();
reset role;
revoke execute on function realtime_sync.capture() from regress_owner;
set local role regress_owner;
select realtime_sync.enable('drivers');
reset role;
-- Nothing is granted to everyone.
revoke all on all functions in schema realtime_sync from regress_stranger;
set local role regress_stranger;
select realtime_sync.enable('drivers');
rollback;
