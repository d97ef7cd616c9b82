-- Promise: of tables whose row-level security holds for the kit's owner too fleet_setup() and health() say so, with the policy that
-- mends it: without it offers end as of a trip that is deleted, with it they go on.
\set SHOW_CONTEXT never
set client_min_messages = warning;
create role regress_forced;
create role regress_forced_app;
create schema forced authorization regress_forced;
select realtime_sync.allow('regress_forced', 'migrate');
select realtime_sync.allow('regress_forced', 'send', topics => array['*']);
set role regress_forced;
create table forced.drivers (id bigint primary key, user_id text unique, is_online boolean default true, lat float8, lng float8);
create table forced.trips (id bigint primary key, driver_id bigint, status text not null default 'requested', pickup_lat float8, pickup_lng float8);
alter table forced.drivers enable row level security, force row level security;
alter table forced.trips enable row level security, force row level security;
create policy own on forced.drivers using (user_id = realtime_sync.claim('sub') or realtime_sync.claim('sub') = 'dora');
create policy own on forced.trips using (realtime_sync.claim('sub') = 'dora');
select status, object, why, sql from realtime_sync.fleet_setup('forced', create_missing => true) where status = 'ask';
reset role;
insert into forced.drivers (id, user_id, lat, lng) values (1, 'ada', 48, 11), (2, 'bob', 48, 11);
insert into forced.trips (id, pickup_lat, pickup_lng) values (1, 48, 11), (2, 48, 11);
select level, subject, problem, fix from realtime_sync.health() where subject ~ '^forced' and problem ~ 'holds for';
-- what it is about: the next in the queue is never asked
create view forced.offers with (security_invoker = true) as select trip_id, driver_id, state, reason from forced.trip_offers order by id;
grant usage on schema forced to regress_forced_app;
select count(*) > 0 as allowed from realtime_sync.fleet_allow('forced', 'regress_forced_app');
set role regress_forced_app;
set request.jwt.claims = '{"sub": "dora", "user_role": "dispatcher"}';
select driver_id, state from forced.offer_trip(1, array[1, 2], strategy => 'one_by_one');
reset request.jwt.claims;
reset role;
update forced.trip_offers set expires_at = now() where state = 'open';
select more from realtime_sync.relay();
table forced.offers;

-- policies that let it see some, or that another restricts, do not do
create policy reads on forced.trips for select to regress_forced using (true);
create policy sees on forced.drivers to regress_forced using (true);
create policy limits on forced.drivers as restrictive for update using (id > 0);
select subject from realtime_sync.health() where subject ~ '^forced' and problem ~ 'holds for';
drop policy reads on forced.trips;
drop policy sees on forced.drivers;
drop policy limits on forced.drivers;
-- what fleet_setup() says does
set role regress_forced;
select sql as mend from realtime_sync.fleet_setup('forced') where status = 'ask' \gexec
select status, object from realtime_sync.fleet_setup('forced') where status = 'ask';
reset role;
select subject from realtime_sync.health() where subject ~ '^forced' and problem ~ 'holds for';
set role regress_forced_app;
set request.jwt.claims = '{"sub": "dora", "user_role": "dispatcher"}';
select driver_id, state from forced.offer_trip(2, array[1, 2], strategy => 'one_by_one');
reset request.jwt.claims;
reset role;
update forced.trip_offers set expires_at = now() where state = 'open';
select more from realtime_sync.relay();
table forced.offers;
-- nor is it said of an owner who sees all
drop policy realtime_kit on forced.drivers;
alter role regress_forced bypassrls;
select subject from realtime_sync.health() where subject ~ '^forced' and problem ~ 'holds for';
set role regress_forced;
select status, object from realtime_sync.fleet_setup('forced') where status = 'ask';
drop view forced.offers;
reset role;
select realtime_sync.fleet_disallow('forced', 'regress_forced_app');
set role regress_forced;
select status, object from realtime_sync.fleet_remove('forced', drop_tables => true) where status <> 'done';
reset role;
drop schema forced cascade;
select realtime_sync.disallow('regress_forced', 'migrate');
select realtime_sync.disallow('regress_forced', 'send');
drop owned by regress_forced, regress_forced_app;
drop role regress_forced, regress_forced_app;
truncate realtime_sync.event;
