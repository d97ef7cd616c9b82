-- What is over expires, the next driver is asked, and who was offline gets his offer when he is back.
set client_min_messages = warning;
\set SHOW_CONTEXT never
create schema due;
select count(*) > 0 as made from realtime_sync.fleet_setup('due', create_missing => true);
set search_path = due;
insert into drivers (id, user_id, is_online, status, lat, lng) overriding system value
select n, 'u' || n, true, 'available', 52.5 + n * 0.001, 13.4 from generate_series(1, 4) n;
insert into trips (id, pickup_lat, pickup_lng) overriding system value select n, 52.5, 13.4 from generate_series(1, 4) n;
create view offers as select trip_id, driver_id, state, reason from trip_offers order by id;
create view events as
select topics[1] as topic, event, payload::jsonb - '{at,duration_s,offer_id,expires_at,pickup,dropoff,urgency,distance_m,passenger_id,earnings,vehicle_class}'::text[] as payload
from realtime_sync.event where event like 'trip%' order by id;
create procedure pass() language sql as
$$ update due.trip_offers set expires_at = now() - interval '1 second' where state in ('waiting', 'open') $$;

select realtime_offers_due();
-- One after another.
select driver_id, state from offer_trip(1, max_drivers => 3, strategy => 'one_by_one');
select realtime_offers_due() as due \gset
select :'due' = (select expires_at from trip_offers where state = 'open') as returns_when;
select * from offers;
truncate realtime_sync.event;
call pass();
select realtime_offers_due() as due \gset
select :'due' = (select expires_at from trip_offers where state = 'open') as returns_when;
select * from offers;
select * from events;
-- The third is busy by now.
insert into trips (id, driver_id, status) overriding system value values (9, 3, 'in_progress');
truncate realtime_sync.event;
call pass();
select realtime_offers_due();
select * from offers;
select * from events;
select status from trips where id = 1;

-- Declined or canceled, the next is asked at once; when nobody is left, the trip is told.
select count(*) as offers from offer_trip(1, array[1, 2, 4], strategy => 'one_by_one');
truncate realtime_sync.event;
select state from decline_offer((select max(id) from trip_offers where driver_id = 1));
select driver_id, state from trip_offers where round = 2 order by id;
select state from cancel_offer((select max(id) from trip_offers where driver_id = 2), 'sick');
select driver_id, state, reason from trip_offers where round = 2 order by id;
select state from decline_offer((select max(id) from trip_offers where driver_id = 4));
select * from events;
select status from trips where id = 1;

-- All at once: those that are over, in one call.
select count(*) as offers from offer_trip(2, array[1, 2]);
select count(*) as offers from offer_trip(3, array[2, 4]);
truncate realtime_sync.event;
call pass();
update trip_offers set expires_at = now() + interval '1 hour' where trip_id = 3 and driver_id = 4;
select realtime_offers_due() as due \gset
select :'due' = (select expires_at from trip_offers where state = 'open') as returns_when;
select * from offers where trip_id in (2, 3);
select * from events order by event, topic;
select count(*) as canceled from cancel_offers(3);

-- A driver who is offline: his offer waits, as long as hold says.
update drivers set is_online = false where id = 1;
truncate realtime_sync.event;
select driver_id, state, offered_at is null as unoffered, expires_at - created_at > interval '9 minutes' as waits from offer_trip(4, array[1, 2], hold => '10 minutes');
select * from events where topic = 'driver:1';
select accept_offer((select max(id) from trip_offers where driver_id = 1));
select realtime_offers_due() as due \gset
select :'due' = (select min(expires_at) from trip_offers where state in ('waiting', 'open')) as returns_when;
update drivers set is_online = true where id = 1;
select realtime_offers_due() as due \gset
select :'due' = (select min(expires_at) from trip_offers where state = 'open') as returns_when;
select state, expires_at - offered_at as timeout from trip_offers where trip_id = 4 order by id;
select topic, event from events where topic = 'driver:1';
select state from accept_offer((select max(id) from trip_offers where driver_id = 1));
-- Or he does not come back.
update drivers set is_online = false where id = 2;
select driver_id, state from offer_trip(2, array[2]);
truncate realtime_sync.event;
call pass();
select realtime_offers_due();
select * from offers where trip_id = 2;
select * from events;

-- A function of the app that fails stops its own offer, a trigger that fails its own trip.
update drivers set is_online = true;
create function picky(driver bigint, trip bigint) returns boolean language plpgsql
as $$ begin if current_setting('due.broken', true) = 'on' then raise 'picky is broken'; end if; return true; end $$;
select driver_id, state from offer_trip(2, max_drivers => 2, strategy => 'one_by_one', eligible => 'due.picky(bigint,bigint)');
set due.broken = 'on';
call pass();
select realtime_offers_due();
select * from offers where trip_id = 2;
select status from trips where id = 2;
create function stubborn() returns trigger language plpgsql as $$ begin if new.id = 2 then raise 'trip 2 stays'; end if; return new; end $$;
select count(*) as offers from offer_trip(2, array[2]);
select count(*) as offers from offer_trip(3, array[2]);
create trigger stubborn before update on trips for each row execute function stubborn();
call pass();
set client_min_messages = error;
select realtime_offers_due();
set client_min_messages = warning;
select id, status from trips where id in (2, 3) order by id;

-- So does what cannot be sent, of an offer that is over or of one for a driver who is back; those in its queue are not busy with it.
drop trigger stubborn on trips;
select driver_id, state from offer_trip(2, array[2, 4], strategy => 'one_by_one');
select driver_id, state from offer_trip(3, array[2]);
insert into trips (id, pickup_lat, pickup_lng) overriding system value select n, 52.5, 13.4 from generate_series(7, 8) n;
update drivers set is_online = false where id = 4;
select driver_id, state from offer_trip(7, array[4]);
update trips set pickup_address = repeat('x', 70000) where id in (2, 7);
update drivers set is_online = true where id = 4;
update trip_offers set expires_at = now() - interval '1 second' where state = 'open';
set client_min_messages = error;
select realtime_offers_due();
set client_min_messages = warning;
select trip_id, driver_id, state, reason from trip_offers where id > (select max(id) - 4 from trip_offers) order by id;
select realtime_offers_due();
select driver_id, state from offer_trip(8, strategy => 'one_by_one');
select reason from cancel_offers(8, 'enough');

-- Offers of a trip that was deleted.
select count(*) as offers from offer_trip(3, array[2]);
delete from trips where id = 3;
call pass();
select realtime_offers_due();
select count(*) as left_over from trip_offers where state in ('queued', 'waiting', 'open');
-- Of one that was offered one after another the queue ends with it, and those in it are asked again.
insert into trips (id, pickup_lat, pickup_lng) overriding system value select n, 52.5, 13.4 from generate_series(5, 6) n;
delete from trips where id not in (5, 6);
select driver_id, state from offer_trip(5, max_drivers => 2, strategy => 'one_by_one');
delete from trips where id = 5;
call pass();
select realtime_offers_due();
select driver_id, state, reason from offers where trip_id = 5;
select driver_id, state from offer_trip(6, max_drivers => 2, strategy => 'one_by_one');
-- Who is named twice has one offer, and each in the order in which they are named.
select reason from cancel_offers(6, 'anew');
select driver_id, state from offer_trip(6, array[2, 1, 2]);
reset search_path;
drop schema due cascade;
select count(*) > 0 as removed from realtime_sync.fleet_remove('due');
