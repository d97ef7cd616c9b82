-- Promise: nearby drivers are exactly those that a comparison of every driver's chord through the earth
-- finds, in the same order, in a crowd, at the antimeridian and at the poles; by the index.
\set SHOW_CONTEXT never
\set VERBOSITY terse
\set seed 0.20261121
\echo seed :seed
select setseed(:seed);
create schema city;
create table city.drivers (id bigint primary key, user_id text, is_online boolean, status text, lat numeric(9, 6), lng double precision);
create table city.riders (id text primary key, place point, on_duty boolean);
-- a world, a crowd, both sides of the line, both poles
insert into city.drivers (id, is_online, status, lat, lng)
select i, random() < 0.8, (array['free', 'busy', 'break'])[1 + floor(random() * 3)], lat, lng
from generate_series(1, 6000) i
cross join lateral (
    select
        case i % 6
            when 0 then degrees(asin(2 * random() - 1)) when 1 then 52.5 + random() * 0.2 when 2 then (random() - 0.5) * 2
            when 3 then 90 - random() * 2 when 4 then random() * 2 - 90 else round(random()::numeric * 4) - 2 end,
        case i % 6
            when 0 then random() * 360 - 180 when 1 then 13.3 + random() * 0.3 when 2 then (179 + random()) * sign(random() - 0.5)
            when 5 then 180 * sign(random() - 0.5) else random() * 360 - 180 end
) p(lat, lng)
order by random();
insert into city.riders select 'r' || id, point(lng, lat), is_online from city.drivers;
select count(*) > 10 as made from realtime_sync.fleet_setup('city') where status = 'done';
analyze city.drivers;

-- distances: a quarter and half of the earth, a degree, a metre, nothing
select round(realtime_sync.distance_m(0, 0, 90, 77)::numeric, 3) as quarter, round(realtime_sync.distance_m(10, 20, -10, -160)::numeric, 3) as half,
    round(realtime_sync.distance_m(0, 179.5, 0, -179.5)::numeric, 3) as degree, round(realtime_sync.distance_m(60, 0, 60.000009, 0)::numeric, 3) as metre,
    realtime_sync.distance_m(52.5, 13.4, 52.5, 13.4) as nothing, realtime_sync.distance_m(52.5, null, 52.5, 13.4) is null as unknown;

-- every driver's chord
create function chord(lat1 float8, lng1 float8, lat2 float8, lng2 float8) returns float8 immutable language sql as $$
    select 2 * 6371008.8 * asin(least(1, sqrt(
        (cosd(lat1) * cosd(lng1) - cosd(lat2) * cosd(lng2)) ^ 2 + (cosd(lat1) * sind(lng1) - cosd(lat2) * sind(lng2)) ^ 2
        + (sind(lat1) - sind(lat2)) ^ 2
    ) / 2))
$$;
create table probe as
select i, p.lat, p.lng, (array[0, 300, 2000, 20000, 150000, 1e6, 20037600])[1 + floor(random() * 7)] as radius_m,
    (array[1, 3, 20, 500, 5000])[1 + floor(random() * 5)]::int as max_drivers,
    (array[null, '{free}', '{busy,break}', '{nobody}'])[1 + floor(random() * 4)]::text[] as statuses
from generate_series(1, 300) i
cross join lateral (
    select
        case i % 6
            when 0 then degrees(asin(2 * random() - 1)) when 1 then 52.5 + random() * 0.2 when 2 then (random() - 0.5) * 2
            when 3 then 90 - random() * random() * 2 when 4 then random() * random() * 2 - 90 else (array[90, -90, 0])[1 + i / 6 % 3] end,
        case i % 6
            when 0 then random() * 360 - 180 when 1 then 13.3 + random() * 0.3 when 2 then (179 + random()) * sign(random() - 0.5)
            when 5 then (array[180, -180, 0])[1 + i / 18 % 3] else random() * 360 - 180 end
) p(lat, lng);
with found as (
    select p.i, n.driver_id as id, n.distance_m as away, row_number() over (partition by p.i order by n.distance_m, n.driver_id) as place
    from probe p
    cross join lateral city.nearby_drivers(p.lat, p.lng, p.radius_m, p.max_drivers, p.statuses) n
), wanted as (
    select i, id, away, place
    from (
        select p.i, d.id, d.away, row_number() over (partition by p.i order by d.away, d.id) as place, p.max_drivers
        from probe p
        cross join lateral (
            select d.id, chord(p.lat, p.lng, d.lat::float8, d.lng) as away, d.is_online, d.status from city.drivers d
        ) d
        where d.away <= p.radius_m and case when p.statuses is null then d.is_online else d.status = any (p.statuses) end
    ) w
    where place <= max_drivers
)
select count(*) > 20000 as found_many, count(*) filter (where f.id is null) as missing, count(*) filter (where w.id is null) as too_many,
    count(*) filter (where f.away - w.away > 0.01) as farther
from found f full join wanted w on w.i = f.i and w.place = f.place and (w.id = f.id or abs(w.away - f.away) < 0.01);

-- by the index: of 6,000 few are looked at, even with a status that nobody has
select pg_stat_force_next_flush();
create table before as select idx_scan, seq_scan from pg_stat_user_tables where relid = 'city.drivers'::regclass;
select count(*) from city.nearby_drivers(52.6, 13.4, 5000, 10, '{nobody}');
select count(*) from city.nearby_drivers(52.6, 13.4, 5000, 10);
select pg_stat_force_next_flush();
select t.idx_scan - b.idx_scan as by_index, t.seq_scan - b.seq_scan as by_table
from pg_stat_user_tables t, before b where t.relid = 'city.drivers'::regclass;

-- the app's place is a point, its ids text, and nobody says who is what
select entity from realtime_sync.fleet_map('city', 'driver', 'city.riders', '{"point": "place", "online": "on_duty"}');
select status, object, why from realtime_sync.fleet_setup('city') where object ~ '^(driver|index|.*nearby)' order by step;
select count(*) = 10 as ten from city.nearby_drivers(0, 180, 200000, 10);
select city.update_location('r1', 1, 2), city.update_locations('[{"lat": 1.0001, "lng": 2, "recorded_at": "2026-01-31T12:00:15Z"}]', 'r1');
select place from city.riders where id = 'r1';
-- it has no place at all
alter table city.riders rename column place to gone;
select status, object, why, sql from realtime_sync.fleet_setup('city') where object ~ '^(driver|index|.*nearby)' order by step;
select city.update_location('r1', 1, 2);
select count(*) from city.nearby_drivers(0, 180, 200000, 10);

-- refused
select city.nearby_drivers(91, 0);
\echo :SQLSTATE
select city.nearby_drivers(0, 0, -1);
\echo :SQLSTATE
select city.nearby_drivers(0, 0, 1000, 0);
\echo :SQLSTATE
select city.nearby_drivers(null, 0);
\echo :SQLSTATE

set client_min_messages = warning;
select status, object from realtime_sync.fleet_remove('city') where status <> 'done';
drop schema city cascade;
drop table probe, before;
drop function chord;
truncate realtime_sync.event;
