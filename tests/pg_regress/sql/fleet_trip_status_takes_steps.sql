-- A trip goes from status to status by the steps of trip_transitions, each taken by who may.
set client_min_messages = warning;
\set SHOW_CONTEXT never
create role trip_app;
create schema life;
select count(*) > 0 as made from realtime_sync.fleet_setup('life', create_missing => true);
set search_path = life;
insert into drivers (id, user_id, is_online, status) overriding system value values (1, 'u1', true, 'available'), (2, 'u2', true, 'available');
insert into passengers (id, user_id) overriding system value values (1, 'p1'), (2, 'p2');
insert into trips (id, passenger_id, driver_id, created_at) overriding system value values
(1, 1, 1, now() - interval '1 minute'), (2, 1, null, now());
grant usage on schema life to trip_app;
grant execute on function set_trip_status(bigint, text) to trip_app;
create view events as
select topics[1] as topic, event, payload ->> 'from' as "from", payload ->> 'to' as "to",
    (payload ->> 'duration_s')::numeric between 0 and 100 as duration
from realtime_sync.event where event like 'trip%' order by topics[1];
create function act(who text) returns text language sql as
$$ select set_config('request.jwt.claims', json_build_object('sub', who)::text, false) $$;

set role trip_app;
-- To a stranger, a trip that is not his and one that is not there are the same.
select life.act('u2');
select set_trip_status(1, 'accepted');
select set_trip_status(99, 'accepted');
select life.act('p2');
select set_trip_status(1, 'canceled');
select life.act('p1');
select set_trip_status(1, 'accepted');
select life.act('u1');
select set_trip_status(1, 'completed');
select set_trip_status(1, 'no such status');
reset role;
truncate realtime_sync.event;
set role trip_app;
select set_trip_status(1, 'accepted') - '{at,duration_s}'::text[] as moved;
reset role;
select * from events;
select accepted_at is not null as accepted, started_at, completed_at from trips where id = 1;
-- The same again is no event.
truncate realtime_sync.event;
set role trip_app;
select set_trip_status(1, 'accepted');
select set_trip_status(1, 'arriving') ->> 'to' as status;
select set_trip_status(1, 'arrived') ->> 'to' as status;
select life.act('p1');
select set_trip_status(1, 'in_progress') ->> 'to' as status;
select life.act('u1');
select set_trip_status(1, 'in_progress') ->> 'to' as status;
select set_trip_status(1, 'completed') ->> 'to' as status;
select set_trip_status(1, 'canceled');
reset role;
select count(*) as events, count(distinct topics) as topics from realtime_sync.event where event = 'trip.status';
select from_status, to_status, actor, duration < interval '2 minutes' as duration from trip_status_changes order by id;
select accepted_at <= started_at and started_at <= completed_at as in_order from trips where id = 1;
-- A trip without a driver; the back end, which every driver and passenger is not.
reset request.jwt.claims;
select set_trip_status(2, 'accepted');
select set_trip_status(99, 'accepted');
select set_trip_status(2, 'canceled') ->> 'to' as status;
select canceled_at is not null as canceled from trips where id = 2;

-- The table is the app's to edit.
insert into trip_transitions values ('canceled', 'requested', '{system}', 'requested');
select set_trip_status(2, 'requested') ->> 'from' as was;

-- The app's own updates are its own, until it asks.
update trips set status = 'completed' where id = 2;
update trips set status = 'requested' where id = 2;
select realtime_sync.fleet_check_status('life');
update trips set status = 'completed' where id = 2;
update trips set status = 'canceled' where id = 2;
update trips set fare = 1, status = status where id = 2;
select set_trip_status(2, 'requested') ->> 'to' as status;
select realtime_sync.fleet_check_status('life', false);
update trips set status = 'completed' where id = 2;
reset search_path;
drop schema life cascade;
select count(*) > 0 as removed from realtime_sync.fleet_remove('life');

-- An app's own words and types: an enum, uuid ids, quoted names, riders without a table.
create schema own_words;
set search_path = own_words;
create type ride_status as enum ('SEARCHING', 'DRIVER_ASSIGNED', 'STARTED', 'FINISHED', 'CANCELLED');
create table "Driver" (id text primary key, "userId" text, "isOnline" boolean not null default true);
create table "Ride" (
    id uuid primary key, "driverId" text references "Driver", "riderId" text, status ride_status not null, "createdAt" timestamptz default now(),
    "pickupLat" float8, "pickupLng" float8
);
reset search_path;
select count(*) > 0 as made from realtime_sync.fleet_setup('own_words', create_missing => true);
set search_path = own_words;
select * from trip_transitions order by from_status, to_status;
insert into trip_transitions values ('SEARCHING', 'DRIVER_ASIGNED', '{system}', 'accepted');
insert into "Driver" values ('ann', 'a'), ('bob', 'b');
insert into "Ride" values ('00000000-0000-0000-0000-000000000001', null, 'rita', 'SEARCHING', now(), 52.5, 13.4);
select offer_trip('00000000-0000-0000-0000-000000000001');
select driver_id, state, distance_m from offer_trip('00000000-0000-0000-0000-000000000001', array['ann', 'bob']);
truncate realtime_sync.event;
select driver_id, state from accept_offer(2);
select "driverId", status from "Ride";
select topics[1] as topic, event, payload ->> 'to' as "to", payload ->> 'state' as state
from realtime_sync.event where event like 'trip%' order by topics[1], event;
select set_trip_status('00000000-0000-0000-0000-000000000001', 'STARTED') ->> 'state' as state;
select set_trip_status('00000000-0000-0000-0000-000000000001', 'SEARCHING');
reset search_path;
drop schema own_words cascade;
select count(*) > 0 as removed from realtime_sync.fleet_remove('own_words');

-- A table of steps of the app's own with words that its enum may not have: asked about, before a driver's fix fails.
create schema hand_words;
create type hand_words.trip_status as enum ('requested', 'accepted', 'arriving', 'completed');
create table hand_words.drivers (id bigint primary key, user_id text);
create table hand_words.trips (
    id bigint primary key, driver_id bigint references hand_words.drivers, status hand_words.trip_status, pickup_lat float8, pickup_lng float8
);
create table hand_words.steps (from_status text, to_status text, who text[], state text);
insert into hand_words.steps values ('accepted', 'arriving', '{driver}', 'arriving');
select (realtime_sync.fleet_map('hand_words', 'transition', 'hand_words.steps', '{"from_status": "from_status", "to_status": "to_status", "who": "who", "state": "state"}')).relation;
select status, object, why, sql from realtime_sync.fleet_setup('hand_words', create_missing => true) where status = 'ask';
select string_agg(sql, ' ') as mended from realtime_sync.fleet_setup('hand_words', create_missing => true) where status = 'ask' \gset
:mended
select count(*) > 40 as made from realtime_sync.fleet_setup('hand_words', create_missing => true) where status = 'done';
-- A trip that begins with a word to which no step leads: its driver is busy, and arrives.
insert into hand_words.drivers values (1, 'ann');
insert into hand_words.trips values (1, 1, 'accepted', 52.5, 13.4);
select hand_words.realtime_driver_busy(1, 2) as busy_with;
truncate realtime_sync.event;
select hand_words.update_location(1, 52.5, 13.4) ->> 'accepted' as moved;
select topics, event from realtime_sync.event where event = 'trip.arriving' order by topics;
delete from realtime_sync.arrival where schema = 'hand_words';
drop schema hand_words cascade;
select count(*) > 0 as removed from realtime_sync.fleet_remove('hand_words');
drop role trip_app;
