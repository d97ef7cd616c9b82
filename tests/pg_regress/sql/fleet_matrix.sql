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
insert into city.trip_status_changes (trip_id, from_status, to_status, at, actor) select n, 'requested', 'accepted', now(), 'x' from generate_series(1, 2) n;
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

select set_config('city.event', (select min(e.id)::text from realtime_sync.events e where e."table" = 'drivers' and e.key ->> 'id' = '1'), false) is not null as event;

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
    ('read Anna''s offer''s place', $$(city.offered_trip(1) #>> '{pickup,lat}')$$),
    ('read state times', $$count(distinct driver_id) from city.driver_state_times$$),
    ('write trips', $$with x as (update city.trips set fare = 0 returning 1) select count(*) from x$$),
    ('offer trip 2', $$count(*) from city.offer_trip(2, array[2]::bigint[])$$),
    ('accept Anna''s offer', $$(city.accept_offer(1)).state$$),
    ('decline Anna''s offer', $$(city.decline_offer(1, 'no')).state$$),
    ('cancel Anna''s offer', $$(city.cancel_offer(1)).state$$),
    ('acknowledge Anna''s', $$(city.ack_offer(1)).state$$),
    ('finish trip 1', $$(city.set_trip_status(1, 'completed') ->> 'to')$$),
    ('move Anna', $$(city.update_location(driver => 1, lat => 52.5001, lng => 13.4001) ->> 'accepted')$$),
    ('move Anna, a batch', $$(city.update_locations('[{"lat": 52.5001, "lng": 13.4001, "recorded_at": "2026-01-01"}]', 1) -> 0 ->> 'accepted')$$),
    ('log for Anna', $$city.log_telemetry(1, 'note', 'x') > 0$$),
    ('Anna''s shift', $$(city.driver_shift('shift.start', 1) is not null)$$),
    ('own heartbeat', $$city.driver_heartbeat()$$),
    ('track oneself', $$city.driver_track()$$),
    ('cancel trip 2''s offers', $$count(*) from city.cancel_offers(2)$$),
    ('drivers within', $$string_agg(w.driver_id || coalesce(' ' || w.presence, ''), '+' order by w.driver_id) from city.drivers_within(array['(180,90),(-180,-90)']::box[]) w$$),
    ('who one is', $$concat_ws(' ', city.realtime_driver(), city.realtime_passenger(), city.realtime_dispatcher())$$),
    ('own topics', $$(select string_agg(t, '+' order by t) from unnest(city.realtime_topics()) t)$$),
    ('topics by name', $$(select string_agg(t, '+' order by t) from unnest(realtime_sync.fleet_topics('city.realtime_topics()')) t)$$),
    ('dispatches by name', $$realtime_sync.fleet_dispatches('city.realtime_dispatcher()')$$),
    ('read states', $$count(distinct driver_id) from city.driver_states$$),
    ('read steps', $$count(*) > 0 from city.trip_transitions$$),
    ('read trips'' history', $$string_agg(distinct trip_id::text, '+') from city.trip_status_changes$$),
    ('events of all', $$string_agg(distinct t.topic, '+' order by t.topic) from realtime_sync.events e, unnest(e.topics) t(topic) where t.topic !~ '^(driver|trip|passenger):' or t.topic ~ ':1$'$$),
    ('replay drivers', $$json_array_length(realtime_sync.replay('00000000-0000000000000000-7fffffffffffffff', array['drivers']) -> 'events') > 0$$),
    ('replay driver:1', $$json_array_length(realtime_sync.replay('00000000-0000000000000000-7fffffffffffffff', array['driver:1']) -> 'events') > 0$$),
    ('replay trip:1', $$json_array_length(realtime_sync.replay('00000000-0000000000000000-7fffffffffffffff', array['trip:1']) -> 'events') > 0$$),
    ('replay user:sub-anna', $$json_array_length(realtime_sync.replay('00000000-0000000000000000-7fffffffffffffff', array['user:sub-anna']) -> 'events') > 0$$),
    ('may read driver:1', $$realtime_sync.may_read('driver:1')$$),
    ('presence_state', $$count(*) from realtime_sync.presence_state('drivers')$$),
    ('presence table', $$count(*) from realtime_sync.presence$$),
    ('track as Anna', $$(realtime_sync.presence_track('drivers', '1') is not null)$$),
    ('heartbeat as Anna', $$realtime_sync.presence_heartbeat('drivers', '1') is not null$$),
    ('heartbeats as Anna', $$realtime_sync.presence_heartbeats('[{"topic": "drivers", "member": "1"}]') > 0$$),
    ('untrack Anna', $$realtime_sync.presence_untrack('drivers', '1') is not null$$),
    ('shift of Anna''s', $$realtime_sync.presence_shift('drivers', 'shift.start', '1') is not null$$),
    ('patch to undo', $$realtime_sync.undo_patch(current_setting('city.event')::bigint) is not null$$),
    ('send to driver:1', $$realtime_sync.send('driver:1', 'x', '1') > 0$$),
    ('read the map of names', $$count(*) from realtime_sync.fleet_map$$),
    ('expire offers', $$city.realtime_offers_due() is null$$);

-- What is not the app's to call, each as its types have it: no caller gets as far as its first line.
create function city.open_to(role name) returns table (function regprocedure) language sql as $$
    select p.oid from pg_proc p
    where (p.pronamespace = 'realtime_sync'::regnamespace or p.proname in (
        select o.actual from realtime_sync.fleet_object o where o.schema = 'city' and o.kind = 'function'
    ) and p.pronamespace = 'city'::regnamespace) and has_function_privilege(role, p.oid, 'execute')
$$;
create temporary table private as
select p.oid::regprocedure as function, format('%s(%s)', p.oid::regproc, (
    select string_agg('null::' || case t.type when 'anyelement'::regtype then 'text' else t.type::regtype::text end, ', ' order by t.place)
    from unnest(p.proargtypes) with ordinality t(type, place)
)) as call
from pg_proc p
where (p.pronamespace = 'realtime_sync'::regnamespace or p.proname in (
    select o.actual from realtime_sync.fleet_object o where o.schema = 'city' and o.kind = 'function'
) and p.pronamespace = 'city'::regnamespace) and p.oid not in (select function from city.open_to('regress_app'));

create temporary table outcome (call integer, caller integer, result text);
do $$
declare
    c record;
    d record;
    given text;
begin
    create temporary table refused (function regprocedure, caller integer, result text);
    for c in select * from caller order by place loop
        perform set_config('request.jwt.claims', coalesce(c.claims::text, ''), true);
        for d in select * from call order by place loop
            execute format('set local role %I', c.role);
            given := city.attempt(d.call);
            reset role;
            insert into outcome values (d.place, c.place, given);
        end loop;
        -- Of null the strict ones give null without being called.
        for d in select v.* from private v join pg_proc p on p.oid = v.function where not p.proisstrict loop
            execute format('set local role %I', c.role);
            given := city.attempt(d.call);
            reset role;
            insert into refused values (d.function, c.place, given);
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

-- each call that the app may make is in here, but for these, which tell nothing; each that it may not is refused to all,
-- and a stranger may make none
select f.function from city.open_to('regress_app') f
where not exists (select from call c where c.call ~ ('\m' || (select proname from pg_proc where oid = f.function) || '\('))
order by f.function::text collate "C";
select count(*) > 100 as private from private;
select * from refused where result is distinct from '42501' order by function::text collate "C", caller;
select * from city.open_to('regress_stranger');

select count(*) > 0 as removed from realtime_sync.fleet_remove('city');
drop schema city cascade;
drop owned by regress_app, regress_stranger;
drop role regress_app, regress_stranger;
