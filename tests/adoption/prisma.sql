-- Text keys and quoted camelCase as Prisma makes them. Reduced from github.com/Siddharthbgp/ride-hailing-app
-- (server/prisma, migration init_v5: Driver, Ride), with the types that Prisma writes for PostgreSQL instead of
-- its SQLite ones, and its conventional names of keys and indexes.
create table "Driver" (
    "id" text not null,
    "name" text not null,
    "status" text not null default 'offline',
    "lat" double precision,
    "lng" double precision,
    "createdAt" timestamp(3) not null default current_timestamp,
    constraint "Driver_pkey" primary key ("id")
);
create table "Ride" (
    "id" text not null,
    "riderId" text not null,
    "driverId" text,
    "status" text not null default 'requested',
    "pickupLat" double precision not null,
    "pickupLng" double precision not null,
    "destLat" double precision not null,
    "destLng" double precision not null,
    "price" double precision not null,
    "createdAt" timestamp(3) not null default current_timestamp,
    "completedAt" timestamp(3),
    constraint "Ride_pkey" primary key ("id")
);
alter table "Ride" add constraint "Ride_driverId_fkey"
    foreign key ("driverId") references "Driver" ("id") on delete set null on update cascade;
create table "Receipt" (
    "id" text not null,
    "rideId" text not null,
    "total" double precision not null,
    constraint "Receipt_pkey" primary key ("id")
);
create unique index "Receipt_rideId_key" on "Receipt" ("rideId");
create function "touchRide"() returns trigger language plpgsql as $$
begin
    if new."status" = 'completed' and old."status" <> 'completed' then
        new."completedAt" := coalesce(new."completedAt", current_timestamp);
        insert into "Receipt" ("id", "rideId", "total") values ('rc_' || new."id", new."id", new."price")
        on conflict ("rideId") do update set "total" = excluded."total";
    end if;
    return new;
end
$$;
create trigger "touchRide" before update on "Ride" for each row execute function "touchRide"();
alter table "Ride" enable row level security;
create policy "ownRides" on "Ride" for all
    using ("riderId" = current_setting('app.user', true) or "driverId" = current_setting('app.user', true))
    with check ("riderId" = current_setting('app.user', true));

insert into "Driver" ("id", "name") values ('clx1', 'Ada');
