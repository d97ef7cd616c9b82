-- PostGIS points, text driver keys, no foreign key from rides to drivers. Reduced from
-- github.com/HelloMukama/ride-sharing-backend (src/migrations/001_init_schema.up.sql).
create table rides (
    id uuid primary key default gen_random_uuid(),
    driver_id varchar(255) not null,
    rider_id integer not null,
    status varchar(50) not null check (status in ('requested', 'accepted', 'in_progress', 'completed', 'cancelled')),
    start_location geometry (point, 4326) not null,
    end_location geometry (point, 4326),
    created_at timestamp not null default now(),
    updated_at timestamp not null default now()
);
create table drivers (
    driver_id varchar(255) primary key,
    available boolean not null default true,
    current_location geometry (point, 4326) not null,
    last_updated timestamp not null default now()
);
create index idx_rides_status on rides (status);
create index idx_rides_driver_id on rides (driver_id);
create index idx_drivers_location on drivers using gist (current_location);
create index idx_drivers_available on drivers (available) where available;
create table driver_notifications (
    id serial primary key,
    driver_id varchar(255) not null references drivers (driver_id),
    ride_id uuid not null references rides (id),
    status varchar(20) not null default 'pending'
);

insert into drivers (driver_id, current_location) values ('driver1', st_setsrid(st_makepoint(32.5820, 0.3167), 4326));
