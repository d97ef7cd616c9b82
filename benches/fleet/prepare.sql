-- The kit on the dataset, an ordinary role under policies as fleet_allow() writes them, and the same answers
-- written by hand: psql -f prepare.sql after dataset.sql.
\set ON_ERROR_STOP on
set client_min_messages = warning;
create extension realtime_sync;
insert into realtime_sync.fleet_map (schema, entity, relation, columns)
select 'public', e.entity, e.relation::regclass, (
    select pg_catalog.jsonb_object_agg(pg_catalog.regexp_replace(a.attname, '^(trip|driver)_id$', '\1'), a.attname)
    from pg_attribute a where a.attrelid = e.relation::regclass and a.attnum > 0
)
from (values ('offer', 'trip_offers'), ('location', 'driver_locations')) e(entity, relation)
where not exists (select from realtime_sync.fleet_map m where m.schema = 'public' and m.entity = e.entity);
select status, object, why from realtime_sync.fleet_setup('public', create_missing => true) where status not in ('done', 'found', 'exists', 'skip');
create index if not exists drivers_location on drivers using gist (pg_catalog.point(lng, lat));

drop role if exists fleet_bench;
create role fleet_bench login;
grant usage on schema public to fleet_bench;
grant select on all tables in schema public to fleet_bench;
select realtime_sync.allow('fleet_bench', 'read', array['driver:{jwt.sub}']) \g /dev/null
alter role fleet_bench set request.jwt.claims = '{"sub": "00000000-0000-0000-0000-00000000000d", "user_role": "dispatcher"}';
-- And one of the drivers himself.
drop role if exists fleet_bench_driver;
create role fleet_bench_driver login in role fleet_bench;
select pg_catalog.format('alter role fleet_bench_driver set request.jwt.claims = %L', pg_catalog.json_build_object('sub', d.user_id))
from drivers d where d.id = 43 \gexec
do $$
declare
    t text;
begin
    foreach t in array array['drivers', 'trips', 'driver_wallets', 'telemetry_logs', 'trip_offers', 'driver_locations'] loop
        execute pg_catalog.format(
            'alter table %I enable row level security; create policy own on %1$I for select using (%I = (select realtime_driver()) or (select realtime_dispatcher()))',
            t, case t when 'drivers' then 'id' else 'driver_id' end
        );
    end loop;
end
$$;
create policy own on trip_transitions for select using (true);

-- What somebody would write who knows the tables: one statement, and where an offered trip goes as its owner, since
-- its row is hidden from who has not accepted it.
create function hand_offered_trip(trip bigint, driver bigint) returns jsonb
stable security definer language plpgsql
set search_path = ''
as $$
begin
    return (
        select pg_catalog.jsonb_build_object(
            'pickup', pg_catalog.jsonb_build_object('lat', t.pickup_lat, 'lng', t.pickup_lng, 'address', t.pickup_address),
            'dropoff', pg_catalog.jsonb_build_object('lat', t.dropoff_lat, 'lng', t.dropoff_lng, 'address', t.dropoff_address)
        )
        from public.trips t
        where t.id = $1 and ($2 = public.realtime_driver() or public.realtime_dispatcher())
            and exists (select from public.trip_offers o where o.trip_id = $1 and o.driver_id = $2 and o.state = 'open')
    );
end
$$;
create function hand_dashboard(d bigint) returns jsonb
stable language plpgsql
set search_path = ''
as $$
begin
    return (
        select pg_catalog.jsonb_build_object(
            'driver', pg_catalog.jsonb_build_object(
                'id', d.id, 'name', d.name, 'phone', d.phone, 'vehicle', d.vehicle, 'vehicle_class', d.vehicle_class,
                'rating', d.rating, 'online', d.is_online, 'status', d.status, 'lat', d.lat, 'lng', d.lng,
                'heading', d.heading, 'speed', d.speed, 'location_at', d.location_at, 'last_seen', d.last_seen
            ),
            'presence', public.driver_presence(d.id),
            'wallet', (
                select pg_catalog.jsonb_build_object('balance', w.balance, 'currency', w.currency, 'updated_at', w.updated_at)
                from public.driver_wallets w
                where w.driver_id = d.id
            ),
            'active_trip', (
                select pg_catalog.jsonb_build_object(
                    'id', t.id, 'status', t.status, 'passenger_id', t.passenger_id, 'pickup_lat', t.pickup_lat,
                    'pickup_lng', t.pickup_lng, 'pickup_address', t.pickup_address, 'dropoff_lat', t.dropoff_lat,
                    'dropoff_lng', t.dropoff_lng, 'dropoff_address', t.dropoff_address, 'vehicle_class', t.vehicle_class,
                    'fare', t.fare, 'earnings', t.earnings, 'created_at', t.created_at, 'accepted_at', t.accepted_at,
                    'started_at', t.started_at
                )
                from public.trips t
                where t.driver_id = d.id and t.status in ('accepted', 'arriving', 'arrived', 'in_progress')
                order by t.created_at desc
                limit 1
            ),
            'trips', (
                select pg_catalog.jsonb_build_object(
                    'today', pg_catalog.count(*) filter (where t.completed_at >= pg_catalog.date_trunc('day', pg_catalog.now())),
                    'today_earnings', coalesce(
                        pg_catalog.sum(t.earnings) filter (where t.completed_at >= pg_catalog.date_trunc('day', pg_catalog.now())), 0
                    ),
                    'week', pg_catalog.count(*),
                    'week_earnings', coalesce(pg_catalog.sum(t.earnings), 0)
                )
                from public.trips t
                where t.driver_id = d.id and t.completed_at >= pg_catalog.date_trunc('week', pg_catalog.now())
            ),
            'acceptance', (
                select pg_catalog.jsonb_build_object(
                    'offers', pg_catalog.count(*),
                    'accepted', pg_catalog.count(*) filter (where a.state = 'accepted'),
                    'rate', pg_catalog.round(pg_catalog.avg((a.state = 'accepted')::integer), 3)
                )
                from (
                    select o.state
                    from public.trip_offers o
                    where o.driver_id = d.id and o.state in ('accepted', 'declined', 'expired')
                    order by o.created_at desc
                    limit 100
                ) a
            ),
            'telemetry', (
                select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                    'id', l.id, 'type', l.type, 'message', l.message, 'meta', l.meta, 'created_at', l.created_at
                ))
                from (
                    select l.* from public.telemetry_logs l where l.driver_id = d.id order by l.created_at desc limit 10
                ) l
            ),
            'offers', (
                select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                    'id', o.id, 'trip_id', o.trip_id, 'distance_m', o.distance_m, 'earnings', o.earnings,
                    'urgency', o.urgency, 'created_at', o.created_at, 'expires_at', o.expires_at,
                    'received_at', o.received_at,
                    'seconds_left', pg_catalog.round(extract(epoch from o.expires_at - pg_catalog.now()), 1)
                ) || public.hand_offered_trip(o.trip_id, o.driver_id) order by o.expires_at)
                from public.trip_offers o
                where o.driver_id = d.id and o.state = 'open' and o.expires_at > pg_catalog.now()
            ),
            'generated_at', pg_catalog.now(),
            'cursor', realtime_sync.cursor()
        )
        from public.drivers d
        where d.id = $1
    );
end
$$;
-- As its owner, since under policies no index finds by a geometric operator.
create function hand_overview(west float8, south float8, east float8, north float8) returns jsonb
stable security definer language plpgsql
set search_path = ''
as $$
begin
    if not public.realtime_dispatcher() then
        raise insufficient_privilege;
    end if;
    return (
        select pg_catalog.jsonb_build_object('drivers', pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
            'id', d.id, 'name', d.name, 'vehicle', d.vehicle, 'vehicle_class', d.vehicle_class, 'online', d.is_online,
            'status', d.status, 'lat', d.lat, 'lng', d.lng, 'heading', d.heading, 'speed', d.speed,
            'location_at', d.location_at, 'presence', (
                select m.state from realtime_sync.presence_member m where m.topic = 'drivers' and m.member = d.id::text
            ), 'trip_id', (
                select t.id
                from public.trips t
                where t.driver_id = d.id and t.status in ('accepted', 'arriving', 'arrived', 'in_progress')
                limit 1
            )
        )), 'generated_at', pg_catalog.now(), 'cursor', realtime_sync.cursor())
        from (
            select *
            from public.drivers d
            where pg_catalog.point(d.lng, d.lat) operator(pg_catalog.<@) pg_catalog.box(pg_catalog.point($1, $2), pg_catalog.point($3, $4))
            limit 500
        ) d
    );
end
$$;
grant execute on all functions in schema public to fleet_bench;
vacuum (analyze);
checkpoint;
