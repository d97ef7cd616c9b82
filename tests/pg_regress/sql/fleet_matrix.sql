-- Promise: of the fleet kit a driver, a passenger and a dispatcher may each do and read what is theirs, and
-- nobody what is another's: every call, and every way to events, by every kind of caller.
\set SHOW_CONTEXT never
set client_min_messages = warning;
create schema city;
create role regress_app;
create role regress_stranger;
select count(*) > 40 as made from realtime_sync.fleet_setup('city', create_missing => true) where status = 'done';
select count(*) > 30 as allowed from realtime_sync.fleet_allow('city', 'regress_app');
-- Whoever may use the schemas but was never allowed anything.
grant usage on schema city, realtime_sync to regress_stranger;

insert into city.drivers (user_id, name, is_online, lat, lng) values
    ('sub-anna', 'Anna', true, 52.5, 13.4), ('sub-bert', 'Bert', true, 52.6, 13.5);
insert into city.passengers (user_id, name) values ('sub-paul', 'Paul'), ('sub-rita', 'Rita');
insert into city.trips (driver_id, passenger_id, status, pickup_lat, pickup_lng, fare, earnings) values
    (2, 1, 'in_progress', 52.5, 13.4, 20, 15), (null, 2, 'requested', 52.6, 13.5, 30, 25);
insert into city.driver_wallets (driver_id, balance) values (1, 100), (2, 200);
insert into city.telemetry_logs (driver_id, type, message) values (1, 'note', 'of Anna'), (2, 'note', 'of Bert');
insert into city.driver_locations (driver_id, lat, lng, recorded_at) values (1, 52.5, 13.4, now()), (2, 52.6, 13.5, now());
select driver_id, state from city.offer_trip(2, array[1], timeout => '1 h');
select realtime_sync.presence_track('drivers', '1', ttl => '1 h'), realtime_sync.presence_track('drivers', '2', ttl => '1 h');
select realtime_sync.send('user:sub-anna', 'hello', '1') > 0 as to_anna, realtime_sync.send('user:sub-paul', 'hello', '1') > 0 as to_paul;
select more from realtime_sync.relay();

-- What a call gives: its value, or its SQLSTATE. Whatever it did is undone.
create function city.attempt(call text) returns text
language plpgsql
as $$
declare
    given text;
begin
    begin
        execute case when call like 'with %' then call else 'select ' || call end into given;
        raise exception using errcode = 'ZZ000';
    exception
        when sqlstate 'ZZ000' then return coalesce(given, 'null');
        when others then return sqlstate;
    end;
end $$;
grant execute on function city.attempt to regress_app, regress_stranger;

create temporary table caller (place integer, name text, role name, claims json);
insert into caller values
    (1, 'Anna', 'regress_app', '{"sub": "sub-anna"}'),
    (2, 'Bert', 'regress_app', '{"sub": "sub-bert"}'),
    (3, 'Paul', 'regress_app', '{"sub": "sub-paul"}'),
    (4, 'Rita', 'regress_app', '{"sub": "sub-rita"}'),
    (5, 'dispatch', 'regress_app', '{"sub": "sub-dora", "user_role": "dispatcher"}'),
    (6, 'unknown', 'regress_app', '{"sub": "sub-nobody"}'),
    (7, 'no claims', 'regress_app', null),
    (8, 'stranger', 'regress_stranger', '{"sub": "sub-anna", "user_role": "dispatcher"}');

-- Anna is driver 1, and is offered trip 2 of Rita, passenger 2. Bert is driver 2, on trip 1 of Paul, passenger 1.
create temporary table call (place serial, what text, call text);
insert into call (what, call) values
    ('read own dashboard', $$(city.get_driver_dashboard() -> 'driver' ->> 'name')$$),
    ('read Anna''s dashboard', $$(select coalesce(d -> 'driver' ->> 'name', 'hidden') || ' ' || coalesce(d -> 'wallet' ->> 'balance', '-') from city.get_driver_dashboard(1) d)$$),
    ('read the map', $$(city.get_fleet_overview() -> 'drivers' -> 0 ->> 'name')$$),
    ('read Anna''s trail', $$count(*) from city.driver_trail(1)$$),
    ('read Anna''s presence', $$(city.driver_presence(1) ->> 'state')$$),
    ('find the nearest', $$count(*) from city.nearby_drivers(52.5, 13.4, 50000)$$),
    ('read drivers', $$string_agg(name, '+' order by name) from city.drivers$$),
    ('read wallets', $$sum(balance) from city.driver_wallets$$),
    ('read trips', $$string_agg(id::text, '+' order by id) from city.trips$$),
    ('read telemetry', $$string_agg(message, '+' order by id) from city.telemetry_logs where type = 'note'$$),
    ('read locations', $$count(*) from city.driver_locations$$),
    ('read offers', $$count(*) from city.trip_offers$$),
    ('read state times', $$count(distinct driver_id) from city.driver_state_times$$),
    ('write trips', $$with x as (update city.trips set fare = 0 returning 1) select count(*) from x$$),
    ('offer trip 2', $$count(*) from city.offer_trip(2, array[2]::bigint[])$$),
    ('accept Anna''s offer', $$(city.accept_offer(1)).state$$),
    ('decline Anna''s offer', $$(city.decline_offer(1, 'no')).state$$),
    ('cancel Anna''s offer', $$(city.cancel_offer(1)).state$$),
    ('acknowledge Anna''s', $$(city.ack_offer(1)).state$$),
    ('finish trip 1', $$(city.set_trip_status(1, 'completed') ->> 'to')$$),
    ('move Anna', $$(city.update_location(driver => 1, lat => 52.5001, lng => 13.4001) ->> 'accepted')$$),
    ('log for Anna', $$city.log_telemetry(1, 'note', 'x') > 0$$),
    ('Anna''s shift', $$(city.driver_shift('shift.start', 1) is not null)$$),
    ('events of all', $$string_agg(distinct t.topic, '+' order by t.topic) from realtime_sync.events e, unnest(e.topics) t(topic) where t.topic !~ '^(driver|trip|passenger):' or t.topic ~ ':1$'$$),
    ('replay drivers', $$json_array_length(realtime_sync.replay('00000000-0000000000000000-7fffffffffffffff', array['drivers']) -> 'events') > 0$$),
    ('replay driver:1', $$json_array_length(realtime_sync.replay('00000000-0000000000000000-7fffffffffffffff', array['driver:1']) -> 'events') > 0$$),
    ('replay trip:1', $$json_array_length(realtime_sync.replay('00000000-0000000000000000-7fffffffffffffff', array['trip:1']) -> 'events') > 0$$),
    ('replay user:sub-anna', $$json_array_length(realtime_sync.replay('00000000-0000000000000000-7fffffffffffffff', array['user:sub-anna']) -> 'events') > 0$$),
    ('may read driver:1', $$realtime_sync.may_read('driver:1')$$),
    ('presence_state', $$count(*) from realtime_sync.presence_state('drivers')$$),
    ('presence table', $$count(*) from realtime_sync.presence$$),
    ('track as Anna', $$(realtime_sync.presence_track('drivers', '1') is not null)$$),
    ('send to driver:1', $$realtime_sync.send('driver:1', 'x', '1') > 0$$),
    ('read the map of names', $$count(*) from realtime_sync.fleet_map$$),
    ('expire offers', $$city.realtime_offers_due() is null$$);

create temporary table outcome (call integer, caller integer, result text);
do $$
declare
    c record;
    d record;
    given text;
begin
    for c in select * from caller order by place loop
        perform set_config('request.jwt.claims', coalesce(c.claims::text, ''), true);
        for d in select * from call order by place loop
            execute format('set local role %I', c.role);
            given := city.attempt(d.call);
            reset role;
            insert into outcome values (d.place, c.place, given);
        end loop;
    end loop;
end $$;

select
    c.what,
    max(result) filter (where caller = 1) as "Anna",
    max(result) filter (where caller = 2) as "Bert",
    max(result) filter (where caller = 3) as "Paul",
    max(result) filter (where caller = 4) as "Rita",
    max(result) filter (where caller = 5) as "dispatch",
    max(result) filter (where caller = 6) as "unknown",
    max(result) filter (where caller = 7) as "no claims",
    max(result) filter (where caller = 8) as "stranger"
from call c
join outcome o on o.call = c.place
group by c.place, c.what
order by c.place;

select count(*) > 0 as removed from realtime_sync.fleet_remove('city');
drop schema city cascade;
drop owned by regress_app, regress_stranger;
drop role regress_app, regress_stranger;
