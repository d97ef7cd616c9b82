-- Promise: a kit whose owner is an ordinary role, with no more than leave to migrate and to send, serves every call:
-- what runs as its owner needs no superuser's rights. And its owner takes it away.
\set SHOW_CONTEXT never
set client_min_messages = warning;
delete from realtime_sync.presence;
delete from realtime_sync.presence_member;
create role regress_owner;
create role regress_app;
create schema town authorization regress_owner;
select realtime_sync.allow('regress_owner', 'migrate');
select realtime_sync.allow('regress_owner', 'send', topics => array['*']);
select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb as more_than_ordinary from pg_roles where rolname = 'regress_owner';

set role regress_owner;
create table town.drivers (
    id bigint primary key, user_id text unique, name text, is_online boolean not null default false,
    status text not null default 'available', lat double precision, lng double precision, location_at timestamptz, last_seen timestamptz
);
create table town.passengers (id bigint primary key, user_id text unique);
create table town.trips (
    id bigint primary key, driver_id bigint references town.drivers, passenger_id bigint references town.passengers,
    status text not null default 'requested', pickup_lat double precision, pickup_lng double precision, earnings numeric,
    created_at timestamptz not null default now(), accepted_at timestamptz, completed_at timestamptz
);
insert into town.drivers (id, user_id, name, is_online, lat, lng) values
    (1, 'sub-anna', 'Anna', true, 52.5, 13.4), (2, 'sub-bert', 'Bert', true, 52.501, 13.4);
insert into town.passengers values (1, 'sub-paul');
insert into town.trips (id, passenger_id, pickup_lat, pickup_lng, earnings) select n, 1, 52.5, 13.4, 9 from generate_series(1, 6) n;
select status, object, why from realtime_sync.fleet_setup('town', create_missing => true) where status not in ('done', 'found', 'exists', 'skip');
create function town.anybody(driver bigint, trip bigint) returns boolean language sql as $$ select true $$;
reset role;
select distinct pg_get_userbyid(p.proowner) as owner
from realtime_sync.fleet_object o join pg_proc p on p.proname = o.actual and p.pronamespace = o.schema::regnamespace
where o.schema = 'town';
-- The policy is on the extension's table, so its owner writes it.
select count(*) > 30 as allowed from realtime_sync.fleet_allow('town', 'regress_app') where status = 'done';
set role regress_owner;
grant execute on function town.anybody to regress_app;
grant select on town.drivers, town.passengers, town.trips to regress_app;
alter table town.drivers enable row level security;
alter table town.trips enable row level security;
create policy own on town.drivers using (id = town.realtime_driver() or town.realtime_dispatcher());
create policy own on town.trips
    using (driver_id = town.realtime_driver() or passenger_id = town.realtime_passenger() or town.realtime_dispatcher());
-- What an owner switches on.
insert into realtime_sync.geofence (schema, name, circle) values ('town', 'station', '<(13.4, 52.51), 300>');
select realtime_sync.fleet_retain('town', 'telemetry', '30 days'), realtime_sync.fleet_retain('town', 'location', '7 days'), realtime_sync.fleet_retain('town', 'offer', '90 days');
select realtime_sync.fleet_check_status('town');
select realtime_sync.fleet_status_telemetry('town.trips', array['status'], 'town.telemetry_logs', '{"driver": "driver_id", "type": "type", "message": "message", "meta": "meta"}', driver_column => 'driver_id') is not null as follows_trips;
reset role;

-- A driver.
set role regress_app;
set request.jwt.claims = '{"sub": "sub-anna"}';
select town.driver_track('online', '{"battery": 80}', device => 'phone'), town.driver_heartbeat('{"latency_ms": 40}', device => 'phone');
select s ->> 'action' as action from (values (1, 'shift.start'), (2, 'break.start'), (3, 'break.end')) v(n, action), town.driver_shift(v.action) s order by n;
select town.update_location(lat => 52.5001, lng => 13.4001, heading => 90, speed => 8, accuracy => 5);
select town.update_locations(jsonb_build_array(
    jsonb_build_object('lat', 52.4999, 'lng', 13.4, 'recorded_at', now() - interval '5 min', 'client_id', 'a1'),
    jsonb_build_object('lat', 91, 'lng', 13.4, 'recorded_at', now(), 'client_id', 'a2')
));
select count(*) as trail from town.driver_trail();
select town.driver_presence() ->> 'state' as presence;
select town.log_telemetry(type => 'note', message => 'hello') > 0 as logged;
-- A dispatcher.
set request.jwt.claims = '{"sub": "sub-dora", "user_role": "dispatcher"}';
select driver_id, round(distance_m) as metres from town.nearby_drivers(52.5, 13.4);
select driver_id, state from town.offer_trip(1, eligible => 'town.anybody(bigint,bigint)');
select driver_id, state from town.offer_trip(2, array[1], timeout => '1 hour');
select driver_id, state from town.offer_trip(3, array[1, 2], strategy => 'one_by_one', timeout => '1 hour');
select driver_id, state from town.offer_trip(4, array[2]);
select state from town.cancel_offer((select id from town.trip_offers where trip_id = 4), 'no need');
select driver_id, state from town.offer_trip(4, array[2]);
select state from town.cancel_offers(4);
select town.update_location(2, 52.5012, 13.4) ->> 'accepted' as moved;
select town.log_telemetry(2, 'note', 'called') > 0 as logged;
select jsonb_array_length(town.get_fleet_overview() -> 'drivers') as on_the_map;
select member, state from realtime_sync.presence_state('drivers');
-- Answers.
reset role;
select more from realtime_sync.relay();
set role regress_app;
set request.jwt.claims = '{"sub": "sub-bert"}';
select state from town.decline_offer((select id from town.trip_offers where trip_id = 1), 'lunch');
set request.jwt.claims = '{"sub": "sub-anna"}';
select jsonb_array_length(town.get_driver_dashboard() -> 'offers') as offers;
select received_at is not null as received from town.ack_offer((select id from town.trip_offers where trip_id = 1));
select state from town.accept_offer((select id from town.trip_offers where trip_id = 1));
select town.set_trip_status(1, s) ->> 'to' as status from unnest('{arriving,arrived,in_progress,completed}'::text[]) s;
select key, case when key in ('driver', 'presence', 'wallet', 'active_trip', 'trips', 'acceptance') then jsonb_typeof(value) end as is
from jsonb_each(town.get_driver_dashboard()) order by key;
reset role;
update town.drivers set status = 'busy' where id = 1;
update town.drivers set status = 'available' where id = 1;
set role regress_app;
select status_column, state from town.driver_states where status_column = 'status' order by since;
select count(*) > 0 as times from town.driver_state_times;
select replay -> 'reset' as reset, json_array_length(replay -> 'events') > 0 as events
from realtime_sync.replay('00000000-0000000000000000-7fffffffffffffff', array['driver:1']);
-- A passenger.
set request.jwt.claims = '{"sub": "sub-paul"}';
select string_agg(id::text, ' ' order by id) as trips from town.trips;
select town.set_trip_status(4, 'canceled') ->> 'to' as status;
select count(*) > 0 as events from realtime_sync.events where topics && '{trip:4}';
reset role;
reset request.jwt.claims;
-- The relay calls the timers as their owner, with no more than that: what is over expires, what is old goes.
update town.trip_offers set expires_at = now() - interval '1 s' where state = 'open';
insert into town.telemetry_logs (driver_id, type, created_at) values (1, 'old', now() - interval '31 days');
update realtime_sync.fleet_retention set due = now();
select more from realtime_sync.relay();
select name, owner, error from realtime_sync.timer where name like 'fleet %' order by name;
select trip_id, driver_id, state, reason from town.trip_offers order by id;
select count(*) as old from town.telemetry_logs where type = 'old';

-- The next in the queue has it: to its pickup, and into a fence.
set role regress_app;
set request.jwt.claims = '{"sub": "sub-bert"}';
select state from town.accept_offer((select id from town.trip_offers where trip_id = 3 and state = 'open'));
select town.update_location(lat => 52.5002, lng => 13.4, recorded_at => now() + interval '20 s') ->> 'accepted' as moved;
select town.update_location(lat => 52.5105, lng => 13.4, recorded_at => now() + interval '40 s') ->> 'accepted' as moved;
select town.driver_track('offline');
reset role;
reset request.jwt.claims;
select distinct topics[1] as topic, event from realtime_sync.event where event ~ '^(geofence|trip.arriving|trip_offer)' order by 1, 2;
select driver_id, message from town.telemetry_logs where type = 'status_change' order by id;

-- Bookings that offer themselves, and members who make their drivers online; an upsert of the app's own.
set role regress_owner;
select realtime_sync.fleet_auto_offer('town', max_drivers => 1);
insert into town.trips (id, passenger_id, pickup_lat, pickup_lng) values (7, 1, 52.5, 13.4);
select trip_id, driver_id, state from town.trip_offers where trip_id = 7;
insert into town.drivers (id, user_id, status) values (1, 'sub-anna', 'away') on conflict (id) do update set status = excluded.status;
select message from town.telemetry_logs order by id desc limit 1;
update town.trips set status = 'completed' where id = 5;
reset role;
select realtime_sync.presence_hook('drivers', 'town.realtime_drive_online(text, text)');
select realtime_sync.presence_track('drivers', '1', 'offline'), realtime_sync.presence_track('drivers', '1', 'online');
select realtime_sync.presence_untrack('drivers', '1');
select is_online, status from town.drivers where id = 1;
select realtime_sync.presence_hook('drivers');

-- And away with it, by its owner.
set role regress_owner;
select realtime_sync.fleet_drop_status_telemetry('town.trips');
reset role;
select realtime_sync.fleet_disallow('town', 'regress_app');
set role regress_owner;
drop policy own on town.drivers;
drop policy own on town.trips;
select status, object, why from realtime_sync.fleet_remove('town', drop_tables => true) where status <> 'done';
reset role;
select count(*) as written_down from realtime_sync.fleet_object o where o.schema = 'town';
select p.proname from pg_proc p where p.pronamespace = 'town'::regnamespace;
select c.relname, c.relkind from pg_class c where c.relnamespace = 'town'::regnamespace and c.relkind in ('r', 'v') order by 1;
select name from realtime_sync.timer where name like 'fleet %';
select realtime_sync.disallow('regress_owner', 'migrate');
select realtime_sync.disallow('regress_owner', 'send');
delete from realtime_sync.presence;
delete from realtime_sync.presence_member;
delete from realtime_sync.presence_shift;
delete from realtime_sync.geofence where schema = 'town';
drop schema town cascade;
drop owned by regress_owner, regress_app;
drop role regress_owner, regress_app;
truncate realtime_sync.event;
