-- By hand, what nearby_drivers(), update_location(), heartbeats and offers do, as somebody writes it who knows the tables and has no
-- extension: on copies of them that nothing captures, telling clients by pg_notify(). psql -f writes.sql after prepare.sql.
\set ON_ERROR_STOP on
set client_min_messages = warning;

create table hand_drivers (like drivers including all);
insert into hand_drivers table drivers;
create table hand_locations (like driver_locations including all);
insert into hand_locations overriding system value table driver_locations;
create table hand_trips (like trips including all);
insert into hand_trips table trips;
create table hand_offers (like trip_offers including all);
insert into hand_offers overriding system value table trip_offers;
select pg_catalog.setval(pg_catalog.pg_get_serial_sequence(t, 'id'), 100000000) from pg_catalog.unnest(array['hand_locations', 'hand_offers']) t \g /dev/null
create table hand_status_changes (
    id bigint primary key generated always as identity, trip_id bigint not null, from_status text, to_status text not null,
    at timestamptz not null, actor text
);
create index on hand_status_changes (trip_id, at);
create unlogged table hand_presence (
    driver_id bigint primary key, state text not null, meta jsonb, seen timestamptz not null, expires timestamptz not null
) with (fillfactor = 60);

-- Inlined, as all of it is strict.
create function hand_distance(lat1 float8, lng1 float8, lat2 float8, lng2 float8) returns float8
immutable strict parallel safe language sql
begin atomic
    select 12742017.6 * asin(sqrt(
        power(sin(radians(lat2 - lat1) / 2), 2) + cos(radians(lat1)) * cos(radians(lat2)) * power(sin(radians(lng2 - lng1) / 2), 2)
    ));
end;
create function hand_box(lat float8, lng float8, radius float8) returns box
immutable strict parallel safe language sql
begin atomic
    select box(
        point(lng - degrees(radius / 6371008.8) / cos(radians(lat)) * 1.01, lat - degrees(radius / 6371008.8)),
        point(lng + degrees(radius / 6371008.8) / cos(radians(lat)) * 1.01, lat + degrees(radius / 6371008.8))
    );
end;
create function hand_driver() returns bigint
stable security definer language plpgsql
set search_path = ''
as $$
begin
    return (
        select d.id from public.hand_drivers d
        where d.user_id = (pg_catalog.current_setting('request.jwt.claims')::json ->> 'sub')::uuid
    );
end
$$;
create function hand_dispatcher() returns boolean
stable language plpgsql
set search_path = ''
as $$
begin
    return pg_catalog.current_setting('request.jwt.claims')::json ->> 'user_role' = 'dispatcher';
end
$$;

create function hand_nearby(lat float8, lng float8, radius float8, n integer)
returns table (driver_id bigint, driver_lat float8, driver_lng float8, distance_m float8)
stable security definer language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
    if public.hand_dispatcher() is not true then
        raise insufficient_privilege;
    end if;
    return query
        select k.id, k.lat, k.lng, k.away
        from (
            select d.id, d.lat, d.lng, public.hand_distance($1, $2, d.lat, d.lng) as away
            from public.hand_drivers d
            where pg_catalog.point(d.lng, d.lat) operator(pg_catalog.<@) public.hand_box($1, $2, $3) and d.is_online
        ) k
        where k.away <= $3
        order by k.away
        limit $4;
end
$$;

-- What update_location() does besides: it knows the phone's own ids of fixes, a dispatcher or back end who names the driver, a
-- second fix that agrees after a jump, fences crossed and pickups reached (a look for each, a fifth of its instructions);
-- and an event is a row of the log that can be replayed, 5 s apart, not a pg_notify() for each fix to whoever listens.
create function hand_update_location(lat float8, lng float8, heading float8, speed float8) returns boolean
volatile security definer language plpgsql
set search_path = ''
as $$
#variable_conflict use_variable
declare
    own bigint := public.hand_driver();
    was record;
    last record;
    now timestamptz := pg_catalog.clock_timestamp();
begin
    if own is null then
        raise insufficient_privilege;
    end if;
    if lat is null or lng is null or not (lat between -90 and 90 and lng between -180 and 180) or not heading between 0 and 360
        or not speed between 0 and 12000
    then
        raise numeric_value_out_of_range;
    end if;
    select d.lat, d.lng, d.location_at as at into was from public.hand_drivers d where d.id = own for no key update;
    select l.lat, l.lng, l.recorded_at as at into last
    from public.hand_locations l where l.driver_id = own
    order by l.recorded_at desc
    limit 1;
    -- Out of order, or further than 100 m/s get him.
    if now <= was.at
        or public.hand_distance(was.lat, was.lng, lat, lng) > 50 + 100 * extract(epoch from now - was.at)::float8
    then
        return false;
    end if;
    if last is null or now - last.at >= interval '30 s' or public.hand_distance(last.lat, last.lng, lat, lng) >= 10 then
        insert into public.hand_locations (driver_id, lat, lng, heading, speed, recorded_at)
        values (own, lat, lng, heading, speed, now);
    end if;
    update public.hand_drivers d
    set lat = lat, lng = lng, heading = heading, speed = speed, location_at = now, last_seen = now
    where d.id = own;
    perform pg_catalog.pg_notify('drivers', pg_catalog.json_build_object(
        'id', own, 'lat', lat, 'lng', lng, 'heading', heading, 'speed', speed, 'location_at', now
    )::text);
    return true;
end
$$;

-- These do less than ours: one device a driver and one topic, no time to live of each, no policies, no index by which who is
-- due is found, and nobody is told who came and who left. That is what is left of the difference.
create function hand_heartbeat(meta jsonb) returns void
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    own bigint := public.hand_driver();
begin
    if own is null then
        raise insufficient_privilege;
    end if;
    insert into public.hand_presence as p values (own, 'online', $1, pg_catalog.now(), pg_catalog.now() + interval '60 s')
    on conflict (driver_id) do update set meta = excluded.meta, seen = excluded.seen, expires = excluded.expires;
end
$$;
create function hand_heartbeats(beats jsonb) returns bigint
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    n bigint;
begin
    insert into public.hand_presence as p
    select b.member, 'online', b.meta, pg_catalog.now(), pg_catalog.now() + interval '60 s'
    from pg_catalog.jsonb_to_recordset($1) b(member bigint, meta jsonb)
    order by b.member
    on conflict (driver_id) do update set meta = excluded.meta, seen = excluded.seen, expires = excluded.expires;
    get diagnostics n = row_count;
    return n;
end
$$;

create function hand_offer_trip(trip bigint, n integer) returns setof hand_offers
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    t public.hand_trips;
    made public.hand_offers;
begin
    if public.hand_dispatcher() is not true then
        raise insufficient_privilege;
    end if;
    select * into t from public.hand_trips h where h.id = $1 for no key update;
    if t.status is distinct from 'requested' then
        raise object_not_in_prerequisite_state;
    end if;
    update public.hand_trips h set status = 'offered' where h.id = $1;
    insert into public.hand_status_changes (trip_id, from_status, to_status, at) values ($1, t.status, 'offered', pg_catalog.now());
    for made in
        insert into public.hand_offers (trip_id, driver_id, state, distance_m, earnings, urgency, offered_at, expires_at)
        select $1, k.id, 'open', k.away, t.earnings, 'normal', pg_catalog.now(), pg_catalog.now() + interval '15 s'
        from (
            select d.id, public.hand_distance(t.pickup_lat, t.pickup_lng, d.lat, d.lng) as away
            from public.hand_drivers d
            where pg_catalog.point(d.lng, d.lat) operator(pg_catalog.<@) public.hand_box(t.pickup_lat, t.pickup_lng, 5000)
                and d.is_online and d.status not in ('busy', 'on_trip', 'on_break', 'away', 'suspended')
            order by 2
            limit $2 * 4 + 20
        ) k
        where k.away <= 5000
            and not exists (
                select from public.hand_trips h
                where h.driver_id = k.id and h.status in ('accepted', 'arriving', 'arrived', 'in_progress')
            )
            and not exists (select from public.hand_offers o where o.trip_id = $1 and o.driver_id = k.id)
        order by k.away
        limit $2
        returning *
    loop
        perform pg_catalog.pg_notify('driver:' || made.driver_id, pg_catalog.json_build_object(
            'event', 'trip_offer.created', 'offer_id', made.id, 'trip_id', $1, 'distance_m', made.distance_m,
            'pickup', pg_catalog.json_build_object('lat', t.pickup_lat, 'lng', t.pickup_lng, 'address', t.pickup_address),
            'dropoff', pg_catalog.json_build_object('lat', t.dropoff_lat, 'lng', t.dropoff_lng, 'address', t.dropoff_address),
            'earnings', made.earnings, 'urgency', made.urgency, 'expires_at', made.expires_at
        )::text);
        return next made;
    end loop;
    perform pg_catalog.pg_notify('trip:' || $1, pg_catalog.json_build_object('event', 'trip.status', 'from', t.status, 'to', 'offered')::text);
end
$$;
create function hand_accept_offer(offer bigint) returns hand_offers
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    o public.hand_offers;
    t public.hand_trips;
    loser record;
begin
    select * into o from public.hand_offers h where h.id = $1;
    if (public.hand_dispatcher() or o.driver_id = public.hand_driver()) is not true then
        raise insufficient_privilege;
    end if;
    select * into t from public.hand_trips h where h.id = o.trip_id for no key update;
    select * into o from public.hand_offers h where h.id = $1;
    if o.state <> 'open' or o.expires_at <= pg_catalog.clock_timestamp() or t.status not in ('requested', 'offered') then
        raise object_not_in_prerequisite_state;
    end if;
    -- One trip at a time, for two that he accepts at once.
    perform from public.hand_drivers d where d.id = o.driver_id for no key update;
    if exists (
        select from public.hand_trips h
        where h.driver_id = o.driver_id and h.status in ('accepted', 'arriving', 'arrived', 'in_progress')
    ) then
        raise object_not_in_prerequisite_state;
    end if;
    update public.hand_offers h set state = 'accepted', answered_at = pg_catalog.now() where h.id = $1 returning * into o;
    update public.hand_trips h
    set status = 'accepted', driver_id = o.driver_id, accepted_at = pg_catalog.now()
    where h.id = o.trip_id;
    insert into public.hand_status_changes (trip_id, from_status, to_status, at) values (t.id, t.status, 'accepted', pg_catalog.now());
    for loser in
        update public.hand_offers h set state = 'taken', answered_at = pg_catalog.now()
        where h.trip_id = o.trip_id and h.id <> $1 and h.state = 'open'
        returning h.id, h.driver_id
    loop
        perform pg_catalog.pg_notify('driver:' || loser.driver_id, pg_catalog.json_build_object(
            'event', 'trip_offer.taken', 'offer_id', loser.id, 'trip_id', o.trip_id
        )::text);
    end loop;
    perform pg_catalog.pg_notify(n.channel, pg_catalog.json_build_object(
        'event', 'trip.status', 'trip_id', o.trip_id, 'from', t.status, 'to', 'accepted', 'driver_id', o.driver_id
    )::text)
    from pg_catalog.unnest(array['trip:' || o.trip_id, 'driver:' || o.driver_id, 'passenger:' || t.passenger_id]) n(channel);
    -- His other offers are off.
    update public.hand_offers h set expires_at = pg_catalog.now()
    where h.driver_id = o.driver_id and h.trip_id <> o.trip_id and h.state = 'open';
    return o;
end
$$;

-- Heartbeats of 1,000 drivers at a time, as a gateway that holds their sockets sends them: a back end, whom the kit lets write
-- anybody's.
create table beats (n integer primary key, beats jsonb);
insert into beats
select b, pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('member', (b * 1000 + n)::text, 'meta', '{"battery": 80}'::jsonb))
from pg_catalog.generate_series(0, 9) b, pg_catalog.generate_series(1, 1000) n
group by b;
drop role if exists fleet_bench_gateway;
create role fleet_bench_gateway login;
select realtime_sync.allow('fleet_bench_gateway', 'migrate'), realtime_sync.allow('fleet_bench_gateway', 'send', array['drivers']) \g /dev/null
grant usage on schema public to fleet_bench_gateway;
grant select on beats to fleet_bench, fleet_bench_gateway;
grant select, update on hand_drivers to fleet_bench_driver;
grant execute on all functions in schema public to fleet_bench, fleet_bench_gateway;
alter role fleet_bench in database fleet set synchronous_commit = off;
alter role fleet_bench_driver in database fleet set synchronous_commit = off;
alter role fleet_bench_gateway in database fleet set synchronous_commit = off;

-- A heartbeat is mostly one of many: who is here is here already.
select realtime_sync.presence_heartbeats(b.beats, 'drivers', '60 s'), hand_heartbeats(b.beats) from beats b \g /dev/null

create sequence bench_trip;
grant usage on sequence bench_trip to fleet_bench;
-- Everything back to where a turn begins, so that nobody pays for what another has left; VACUUM is the caller's.
create procedure fresh() language plpgsql
as $$
begin
    set local session_replication_role = replica;
    truncate realtime_sync.event, realtime_sync.arrival, trip_status_changes, hand_status_changes;
    alter sequence bench_trip restart;
    update drivers set lat = 48.2 + 0.0006 * id, lng = 11.2 + 0.001 * id, location_at = now() - interval '1 hour' where id <= 1000;
    update hand_drivers set lat = 48.2 + 0.0006 * id, lng = 11.2 + 0.001 * id, location_at = now() - interval '1 hour' where id <= 1000;
    delete from driver_locations where driver_id <= 1000;
    delete from hand_locations where driver_id <= 1000;
    delete from trip_offers where trip_id > 1000000000;
    delete from hand_offers where trip_id > 1000000000;
    update trips set status = 'requested', driver_id = null, accepted_at = null where id > 1000000000 and status <> 'requested';
    update hand_trips set status = 'requested', driver_id = null, accepted_at = null where id > 1000000000 and status <> 'requested';
    set local session_replication_role = origin;
end
$$;

-- Whether both do the same: raises if not.
create procedure same() language plpgsql
as $$
declare
    lat float8;
    lng float8;
    n integer;
    ours bigint;
    hand bigint;
begin
    -- Of data that is kept the heartbeats are over after a minute, and ours offers nothing to who is away: back they come.
    perform realtime_sync.presence_heartbeats(b.beats, 'drivers', '60 s'), hand_heartbeats(b.beats) from beats b;
    call fresh();
    perform set_config('request.jwt.claims', '{"sub": "00000000-0000-0000-0000-00000000000d", "user_role": "dispatcher"}', true);
    for n in 1..50 loop
        lat := 48.1 + random() * 0.8;
        lng := 11.1 + random() * 1.3;
        assert array(select d.driver_id from nearby_drivers(lat, lng, 5000, 20) d) = array(select d.driver_id from hand_nearby(lat, lng, 5000, 20) d), 'nearby';
    end loop;
    for n in 1..20 loop
        assert array(select o.driver_id from offer_trip(1000000000 + n, max_drivers => 10) o order by o.distance_m)
            = array(select o.driver_id from hand_offer_trip(1000000000 + n, 10) o order by o.distance_m), 'offers';
        select o.id into ours from trip_offers o where o.trip_id = 1000000000 + n order by o.distance_m limit 1;
        select o.id into hand from hand_offers o where o.trip_id = 1000000000 + n order by o.distance_m limit 1;
        if ours is not null then
            assert (accept_offer(ours)).driver_id = (hand_accept_offer(hand)).driver_id, 'accept';
        end if;
        assert (select (t.status, t.driver_id) from trips t where t.id = 1000000000 + n)
            = (select (t.status, t.driver_id) from hand_trips t where t.id = 1000000000 + n), 'trip';
        assert array(select o.driver_id || o.state from trip_offers o where o.trip_id = 1000000000 + n order by 1)
            = array(select o.driver_id || o.state from hand_offers o where o.trip_id = 1000000000 + n order by 1), 'states';
    end loop;
    for n in 1..40 loop
        perform set_config('request.jwt.claims', json_build_object('sub', md5('driver' || n % 10 + 1)::uuid)::text, true);
        lat := 48.2 + 0.0006 * (n % 10 + 1) + (n % 7) * 0.00003 + n / 37;
        lng := 11.2 + 0.001 * (n % 10 + 1);
        assert (update_location(lat => lat, lng => lng, heading => 90, speed => 8) ->> 'accepted')::boolean = hand_update_location(lat, lng, 90, 8), 'moved';
    end loop;
    assert array(select (d.lat, d.lng, d.heading) from drivers d where d.id <= 11 order by d.id)
        = array(select (d.lat, d.lng, d.heading) from hand_drivers d where d.id <= 11 order by d.id), 'places';
    assert array(select (l.driver_id, l.lat, l.lng) from driver_locations l where l.driver_id <= 11 and l.flag is null order by 1)
        = array(select (l.driver_id, l.lat, l.lng) from hand_locations l where l.driver_id <= 11 order by 1), 'trail';
    perform driver_heartbeat('{"battery": 7}', '60 s'), hand_heartbeat('{"battery": 7}');
    assert (select count(*) from hand_presence h join realtime_sync.presence p on p.member = h.driver_id::text and p.meta = h.meta) = 10000, 'presence';
end
$$;
vacuum (analyze);
checkpoint;
