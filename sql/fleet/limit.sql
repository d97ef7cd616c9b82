-- What the kit's functions of an app hold its drivers to. Rows of the schema's owner and no settings: those anybody
-- may set for himself. fleet_setup() writes them into the functions.

create table realtime_sync.fleet_limit (
    schema name primary key,
    max_speed numeric check (max_speed between 1 and 1e9),
    trail_distance numeric check (trail_distance between 0 and 1e6),
    trail_seconds numeric check (trail_seconds between 0 and 1e6),
    arriving_distance numeric check (arriving_distance between 0 and 1e6),
    place_seconds numeric check (place_seconds = 0 or place_seconds between 0.001 and 3600),
    place_distance numeric check (place_distance between 0 and 1000)
);

select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_limit', '');

alter table realtime_sync.fleet_limit enable row level security;
create policy fleet_read on realtime_sync.fleet_limit for select using (true);
-- Whoever may create in it besides its owner would set what another's functions do.
create policy fleet_write on realtime_sync.fleet_limit using (
    exists (
        select from pg_catalog.pg_namespace n
        where n.nspname = schema and pg_catalog.pg_has_role(n.nspowner, 'usage')
    )
);

revoke all on table realtime_sync.fleet_limit from public;

comment on table realtime_sync.fleet_limit is
    'What the fleet kit holds drivers to, by schema; its owner''s to say: insert or update a row, then realtime_sync.fleet_setup() writes it into the functions.';
comment on column realtime_sync.fleet_limit.max_speed is
    'Metres a second; a fix that needs more is a jump. Null: 100.';
comment on column realtime_sync.fleet_limit.trail_distance is
    'Metres after which a fix goes into the trail. Null: 10.';
comment on column realtime_sync.fleet_limit.trail_seconds is
    'Seconds after which a fix goes into the trail, however near. Null: 30.';
comment on column realtime_sync.fleet_limit.arriving_distance is
    'Metres from the pickup at which trip.arriving is sent. Null: 200.';
comment on column realtime_sync.fleet_limit.place_seconds is
    'Seconds between two events of a driver whose place alone changes, the last one always sent. 0: each fix is an event. Null: 5.';
comment on column realtime_sync.fleet_limit.place_distance is
    'Metres: a fix nearer than that to the place last written is held, and the last one of these written when place_seconds are over. Null or 0: each fix is written.';
