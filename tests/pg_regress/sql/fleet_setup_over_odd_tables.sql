-- Promise: fleet_setup() over tables that are not as they should be says what is in the way and the call that helps:
-- a view for a table, a table of another schema, a key of two columns, a place that is generated; and works then.
\set SHOW_CONTEXT never
set client_min_messages = warning;
create schema odd;
create schema odd_base;
\set ask 'select status, object, why, sql from realtime_sync.fleet_setup(\'odd\') where object ~ \'^(driver|trip|passenger)\' and object !~ \'login\' order by step'

-- a view, of people of several kinds
create table odd.people (id bigint primary key, kind text, name text, lat float8, lng float8);
create view odd.drivers as select * from odd.people where kind = 'driver';
create table odd.trips (id bigint primary key, driver_id bigint, status text);
:ask;
-- nor is a table made beside it
select status, object, why from realtime_sync.fleet_setup('odd', create_missing => true) order by step limit 1;
select realtime_sync.fleet_map('odd', 'driver', 'odd.people') is not null as mapped;
:ask;
select count(*) > 0 as removed from realtime_sync.fleet_remove('odd');
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- the drivers are another schema's
create schema odd;
create table odd_base.drivers (id bigint primary key, name text, status text, lat float8, lng float8);
create table odd.trips (id bigint primary key, driver_id bigint references odd_base.drivers, customer_id uuid, status text);
:ask;
select realtime_sync.fleet_map('odd', 'driver', 'odd_base.drivers') is not null as mapped;
:ask;
select count(*) > 0 as set_up from realtime_sync.fleet_setup('odd', create_missing => true);
insert into odd_base.drivers values (1, 'Ann', 'free', 48, 11);
select message from odd.telemetry_logs;
select d ->> 'name' as name from jsonb_array_elements(odd.get_fleet_overview() -> 'drivers') d;
drop table odd_base.drivers cascade;
select status, object from realtime_sync.fleet_remove('odd', drop_tables => true) where status <> 'done' or object ~ 'odd_base';
select oid::regprocedure as function_left from pg_proc where pronamespace in ('odd'::regnamespace, 'odd_base'::regnamespace);
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- partitioned, with a key of two columns
create schema odd;
create table odd.drivers (id bigint, region text, name text, status text, lat float8, lng float8, primary key (id, region)) partition by list (region);
create table odd.drivers_eu partition of odd.drivers for values in ('eu');
:ask;
select realtime_sync.fleet_map('odd', 'driver', 'odd.drivers', '{"id": "id"}') is not null as mapped;
select count(*) > 0 as set_up from realtime_sync.fleet_setup('odd', create_missing => true);
insert into odd.drivers values (1, 'eu', 'Ann', 'free', 48, 11);
select odd.update_location(1, 48.1, 11.1) ->> 'accepted' as accepted;
update odd.drivers set status = 'busy';
select message from odd.telemetry_logs order by id;
select driver_id, driver_lat, driver_lng from odd.nearby_drivers(48.1, 11.1);
select topics, event from realtime_sync.events where schema = 'odd' and "table" like 'drivers%' order by id;
select status, object from realtime_sync.fleet_remove('odd', drop_tables => true) where status <> 'done';
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- a place that is generated is shown and searched, and moved by what it is generated from
create schema odd;
create table odd.drivers (
    id bigint primary key, is_online bool, pin point,
    lat float8 generated always as (pin[1]) stored, lng float8 generated always as (pin[0]) stored
);
:ask;
insert into odd.drivers (id, is_online, pin) values (1, true, '(11,48)');
select driver_id, driver_lat, driver_lng from odd.nearby_drivers(48, 11);
select odd.update_location(1, 48.1, 11.1) ->> 'accepted' as accepted;
select lat, lng from odd.drivers;
select realtime_sync.fleet_map('odd', 'driver', columns => '{"point": "pin"}') is not null as mapped;
:ask;
select odd.update_location(1, 48.2, 11.2) ->> 'accepted' as accepted;
select pin, lat, lng from odd.drivers;
select status, object from realtime_sync.fleet_remove('odd') where status <> 'done';
drop schema odd cascade;
delete from realtime_sync.fleet_map where schema = 'odd';

-- words in capitals, of an enum
create schema odd;
create type odd."DriverStatus" as enum ('OFFLINE', 'ONLINE', 'BUSY');
create type odd."TripStatus" as enum ('REQUESTED', 'ACCEPTED', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED');
create table odd."Driver" (id text primary key, "userId" text unique, name text, status odd."DriverStatus" not null, latitude numeric(10, 7), longitude numeric(10, 7));
create table odd."Trip" (id text primary key, "driverId" text references odd."Driver", status odd."TripStatus" not null default 'REQUESTED', "createdAt" timestamptz);
select count(*) > 0 as set_up from realtime_sync.fleet_setup('odd', create_missing => true);
select from_status, to_status, state from odd.trip_transitions order by 1, 2;
insert into odd."Driver" values ('d1', 'u1', 'Ann', 'OFFLINE', 48, 11), ('d2', 'u2', 'Bob', 'ONLINE', 48, 11), ('d3', 'u3', 'Cem', 'BUSY', 48, 11);
insert into odd."Trip" values ('t1', null, 'REQUESTED', now()), ('t2', 'd3', 'ACCEPTED', now());
select driver_id from odd.nearby_drivers(48, 11);
select d ->> 'id' as id, d ->> 'status' as status, d ->> 'trip_id' as trip from jsonb_array_elements(odd.get_fleet_overview(statuses => '{BUSY,OFFLINE}') -> 'drivers') d order by 1;
select odd.set_trip_status('t2', 'COMPLETED');
\echo :SQLSTATE
select odd.set_trip_status('t2', 'IN_PROGRESS') ->> 'state' as state;
select status, object from realtime_sync.fleet_remove('odd', drop_tables => true) where status <> 'done';
drop schema odd cascade;
drop schema odd_base cascade;
delete from realtime_sync.fleet_map where schema = 'odd';
truncate realtime_sync.event;
