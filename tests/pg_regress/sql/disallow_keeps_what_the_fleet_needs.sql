-- Promise: disallow() takes what allow() gave, and not what fleet_allow() needs, in whichever order they came.
set client_min_messages = warning;
create schema keep;
create role regress_keeper;
select count(*) > 40 as made from realtime_sync.fleet_setup('keep', create_missing => true) where status = 'done';
insert into keep.drivers (user_id) values ('anna');
insert into keep.telemetry_logs (driver_id, type) values (1, 'note');
select count(*) > 30 as allowed from realtime_sync.fleet_allow('keep', 'regress_keeper');
select realtime_sync.allow('regress_keeper', 'read', array['news']);
select realtime_sync.disallow('regress_keeper', 'read');
set role regress_keeper;
set request.jwt.claims = '{"sub": "anna"}';
select count(*) > 0 as own from realtime_sync.events;
select keep.get_driver_dashboard() -> 'driver' ->> 'id' as driver, realtime_sync.may_read('news') as news;
reset role;
reset request.jwt.claims;
-- nothing is left when both are gone
select realtime_sync.fleet_disallow('keep', 'regress_keeper');
select has_schema_privilege('regress_keeper', 'realtime_sync', 'usage') as usage,
    has_table_privilege('regress_keeper', 'realtime_sync.event', 'select') as event;
select count(*) > 0 as removed from realtime_sync.fleet_remove('keep');
drop schema keep cascade;
drop role regress_keeper;
