-- Promise: a trip whose places are PostGIS's is offered to the nearest and told of as one of two numbers, whatever the drivers' place is.
\set SHOW_CONTEXT never
select not exists (select from pg_available_extensions where name = 'postgis') as without_postgis \gset
\if :without_postgis
\echo 'PostGIS is not installed here'
\quit
\endif
set client_min_messages = warning;
create schema gis;
create extension postgis schema gis;
create schema pts;
create table pts.drivers (id bigint primary key, user_id text, is_online boolean, lat double precision, lng double precision, location_at timestamptz);
create table pts.trips (
    id bigint primary key, driver_id bigint references pts.drivers, status text default 'requested',
    pickup_location gis.geography(point, 4326), destination gis.geometry(point, 4326)
);
insert into pts.drivers values (1, 'ada', true, 52.501, 13.4), (2, 'bob', true, 52.502, 13.4), (3, 'cem', true, 52.6, 13.4);
insert into pts.trips (id, pickup_location, destination) values
(7, gis.st_makepoint(13.4, 52.5)::gis.geography, gis.st_setsrid(gis.st_makepoint(13.5, 52.6), 4326)),
(8, null, null), (9, gis.st_geomfromtext('point empty', 4326)::gis.geography, null);
select object, why from realtime_sync.fleet_setup('pts', create_missing => true) where status = 'found' and object = 'trip' or object ~ '^without trip' order by step;
truncate realtime_sync.event;
select driver_id, round(distance_m) as distance_m from pts.offer_trip(7);
select pts.offer_trip(8);
select pts.offer_trip(9);
select payload -> 'pickup' as pickup, payload -> 'dropoff' as dropoff from realtime_sync.event where event = 'trip_offer.created' limit 1;
select d -> 'offers' -> 0 -> 'pickup' as pickup, d -> 'offers' -> 0 -> 'dropoff' as dropoff from pts.get_driver_dashboard(1) d;
select (pts.accept_offer(o.id)).state from pts.trip_offers o where o.driver_id = 1;
select d -> 'active_trip' ->> 'pickup_lat' as lat, d -> 'active_trip' ->> 'dropoff_lng' as to_lng from pts.get_driver_dashboard(1) d;
select pts.update_location(1, 52.5, 13.4) ->> 'accepted' as there;
select topics, payload -> 'distance_m' as distance_m from realtime_sync.events where event = 'trip.arriving' order by 1;
select status, object from realtime_sync.fleet_remove('pts', drop_tables => true) where status <> 'done';
drop schema pts cascade;
drop extension postgis;
drop schema gis;
truncate realtime_sync.event;
