-- Exactly one driver gets a trip, the others hear of it, and no driver gets two.
set client_min_messages = warning;
\set SHOW_CONTEXT never
create schema win;
select count(*) > 0 as made from realtime_sync.fleet_setup('win', create_missing => true);
set search_path = win;
insert into drivers (id, user_id, is_online, status, lat, lng) overriding system value
select n, 'u' || n, true, 'available', 52.5 + n * 0.001, 13.4 from generate_series(1, 4) n;
insert into passengers (id, user_id) overriding system value values (1, 'p1');
insert into trips (id, passenger_id, pickup_lat, pickup_lng) overriding system value
select n, 1, 52.5, 13.4 from generate_series(1, 5) n;
create view offers as select driver_id, trip_id, state, answered_by, reason from trip_offers order by id;
create function offer(trip bigint, driver bigint) returns bigint language sql
as 'select max(id) from win.trip_offers where trip_id = trip and driver_id = driver';
create view events as
select topics[1] as topic, event, payload ->> 'trip_id' as trip, payload ->> 'state' as state, payload ->> 'driver_id' as driver,
    payload ->> 'reason' as reason
from realtime_sync.event where event like 'trip%' order by id;

select count(*) as offers from offer_trip(1, max_drivers => 3);
truncate realtime_sync.event;
select driver_id, state, answered_at is not null as answered, answered_by from accept_offer(offer(1, 2));
select driver_id, status, accepted_at is not null as accepted from trips where id = 1;
select * from offers;
select * from events order by topic, event;

-- Again: the same answer, and nothing happens.
truncate realtime_sync.event;
select driver_id, state from accept_offer(offer(1, 2));
select * from events;
-- The others: no.
select accept_offer(offer(1, 1));
select decline_offer(offer(1, 1));
select state, received_at is not null as received from ack_offer(offer(1, 1));

-- A driver is on one trip at a time. His other offers expire as he accepts.
select count(*) as offers from offer_trip(2, array[1, 3]);
select count(*) as offers from offer_trip(3, array[1, 3]);
select state from accept_offer(offer(2, 1));
select accept_offer(offer(3, 1));
select count(*) as offers from offer_trip(3, array[1]);
update trip_offers set expires_at = now() + interval '1 hour' where id = offer(3, 1);
select accept_offer(offer(3, 1));
select id, driver_id, status from trips order by id;
-- By the status, too.
update trips set driver_id = 1 where id = 4;
select set_trip_status(4, 'accepted');
update trips set driver_id = null where id = 4;

-- An offer ends by its time, whether or not somebody has looked at the clock.
update trip_offers set expires_at = now() where id = offer(3, 3);
select accept_offer(offer(3, 3));
select decline_offer(offer(3, 3));
-- Canceled, declined, of a trip that is gone or canceled.
select count(*) as offers from offer_trip(4, array[3, 4]);
select state, reason from decline_offer(offer(4, 3), 'too far');
select state, reason from decline_offer(offer(4, 3), 'once more');
select accept_offer(offer(4, 3));
select state, reason from cancel_offer(offer(4, 4), 'found another way');
select state, reason from cancel_offer(offer(4, 4));
select accept_offer(offer(4, 4));
select cancel_offer(offer(1, 2));
select count(*) as offers from offer_trip(5, array[3, 4]);
truncate realtime_sync.event;
select set_trip_status(5, 'canceled') ->> 'state' as state;
select * from events where topic like 'driver:%' order by topic;
select accept_offer(offer(5, 3));
select accept_offer(0);

-- The trip was given back: the first winner's answer is not repeated.
select set_trip_status(1, 'requested') ->> 'state' as state;
select driver_id, status, accepted_at from trips where id = 1;
select accept_offer(offer(1, 2));
select driver_id from offer_trip(1, array[3]);
select state from accept_offer(offer(1, 3));

-- Where a trigger of the app's keeps the trip, or its driver, as it was, nobody has it.
insert into drivers (id, is_online) overriding system value values (9, true);
insert into trips (id) overriding system value values (9);
select driver_id from offer_trip(9, array[9]);
create function guard() returns trigger language plpgsql as $$
begin
    if tg_argv[0] = 'row' then
        return null;
    end if;
    new.driver_id := old.driver_id;
    return new;
end
$$;
create trigger guard before update on trips for each row execute function guard('row');
select accept_offer(offer(9, 9));
select set_trip_status(1, 'arriving');
create or replace trigger guard before update on trips for each row execute function guard('driver');
select accept_offer(offer(9, 9));
drop trigger guard on trips;
select state from accept_offer(offer(9, 9));

-- Under a snapshot taken before the lock nobody could see who was first.
begin isolation level repeatable read;
select accept_offer(offer(1, 3));
rollback;
begin isolation level repeatable read;
select set_trip_status(1, 'arriving');
rollback;
reset search_path;
drop schema win cascade;
select count(*) > 0 as removed from realtime_sync.fleet_remove('win');
