-- Promise: an app whose drivers have a PostGIS place and nothing else has it moved, and searched by PostGIS's
-- own index with the kit's distances.
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
create table city.drivers (id bigint primary key, "where" gis.geography(point, 4326));
insert into city.drivers
select i, gis.st_setsrid(gis.st_makepoint(lng, lat), 4326)::gis.geography
from generate_series(1, 3000) i
cross join lateral (
    select
        case i % 3 when 0 then 52.5 + random() * 0.2 when 1 then (random() - 0.5) * 2 else 90 - random() end,
        case i % 3 when 0 then 13.3 + random() * 0.3 when 1 then (179 + random()) * sign(random() - 0.5) else random() * 360 - 180 end
) p(lat, lng);
create index drivers_where on city.drivers using gist ("where");
analyze city.drivers;
select columns from realtime_sync.fleet_map('city', 'driver', 'city.drivers', '{"geography": "where"}');
select count(*) > 10 as made from realtime_sync.fleet_setup('city') where status = 'done';
create table probe as
select i, lat, lng, (array[500, 5000, 50000])[1 + i % 3] as radius_m, (array[1, 20, 2000])[1 + i / 3 % 3] as max_drivers
from generate_series(1, 90) i
cross join lateral (
    select
        case i / 9 % 3 when 0 then 52.5 + random() * 0.2 when 1 then (random() - 0.5) * 2 else 90 - random() end,
        case i / 9 % 3 when 0 then 13.3 + random() * 0.3 when 1 then (179 + random()) * sign(random() - 0.5) else random() * 360 - 180 end
) p(lat, lng);
with found as (
    select p.i, n.driver_id as id from probe p cross join lateral city.nearby_drivers(p.lat, p.lng, p.radius_m, p.max_drivers) n
), wanted as (
    select i, id
    from (
        select p.i, d.id, row_number() over (partition by p.i order by d.away, d.id) as place, p.max_drivers
        from probe p
        cross join lateral (
            select d.id, realtime_sync.distance_m(p.lat, p.lng, gis.st_y("where"::gis.geometry), gis.st_x("where"::gis.geometry)) as away
            from city.drivers d
        ) d
        where d.away <= p.radius_m
    ) w
    where place <= max_drivers
)
select count(*) > 1000 as found_many, count(*) filter (where f.id is null) as missing, count(*) filter (where w.id is null) as too_many
from found f full join wanted w using (i, id);
set enable_seqscan = off;
select count(*) from city.nearby_drivers(52.6, 13.4, 5000, 10);
select pg_stat_force_next_flush();
select idx_scan > 0 as by_index from pg_stat_user_indexes where indexrelid = 'city.drivers_where'::regclass;
reset enable_seqscan;
select city.update_location(1, 10, -20);
select gis.st_astext("where") from city.drivers where id = 1;
set client_min_messages = warning;
select status, object from realtime_sync.fleet_remove('city') where status <> 'done';
delete from realtime_sync.fleet_map where schema = 'city';
drop schema city cascade;
drop extension postgis;
drop schema gis;
drop table probe;
