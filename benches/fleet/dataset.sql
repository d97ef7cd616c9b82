-- An app's own tables, as the kit finds them, filled: psql -v drivers=100000 -v trips=1000000 -v telemetry=5000000.
-- Every driver has ten trips and 50 rows of telemetry or so, one in four is on a trip now.
\set ON_ERROR_STOP on
set client_min_messages = warning;
select pg_catalog.setseed(0.5);

create table drivers (
    id bigint primary key,
    user_id uuid not null unique,
    name text not null,
    phone text,
    vehicle text,
    vehicle_class text not null default 'standard',
    rating numeric(3, 2),
    is_online boolean not null default false,
    status text not null default 'offline',
    lat double precision,
    lng double precision,
    heading double precision,
    speed double precision,
    location_at timestamptz,
    last_seen timestamptz
);
create table passengers (id bigint primary key, user_id uuid not null unique, name text not null);
create table trips (
    id bigint primary key,
    driver_id bigint references drivers,
    passenger_id bigint references passengers,
    status text not null default 'requested',
    pickup_lat double precision,
    pickup_lng double precision,
    pickup_address text,
    dropoff_lat double precision,
    dropoff_lng double precision,
    dropoff_address text,
    fare numeric(10, 2),
    earnings numeric(10, 2),
    vehicle_class text,
    created_at timestamptz not null default now(),
    accepted_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    canceled_at timestamptz,
    rating numeric(3, 2)
);
create table driver_wallets (
    id bigint primary key generated always as identity,
    driver_id bigint not null references drivers,
    balance numeric(12, 2) not null default 0,
    currency text not null default 'EUR',
    updated_at timestamptz not null default now()
);
create table telemetry_logs (
    id bigint primary key generated always as identity,
    driver_id bigint not null references drivers,
    type text not null,
    message text,
    meta jsonb,
    created_at timestamptz not null default now()
);
-- Offers and locations as the kit makes them; their indexes come when they are full.
create table trip_offers (
    id bigint primary key generated always as identity,
    trip_id bigint not null,
    driver_id bigint not null,
    round integer not null default 1,
    state text not null default 'open',
    strategy text not null default 'all',
    timeout interval not null default '15 s',
    hold interval,
    eligible text,
    distance_m double precision,
    earnings numeric,
    urgency text,
    created_at timestamptz not null default now(),
    created_by text,
    offered_at timestamptz,
    expires_at timestamptz,
    received_at timestamptz,
    answered_at timestamptz,
    answered_by text,
    reason text
);
create table driver_locations (
    id bigint primary key generated always as identity,
    driver_id bigint not null references drivers,
    lat double precision not null,
    lng double precision not null,
    heading double precision,
    speed double precision,
    accuracy double precision,
    recorded_at timestamptz not null,
    client_id text,
    flag text
);

-- loaded without constraints' checks one row at a time: they hold by construction
set session_replication_role = replica;
insert into drivers
select n, pg_catalog.md5('driver' || n)::uuid, 'Driver ' || n, '+49 170 ' || n, 'Car ' || n % 900, 'standard', 3 + random() * 2,
    n % 2 = 0, (array['offline', 'available', 'offline', 'busy'])[1 + n % 4],
    48.0 + random(), 11.0 + random() * 1.5, random() * 360, random() * 20, now() - random() * interval '1 hour', now()
from generate_series(1, :drivers) n;
insert into passengers
select n, pg_catalog.md5('passenger' || n)::uuid, 'Passenger ' || n from generate_series(1, greatest(:drivers / 10, 1)) n;
-- the newest trip of each fourth driver is under way, the others lie within the last month
insert into trips
select n, d, 1 + n % greatest(:drivers / 10, 1), case when active then 'in_progress' when n % 20 = 0 then 'canceled' else 'completed' end,
    48.0 + random(), 11.0 + random(), 'Main Street ' || n % 200, 48.0 + random(), 11.0 + random(), 'Station Road ' || n % 300,
    5 + n % 40, 4 + n % 30, 'standard', at, at + interval '1 minute', at + interval '5 minutes',
    case when not active and n % 20 <> 0 then at + interval '20 minutes' end,
    case when not active and n % 20 = 0 then at + interval '2 minutes' end, 5
from (
    select n, 1 + n % :drivers as d, n > :trips - :drivers and n % 4 = 0 as active,
        now() - interval '30 days' * (1 - n::float8 / :trips) - interval '30 minutes' as at
    from generate_series(1, :trips) n
) n;
insert into driver_wallets (driver_id, balance) select n, n % 500 from generate_series(1, :drivers) n;
insert into telemetry_logs (driver_id, type, message, meta, created_at)
select 1 + n % :drivers, 'status_change', pg_catalog.format('Driver %s status: %s -> %s', 1 + n % :drivers, 'f', 't'),
    pg_catalog.jsonb_build_object('column', 'is_online', 'old_status', false, 'new_status', true),
    now() - interval '30 days' * (1 - n::float8 / :telemetry)
from generate_series(1, :telemetry) n;
insert into trip_offers (trip_id, driver_id, state, created_at, expires_at, answered_at, distance_m, earnings)
select t.id, t.driver_id, 'accepted', t.created_at, t.created_at + interval '15 seconds', t.accepted_at, 900, t.earnings
from trips t;
insert into trip_offers (trip_id, driver_id, created_at, expires_at, distance_m, earnings, urgency)
select n, 1 + n % :drivers, now(), now() + interval '1 day', 700, 12, 'normal'
from generate_series(1, greatest(:drivers / 50, 1)) n;
insert into driver_locations (driver_id, lat, lng, heading, speed, recorded_at)
select 1 + n % :drivers, 48 + random(), 11 + random(), 90, 10, now() - interval '1 second' * n
from generate_series(1, :drivers * 10) n;
-- What the benchmarks write to: 1,000 drivers who move, each where a script finds him by his id, and trips to offer.
update drivers set lat = 48.2 + 0.0006 * id, lng = 11.2 + 0.001 * id where id <= 1000;
insert into trips (id, passenger_id, pickup_lat, pickup_lng, pickup_address, fare, earnings)
select 1000000000 + n, 1, 48.2 + random() * 0.6, 11.2 + random(), 'Main Street ' || n % 200, 20, 15 from generate_series(1, 20000) n;
reset session_replication_role;
create index on trip_offers (trip_id);
create index on trip_offers (driver_id, created_at);
create unique index on trip_offers (driver_id, trip_id) where state in ('queued', 'waiting', 'open');
create index on trip_offers (expires_at) where state in ('waiting', 'open');
create index on driver_locations (driver_id, recorded_at desc);
create unique index on driver_locations (driver_id, client_id) where client_id is not null;
