-- Promise: a trip that begins and ends at a point is found so, offered to the nearest by itself, told of when its driver arrives,
-- and its places are in the offer, on the driver's screen and in the map's words, as two numbers would be.
\set SHOW_CONTEXT never
set client_min_messages = warning;
create schema pts;
set search_path = pts;
create table drivers (id bigint primary key, user_id text, is_online boolean, location point, location_at timestamptz);
create table trips (id bigint primary key, driver_id bigint references drivers, status text default 'requested', pickup_location point, drop_point point, pickup_address text);
insert into drivers values (1, 'ada', true, '(13.4, 52.501)'), (2, 'bob', true, '(13.4, 52.502)'), (3, 'cem', true, '(13.4, 52.6)');
insert into trips (id, pickup_location, drop_point, pickup_address) values (7, '(13.4, 52.5)', '(13.5, 52.6)', 'Mitte'), (8, null, null, null);
select object, why from realtime_sync.fleet_setup('pts', create_missing => true) where status = 'found' and object = 'trip' or object ~ '^without trip' order by step;
truncate realtime_sync.event;
select driver_id, round(distance_m) as distance_m from offer_trip(7);
select offer_trip(8);
select payload -> 'pickup' as pickup, payload -> 'dropoff' as dropoff from realtime_sync.event where event = 'trip_offer.created' limit 1;
select d -> 'offers' -> 0 -> 'pickup' as pickup, d -> 'offers' -> 0 -> 'dropoff' as dropoff from get_driver_dashboard(1) d;
select (accept_offer(o.id)).state from trip_offers o where o.driver_id = 1;
select d -> 'active_trip' ->> 'pickup_lat' as lat, d -> 'active_trip' ->> 'pickup_lng' as lng, d -> 'active_trip' ->> 'dropoff_lat' as to_lat, d -> 'active_trip' ->> 'dropoff_lng' as to_lng
from get_driver_dashboard(1) d;
select update_location(1, 52.5, 13.4) ->> 'accepted' as there;
select topics, payload -> 'distance_m' as distance_m from realtime_sync.events where event = 'trip.arriving' order by 1;
select realtime_sync.fleet_auto_offer('pts');
insert into trips (id, pickup_location) values (9, '(13.4, 52.5)');
select driver_id from trip_offers where trip_id = 9;
-- half a place is none, and the point is there; of two that could be it is asked
alter table trips add pickup_lat double precision, add "startPoint" point;
alter table trips rename pickup_location to origin;
select status, object, why, sql from realtime_sync.fleet_setup('pts') where status = 'ask' order by step;
select (realtime_sync.fleet_map('pts', 'trip', columns => '{"pickup_point": "startPoint"}')).columns ->> 'pickup_point' as said;
select status, object from realtime_sync.fleet_setup('pts') where status = 'done' and object in ('function offered_trip', 'function update_location') order by 2;
update trips set "startPoint" = '(1, 2)' where id = 8;
select driver_id from offer_trip(8, array[3]::bigint[]);
select get_driver_dashboard(3) -> 'offers' -> 0 -> 'pickup' as pickup;
reset search_path;
select status, object from realtime_sync.fleet_remove('pts', drop_tables => true) where status <> 'done';
drop schema pts cascade;
truncate realtime_sync.event;
