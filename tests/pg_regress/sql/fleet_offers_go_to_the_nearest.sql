-- A trip is offered to the nearest free drivers who are online, or to those named.
set client_min_messages = warning;
\set SHOW_CONTEXT never
create schema near;
select count(*) > 0 as made from realtime_sync.fleet_setup('near', create_missing => true);
truncate realtime_sync.event;
set search_path = near;
insert into drivers (id, user_id, is_online, status, lat, lng) overriding system value values
(1, 'u1', true, 'available', 52.501, 13.4), (2, 'u2', true, 'available', 52.502, 13.4),
(3, 'u3', false, 'available', 52.5001, 13.4), (4, 'u4', true, 'on_break', 52.5001, 13.4),
(5, 'u5', true, default, 52.505, 13.4), (6, 'u6', true, 'available', 52.6, 13.4),
(7, 'u7', true, 'available', 52.504, 13.4);
insert into trips (id, status, driver_id, pickup_lat, pickup_lng, pickup_address, dropoff_lat, dropoff_lng, earnings, vehicle_class)
overriding system value values
(1, 'requested', null, 52.5, 13.4, 'Mitte', 52.6, 13.5, 12.5, 'van'),
(2, 'requested', null, 52.5, 13.4, 'Mitte', 52.6, 13.5, 12.5, 'van'),
(3, 'requested', null, 52.5, 13.4, 'Mitte', 52.6, 13.5, 12.5, 'van'),
(4, 'in_progress', 7, 52.5, 13.4, 'Mitte', 52.6, 13.5, 12.5, 'van'),
(5, 'requested', null, null, null, null, null, null, null, null);

-- Not 3 (offline), 4 (on a break), 6 (too far), 7 (on trip 4).
select driver_id, state, round, round(distance_m::numeric) as distance_m, expires_at - offered_at as timeout, earnings, urgency
from offer_trip(1, urgency => 'high');
select status from trips where id = 1;
select topics, event, (payload - 'offer_id')::jsonb - 'expires_at' as payload,
    (payload ->> 'expires_at')::timestamptz = (select o.expires_at from trip_offers o where o.id = (payload ->> 'offer_id')::bigint) as expires
from (select id, topics, event, payload::jsonb as payload from realtime_sync.event where event like 'trip\_offer.%') e order by e.id;

-- At most so many, the nearest; within this radius.
select driver_id from offer_trip(2, max_drivers => 1);
select driver_id from offer_trip(3, radius_m => 300);

-- Who has the offer already, or has declined it, is not asked again; by name he is.
select driver_id, round from offer_trip(3, max_drivers => 1);
select (decline_offer(o.id)).state from trip_offers o where o.trip_id = 3 and o.driver_id = 1;
select driver_id, round from offer_trip(3);
select driver_id, round from offer_trip(3, array[1, 2]);

-- The app says who is eligible.
create function likes_vans(driver bigint, trip bigint) returns boolean language sql as 'select driver = 5 and trip = 2';
select driver_id, eligible from offer_trip(2, eligible => 'near.likes_vans(bigint,bigint)');
create function odd(driver bigint) returns boolean language sql as 'select true';
select offer_trip(2, eligible => 'near.odd(bigint)');

-- One after another: a driver with an open offer is passed over, the others queue.
select (cancel_offers(2)).state;
select count(*) as canceled from cancel_offers(3);
select driver_id, state, strategy from offer_trip(2, strategy => 'one_by_one');
select count(*) as canceled from cancel_offers(1);
select driver_id, state, strategy from offer_trip(2, strategy => 'one_by_one');

-- Mistakes.
select offer_trip(99);
select offer_trip(4);
select offer_trip(5);
select driver_id, distance_m from offer_trip(5, array[5, 1]);
select offer_trip(1, strategy => 'best');
select offer_trip(1, timeout => '0 s');
select offer_trip(1, hold => '-1 s');
select offer_trip(1, max_drivers => 0);

-- Nobody: told, and the trip is still open.
truncate realtime_sync.event;
update drivers set is_online = false;
select count(*) as offers from offer_trip(1);
select topics, event, payload ->> 'offers' as offers from realtime_sync.event where event = 'trip.unassigned';
select status from trips where id = 1;
reset search_path;
drop schema near cascade;
select count(*) > 0 as removed from realtime_sync.fleet_remove('near');
