-- Promise: what is wrong with a call of the kit is said in its own words, with the SQLSTATE that is right and a hint that
-- mends it: to the back end, to a dispatcher, to a driver, to a stranger.
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
set client_min_messages = warning;
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.event;
create schema wrong;
create role regress_wrong_app;
create role regress_wrong_other;
select count(*) > 40 from realtime_sync.fleet_setup('wrong', create_missing => true) where status = 'done';
select count(*) > 30 from realtime_sync.fleet_allow('wrong', 'regress_wrong_app') where status = 'done';
select realtime_sync.allow('regress_wrong_other', 'migrate');
insert into wrong.drivers (user_id, name, is_online, lat, lng) values ('anna', 'Anna', true, 52.5, 13.4), ('bert', 'Bert', true, 52.5, 13.4);
insert into wrong.passengers (user_id) values ('rita');
insert into wrong.trips (passenger_id, pickup_lat, pickup_lng) select 1, 52.5, 13.4 from generate_series(1, 2);
insert into wrong.trips (passenger_id) values (1);
select count(*) from wrong.offer_trip(1, array[1, 2], timeout => '1 hour');
set search_path = wrong, public;

-- a dispatcher, who may all
set role regress_wrong_app;
set request.jwt.claims = '{"sub": "dora", "user_role": "dispatcher"}';
select public.said(c) from unnest(array[
    $$offer_trip(null)$$,
    $$offer_trip(99)$$,
    $$offer_trip('one')$$,
    $$offer_trip(1, timeout => null)$$,
    $$offer_trip(1, timeout => '0 s')$$,
    $$offer_trip(1, timeout => '170000000 years')$$,
    $$offer_trip(1, hold => '-1 s')$$,
    $$offer_trip(1, hold => '170000000 years')$$,
    $$offer_trip(1, max_drivers => null)$$,
    $$offer_trip(2, radius_m => null)$$,
    $$offer_trip(2, radius_m => -1)$$,
    $$offer_trip(2, radius_m => 'NaN')$$,
    $$offer_trip(1, strategy => null)$$,
    $$offer_trip(1, strategy => 'best')$$,
    $$offer_trip(1, eligible => 'nobody(bigint, bigint)')$$,
    $$offer_trip(1, eligible => 'pg_catalog.int8eq(bigint, bigint)')$$,
    $$offer_trip(3)$$,
    $$accept_offer(null)$$,
    $$accept_offer(99)$$,
    $$accept_offer('abc')$$,
    $$decline_offer(null)$$,
    $$decline_offer(99)$$,
    $$ack_offer(null)$$,
    $$ack_offer(99)$$,
    $$cancel_offer(null)$$,
    $$cancel_offer(99)$$,
    $$cancel_offers(null)$$,
    $$set_trip_status(null, 'arrived')$$,
    $$set_trip_status(1, null)$$,
    $$set_trip_status(99, 'arrived')$$,
    $$set_trip_status(1, 'flying')$$,
    $$set_trip_status(1, 'accepted')$$,
    $$update_location(null, 52.5, 13.4)$$,
    $$update_location(99, 52.5, 13.4)$$,
    $$update_location(1)$$,
    $$update_location(1, 91, 13.4)$$,
    $$update_location(1, 52.5, 181)$$,
    $$update_location(1, 'NaN', 13.4)$$,
    $$update_location(1, 52.5, 13.4, -1)$$,
    $$update_location(1, 52.5, 13.4, null, 1e9)$$,
    $$update_location(1, 52.5, 13.4, null, null, -1)$$,
    $$update_location(1, 52.5, 13.4, client_id => repeat('x', 1048576))$$,
    $$update_locations(null)$$,
    $$update_locations('{}')$$,
    $$update_locations('[]', 99)$$,
    $$nearby_drivers(null, 13.4)$$,
    $$nearby_drivers(52.5, 13.4, null)$$,
    $$nearby_drivers(52.5, 13.4, -1)$$,
    $$nearby_drivers(52.5, 13.4, max_drivers => null)$$,
    $$nearby_drivers(52.5, 13.4, max_drivers => 0)$$,
    $$get_driver_dashboard(1, array['drivers'])$$,
    $$get_driver_dashboard(1, array[null])$$,
    $$get_driver_dashboard(1, time_zone => 'Berlin')$$,
    $$get_fleet_overview('[]')$$,
    $$get_fleet_overview('{"west": 200, "south": 0, "east": 1, "north": 1}')$$,
    $$get_fleet_overview('{"west": "x", "south": 0, "east": 1, "north": 1}')$$,
    $$get_fleet_overview(max_drivers => null)$$,
    $$driver_track()$$,
    $$driver_shift('shift.start')$$,
    $$driver_shift(null, 1)$$,
    $$driver_shift('start', 1)$$,
    $$driver_shift('shift.end', 1)$$,
    $$log_telemetry(null, 'note')$$,
    $$log_telemetry(1)$$
]) c;
-- what one such fix would spoil
select update_location(1, 52.5, 13.4, recorded_at => '-infinity');
select update_location(1, 52.5, 13.4, recorded_at => 'infinity');
select j.fix - 'client_id' from jsonb_array_elements(update_locations(jsonb_build_array(
    jsonb_build_object('lat', 52.5, 'lng', 13.4, 'recorded_at', '-infinity'), jsonb_build_object('lat', 52.5, 'lng', 13.4, 'recorded_at', 'infinity'),
    jsonb_build_object('lat', 52.5, 'lng', 13.4, 'recorded_at', now(), 'client_id', repeat('x', 1025)),
    jsonb_build_object('lat', 52.5, 'lng', 13.4, 'recorded_at', now())
), 1)) with ordinality j(fix, n) order by j.n;

-- a driver
set request.jwt.claims = '{"sub": "bert"}';
select public.said(c) from unnest(array[
    $$accept_offer(null)$$,
    $$accept_offer(1)$$,
    $$accept_offer(99)$$,
    $$decline_offer(1)$$,
    $$ack_offer(null)$$,
    $$ack_offer(1)$$,
    $$cancel_offer(2)$$,
    $$cancel_offers(1)$$,
    $$offer_trip(1)$$,
    $$set_trip_status(1, 'canceled')$$,
    $$set_trip_status(99, 'canceled')$$,
    $$set_trip_status(null, null)$$,
    $$update_location(1, 52.5, 13.4)$$,
    $$update_locations('[]', 1)$$,
    $$nearby_drivers(52.5, 13.4)$$,
    $$driver_shift('shift.start', 1)$$,
    $$driver_track(null)$$,
    $$driver_track('')$$,
    $$driver_track(ttl => '2 days')$$,
    $$driver_heartbeat(ttl => '0 s')$$,
    $$driver_heartbeat(device => null)$$,
    $$log_telemetry(1, 'note')$$,
    $$log_telemetry(type => 'status_change')$$
]) c;

-- a stranger
set request.jwt.claims = '{"sub": "eve"}';
select public.said(c) from unnest(array[
    $$accept_offer(1)$$,
    $$ack_offer(1)$$,
    $$set_trip_status(1, 'canceled')$$,
    $$update_location(lat => 52.5, lng => 13.4)$$,
    $$driver_heartbeat()$$,
    $$log_telemetry(type => 'note')$$
]) c;

-- the calls of migrations
reset role;
reset request.jwt.claims;
reset search_path;
select said(c) from unnest(array[
    $$realtime_sync.fleet_setup(null)$$,
    $$realtime_sync.fleet_map('wrong', null)$$,
    $$realtime_sync.fleet_map('wrong', 'driver', columns => '[]')$$,
    $$realtime_sync.fleet_check_status(null)$$,
    $$realtime_sync.fleet_check_status('nowhere')$$,
    $$realtime_sync.fleet_auto_offer(null)$$,
    $$realtime_sync.fleet_auto_offer('wrong', radius_m => null)$$,
    $$realtime_sync.fleet_auto_offer('wrong', radius_m => -1)$$,
    $$realtime_sync.fleet_auto_offer('wrong', timeout => '170000000 years')$$,
    $$realtime_sync.fleet_retain(null, 'telemetry', '1 day')$$,
    $$realtime_sync.fleet_retain('wrong', null, '1 day')$$,
    $$realtime_sync.fleet_retain('wrong', 'driver', '1 day')$$,
    $$realtime_sync.fleet_retain('wrong', 'telemetry', '0')$$,
    $$realtime_sync.fleet_retain('wrong', 'telemetry', '-1 day')$$,
    $$realtime_sync.fleet_allow('nowhere', 'regress_wrong_app')$$,
    $$realtime_sync.fleet_remove('nowhere')$$,
    $$realtime_sync.fleet_remove(null)$$,
    $$realtime_sync.fleet_allow(null, 'regress_wrong_app')$$,
    $$realtime_sync.fleet_status_telemetry(null)$$,
    $$realtime_sync.fleet_status_telemetry('wrong.trips', array['nothing'])$$
]) c;
set role regress_wrong_other;
select said($$realtime_sync.fleet_retain('wrong', 'telemetry', '1 day')$$);
select said($$realtime_sync.fleet_map('wrong', 'driver', columns => '{"rating": null}')$$);
reset role;

-- what app users may call of the extension's own: what the calls need that run with their rights
select p.proname from pg_proc p
where p.pronamespace = 'realtime_sync'::regnamespace and p.proname like 'fleet\_%' and has_function_privilege('regress_wrong_app', p.oid, 'execute')
order by 1;

select realtime_sync.fleet_disallow('wrong', 'regress_wrong_app'), realtime_sync.disallow('regress_wrong_other', 'migrate');
select count(*) > 0 from realtime_sync.fleet_remove('wrong', drop_tables => true);
drop schema wrong cascade;
drop role regress_wrong_app, regress_wrong_other;
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.event;
