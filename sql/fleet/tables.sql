-- The tables an app is given where it has none: plain ones, its own from then on. Kept to what the kit
-- reads; all else is the app's to add. None refers to a table that was the app's before: its DELETE, TRUNCATE and
-- UPDATE of a key go on as they did, and trips and money stay. History refers to nothing: each driver has some.

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template) values
(
    'drivers', 'table', -50, 'driver', '{}',
    $template$
create table {{schema}}.drivers (
    id bigint generated always as identity primary key,
    -- As the login's token has it (claim "sub").
    user_id text unique,
    name text,
    phone text,
    vehicle text,
    vehicle_class text,
    rating numeric(3, 2),
    is_online boolean not null default false,
    status text not null default 'offline',
    lat double precision check (lat between -90 and 90),
    lng double precision check (lng between -180 and 180),
    heading real,
    speed real,
    accuracy real,
    location_at timestamptz,
    last_seen timestamptz,
    created_at timestamptz not null default now()
)
$template$
),
(
    'passengers', 'table', -49, 'passenger', '{}',
    $template$
create table {{schema}}.passengers (
    id bigint generated always as identity primary key,
    user_id text unique,
    name text,
    created_at timestamptz not null default now()
)
$template$
),
(
    'trips', 'table', -48, 'trip', '{driver.id}',
    $template$
create table {{schema}}.trips (
    id bigint generated always as identity primary key,
    driver_id {{driver.id:type}}{{#driver.id:key}} references {{driver}} ({{driver.id}}){{/driver.id:key}},
    {{#passenger.id}}passenger_id {{passenger.id:type}}{{#passenger.id:key}} references {{passenger}} ({{passenger.id}}){{/passenger.id:key}},
    {{/passenger.id}}status text not null default 'requested',
    pickup_lat double precision check (pickup_lat between -90 and 90),
    pickup_lng double precision check (pickup_lng between -180 and 180),
    pickup_address text,
    dropoff_lat double precision check (dropoff_lat between -90 and 90),
    dropoff_lng double precision check (dropoff_lng between -180 and 180),
    dropoff_address text,
    vehicle_class text,
    fare numeric(12, 2),
    earnings numeric(12, 2),
    created_at timestamptz not null default now(),
    accepted_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    canceled_at timestamptz
)
$template$
),
(
    'driver_wallets', 'table', -47, 'wallet', '{driver.id}',
    $template$
create table {{schema}}.driver_wallets (
    driver_id {{driver.id:type}} primary key{{#driver.id:key}} references {{driver}} ({{driver.id}}){{/driver.id:key}},
    balance numeric(14, 2) not null default 0,
    currency text,
    updated_at timestamptz not null default now()
)
$template$
),
(
    'telemetry_logs', 'table', -46, 'telemetry', '{driver.id}',
    $template$
create table {{schema}}.telemetry_logs (
    id bigint generated always as identity primary key,
    driver_id {{driver.id:type}} not null,
    type text not null,
    message text,
    meta jsonb,
    created_at timestamptz not null default now()
)
$template$
);

insert into realtime_sync.fleet_template (name, kind, needs, template) values
('realtime_trip_passenger', 'index', '{trip.passenger}', 'create index realtime_trip_passenger on {{trip}} ({{trip.passenger}})'),
('realtime_driver_login', 'index', '{driver.login}', 'create index realtime_driver_login on {{driver}} ({{driver.login}})');
