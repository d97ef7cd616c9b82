-- Promise: a fix moves its driver, who may be no other's, and leaves a trail; one that cannot be is refused
-- with what is wrong, one out of order or out of reach never moves anyone, and the last one always does;
-- a batch queued offline is stored once however often it is sent.
\set SHOW_CONTEXT never
\set VERBOSITY terse
truncate realtime_sync.event;
create schema city;
create table city.drivers (
    id bigint generated always as identity primary key, user_id text unique, is_online boolean not null default true,
    lat double precision, lng double precision, heading real, speed real, accuracy real, location_at timestamptz, last_seen timestamptz
);
create table city.trips (id bigint primary key, driver_id bigint, passenger_id bigint, status text, pickup_lat numeric, pickup_lng numeric);
insert into city.drivers (user_id) values ('ada'), ('bob');
select count(*) > 50 as made from realtime_sync.fleet_setup('city', create_missing => true) where status = 'done';
-- What the kit sends is looked at here, and not that rows change.
set realtime_sync.capture = off;
create role driver;
grant usage on schema city, realtime_sync to driver;
grant select on city.drivers, city.driver_locations to driver;
grant execute on all functions in schema city to driver;
grant execute on function realtime_sync.claim to driver;
create view said as
select row_number() over (order by id) as n, topics, event, payload ->> 'driver' as driver, payload ->> 'geofence' as geofence, payload ->> 'trip_id' as trip
from realtime_sync.events;

-- bounds
select city.update_location(1, 90.1, 0);
\echo :SQLSTATE
select city.update_location(1, -91, 0);
\echo :SQLSTATE
select city.update_location(1, 'NaN', 0);
\echo :SQLSTATE
select city.update_location(1, 0, 180.5);
\echo :SQLSTATE
select city.update_location(1, 0, 0, heading => 361);
\echo :SQLSTATE
select city.update_location(1, 0, 0, speed => -1);
\echo :SQLSTATE
select city.update_location(1, 0, 0, accuracy => 'infinity');
\echo :SQLSTATE

-- A filter halves the speed of a car that stands, until no real can be so small.
begin;
select city.update_location(1, 0, 0, heading => 1e-320, speed => 1e-46, accuracy => 2e-30);
select city.update_locations(format('[{"lat": 1e-400, "lng": -1e-400, "heading": 1e-400, "speed": 1e-60, "recorded_at": "%s"}]', clock_timestamp())::jsonb, 1);
select lat, lng, heading, speed, accuracy from city.driver_locations;
select lat, lng, heading, speed, accuracy from city.drivers where id = 1;
rollback;
select city.update_location(1, 0);
\echo :SQLSTATE
select city.update_location(99, 0, 0);
\echo :SQLSTATE
select city.update_location(lat => 0, lng => 0);
\echo :SQLSTATE
select count(*) from city.driver_locations;

-- one after another: t(n) is n seconds after a fixed moment
create function t(seconds double precision) returns timestamptz language sql immutable as
    $$ select timestamptz '2026-01-31 12:00:00+00' + seconds * interval '1 s' $$;
create view place as
select id, lat, lng, heading, speed, extract(epoch from location_at - t(0))::int as t from city.drivers where lat is not null order by id;
create view trail as
select driver_id as id, lat, lng, extract(epoch from recorded_at - t(0))::int as t, client_id, flag
from city.driver_locations order by driver_id, recorded_at, driver_locations.id;
select city.update_location(1, 52.52, 13.405, 90, 10, 5, t(0));
select city.update_location(1, 52.521, 13.405, 91, 11, 5, t(10));
select * from place;
-- out of order, again, of the future
select city.update_location(1, 52.0, 13.4, recorded_at => t(5));
select city.update_location(1, 52.521, 13.405, recorded_at => t(10));
select city.update_location(1, 52.52, 13.405, recorded_at => now() + interval '2 min');
select * from place;
-- 5 metres on and a second later is no trail, but is where the driver is
select city.update_location(1, 52.521045, 13.405, recorded_at => t(11));
select city.update_location(1, 52.52108, 13.405, recorded_at => t(12));
select * from place;
select * from trail;
-- standing still is noted every 30 seconds
select city.update_location(1, 52.52108, 13.405, recorded_at => t(n)) ->> 'accepted' as accepted from generate_series(13, 75) n group by 1;
select * from trail where t > 12;
-- a jump of 100 km in a second, and back; then one that the next agrees with
select city.update_location(1, 53.4, 13.405, recorded_at => t(80));
select city.update_location(1, 52.5211, 13.405, recorded_at => t(81));
select city.update_location(1, 53.4, 13.405, recorded_at => t(82));
select city.update_location(1, 53.4001, 13.405, recorded_at => t(83));
select * from place;
select * from trail where t > 75;
-- how fast a driver may be is not for him to say, but for who owns the schema
begin;
set local realtime_fleet.max_speed = '2e5';
select city.update_location(1, 52.52, 13.405, recorded_at => t(84)) ->> 'accepted' as accepted;
insert into realtime_sync.fleet_limit (schema, max_speed) values ('city', 2e5);
select status, object, why from realtime_sync.fleet_setup('city') where status = 'done';
select city.update_location(1, 52.52, 13.405, recorded_at => t(85)) ->> 'accepted' as accepted;
rollback;
-- the phone's own ids
select city.update_location(1, 53.4002, 13.405, recorded_at => t(90), client_id => 'a');
select city.update_location(1, 53.4002, 13.405, recorded_at => t(91), client_id => 'a');
select * from trail where t >= 90;
truncate city.driver_locations;

-- a batch, out of order, with a jump, a duplicate and what cannot be; then again
select city.update_location(2, 0, 0, recorded_at => t(0));
create table batch as select '[
    {"lat": 0.002, "lng": 0, "recorded_at": "2026-01-31T12:00:20Z", "client_id": "b2", "heading": 45},
    {"lat": 0.001, "lng": 0, "recorded_at": "2026-01-31T12:00:10Z", "client_id": "b1", "heading": 720},
    {"lat": 0.001, "lng": 0, "recorded_at": "2026-01-31T12:00:10Z", "client_id": "b1"},
    {"lat": 0.5, "lng": 0, "recorded_at": "2026-01-31T12:00:15Z", "client_id": "b-jump"},
    {"lat": 0.0005, "lng": 0, "recorded_at": "2026-01-31T11:59:00Z", "client_id": "b-late"},
    {"lat": 91, "lng": 0, "recorded_at": "2026-01-31T12:00:16Z", "client_id": "b-wrong"},
    {"lat": "x", "lng": 1e999, "recorded_at": "2026-01-31T12:00:17Z"},
    {"lat": 0.001, "lng": 0, "recorded_at": "2026-13-31T12:00:17Z"},
    {"lat": 0.001, "lng": 0, "recorded_at": "2999-01-31T12:00:17Z", "client_id": "b-future"},
    7, null]'::jsonb as fixes;
select r.* from batch, jsonb_to_recordset(city.update_locations(fixes, 2)) as r(client_id text, accepted boolean, reason text, flag text);
select * from trail;
select * from place where id = 2;
select r.* from batch, jsonb_to_recordset(city.update_locations(fixes, 2)) as r(client_id text, accepted boolean, reason text, flag text);
select count(*) from trail;
select * from place where id = 2;
-- of one that cannot be, none that can is the duplicate
begin;
select r.* from jsonb_to_recordset(city.update_locations('[
    {"lng": 0, "recorded_at": "2026-01-31T12:00:21Z", "client_id": "d1"},
    {"lat": 0.002, "lng": 0, "recorded_at": "2026-01-31T12:00:21Z", "client_id": "d1"},
    {"lat": 0.003, "lng": 0, "recorded_at": "2026-01-31T12:00:22Z", "client_id": "d1"},
    {"lat": 0.003, "lng": 0, "recorded_at": "2999-01-31T12:00:22Z", "client_id": "d2"},
    {"lat": 0.003, "lng": 0, "recorded_at": "2026-01-31T12:00:23Z", "client_id": "d2"}]', 2)) as r(client_id text, accepted boolean, reason text, flag text);
rollback;
-- of fixes of one time, a minute from now, all are in the future or none
begin;
select count(*) as torn
from generate_series(0, 90, 5) ms, lateral (
    select city.update_locations((
        select jsonb_agg(jsonb_build_object('lat', 1, 'lng', 0, 'recorded_at', c.at))
        from (select clock_timestamp() + interval '1 min' + ms * interval '1 ms' as at offset 0) c, generate_series(1, 2000)
    ), 2) as answer
) u
where (select count(distinct a ->> 'reason' is not distinct from 'in_the_future') from jsonb_array_elements(u.answer) a) > 1;
rollback;
-- all of a batch may have jumped: its newest agrees with the one before
select r.* from jsonb_to_recordset(city.update_locations('[
    {"lat": 1.001, "lng": 0, "recorded_at": "2026-01-31T12:00:31Z", "client_id": "c2"},
    {"lat": 1.002, "lng": 0, "recorded_at": "2026-01-31T12:00:41Z", "client_id": "c3"},
    {"lat": 1, "lng": 0, "recorded_at": "2026-01-31T12:00:21Z", "client_id": "c1"}]', 2)) as r(client_id text, accepted boolean, reason text, flag text);
select * from place where id = 2;
select jsonb_array_length(city.update_locations(jsonb_agg('{"lat": 1, "lng": 0, "client_id": "c1"}'::jsonb), 2)) from generate_series(1, 10000);
select city.update_locations(jsonb_agg('{"lat": 1, "lng": 0, "client_id": "c1"}'::jsonb), 2) from generate_series(1, 10001);
\echo :SQLSTATE
select city.update_locations('[]', 2), city.update_locations('{}', 2);
\echo :SQLSTATE
select city.update_locations(null, 2);
\echo :SQLSTATE

-- who: the driver himself, by default; not another
set role driver;
set request.jwt.claims = '{"sub": "bob"}';
select city.update_location(lat => 1.003, lng => 0, recorded_at => t(50)) ->> 'accepted' as accepted;
select city.update_location(2, 1.004, 0, recorded_at => t(60)) ->> 'accepted' as accepted;
select city.update_location(1, 1.004, 0, recorded_at => t(60));
\echo :SQLSTATE
select city.update_locations('[]', 1);
\echo :SQLSTATE
select city.driver_shift('shift.start', 1);
\echo :SQLSTATE
select city.nearby_drivers(0, 0);
\echo :SQLSTATE
select count(*), count(distinct driver_id) from city.driver_locations;
set request.jwt.claims = '{"sub": "eve"}';
select city.update_location(lat => 1.003, lng => 0);
\echo :SQLSTATE
select city.update_locations('[]');
\echo :SQLSTATE
select city.driver_track();
\echo :SQLSTATE
select count(*) from city.driver_locations;
set request.jwt.claims = '{"sub": "eve", "user_role": "dispatcher"}';
select city.update_location(2, 1.005, 0, recorded_at => t(70)) ->> 'accepted' as accepted;
select count(*) > 0 as sees from city.driver_locations;
select driver_id, round(distance_m) as distance_m from city.nearby_drivers(1, 0);
reset role;
reset request.jwt.claims;
truncate realtime_sync.event;

-- presence drives is_online, where it is asked to
update city.drivers set is_online = false;
select realtime_sync.presence_hook('drivers', 'city.realtime_drive_online(text, text)');
set role driver;
set request.jwt.claims = '{"sub": "bob"}';
select city.driver_track(meta => '{"signal": 3}');
select city.driver_heartbeat('{"signal": 2}');
select id, is_online from city.drivers order by id;
select city.driver_track('offline');
select id, is_online from city.drivers order by id;
-- what is wrong in a trigger of the app's is no member who is not a driver
reset role;
create function city.guess() returns trigger language plpgsql as $$ begin perform 'no number'::integer; return new; end $$;
create trigger guess before update of is_online on city.drivers for each row execute function city.guess();
select realtime_sync.presence_track('drivers', member) from unnest(array['2', 'dora', '99999999999999999999']) member;
select member, state, hook_due is not null as called_again from realtime_sync.presence_member order by member;
drop trigger guess on city.drivers;
select count(realtime_sync.presence_untrack('drivers', member)) from unnest(array['2', 'dora', '99999999999999999999']) member;
set role driver;
select city.driver_heartbeat();
select city.driver_shift('shift.start') ->> 'member' as member;
reset role;
reset request.jwt.claims;
update realtime_sync.presence set seen = seen - interval '1 min', expires = expires - interval '1 min', due = due - interval '1 min';
select realtime_sync.presence_expire();
select id, is_online from city.drivers order by id;
select realtime_sync.presence_track('drivers', 'the dispatcher'), realtime_sync.presence_track('drivers', '99999999999999999999');
select event, topics, payload ->> 'member' as member, payload ->> 'state' as state from realtime_sync.events order by id;
select realtime_sync.presence_hook('drivers');
truncate realtime_sync.event, realtime_sync.presence, realtime_sync.presence_member, realtime_sync.presence_shift;

-- fences: a circle of metres, a polygon, one across the antimeridian, one around the pole, another schema's
insert into realtime_sync.geofence (schema, name, circle, polygon, topics) values
('city', 'station', '<(13.4, 52.5), 1000>', null, null),
('city', 'airport', null, '((13.5, 52.3), (13.6, 52.3), (13.6, 52.4), (13.5, 52.4))', '{fences,zone:airport}'),
('city', 'date line', null, '((179, -1), (181, -1), (181, 1), (179, 1))', null),
('city', 'island', '<(-179.99, 10), 5000>', null, null),
('city', 'pole', '<(0, 89.9), 50000>', null, null),
('other', 'elsewhere', '<(13.4, 52.5), 1000>', null, null);
insert into realtime_sync.fleet_limit (schema, max_speed) values ('city', 1e9);
select count(*) as made_again from realtime_sync.fleet_setup('city') where why ~ '^made again';
truncate city.driver_locations;
update city.drivers set lat = null, lng = null, location_at = null;
create function go(lat double precision, lng double precision) returns text language plpgsql as $$
declare
    seconds int := (select count(*) from city.driver_locations);
begin
    truncate realtime_sync.event;
    if not (city.update_location(1, lat, lng, recorded_at => t(seconds)) ->> 'accepted')::boolean then
        return 'refused';
    end if;
    return (
        select string_agg(array_to_string(e.topics, ',') || ' ' || e.event || ' ' || (e.payload ->> 'geofence'), '; ' order by id)
        from realtime_sync.events e
    );
end
$$;
select go(52.5, 13.4) as at_its_centre;
select go(52.508, 13.4) as still_in;
select go(52.5095, 13.4) as out_north;
select go(52.5, 13.4143) as in_again;
select go(52.5, 13.4153) as out_east;
select go(52.35, 13.55) as airport;
select go(52.5, 13.4) as airport_to_station;
select go(0, 179.5) as west_of_the_line;
select go(0, -179.5) as east_of_it;
select go(0, -178.5) as out;
select go(10, 179.99) as island_across;
select go(10, -179.96) as island_east;
select go(10, 179.9) as out;
select go(89.8, 100) as pole;
select go(89.5, -100) as out_of_it;
-- refused
insert into realtime_sync.geofence (name) values ('nothing');
\echo :SQLSTATE
insert into realtime_sync.geofence (name, circle) values ('nowhere', '<(200, 52.5), 1000>');
\echo :SQLSTATE
insert into realtime_sync.geofence (name, circle, polygon) values ('both', '<(0, 0), 1000>', '((0, 0), (1, 0), (1, 1))');
\echo :SQLSTATE
-- Tokyo with its latitude first, and no area
insert into realtime_sync.geofence (name, polygon) values ('swapped', '((35.6, 139.7), (35.7, 139.7), (35.7, 139.8))');
\echo :SQLSTATE
insert into realtime_sync.geofence (name, polygon) values ('a line', '((0, 0), (1, 0))');
\echo :SQLSTATE
insert into realtime_sync.geofence (name, circle, topics) values ('untold', '<(0, 0), 1000>', array['drivers', '']);
\echo :SQLSTATE

-- arriving at the pickup: once a trip, of an accepted trip of his
insert into city.trips values
(7, 1, 70, 'accepted', 48.85, 2.35), (8, 1, null, 'in_progress', 48.85, 2.35), (9, 2, 90, 'accepted', 48.85, 2.35), (10, 1, null, 'requested', 48.85, 2.35);
truncate realtime_sync.event;
select go(48.86, 2.35) as far_away;
select city.update_location(1, 48.8517, 2.35, recorded_at => t(1000)) ->> 'accepted' as near;
select city.update_location(1, 48.86, 2.35, recorded_at => t(1010)) ->> 'accepted' as away;
select city.update_location(1, 48.8517, 2.35, recorded_at => t(1020)) ->> 'accepted' as near_again;
select n, topics, event, trip from said order by n;
-- given back, it is another's, who arrives as well
update city.trips set driver_id = 2 where id = 7;
truncate realtime_sync.event;
select city.update_location(2, 48.8517, 2.35, recorded_at => t(1030)) ->> 'accepted' as near;
select topics, event, trip from said order by n;

-- other apps' drivers: what their row does not say the trail does
create schema untimed;
create table untimed.drivers (id bigint primary key, is_online boolean, lat double precision, lng double precision);
create schema placeless;
create table placeless.drivers (id bigint primary key, is_online boolean, location_at timestamptz);
create schema bare;
create table bare.drivers (id bigint primary key, is_online boolean);
create function fixes(app text) returns table (what text, answer text) language plpgsql as $$
begin
    execute format('set local search_path = %I, public', app);
    insert into drivers values (1, true);
    return query
        select w.what, concat_ws(' ', r ->> 'accepted', r ->> 'reason', r ->> 'flag')
        from (values
            ('first', 0, 10.0, null), ('on', 100, 10.01, 'a'), ('again', 100, 10.01, 'a'), ('an hour ago', -3500, 10.01, null), ('5,000 km off', 101, 55, null),
            ('back', 102, 10.0101, 'b')
        ) w(what, t, lat, client_id)
        cross join lateral update_location(1, w.lat, 10, recorded_at => public.t(w.t), client_id => w.client_id) r;
    return query
        select 'batch ' || w.what, string_agg(concat_ws(' ', f ->> 'accepted', f ->> 'reason', f ->> 'flag'), ', ')
        from (values ('late', '{50,60}'::int[], 10.011), ('far', '{200}', 55), ('near', '{300,310}', 10.02)) w(what, ts, lat)
        cross join lateral (
            select jsonb_agg(jsonb_build_object('lat', w.lat, 'lng', 10, 'recorded_at', public.t(s), 'client_id', w.what || s) order by s) as batch
            from unnest(w.ts) s
        ) b
        cross join lateral jsonb_array_elements(update_locations(b.batch, 1)) f
        group by w.what, w.ts
        order by w.ts;
end
$$;
create table answers (n int generated always as identity, app text, what text, answer text);
set client_min_messages = warning;
do $$
declare
    app text;
    trail boolean;
begin
    foreach trail in array '{false,true}'::boolean[] loop
        foreach app in array '{untimed,placeless,bare}'::text[] loop
            perform realtime_sync.fleet_setup(app, create_missing => trail);
            insert into answers (app, what, answer) select app || case when trail then ' and a trail' else '' end, f.* from fixes(app) f;
            execute format('delete from %I.drivers', app);
        end loop;
    end loop;
end
$$;
select what, max(answer) filter (where app = 'untimed') as untimed, max(answer) filter (where app = 'placeless') as placeless, max(answer) filter (where app = 'bare') as bare
from answers where app !~ 'trail' group by what order by min(n);
select what, max(answer) filter (where app = 'untimed and a trail') as untimed, max(answer) filter (where app = 'placeless and a trail') as placeless, max(answer) filter (where app = 'bare and a trail') as bare
from answers where app ~ 'trail' group by what order by min(n);
select extract(epoch from recorded_at - t(0))::int as t, u.lat, u.flag, u.client_id, (p.lat, p.flag) is not distinct from (u.lat, u.flag) as placeless, (b.lat, b.flag) is not distinct from (u.lat, u.flag) as bare
from untimed.driver_locations u full join placeless.driver_locations p using (recorded_at) full join bare.driver_locations b using (recorded_at)
order by recorded_at;
-- what the row does not say no fence is told by
insert into realtime_sync.geofence (schema, name, circle) values ('placeless', 'stop', '<(10, 10.02), 1000>'), ('untimed', 'stop', '<(10, 10.02), 1000>');
insert into placeless.drivers values (2, true);
insert into untimed.drivers values (1, true);
truncate realtime_sync.event;
select placeless.update_location(2, 10.02 + n * 0.0001, 10, recorded_at => t(400 + n)) ->> 'reason', untimed.update_location(1, 10.02 + n * 0.0001, 10, recorded_at => t(400 + n)) ->> 'reason' from generate_series(1, 2) n;
select event, topics from realtime_sync.events where topics && '{driver:1,driver:2}';
select extract(epoch from location_at - t(0))::int as t from placeless.drivers;
select count(*) > 0 as removed from unnest(array['untimed', 'placeless', 'bare']) app, realtime_sync.fleet_remove(app, drop_tables => true);
drop schema untimed, placeless, bare cascade;
drop table answers;
drop function fixes;
reset client_min_messages;

select status, object from realtime_sync.fleet_remove('city', drop_tables => true) where status <> 'done';
delete from realtime_sync.geofence;
delete from realtime_sync.arrival;
delete from realtime_sync.fleet_limit;
reset realtime_sync.capture;
drop schema city cascade;
drop view said;
drop function t, go;
drop table batch;
drop owned by driver;
drop role driver;
truncate realtime_sync.event;
