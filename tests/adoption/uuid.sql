-- uuid keys, is_online, the login in user_id. Reduced from github.com/AiSchool-Admin/go-on-app
-- (DATABASE_SCHEMA.md), a Supabase app: its names and types, its trigger, a function and policies; its
-- PostGIS columns are left out, see postgis.sql.
create table profiles (
    id uuid primary key,
    phone text not null,
    name text not null,
    user_type text not null default 'passenger' check (user_type in ('passenger', 'sender', 'driver', 'admin')),
    wallet_balance numeric(10, 2) default 0,
    fcm_token text,
    updated_at timestamptz default now()
);
create table drivers (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null unique references profiles (id) on delete cascade,
    name text not null,
    phone text not null,
    national_id text not null,
    working_days text[] default array['sun', 'mon'],
    is_online boolean default false,
    is_available boolean default true,
    last_location_update timestamptz,
    rating numeric(2, 1) default 5.0,
    total_rides integer default 0,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);
create index idx_drivers_online on drivers (is_online) where is_online;
create table rides (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references profiles (id),
    driver_id uuid references drivers (id),
    origin_address text not null,
    destination_address text not null,
    estimated_price numeric(10, 2) not null,
    final_price numeric(10, 2),
    status text default 'searching'
        check (status in ('searching', 'accepted', 'arrived', 'started', 'completed', 'cancelled')),
    requested_at timestamptz default now(),
    accepted_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    cancelled_at timestamptz,
    user_rating integer check (user_rating between 1 and 5),
    driver_rating integer check (driver_rating between 1 and 5),
    created_at timestamptz default now()
);
create index idx_rides_user on rides (user_id);
create index idx_rides_driver on rides (driver_id);
create table shipments (
    id uuid primary key default gen_random_uuid(),
    sender_id uuid not null references profiles (id),
    driver_id uuid references drivers (id),
    courier_id uuid references profiles (id),
    status text default 'pending',
    price numeric(10, 2) not null
);
create table transactions (
    id uuid primary key default gen_random_uuid(),
    from_user_id uuid references profiles (id),
    type text not null,
    amount numeric(10, 2) not null
);
create function update_updated_at_column() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end
$$;
create trigger update_drivers_updated_at before update on drivers
    for each row execute function update_updated_at_column();
create function find_nearby_drivers(radius_km numeric default 5) returns table (driver_id uuid, name text)
language sql stable as $$ select d.id, d.name from drivers d where d.is_online and d.is_available $$;
alter table drivers enable row level security;
create policy drivers_own on drivers for all using (user_id::text = current_setting('request.jwt.claim.sub', true));
create policy drivers_seen on drivers for select using (is_online);

insert into profiles (id, phone, name, user_type) values
    ('00000000-0000-0000-0000-0000000000d1', '1', 'Dina', 'driver'),
    ('00000000-0000-0000-0000-0000000000a1', '2', 'Amr', 'passenger');
insert into drivers (id, user_id, name, phone, national_id) values
    ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-0000000000d1', 'Dina', '1', 'secret');
