-- Whom presence knows to be on a break, away or gone is offered no trip until he is back, whatever his row says.
set client_min_messages = warning;
create schema present;
select count(*) > 0 as made from realtime_sync.fleet_setup('present', create_missing => true);
set search_path = present;
insert into drivers (id, user_id, is_online, status, lat, lng) overriding system value
select n, 'u' || n, true, 'available', 52.5 + n / 1000.0, 13.4 from generate_series(1, 5) n;
insert into trips (id, status, pickup_lat, pickup_lng) overriding system value select n, 'requested', 52.5, 13.4 from generate_series(1, 3) n;

-- 1 is not known to presence, 2 is online on a second device.
select count(*)
from (values ('2', 'on_break', 'car'), ('2', 'online', ''), ('3', 'on_break', ''), ('4', 'away', ''), ('5', 'online', '')) v(member, state, device)
cross join lateral realtime_sync.presence_track('drivers', v.member, v.state, device => v.device) t;
select count(*) from realtime_sync.presence_untrack('drivers', '5');
select driver_id, state from offer_trip(1);

-- By name he may have it later: as soon as the break ends, or he comes back.
select driver_id, state from offer_trip(2, array[3, 5], hold => '1 hour') order by driver_id;
select count(*) from realtime_sync.presence_track('drivers', '3', 'online');
select realtime_offers_due() is not null as more;
select driver_id, state from trip_offers where trip_id = 2 order by driver_id;

-- Gone during his break, past his time or by a crash, and heard of again: he is on it still.
select driver_shift('shift.start', 2) is not null and driver_shift('break.start', 2) is not null as on_break;
truncate realtime_sync.presence;
delete from realtime_sync.presence_member where member = '2';
select realtime_sync.presence_heartbeats('[{"member": "2"}]', 'drivers');
select driver_id, state from offer_trip(3, array[2], hold => '1 hour');
select driver_shift('break.end', 2) is not null as back;
select realtime_offers_due() is not null as more;
select driver_id, state from trip_offers where trip_id = 3 order by driver_id;

select step, object from realtime_sync.fleet_remove('present', drop_tables => true) where status not in ('done');
drop schema present cascade;
truncate realtime_sync.presence, realtime_sync.presence_member;
