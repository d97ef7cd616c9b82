-- The demo's city. All that a new app does itself is the first three statements.
create extension realtime_sync;
create role app login;
do $$
begin
    perform realtime_sync.fleet_setup('public', create_missing => true);
    perform realtime_sync.fleet_allow('public', 'app');
    perform realtime_sync.fleet_auto_offer('public', radius_m => 3000, max_drivers => 5, timeout => '4 s');
end
$$;

create function populate(n integer) returns void language sql as $$
    insert into drivers (id, user_id, name, vehicle, vehicle_class, is_online, status, lat, lng) overriding system value
    select d, 'driver-' || d, 'Driver ' || d, 'B-RS ' || d, (array['economy', 'comfort', 'van'])[1 + d % 3], d % 5 > 0, 'available',
        52.45 + 0.14 * random(), 13.25 + 0.3 * random()
    from generate_series(1, n) d;
    insert into driver_wallets (driver_id, currency) select id, 'EUR' from drivers;
    select count(realtime_sync.presence_track('drivers', d::text, meta => '{"signal": 4}', ttl => '1 h')) from generate_series(1, 20) d;
    insert into passengers (id, user_id, name) overriding system value
    select p, 'rider-' || p, 'Rider ' || p from generate_series(1, 300) p;
$$;

-- Earnings are booked by the back end, in the transaction that completes the trip.
create function pay() returns trigger language plpgsql as $$
begin
    update driver_wallets set balance = balance + new.earnings, updated_at = now() where driver_id = new.driver_id;
    return null;
end
$$;
create trigger pay after update of status on trips for each row
    when (new.status = 'completed' and old.status <> 'completed') execute function pay();
