-- Promise: get_fleet_overview() is a dispatcher's map in one call: who is within bounds, across the antimeridian
-- too, never more than asked for, under the caller's policies; driver_trail() is where a driver was.
\set SHOW_CONTEXT never
\set VERBOSITY terse
create schema map;
create table map.drivers (
    id bigint primary key, user_id uuid unique, name text, vehicle text, is_online boolean, status text, lat float8, lng float8, secret text
);
create table map.trips (id bigint primary key, driver_id bigint, status text, created_at timestamptz);
create table map.driver_locations (
    id bigint primary key, driver_id bigint, lat float8, lng float8, heading real, speed real, accuracy real, recorded_at timestamptz, flag text
);
insert into realtime_sync.fleet_map (schema, entity, relation, columns) values
('map', 'location', 'map.driver_locations', '{"id": "id", "driver": "driver_id", "lat": "lat", "lng": "lng", "heading": "heading", "speed": "speed", "accuracy": "accuracy", "recorded_at": "recorded_at", "flag": "flag"}');
select count(*) > 0 as set_up from realtime_sync.fleet_setup('map');
insert into map.drivers (id, user_id, name, vehicle, is_online, status, lat, lng, secret)
select id, md5(id::text)::uuid, name, 'car ' || id, status <> 'offline', status, lat, lng, 'secret'
from (values
    (1, 'Munich', 'available', 48.1, 11.5), (2, 'Munich too', 'busy', 48.2, 11.6), (3, 'Berlin', 'available', 52.5, 13.4),
    (4, 'Fiji west', 'available', -17, 179.9), (5, 'Fiji east', 'offline', -17, -179.9), (6, 'on the line', 'available', -17, 180),
    (7, 'on the line too', 'available', -17, -180), (8, 'pole', 'available', 90, 0), (9, 'nowhere', 'available', null, null)
) v(id, name, status, lat, lng);
insert into map.trips values (70, 2, 'in_progress', now()), (71, 2, 'completed', now()), (72, 1, 'completed', now());
insert into map.driver_locations
select n, 1 + n % 2, n, n + 0.5, n, n, n, '2026-01-01 00:00+0'::timestamptz + interval '1 s' * n from generate_series(1, 20) n;
truncate realtime_sync.presence, realtime_sync.presence_member;
select realtime_sync.presence_track('drivers', '2', 'on_break');

create role map_user;
grant usage on schema map to map_user;
grant select on all tables in schema map to map_user;
grant execute on all functions in schema map to map_user;
select realtime_sync.allow('map_user', 'read', array['drivers']);
alter table map.drivers enable row level security;
create policy own on map.drivers for select using (id = (select map.realtime_driver()) or (select map.realtime_dispatcher()));
alter table map.driver_locations enable row level security;
create policy own on map.driver_locations for select using (driver_id = (select map.realtime_driver()) or (select map.realtime_dispatcher()));
set role map_user;
set request.jwt.claims = '{"sub": "00000000-0000-0000-0000-00000000000d", "user_role": "dispatcher"}';
create function pg_temp.seen(bounds jsonb, statuses text[] default null, max_drivers int default 500) returns text language sql as $$
    select coalesce(string_agg(d ->> 'id', ' ' order by (d ->> 'id')::int), 'nobody') || case when o -> 'more' = 'true' then ' and more' else '' end
    from map.get_fleet_overview(bounds, statuses, max_drivers) o left join jsonb_array_elements(o -> 'drivers') d on true group by o
$$;
-- what is told
select jsonb_pretty(jsonb_agg(d order by d -> 'id')) from jsonb_array_elements(map.get_fleet_overview('{"west": 11, "south": 48, "east": 12, "north": 49}') -> 'drivers') d;
select string_agg(k, ' ' order by k) as keys, (o ->> 'generated_at')::timestamptz = now() as now, split_part(o ->> 'cursor', '/', 2) <> '' as cursor
from map.get_fleet_overview() o, jsonb_object_keys(o) k group by o;
-- who is within: edges count, nobody twice on the antimeridian, nobody who is nowhere
select pg_temp.seen('{"west": 11, "south": 48, "east": 12, "north": 49}') as munich,
    pg_temp.seen('{"west": 11.5, "south": 48.1, "east": 11.5, "north": 48.1}') as edge,
    pg_temp.seen('{"west": 0, "south": 0, "east": 1, "north": 1}') as sea,
    pg_temp.seen(null) as everywhere;
select pg_temp.seen('{"west": 179, "south": -20, "east": -179, "north": -10}') as fiji,
    pg_temp.seen('{"west": 179, "south": -20, "east": 180, "north": -10}') as west,
    pg_temp.seen('{"west": -180, "south": -20, "east": -179, "north": -10}') as east,
    pg_temp.seen('{"west": 12, "south": -90, "east": 11, "north": 90}') as around;
select pg_temp.seen(null, array['busy', 'offline']) as busy, pg_temp.seen(null, '{}') as none,
    pg_temp.seen('{"west": 11, "south": 48, "east": 12, "north": 49}', null, 2) as two,
    pg_temp.seen('{"west": 11, "south": 48, "east": 12, "north": 49}', null, 1) ~ '^[12] and more$' as one;
-- bounds that are none
select map.get_fleet_overview('{"west": 11, "south": 49, "east": 12, "north": 48}');
\echo :SQLSTATE
select map.get_fleet_overview('{"west": 11, "south": 48, "east": 181, "north": 49}');
\echo :SQLSTATE
select map.get_fleet_overview('{"west": 11}');
\echo :SQLSTATE
select map.get_fleet_overview('[1, 2]');
\echo :SQLSTATE
select map.get_fleet_overview('{"west": "NaN", "south": 48, "east": 12, "north": 49}');
\echo :SQLSTATE
select map.get_fleet_overview('{"west": "east", "south": 48, "east": 12, "north": 49}');
\echo :SQLSTATE
select map.get_fleet_overview(max_drivers => 10001), map.get_fleet_overview(max_drivers => null);
\echo :SQLSTATE
-- the trail: newest first, bounded, without what was refused
reset role;
insert into map.driver_locations (id, driver_id, lat, lng, recorded_at, flag) values
(21, 1, 89, 170, '2026-01-01 00:00:18.5+0', 'jump'), (22, 1, 19, 18.5, '2026-01-01 00:00:17+0', 'late');
set role map_user;
select * from map.driver_trail(1, 3);
select count(*) from map.driver_trail(1, null);
select count(*) from map.driver_trail(1, -1);
-- a driver sees himself, and no presence of others
set request.jwt.claims = '{"sub": "c4ca4238-a0b9-2382-0dcc-509a6f75849b"}';
select pg_temp.seen(null) as himself;
select d ->> 'presence' as presence from jsonb_array_elements(map.get_fleet_overview() -> 'drivers') d;
select count(*) from map.drivers_within(array[box(point(-180, -90), point(180, 90))]);
select count(*), min(recorded_at) at time zone 'UTC' from map.driver_trail();
select count(*) from map.driver_trail(2);
set request.jwt.claims = '{}';
select pg_temp.seen(null) as stranger, (select count(*) from map.driver_trail()) as trail;
reset request.jwt.claims;
reset role;
select count(*) > 0 as removed from realtime_sync.fleet_remove('map');
set client_min_messages = warning;
drop schema map cascade;
delete from realtime_sync.fleet_map where schema = 'map';
truncate realtime_sync.presence, realtime_sync.presence_member;
select realtime_sync.disallow('map_user', 'read');
drop owned by map_user;
drop role map_user;
delete from realtime_sync.fleet_object where schema in ('map');
truncate realtime_sync.event;
