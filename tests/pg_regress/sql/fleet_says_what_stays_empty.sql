-- Promise: what the dashboard, the map and the checks of fixes lack of an app is said when it is set up, and so is it that none of
-- its words for a status is known; an app with a fare alone has its offers' earnings from it, the trips it is given have no column
-- that nothing reads, and telemetry without a time has an index and is newest first by its number.
\set SHOW_CONTEXT never
set client_min_messages = warning;
create schema bare;
set search_path = bare;
create table drivers (id bigint primary key, user_id text, is_online boolean, lat float8, lng float8);
create table trips (id bigint primary key, driver_id bigint references drivers, status text, pickup_lat float8, pickup_lng float8, fare numeric);
select object, why from realtime_sync.fleet_setup('bare', create_missing => true) where object ~ '^without' order by step;
insert into drivers values (1, 'ada', true, 52.5, 13.4);
insert into trips values (7, null, 'requested', 52.5, 13.4, 12.50);
select driver_id, earnings from offer_trip(7, array[1]::bigint[]);
select payload ->> 'earnings' as earnings from realtime_sync.event where event = 'trip_offer.created';
select d -> 'offers' -> 0 ->> 'earnings' as earnings, d ->> 'trips' is null as no_trips from get_driver_dashboard(1) d;
alter table trips drop column status cascade;
select object, why from realtime_sync.fleet_setup('bare') where object ~ '^without trip' order by step;
select count(*) > 0 as removed from realtime_sync.fleet_remove('bare', drop_tables => true);
-- an app in words that nobody knows
create schema envios;
create type envios.estado as enum ('solicitado', 'aceptado', 'entregado');
create table envios.repartidores (id int primary key, usuario text unique, latitud float8, longitud float8);
create table envios.pedidos (id int primary key, repartidor_id int, estado envios.estado);
create view envios.drivers as select id from envios.repartidores;
select status, object, why, sql from realtime_sync.fleet_setup('envios', dry_run => true) where status = 'ask';
select (realtime_sync.fleet_map('envios', 'driver', 'envios.repartidores', '{"login": "usuario", "lat": null}')).entity;
select (realtime_sync.fleet_map('envios', 'trip', 'envios.pedidos', '{"driver": "repartidor_id", "status": "estado"}')).entity;
select status, object, why, sql from realtime_sync.fleet_setup('envios', create_missing => true, dry_run => true)
where status = 'ask' or object = 'without driver.lat';
select status, object, why from realtime_sync.fleet_setup('envios', create_missing => true)
where status = 'ask' or object = 'without driver.lat';
insert into envios.trip_transitions values ('solicitado', 'aceptado', '{driver,system}', 'accepted');
-- nor how it ends
select status, object, why, sql from realtime_sync.fleet_setup('envios') where status = 'ask';
insert into envios.trip_transitions values ('aceptado', 'entregado', '{driver,system}', 'completed');
select (realtime_sync.fleet_map('envios', 'driver', 'envios.repartidores', '{"lat": "latitud", "lng": "longitud"}')).entity;
select status, object, why from realtime_sync.fleet_setup('envios') where status = 'ask' or object = 'without driver.lat';
select count(*) > 0 as removed from realtime_sync.fleet_remove('envios', drop_tables => true);
drop schema envios cascade;
-- a new app's
create schema fresh;
select count(*) > 0 as made from realtime_sync.fleet_setup('fresh', create_missing => true);
select k.key as unread
from realtime_sync.fleet_map m, jsonb_object_keys(m.columns) k(key)
where m.schema = 'fresh' and m.entity = 'trip' and not exists (
    select from realtime_sync.fleet_template t where t.kind <> 'table' and t.template ~ ('\{\{(trip|t)\.' || k.key || '\}\}')
)
order by 1;
reset search_path;
select count(*) > 0 as removed from realtime_sync.fleet_remove('fresh', drop_tables => true);
-- drivers without a place or a time, trips without a pickup, telemetry without a time
create schema blind;
create table blind.drivers (id bigint primary key, user_id text, is_online boolean);
create table blind.trips (id bigint primary key, driver_id bigint references blind.drivers, status text, completed_at timestamptz);
create table blind.telemetry (id uuid primary key default gen_random_uuid(), driver_id bigint, type text, message text);
create view empty as
select object, why from realtime_sync.fleet_setup('blind') where object ~ '^without (driver.lat|location|trip[.]|telemetry[.])' order by step;
select * from empty;
-- of a driver's row with a time the order is known, with a place the reach as well
alter table blind.drivers add location_at timestamptz;
select why from empty where object = 'without location';
alter table blind.drivers add location point;
select object, why from empty where object !~ '^without t';
select indexdef from pg_indexes where indexname = 'realtime_telemetry_driver';
insert into blind.drivers values (1, 'ada', true);
insert into blind.telemetry (driver_id, type) select 1, i from generate_series(1, 12) i;
select d -> 'telemetry' as unordered, d -> 'trips' as unpaid from blind.get_driver_dashboard(1) d;
select count(*) > 0 as removed from realtime_sync.fleet_remove('blind', drop_tables => true);
drop table blind.telemetry;
create table blind.telemetry (id bigint generated always as identity primary key, driver_id bigint, type text, message text);
insert into blind.telemetry (driver_id, type) select 1 + i % 2, i from generate_series(1, 24) i;
select object, why from empty where object ~ 'telemetry[.]';
select indexdef from pg_indexes where indexname = 'realtime_telemetry_driver';
select jsonb_path_query_array(blind.get_driver_dashboard(1), '$.telemetry[*].type') as newest_first;
select count(*) > 0 as removed from realtime_sync.fleet_remove('blind', drop_tables => true);
drop view empty;
drop schema bare, fresh, blind cascade;
truncate realtime_sync.event;
