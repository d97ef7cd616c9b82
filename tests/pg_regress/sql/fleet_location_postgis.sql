-- Promise: an app whose drivers have a PostGIS place and nothing else has it moved, shown, and searched by PostGIS's
-- own index with the kit's distances; a geography or a geometry, with the app's index or one that the kit makes.
\set SHOW_CONTEXT never
select not exists (select from pg_available_extensions where name = 'postgis') as without_postgis \gset
\if :without_postgis
\echo 'PostGIS is not installed here'
\quit
\endif
create schema gis;
set client_min_messages = warning;
create extension postgis schema gis;
reset client_min_messages;
select setseed(0.20261121);
create schema city;
create schema town;
create table city.drivers (id bigint primary key, user_id uuid unique default gen_random_uuid(), name text, "where" gis.geography(point, 4326));
insert into city.drivers (id, "where")
select i, gis.st_setsrid(gis.st_makepoint(lng, lat), 4326)::gis.geography
from generate_series(1, 3000) i
cross join lateral (
    select
        case i % 3 when 0 then 52.5 + random() * 0.2 when 1 then (random() - 0.5) * 2 else 90 - random() end,
        case i % 3 when 0 then 13.3 + random() * 0.3 when 1 then (179 + random()) * sign(random() - 0.5) else random() * 360 - 180 end
) p(lat, lng);
-- on the edges of the boxes below
insert into city.drivers (id, "where")
select 3000 + row_number() over (), gis.st_setsrid(gis.st_makepoint(lng, lat), 4326)::gis.geography
from unnest(array[-180, -90, -10, 0, 90, 170, 180]) lng, unnest(array[-90, -45, 0, 30, 90]) lat;
insert into city.drivers (id, "where") values (4000, null), (4001, gis.st_geomfromtext('point empty', 4326)::gis.geography);
create table town.drivers (like city.drivers including all, "at" gis.geometry(point, 4326));
alter table town.drivers drop column "where";
insert into town.drivers (id, "at") select id, "where"::gis.geometry from city.drivers;
create index drivers_where on city.drivers using gist ("where");
analyze city.drivers, town.drivers;
select columns from realtime_sync.fleet_map('city', 'driver', 'city.drivers', '{"geography": "where"}');
select columns from realtime_sync.fleet_map('town', 'driver', 'town.drivers', '{"geography": "at"}');
select count(*) > 10 as made from realtime_sync.fleet_setup('city') where status = 'done';
select status, object, why from realtime_sync.fleet_setup('city') where object like 'index drivers%';
select status, object, why from realtime_sync.fleet_setup('town') where object like 'index drivers%';
create table probe as
select i, lat, lng, (array[500, 5000, 50000])[1 + i % 3] as radius_m, (array[1, 20, 2000])[1 + i / 3 % 3] as max_drivers
from generate_series(1, 90) i
cross join lateral (
    select
        case i / 9 % 3 when 0 then 52.5 + random() * 0.2 when 1 then (random() - 0.5) * 2 else 90 - random() end,
        case i / 9 % 3 when 0 then 13.3 + random() * 0.3 when 1 then (179 + random()) * sign(random() - 0.5) else random() * 360 - 180 end
) p(lat, lng);
create view place as select id, gis.st_y("where"::gis.geometry) as lat, gis.st_x("where"::gis.geometry) as lng from city.drivers;
with found as (
    select 'city' as app, p.i, n.driver_id as id from probe p cross join lateral city.nearby_drivers(p.lat, p.lng, p.radius_m, p.max_drivers) n
    union all
    select 'town', p.i, n.driver_id from probe p cross join lateral town.nearby_drivers(p.lat, p.lng, p.radius_m, p.max_drivers) n
), wanted as (
    select app, i, id
    from (
        select p.i, d.id, row_number() over (partition by p.i order by d.away, d.id) as place, p.max_drivers
        from probe p
        cross join lateral (select d.id, realtime_sync.distance_m(p.lat, p.lng, d.lat, d.lng) as away from place d) d
        where d.away <= p.radius_m
    ) w, unnest(array['city', 'town']) app
    where place <= max_drivers
)
select count(*) > 2000 as found_many, count(*) filter (where f.id is null) as missing, count(*) filter (where w.id is null) as too_many
from found f full join wanted w using (app, i, id);
-- The map: boxes of all sizes, over the antimeridian, the poles and the meridians between which a box bulges, some
-- with drivers on their edges.
create table area as
select i, west, south, east, north
from generate_series(1, 200) i
cross join lateral (select (random() * 360 - 180) as x, (random() * 180 - 90) as y, (array[0.1, 3, 60, 250])[1 + i % 4] * random() as w, (array[0.1, 2, 50, 180])[1 + i % 4] * random() as h) r
cross join lateral (select r.x, case when r.x + r.w > 180 then r.x + r.w - 360 else r.x + r.w end, r.y, least(r.y + r.h, 90)) b(west, east, south, north)
union all
select 200 + row_number() over (), w, s, e, n
from unnest(array[-180, -90, -10, 0, 90, 170, 180]) w, unnest(array[-180, -90, -10, 0, 90, 170, 180]) e, (values (-90, 90), (-45, 30), (0, 0), (30, 90)) y(s, n)
union all
select 500 + i, 13.3 + random() * 0.2, 52.5 + random() * 0.1, 13.5 + random() * 0.2, 52.6 + random() * 0.1 from generate_series(1, 20) i;
create function pg_temp.shown(map jsonb) returns setof bigint language sql as $$ select (d -> 'id')::bigint from jsonb_array_elements(map -> 'drivers') d $$;
create view wanted as
select a.i, p.id from area a join place p
    on p.lat between a.south and a.north and case when a.west <= a.east then p.lng between a.west and a.east else p.lng >= a.west or p.lng <= a.east end;
with bounds as (
    select a.i, jsonb_build_object('west', west, 'south', south, 'east', east, 'north', north) as b from area a
), found as (
    select 'city' as app, i, s as id from bounds, pg_temp.shown(city.get_fleet_overview(b, null, 10000)) s
    union all
    select 'town', i, s from bounds, pg_temp.shown(town.get_fleet_overview(b, null, 10000)) s
)
select count(*) > 10000 as found_many, count(*) filter (where f.id is null) as missing, count(*) filter (where w.id is null) as too_many
from found f full join (select app, wanted.* from wanted, unnest(array['city', 'town']) app) w using (app, i, id);
-- By index, and without reading the table.
select pg_stat_force_next_flush();
select pg_stat_reset_single_table_counters(c) from unnest(array['city.drivers', 'town.drivers', 'city.drivers_where', 'town.drivers_location_geography']::regclass[]) c;
select count(*) from (select * from city.nearby_drivers(52.6, 13.4, 2000, 10) union all select * from town.nearby_drivers(52.6, 13.4, 2000, 10)) n;
select a = b as same, jsonb_array_length(a) > 10 as found
from (
    select city.get_fleet_overview(m) -> 'drivers' as a, town.get_fleet_overview(m) -> 'drivers' as b
    from jsonb_build_object('west', 13.4, 'south', 52.55, 'east', 13.45, 'north', 52.6) m
) o;
select pg_stat_force_next_flush();
select indexrelname, idx_scan > 1 as used from pg_stat_user_indexes where indexrelname in ('drivers_where', 'drivers_location_geography') order by 1;
select relid::regclass, seq_scan from pg_stat_user_tables where relname = 'drivers' and schemaname in ('city', 'town') order by 1;
-- Moved, and seen by who may: himself, a dispatcher, and nobody who is neither.
select city.update_location(1, 10, -20), town.update_location(1, 10, -20);
select gis.st_astext("where") as city, gis.st_astext("at") as town from city.drivers join town.drivers using (id) where id = 1;
create role gis_user;
grant usage on schema city, town to gis_user;
grant select on city.drivers, town.drivers to gis_user;
select count(*) > 5 as allowed from realtime_sync.fleet_allow('city', 'gis_user');
select count(*) > 5 as allowed from realtime_sync.fleet_allow('town', 'gis_user');
alter table city.drivers enable row level security;
create policy own on city.drivers for select using (id = (select city.realtime_driver()) or (select city.realtime_dispatcher()));
update city.drivers set user_id = '00000000-0000-0000-0000-000000000001' where id = 1;
set role gis_user;
set request.jwt.claims = '{"sub": "00000000-0000-0000-0000-000000000001"}';
select d #> '{driver,lat}' as lat, d #> '{driver,lng}' as lng from city.get_driver_dashboard() d;
select d #> '{drivers,0,lat}' as lat, d #> '{drivers,0,lng}' as lng, jsonb_array_length(d -> 'drivers') from city.get_fleet_overview() d;
set request.jwt.claims = '{"user_role": "dispatcher"}';
select d #> '{driver,lat}' as lat, d #> '{driver,lng}' as lng from town.get_driver_dashboard(1) d;
select d #> '{drivers,0,lat}' as lat, d #> '{drivers,0,lng}' as lng, jsonb_array_length(d -> 'drivers')
from city.get_fleet_overview('{"west": -21, "south": 9, "east": -19, "north": 11}') d;
set request.jwt.claims = '{}';
select city.get_driver_dashboard(1) as dashboard, city.get_fleet_overview() -> 'drivers' as map;
reset request.jwt.claims;
reset role;
select realtime_sync.fleet_disallow('city', 'gis_user'), realtime_sync.fleet_disallow('town', 'gis_user');
drop policy own on city.drivers;
-- The column is another one now: the kit is written anew.
set client_min_messages = warning;
alter table town.drivers rename "at" to place;
select realtime_sync.fleet_map('town', 'driver', null, '{"geography": "place"}') is not null as mapped;
select status, object from realtime_sync.fleet_setup('town') where object in ('function realtime_point', 'function realtime_area', 'function get_fleet_overview', 'index drivers_location_geography') order by step;
alter table town.drivers alter place type gis.geography(point, 4326);
select status, object from realtime_sync.fleet_setup('town') where object in ('function realtime_point', 'function realtime_area', 'function get_fleet_overview', 'index drivers_location_geography') order by step;
select jsonb_array_length(town.get_fleet_overview('{"west": -21, "south": 9, "east": -19, "north": 11}') -> 'drivers');
set client_min_messages = warning;
select status, object from realtime_sync.fleet_remove('city') where status <> 'done';
select status, object from realtime_sync.fleet_remove('town') where status <> 'done';
delete from realtime_sync.fleet_map where schema in ('city', 'town');
drop view wanted, place;
drop table area;
drop schema city cascade;
drop schema town cascade;
drop owned by gis_user;
drop role gis_user;
drop extension postgis;
drop schema gis;
drop table probe;
truncate realtime_sync.event;
