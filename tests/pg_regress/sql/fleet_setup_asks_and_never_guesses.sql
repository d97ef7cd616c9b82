-- What two tables or columns could be is asked, with the call that answers it.
\set asks 'select status, object, why, sql from realtime_sync.fleet_setup(\'fleet_ask\', dry_run => true) where status = \'ask\' order by step'
select * from realtime_sync.fleet_setup('no such schema');
select * from realtime_sync.fleet_setup(null);
create schema fleet_ask;
set search_path = fleet_ask, public;
-- Riders carry parcels, or are carried.
create table riders (id uuid primary key, is_online boolean);
:asks;
-- Nor are tables made beside an unanswered question.
select status, object from realtime_sync.fleet_setup('fleet_ask', create_missing => true);
-- Nor passengers beside trips that are asked about: they have some already.
create table drivers (id uuid primary key, is_online boolean);
create table rides (day date, id int, driver_id uuid references drivers, customer text, primary key (day, id));
drop table riders;
select status, object, why from realtime_sync.fleet_setup('fleet_ask', create_missing => true, dry_run => true) where object ~ 'trip$|passenger' and object !~ '^function';
drop table rides, drivers;
create table riders (id uuid primary key, is_online boolean);
-- With drivers there, riders are the passengers.
create table drivers (id uuid primary key, is_online boolean);
create table trips (id uuid primary key, driver_id uuid references drivers, rider_id uuid references riders);
:asks;
select object, why from realtime_sync.fleet_setup('fleet_ask', dry_run => true) where status = 'found';
create table couriers (id uuid primary key);
:asks;
drop table couriers;
-- Two tables of trips as good as each other; a better name wins.
create table rides (id uuid primary key, driver_id uuid references drivers);
:asks;
drop table rides;
create table orders (id uuid primary key, driver_id uuid references drivers);
:asks;
-- A table without a driver is no trip, wallet or telemetry, whatever it is called.
drop table orders, trips;
create table trips (id uuid primary key, name text);
create table wallets (id uuid primary key, user_id uuid, balance numeric);
create table telemetry (id uuid primary key, type text);
select status, object, why from realtime_sync.fleet_setup('fleet_ask', dry_run => true) where object in ('trip', 'wallet', 'telemetry');
drop table trips;
-- A driver_id that refers to somebody else is not taken for the driver's.
create table users (id uuid primary key);
create table trips (id uuid primary key, driver_id uuid references users);
select status, object, why from realtime_sync.fleet_setup('fleet_ask', create_missing => true, dry_run => true) where object ~ '^(trip|table fleet_ask.*trips)$';
select realtime_sync.fleet_map('fleet_ask', 'trip', 'trips') is not null as said;
:asks;
delete from realtime_sync.fleet_map;
drop table trips, wallets, telemetry, users;
-- Two columns as good as each other.
alter table drivers add current_lat float8, add last_lat float8, add lng text, add status int, add "isOnline" bool;
:asks;
select object, why from realtime_sync.fleet_setup('fleet_ask', dry_run => true) where status = 'found';
select columns from realtime_sync.fleet_map('fleet_ask', 'driver', 'drivers', '{"lat": "last_lat", "online": null}');
:asks;
select object, why from realtime_sync.fleet_setup('fleet_ask', dry_run => true) where status = 'found';
delete from realtime_sync.fleet_map;
-- No key of one column.
drop table drivers, riders;
create table drivers (depot int, id int, primary key (depot, id));
:asks;
drop table drivers;
-- A number is not taken for a login; the key of the users is one.
create table drivers (id int primary key);
:asks;
create table users (id int primary key);
alter table drivers add foreign key (id) references users;
:asks;
-- What enable() refuses is asked for, and the rest is made.
create table telemetry (driver_id int references drivers, message text);
select status, object, why from realtime_sync.fleet_setup('fleet_ask', dry_run => true) where object ~ '^source' order by step;
select status, object, why, sql from realtime_sync.fleet_setup('fleet_ask') where object ~ '^source' order by step;
select count(*) from realtime_sync.fleet_remove('fleet_ask') where status <> 'done';
drop table telemetry;
-- Names as they come.
drop table drivers, users;
create table "CaptainProfile" ("captainId" bigint primary key, "authUserId" uuid unique, "isCurrentlyOnline" bool,
    "currentLatitude" real, "currentLongitude" real, "lastSeenAt" timestamptz, "vehicleType" text, "avgRating" numeric,
    "password_hash" text, "fcmToken" text, "updatedAt" timestamptz);
select object, why from realtime_sync.fleet_setup('fleet_ask', dry_run => true) where status = 'found';
select sql from realtime_sync.fleet_setup('fleet_ask', dry_run => true) where object ~ '^source';
set client_min_messages = warning;
drop schema fleet_ask cascade;

-- Logins that two rows may have: every call of both would fail with 21000.
create schema twins;
create table twins.drivers (id bigint primary key, user_id text, is_online boolean);
create table twins.passengers (id bigint primary key, user_id text);
create table twins.trips (id bigint primary key, driver_id bigint, passenger_id bigint references twins.passengers, status text);
select status, object, why, sql from realtime_sync.fleet_setup('twins', concurrently => true) where object ~ 'login$' and status = 'ask';
create unique index by_login on twins.drivers (user_id) where user_id is not null;
create unique index of_some on twins.passengers (user_id) where id > 10;
select status, object, sql from realtime_sync.fleet_setup('twins') where object ~ 'login$' and status = 'ask';
create unique index on twins.passengers (user_id);
select status, object from realtime_sync.fleet_setup('twins') where object ~ 'login$' and status = 'ask';
select count(*) > 0 as removed from realtime_sync.fleet_remove('twins');
set client_min_messages = warning;
drop schema twins cascade;
truncate realtime_sync.event;
