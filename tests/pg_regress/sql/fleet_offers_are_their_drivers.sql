-- Only the driver it was made to answers an offer, or a dispatcher or the back end for him.
set client_min_messages = warning;
\set SHOW_CONTEXT never
create role offer_app;
create schema own;
select count(*) > 0 as made from realtime_sync.fleet_setup('own', create_missing => true);
set search_path = own;
insert into drivers (id, user_id, is_online, status, lat, lng) overriding system value
select n, 'u' || n, true, 'available', 52.5 + n * 0.001, 13.4 from generate_series(1, 3) n;
insert into passengers (id, user_id) overriding system value values (1, 'p1');
insert into trips (id, passenger_id, pickup_lat, pickup_lng) overriding system value select n, 1, 52.5, 13.4 from generate_series(1, 3) n;
create function anyone(bigint, bigint) returns boolean language sql as 'select true';
revoke all on function anyone(bigint, bigint) from public;
select count(*) > 0 as allowed from realtime_sync.fleet_allow('own', 'offer_app');
select id, driver_id from offer_trip(1);

-- Nobody else may: not the stranger, not another driver, not the passenger.
set role offer_app;
select accept_offer(1);
select set_config('request.jwt.claims', '{"sub": "u2"}', false);
select accept_offer(1);
select decline_offer(1);
select ack_offer(1);
select cancel_offer(2);
select cancel_offers(1);
select offer_trip(1);
-- What is not his and what is not there look the same.
select accept_offer(999);
select driver_id, state from trip_offers;
select set_config('request.jwt.claims', '{"sub": "p1"}', false);
select accept_offer(1);
select count(*) from trip_offers;

-- The private functions are private.
select realtime_move_trip(1, 'completed');
select realtime_offer_trip(1, null, 1, 1, '1 s', 'all', null, null, null);
select realtime_close_offers(1, null, 'taken', null);
select realtime_offers_due();

-- The driver himself.
select set_config('request.jwt.claims', '{"sub": "u2"}', false);
select state, received_at is not null as received from ack_offer(2);
-- Again, from another of his devices: the first receipt stays.
select received_at as first from trip_offers where id = 2 \gset
select received_at = :'first' as the_first from ack_offer(2);
select state, answered_by, reason from decline_offer(2, 'lunch');
select set_config('request.jwt.claims', '{"sub": "u1"}', false);
select state, answered_by from accept_offer(1);
-- The dispatcher.
select set_config('request.jwt.claims', '{"sub": "d1", "user_role": "dispatcher"}', false);
select driver_id, created_by from offer_trip(2, array[2, 3]);
select driver_id, state, answered_by from accept_offer(4);
select accept_offer(999);
select count(*) from trip_offers;
-- A function it may not call is not run for it either.
select offer_trip(3, eligible => 'own.anyone(bigint,bigint)');
reset role;
create role offer_other;
create function own.mine(bigint, bigint) returns boolean language sql as 'select true';
alter function own.mine(bigint, bigint) owner to offer_other;
set role offer_app;
select offer_trip(3, eligible => 'own.mine(bigint,bigint)');
reset role;
grant execute on function anyone(bigint, bigint) to offer_app;
set role offer_app;
select driver_id from offer_trip(3, eligible => 'own.anyone(bigint,bigint)');
reset role;
reset request.jwt.claims;
select realtime_sync.fleet_disallow('own', 'offer_app');
reset search_path;
drop schema own cascade;
select count(*) > 0 as removed from realtime_sync.fleet_remove('own');
drop role offer_app, offer_other;
