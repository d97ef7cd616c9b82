-- The dashboards of some drivers beside a slow recomputation in plain SQL, each section of them, of one snapshot:
-- how many are compared, how many of these are on a trip, have an open offer, are present; and how many differ.
with who as (
    select d.id from drivers d
    where $1 or d.id <= 20
        or d.id in (select driver_id from trips where status in ('accepted', 'arriving', 'arrived', 'in_progress'))
        or d.id in (select driver_id from trip_offers where state = 'open')
),
said as (
    select w.id, get_driver_dashboard(w.id) as board from who w
),
known as (
    select
        w.id,
        (
            select to_jsonb(f)
            from (
                select id, name, phone, vehicle, vehicle_class, rating, is_online as online, status, lat, lng, heading, speed, location_at, last_seen
                from drivers where id = w.id
            ) f
        ) as driver,
        coalesce(
            (
                select jsonb_build_object(
                    'state', m.state, 'since', m.since, 'last_seen', greatest(m.seen, max(p.seen)),
                    'devices', jsonb_agg(jsonb_build_object(
                        'device', p.device, 'state', p.state, 'meta', p.meta, 'since', p.since, 'seen', p.seen, 'expires', p.expires
                    ) order by p.device)
                )
                from realtime_sync.presence_member m
                join realtime_sync.presence p using (topic, member)
                where m.topic = 'drivers' and m.member = w.id::text
                group by m.state, m.since, m.seen
            ),
            '{"state": "offline", "since": null, "last_seen": null, "devices": []}'
        ) as presence,
        (select to_jsonb(f) from (select balance, currency, updated_at from driver_wallets where driver_id = w.id) f) as wallet,
        (
            select to_jsonb(f)
            from (
                select
                    id, status, passenger_id, pickup_lat, pickup_lng, pickup_address, dropoff_lat, dropoff_lng, dropoff_address,
                    vehicle_class, fare, earnings, created_at, accepted_at, started_at
                from trips
                where driver_id = w.id and status in ('accepted', 'arriving', 'arrived', 'in_progress')
            ) f
        ) as active_trip,
        (
            select to_jsonb(f)
            from (
                select
                    count(*) filter (where completed_at >= date_trunc('day', now())) as today,
                    coalesce(sum(earnings) filter (where completed_at >= date_trunc('day', now())), 0) as today_earnings,
                    count(*) as week,
                    coalesce(sum(earnings), 0) as week_earnings
                from trips
                where driver_id = w.id and status = 'completed' and completed_at >= date_trunc('week', now())
            ) f
        ) as trips,
        (
            select jsonb_build_object(
                'offers', count(*), 'accepted', count(*) filter (where state = 'accepted'),
                'rate', round(avg((state = 'accepted')::int), 3)
            )
            from trip_offers
            where driver_id = w.id and state in ('accepted', 'declined', 'expired')
        ) as acceptance,
        (
            select jsonb_agg(to_jsonb(f) order by f.id)
            from (
                select id, type, message, meta, created_at from telemetry_logs where driver_id = w.id order by created_at desc limit 10
            ) f
        ) as telemetry,
        (
            select coalesce(jsonb_agg(to_jsonb(f) order by f.expires_at, f.id), '[]')
            from (
                select
                    id, trip_id, distance_m, earnings, urgency, created_at, expires_at, received_at,
                    round(extract(epoch from expires_at - now()), 1) as seconds_left,
                    (
                        select jsonb_build_object('lat', pickup_lat, 'lng', pickup_lng, 'address', pickup_address) from trips where id = trip_id
                    ) as pickup,
                    (
                        select jsonb_build_object('lat', dropoff_lat, 'lng', dropoff_lng, 'address', dropoff_address) from trips where id = trip_id
                    ) as dropoff
                from trip_offers
                where driver_id = w.id and state = 'open' and expires_at - now() > '0.05 s'
            ) f
        ) as offers
    from who w
)
select
    count(*), count(k.active_trip), count(*) filter (where k.offers <> '[]'), count(*) filter (where k.presence ->> 'state' = 'online'),
    count(*) filter (where
        (k.driver, k.presence, k.wallet, k.active_trip, k.trips, k.acceptance, k.telemetry, k.offers)
        is distinct from (
            s.board -> 'driver', s.board -> 'presence', s.board -> 'wallet', nullif(s.board -> 'active_trip', 'null'), s.board -> 'trips',
            s.board -> 'acceptance', (select jsonb_agg(t order by (t ->> 'id')::bigint) from jsonb_array_elements(s.board -> 'telemetry') t),
            s.board -> 'offers'
        )
        or s.board ->> 'cursor' is null
        or s.board -> 'generated_at' is distinct from to_jsonb(now())
    )
from said s
join known k using (id)
