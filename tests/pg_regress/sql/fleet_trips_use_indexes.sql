-- Promise: neither an offer, nor an answer, nor a trip's step, nor a driver's fix, his dashboard or his place on the map reads a
-- whole table of the app, nor all the trips that he ever had.
\set SHOW_CONTEXT never
set client_min_messages = warning;
create schema plans;
create type plans.trip_status as enum ('requested', 'offered', 'accepted', 'arriving', 'arrived', 'in_progress', 'completed', 'canceled');
create table plans.drivers (
    id bigint primary key, user_id uuid unique, name text, is_online boolean, lat float8, lng float8, location_at timestamptz, last_seen timestamptz
);
create table plans.passengers (id bigint primary key, user_id uuid unique);
create table plans.trips (
    id bigint primary key, driver_id bigint references plans.drivers, passenger_id bigint references plans.passengers,
    status plans.trip_status not null default 'requested', pickup_lat float8, pickup_lng float8, created_at timestamptz, accepted_at timestamptz, completed_at timestamptz
);
insert into plans.drivers select n, md5(n::text)::uuid, 'Driver ' || n, true, 50 + n % 70 * 0.01, 10 + n / 70 * 0.01, now() - interval '1 hour', now() from generate_series(1, 5000) n;
insert into plans.passengers select n, md5('p' || n)::uuid from generate_series(1, 5000) n;
-- Driver 1 has had a thousand.
insert into plans.trips select n, case when n <= 1000 then 1 else 1 + n % 5000 end, 1 + n % 5000, 'completed', 50, 10, now(), now(), now()
from generate_series(1, 20000) n;
select count(*) > 0 as set_up from realtime_sync.fleet_setup('plans', create_missing => true);
insert into plans.trip_offers (trip_id, driver_id, round, state, strategy, timeout, created_at, answered_at)
select n, 1, 1, 'accepted', 'all', '15 s', now(), now() from generate_series(1, 20000) n;
insert into plans.driver_locations (driver_id, lat, lng, recorded_at)
select 1 + n % 5000, 50, 10, now() - interval '1 hour' - n * interval '1 s' from generate_series(1, 20000) n;
insert into plans.trips (id, passenger_id, pickup_lat, pickup_lng, created_at) select n, 4000, 50.01, 10, now() from generate_series(30001, 30020) n;
analyze plans.drivers, plans.passengers, plans.trips, plans.trip_offers, plans.driver_locations;
create function plans.whole() returns table (relation name) language sql as $$
    select s.relname from pg_stat_xact_user_tables s
    where s.schemaname = 'plans' and s.seq_scan > 0 and s.relname in ('drivers', 'passengers', 'trips', 'trip_offers', 'driver_locations')
    order by 1
$$;
-- Rows of trips that were read.
create function plans.few(calls integer) returns boolean language sql as $$
    select s.idx_tup_fetch < 50 * calls from pg_stat_xact_user_tables s where s.schemaname = 'plans' and s.relname = 'trips'
$$;
-- More calls than the first five, whose plans are made for their parameters.
select pg_stat_force_next_flush();
begin;
select count(*) as offers from generate_series(30001, 30010) n, plans.offer_trip(n, array[1, 2, 3]);
select * from plans.whole();
select plans.few(10);
commit;
select pg_stat_force_next_flush();
begin;
select count(*) as offers from generate_series(30011, 30020) n, plans.offer_trip(n, max_drivers => 3);
select * from plans.whole();
select plans.few(10);
commit;
select pg_stat_force_next_flush();
begin;
select count(plans.set_trip_status(n, 'canceled')) from generate_series(30002, 30009) n;
select (plans.accept_offer(o.id)).state, plans.set_trip_status(30001, 'arriving') ->> 'to' as status
from plans.trip_offers o where o.trip_id = 30001 and o.driver_id = 1;
select * from plans.whole();
select plans.few(11);
commit;
select pg_stat_force_next_flush();
begin;
select count(plans.update_location(1, 50.01 + n * 0.00001, 10, recorded_at => now() - interval '1 min' + n * interval '1 s')) from generate_series(1, 10) n;
select * from plans.whole();
select plans.few(10);
commit;
select pg_stat_force_next_flush();
begin;
select plans.realtime_offers_due() is not null as more_is_due from generate_series(1, 7) n;
select * from plans.whole();
select plans.few(7);
commit;
update plans.trips set completed_at = now() - interval '1 month' where status = 'completed';
select pg_stat_force_next_flush();
begin;
select count(plans.get_driver_dashboard(1)) from generate_series(1, 10);
select jsonb_array_length(plans.get_fleet_overview('{"west": 9.999, "south": 50.01, "east": 10.001, "north": 50.011}') -> 'drivers') as drivers from generate_series(1, 7);
select * from plans.whole();
select plans.few(17);
commit;
-- A word that is renamed is the same, to plans that are kept too.
select plans.get_driver_dashboard(1) #>> '{active_trip,status}' as status;
alter type plans.trip_status rename value 'arriving' to 'coming';
select plans.get_driver_dashboard(1) #>> '{active_trip,status}' as status;
-- Who is connected hears of the steps by a trigger.
alter table plans.trip_transitions disable trigger realtime_replan;
select level, subject, problem, fix from realtime_sync.health() where subject ~ 'trip_transitions';
drop trigger realtime_replan on plans.trip_transitions;
select level, subject, problem, fix from realtime_sync.health() where subject ~ 'trip_transitions';
select status, object from realtime_sync.fleet_setup('plans', create_missing => true) where status = 'done' and object ~ 'trigger';
select count(*) as warnings from realtime_sync.health() where subject ~ 'trip_transitions';
select count(*) > 0 as removed from realtime_sync.fleet_remove('plans', drop_tables => true);
drop schema plans cascade;
delete from realtime_sync.fleet_object where schema = 'plans';
truncate realtime_sync.event;
