-- origin, replica or always, as session_replication_role goes.
begin;
create table drivers (id bigint primary key, status text);
create view modes as select tgname, tgenabled from pg_trigger where tgrelid = 'drivers'::regclass order by tgname;
select replica_mode from realtime_sync.enable('drivers');
select * from modes;
select replica_mode from realtime_sync.enable('drivers', replica_mode => 'Always');
select * from modes;
-- New options keep the mode asked for, though PostgreSQL resets a replaced trigger's.
select replica_mode, event_name from realtime_sync.enable('drivers', replica_mode => 'always', event_name => 'moved');
select * from modes;
select replica_mode from realtime_sync.enable('drivers', replica_mode => 'replica');
select replica_mode from realtime_sync.enable('drivers', replica_mode => 'origin');
select * from modes;
-- A disabled trigger is drift, and the same call mends it.
alter table drivers disable trigger "00_realtime_sync_update";
select replica_mode, drift from realtime_sync.source;
alter table drivers disable trigger all;
select replica_mode, drift from realtime_sync.source;
select replica_mode, drift from realtime_sync.enable('drivers');
rollback;
