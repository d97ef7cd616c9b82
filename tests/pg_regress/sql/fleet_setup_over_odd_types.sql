-- Promise: fleet_setup() over columns of types that limit or widen what may be in them sets up what then works: a status
-- of a domain, or of a table of statuses; fares that are money; telemetry whose kinds are an enum; a driver whose place
-- was known "-infinity" ago.
\set SHOW_CONTEXT never
set client_min_messages = error;

-- the words are a domain's
create schema odd;
create domain odd.any_word as text check (value in ('pending', 'assigned', 'en_route', 'done', 'cancelled'));
create domain odd.word as odd.any_word not null;
create table odd.drivers (id bigint primary key, is_online bool default true, lat float8, lng float8);
create table odd.trips (id bigint primary key, driver_id bigint, status odd.word default 'pending');
select status, object, why from realtime_sync.fleet_setup('odd', create_missing => true) where status = 'ask' and object !~ 'login';
select from_status, to_status, state from odd.trip_transitions order by 1, 2;
select count(*) > 0 as removed from realtime_sync.fleet_remove('odd', drop_tables => true);
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- a pattern is no list of words
create schema odd;
create domain odd.word as text check (value ~ '^[a-z_]+$');
create table odd.trips (id bigint, status odd.word, word text check (word like '%e%'));
select count(*) from realtime_sync.fleet_transitions('odd.trips', 'status');
select count(*) from realtime_sync.fleet_transitions('odd.trips', 'word');
drop schema odd cascade;

-- nor is a condition on one of its words, or a word that is refused; but capitals are the app's
create schema odd;
create table odd.drivers (id bigint primary key, is_online bool default true, lat float8, lng float8);
create table odd.trips (
    id bigint primary key, driver_id bigint, status text not null default 'REQUESTED', completed_at timestamptz, check (status <> 'DELETED'),
    check ((status = 'COMPLETED') = (completed_at is not null)), check (status <> 'COMPLETED' or driver_id is not null)
);
select status, object, why from realtime_sync.fleet_setup('odd', create_missing => true) where status = 'ask' and object !~ 'login';
select from_status, to_status, state from odd.trip_transitions where from_status in ('REQUESTED', 'ARRIVED') order by 1, 2;
select count(*) > 0 as removed from realtime_sync.fleet_remove('odd', drop_tables => true);
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- words of several parts are known however these are joined, and so are the drivers'
create schema odd;
create type odd.duty as enum ('Available', 'On Trip', 'OnBreak', 'off-duty');
create table odd.drivers (id bigint primary key, status odd.duty, lat float8 default 48, lng float8 default 11);
create table odd.trips (
    id bigint primary key, driver_id bigint, pickup_lat float8, pickup_lng float8,
    status text default 'New' check (status in ('New', 'Assigned', 'On The Way', 'AtPickup', 'In Progress', 'Done', 'Cancelled'))
);
select status, object, why from realtime_sync.fleet_setup('odd', create_missing => true) where status = 'ask' and object !~ 'login';
select from_status, to_status, state from odd.trip_transitions where state <> 'canceled' order by 1, 2;
insert into odd.drivers select n, (enum_range(null::odd.duty))[n] from generate_series(1, 4) n;
insert into odd.trips values (1, null, 48, 11);
select driver_id from odd.offer_trip(1);
select driver_id from odd.nearby_drivers(48, 11);
select count(*) > 0 as removed from realtime_sync.fleet_remove('odd', drop_tables => true);
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- ids that may not be null, which a variable and an argument may be
create schema odd;
create domain odd.uid as text not null check (value <> '');
create table odd.drivers (id odd.uid primary key, user_id text unique, is_online bool default true, lat float8, lng float8);
create table odd.trips (id odd.uid primary key, driver_id text references odd.drivers, status text default 'requested', pickup_lat float8, pickup_lng float8);
insert into odd.drivers values ('D''"1', 'sub-1', true, 48, 11), ('D2', 'sub-2', true, 48, 11.001);
insert into odd.trips values ('T%s', null, 'requested', 48, 11);
select count(*) > 0 as set_up from realtime_sync.fleet_setup('odd', create_missing => true);
select driver_id, state from odd.offer_trip('T%s', strategy => 'one_by_one');
update odd.trip_offers set expires_at = now() where state = 'open';
select odd.realtime_offers_due() is not null as later;
select driver_id, state from odd.trip_offers order by id;
select state from odd.accept_offer((select id from odd.trip_offers where state = 'open'));
select driver_id, status from odd.trips;
select driver_id from odd.nearby_drivers(48, 11);
select d ->> 'id' as id from jsonb_array_elements(odd.get_fleet_overview() -> 'drivers') d order by 1;
set request.jwt.claims = '{"sub": "sub-1"}';
select odd.update_location(lat => 48, lng => 11) ->> 'accepted' as moved;
select odd.driver_shift('shift.start') ->> 'member' as member;
select odd.driver_track();
select odd.get_driver_dashboard() #>> '{presence,state}' as presence;
set request.jwt.claims = '{"sub": "nobody"}';
select odd.driver_track();
reset request.jwt.claims;
delete from realtime_sync.presence;
delete from realtime_sync.presence_member;
delete from realtime_sync.presence_shift;
select count(*) > 0 as removed from realtime_sync.fleet_remove('odd', drop_tables => true);
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- no status at all says nothing of capitals
create schema odd;
create table odd.drivers (id bigint primary key, is_online bool default true, lat float8, lng float8);
create table odd.trips (id bigint primary key, driver_id bigint, status text);
insert into odd.trips values (1);
select count(*) > 0 as set_up from realtime_sync.fleet_setup('odd', create_missing => true);
select distinct state, to_status from odd.trip_transitions where state in ('accepted', 'completed') order by 1;
-- nor is a kind of telemetry that is made a status change by its type one that a driver may log
drop table odd.telemetry_logs cascade;
create table odd.telemetry_logs (id bigint primary key default 1, driver_id bigint, type varchar(13), message text, meta jsonb, created_at timestamptz);
create role regress_odd;
grant usage on schema odd to regress_odd;
select realtime_sync.fleet_map('odd', 'driver', columns => '{"login": "id"}') is not null as mapped;
select count(*) > 0 as set_up from realtime_sync.fleet_setup('odd');
insert into odd.drivers values (1);
grant execute on all functions in schema odd to regress_odd;
set role regress_odd;
set request.jwt.claims = '{"sub": "1"}';
select odd.log_telemetry(type => 'status_changed');
\echo :SQLSTATE
reset role;
reset request.jwt.claims;
select count(*) > 0 as removed from realtime_sync.fleet_remove('odd', drop_tables => true);
drop schema odd cascade;
drop role regress_odd;
delete from realtime_sync.fleet_map where schema = 'odd';

-- nor does a status too short for the kit's own words get them cut: it is asked about, until it has room or words
create schema odd;
create table odd.drivers (id bigint primary key, user_id text unique, is_online bool default true, status varchar(10), lat float8, lng float8);
create domain odd.ten as varchar(10);
create table odd.trips (id bigint primary key, driver_id bigint, status odd.ten default 'pending', pickup_lat float8, pickup_lng float8, completed_at timestamptz);
create table odd.telemetry_logs (id bigint generated always as identity primary key, driver_id bigint, type varchar(12), message varchar(20), meta jsonb, created_at timestamptz);
select status, object, why, sql from realtime_sync.fleet_setup('odd', create_missing => true) where status = 'ask';
alter table odd.trips add check (status in ('pending', 'assigned', 'started', 'done', 'cancelled'));
select realtime_sync.fleet_status_telemetry('odd.drivers');
\echo :SQLSTATE
alter table odd.telemetry_logs alter type type varchar(13);
select status, object, why, sql from realtime_sync.fleet_setup('odd', create_missing => true) where status = 'ask';
select from_status, to_status, state from odd.trip_transitions where to_status not in ('cancelled', 'pending') order by 1, 2;
-- and a message is cut, and not its row lost
insert into odd.drivers values (1, 'ada', true, 'a', 48, 11);
update odd.drivers set status = 'b';
select type, message from odd.telemetry_logs where meta ->> 'new_status' = 'b';
select count(*) > 0 as removed from realtime_sync.fleet_remove('odd', drop_tables => true);
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- a table of statuses that is somebody else's is asked for; what the app's role may not read there is nothing to a step
create schema odd;
create schema odd_words;
create role regress_odd;
create role regress_odd_app;
grant create, usage on schema odd to regress_odd;
grant usage on schema odd to regress_odd_app;
select realtime_sync.allow('regress_odd', 'migrate');
select realtime_sync.allow('regress_odd', 'send', array['*']);
create table odd_words.statuses (code text primary key);
insert into odd_words.statuses values ('pending'), ('assigned'), ('in_progress'), ('done'), ('cancelled');
grant usage on schema odd_words to regress_odd;
grant references on odd_words.statuses to regress_odd;
set role regress_odd;
create table odd.drivers (id bigint primary key, user_id text unique, is_online bool default true, lat float8, lng float8);
create table odd.trips (
    id bigint primary key, driver_id bigint, status text not null default 'pending' references odd_words.statuses, pickup_lat float8, pickup_lng float8
);
select status, object, why, sql from realtime_sync.fleet_setup('odd', create_missing => true) where status = 'ask';
reset role;
grant select on odd_words.statuses to regress_odd;
set role regress_odd;
select status, object, why, sql from realtime_sync.fleet_setup('odd', create_missing => true) where status = 'ask';
select realtime_sync.fleet_check_status('odd');
insert into odd.drivers values (1, 'ada', true, 48, 11);
grant insert, update, select (id) on odd.trips to regress_odd_app;
set role regress_odd_app;
insert into odd.trips values (1, 1, 'pending', 48, 11);
update odd.trips set status = 'assigned' where id = 1;
reset role;
select from_status, to_status from odd.trip_status_changes;
set role regress_odd;
select count(*) > 0 as removed from realtime_sync.fleet_remove('odd', drop_tables => true);
reset role;
drop schema odd, odd_words cascade;
delete from realtime_sync.fleet_map where schema = 'odd';
select realtime_sync.disallow('regress_odd', 'migrate');
select realtime_sync.disallow('regress_odd', 'send');
drop owned by regress_odd, regress_odd_app;
drop role regress_odd, regress_odd_app;

-- or those of a table; and the fare is money
create schema odd;
create table odd.statuses (code text primary key);
insert into odd.statuses values ('pending'), ('assigned'), ('in_progress'), ('done'), ('cancelled');
create table odd.drivers (id bigint primary key, user_id text unique, is_online bool default true, lat float8, lng float8);
create table odd.trips (
    id bigint primary key, driver_id bigint, status text not null default 'pending' references odd.statuses,
    pickup_lat float8, pickup_lng float8, fare money, completed_at timestamptz
);
select status, object, why from realtime_sync.fleet_setup('odd', create_missing => true) where status = 'ask';
select from_status, to_status, state from odd.trip_transitions order by 1, 2;
insert into odd.drivers values (1, 'ada', true, 48, 11), (2, 'bob', true, 48, 11);
insert into odd.trips values (1, null, 'pending', 48, 11, '12.50', null);
select driver_id, state, earnings from odd.offer_trip(1, '{2,1}');
select driver_id, state from odd.accept_offer(1);
select odd.set_trip_status(1, 'in_progress') ->> 'state' as state;
select odd.set_trip_status(1, 'done') ->> 'state' as state;
update odd.trips set completed_at = now();
select odd.get_driver_dashboard(2) -> 'trips' as trips;
select count(*) > 0 as removed from realtime_sync.fleet_remove('odd', drop_tables => true);
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- a member of presence who is no driver is none where only the type can tell, and no failure
create schema odd;
create domain odd.code as text check (value ~ '^d[0-9]+$');
create table odd.drivers (id odd.code primary key, is_online bool, lat float8, lng float8);
insert into odd.drivers values ('d1');
select count(*) > 0 as set_up from realtime_sync.fleet_setup('odd', create_missing => true);
select realtime_sync.presence_hook('drivers', 'odd.realtime_drive_online(text, text)');
set client_min_messages = warning;
select realtime_sync.presence_track('drivers', member) from unnest(array['d1', 'dora']) member;
set client_min_messages = error;
select id, is_online from odd.drivers;
select realtime_sync.presence_hook('drivers');
truncate realtime_sync.presence, realtime_sync.presence_member;
select count(*) > 0 as removed from realtime_sync.fleet_remove('odd', drop_tables => true);
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- telemetry of an enum that has no status_change: that alone is left out
create schema odd;
create type odd.kind as enum ('note', 'login');
create table odd.drivers (id bigint primary key, is_online bool, lat float8, lng float8, location_at timestamptz default '-infinity');
create table odd.telemetry_logs (id bigint generated always as identity primary key, driver_id bigint, type odd.kind, message text, meta jsonb, created_at timestamptz);
set client_min_messages = warning;
select status, object, why from realtime_sync.fleet_setup('odd') where status = 'ask' and object !~ 'login';
set client_min_messages = error;
insert into odd.drivers values (1), (2);
select odd.log_telemetry(1, 'note', 'hello') as id;
select count(*) from odd.driver_states;

-- and a place that was never known is no time to reckon from
select odd.update_location(1, 48, 11);
select odd.update_locations('[{"lat": 48, "lng": 11, "recorded_at": "2026-01-31T12:00:00Z"}]', 2);
-- nor one of a time to come
insert into odd.drivers values (3, true, 40, 1, now() + interval '1 year'), (4, true, 40, 1, 'infinity');
select odd.update_location(3, 48, 11);
select odd.update_locations('[{"lat": 48, "lng": 11, "recorded_at": "2026-01-31T12:00:00Z"}]', 4);
select count(*) from odd.drivers where location_at < now();
select status, object from realtime_sync.fleet_remove('odd') where status <> 'done';
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- a trail of the app's own that no fix would fit into is asked about, and taken when it fits
create schema odd;
create type odd.flag as enum ('jump', 'late');
create table odd.drivers (id bigint primary key, is_online bool, lat float8, lng float8);
create table odd.places (id text primary key, who bigint not null, lat float8 not null, lng float8 not null, at timestamptz not null, ref uuid, flag odd.flag, kind text not null default 'fix');
select realtime_sync.fleet_map('odd', 'location', 'odd.places', '{"id": "id", "driver": "who", "recorded_at": "at", "lat": "lat", "lng": "lng", "client_id": "ref", "flag": "flag"}') is not null as mapped;
select status, object, why, sql from realtime_sync.fleet_setup('odd') where status = 'ask' and object !~ 'login';
alter table odd.places alter id set default gen_random_uuid(), alter ref type text, alter flag type text;
select status, object, why from realtime_sync.fleet_setup('odd') where status = 'ask' and object !~ 'login';
insert into odd.drivers values (1);
select odd.update_location(1, 48, 11, client_id => 'a') ->> 'reason' as reason from generate_series(1, 2);
select who, lat, lng, ref, flag, kind from odd.places;
select count(*) > 0 as removed from realtime_sync.fleet_remove('odd');
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';
truncate realtime_sync.event;
