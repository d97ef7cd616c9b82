-- PostGIS points, text driver keys, no foreign key from rides to drivers. Reduced from
-- github.com/HelloMukama/ride-sharing-backend (src/migrations/001_init_schema.up.sql); its functions, triggers and
-- policies are what its services do (a ride keeps its driver unavailable, the nearest by distance), written as SQL.
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
create function touch() returns trigger language plpgsql as $$
begin
    new.last_updated := now();
    return new;
end
$$;
create trigger touch before update of current_location on drivers for each row execute function touch();
create function hold_driver() returns trigger language plpgsql as $$
begin
    update drivers set available = new.status not in ('accepted', 'in_progress') where driver_id = new.driver_id;
    if new.status = 'requested' then
        insert into driver_notifications (id, driver_id, ride_id) values (1 + (select count(*) from driver_notifications), new.driver_id, new.id);
    end if;
    return null;
end
$$;
create trigger hold_driver after insert or update of status on rides for each row execute function hold_driver();
create function nearest_drivers(place geometry, metres double precision) returns table (driver_id varchar, far integer)
language sql stable as $$
    select d.driver_id, round(st_distance(d.current_location::geography, place::geography))::integer
    from drivers d
    where d.available and st_dwithin(d.current_location::geography, place::geography, metres)
    order by d.current_location <-> place
$$;
alter table rides enable row level security;
create policy own_rides on rides using (driver_id = current_setting('app.user', true) or rider_id::text = current_setting('app.user', true));
create policy requested_rides on rides as restrictive for delete using (status = 'requested');

insert into drivers (driver_id, current_location) values ('driver1', st_setsrid(st_makepoint(32.5820, 0.3167), 4326));
