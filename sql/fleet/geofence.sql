-- Areas of an app: who crosses their edge is told of, and who arrives at a pickup.

-- Every longitude if it goes beyond the antimeridian, so that one look finds it from either side.
create function realtime_sync.fleet_fence_bounds(circle circle, polygon polygon) returns box
immutable parallel safe language sql
begin atomic
    select case when (b.box[0])[0] > 180 or (b.box[1])[0] < -180
        then box(point(-180, (b.box[1])[1]), point(180, (b.box[0])[1])) else b.box end
    from (
        select coalesce(
            box(polygon), realtime_sync.fleet_bounds((center(circle))[1], (center(circle))[0], radius(circle))
        )
    ) b(box);
end;

-- Of a circle the centre is (lng, lat) in degrees and the radius metres on the earth, for a circle of
-- degrees is none. A polygon's corners are (lng, lat); one across the antimeridian goes on beyond 180.
create table realtime_sync.geofence (
    schema name not null default 'public',
    name text not null check (name <> ''),
    circle circle,
    polygon polygon,
    topics text[],
    bounds box generated always as (realtime_sync.fleet_fence_bounds(circle, polygon)) stored,
    primary key (schema, name),
    constraint circle_or_polygon check ((circle is null) <> (polygon is null)),
    constraint circle_of_degrees_and_metres check (
        (pg_catalog.center(circle))[0] between -180 and 180 and (pg_catalog.center(circle))[1] between -90 and 90
        and pg_catalog.radius(circle) between 1 and 1e7
    ),
    constraint polygon_of_degrees check (
        ((pg_catalog.box(polygon))[1])[0] >= -540 and ((pg_catalog.box(polygon))[0])[0] <= 540
        and ((pg_catalog.box(polygon))[1])[1] >= -90 and ((pg_catalog.box(polygon))[0])[1] <= 90
    ),
    constraint polygon_of_three_corners check (pg_catalog.npoints(polygon) >= 3),
    constraint topics_without_null check (pg_catalog.array_position(topics, null) is null),
    -- send() refuses it, and with it the fix of whoever crosses the fence.
    constraint topics_not_empty check (pg_catalog.array_position(topics, '') is null)
);

create index geofence_bounds on realtime_sync.geofence using gist (bounds);

-- Trips whose driver has been told of as arriving: who gets a trip that was given back arrives anew.
create table realtime_sync.arrival (
    schema name not null,
    trip text not null,
    driver text not null,
    at timestamptz not null default pg_catalog.statement_timestamp(),
    primary key (schema, trip, driver)
);

create index arrival_at on realtime_sync.arrival (at);

select pg_catalog.pg_extension_config_dump('realtime_sync.geofence', '');
select pg_catalog.pg_extension_config_dump('realtime_sync.arrival', '');

create function realtime_sync.fleet_in_geofence(circle circle, polygon polygon, place point) returns boolean
immutable parallel safe language sql
begin atomic
    select coalesce(
        realtime_sync.distance_m((center(circle))[1], (center(circle))[0], place[1], place[0]) <= radius(circle),
        polygon @> place or polygon @> (place + point(360, 0)) or polygon @> (place - point(360, 0)),
        false
    );
end;

-- From where a driver was to where he is: no table says in which fences he is, as his row does.
-- As the owner: the fences are everybody's.
create function realtime_sync.fleet_cross_geofences(schema name, driver text, was point, place point, at timestamptz) returns void
volatile security definer language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_variable
declare
    -- A fence with one of the two in it touches this.
    way constant box := pg_catalog.box(coalesce(was, place), place);
    fence record;
begin
    -- All that a fix costs where no fence is.
    if not exists (
        select from realtime_sync.geofence f where f.schema = fleet_cross_geofences.schema and f.bounds operator(pg_catalog.&&) way
    ) then
        return;
    end if;
    for fence in
        select f.name, f.topics, i.entered
        from realtime_sync.geofence f
        cross join lateral (
            select
                realtime_sync.fleet_in_geofence(f.circle, f.polygon, fleet_cross_geofences.was) as there,
                realtime_sync.fleet_in_geofence(f.circle, f.polygon, fleet_cross_geofences.place) as entered
        ) i
        where f.schema = fleet_cross_geofences.schema and f.bounds operator(pg_catalog.&&) way and i.there <> i.entered
        -- Out of the old ones before into the new.
        order by i.entered, f.name
    loop
        perform realtime_sync.send(
            t.topic,
            case when fence.entered then 'geofence.entered' else 'geofence.left' end,
            pg_catalog.json_build_object(
                'geofence', fence.name, 'driver', driver, 'lat', place[1], 'lng', place[0], 'at', at
            )
        )
        from pg_catalog.unnest('driver:' || driver || coalesce(fence.topics, array['geofence:' || fence.name])) t(topic);
    end loop;
end
$function$;

-- Whether it is the first time.
create function realtime_sync.fleet_note_arrival(schema name, trip text, driver text) returns boolean
volatile security definer language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
begin
    insert into realtime_sync.arrival (schema, trip, driver)
    values (fleet_note_arrival.schema, fleet_note_arrival.trip, fleet_note_arrival.driver)
    on conflict do nothing;
    if not found then
        return false;
    end if;
    -- What another transaction is deleting is not waited for: it may be waiting for this driver.
    delete from realtime_sync.arrival a
    where a.ctid = any (array(
        select o.ctid from realtime_sync.arrival o
        where o.at < pg_catalog.statement_timestamp() - interval '7 days'
        limit 1000
        for update skip locked
    ));
    return true;
end
$function$;

-- Whoever may create in an app's schema says what its areas are.
alter table realtime_sync.geofence enable row level security;
create policy own on realtime_sync.geofence
    using (pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)), 'create'));

revoke all on table realtime_sync.geofence from public;
revoke all on table realtime_sync.arrival from public;
revoke all on function realtime_sync.fleet_fence_bounds(circle, polygon) from public;
revoke all on function realtime_sync.fleet_in_geofence(circle, polygon, point) from public;
revoke all on function realtime_sync.fleet_cross_geofences(name, text, point, point, timestamptz) from public;
revoke all on function realtime_sync.fleet_note_arrival(name, text, text) from public;

comment on table realtime_sync.geofence is
    'Areas of an app''s schema: a circle <(lng, lat), metres> or a polygon of (lng, lat). A driver who crosses its edge sends geofence.entered or geofence.left {geofence, driver, lat, lng, at} to driver:<id> and to topics, by default geofence:<name>. Insert, update and delete rows as you like.';
comment on column realtime_sync.geofence.bounds is
    'What it lies in, in degrees; every longitude if it goes beyond the antimeridian.';
comment on table realtime_sync.arrival is
    'Trips and drivers of which trip.arriving was sent, for seven days.';
comment on function realtime_sync.fleet_fence_bounds(circle, polygon) is
    'The box of degrees that a fence lies in.';
comment on function realtime_sync.fleet_in_geofence(circle, polygon, point) is
    'Whether a place (lng, lat) is in a fence; false of none.';
comment on function realtime_sync.fleet_cross_geofences(name, text, point, point, timestamptz) is
    'Sends geofence.left and geofence.entered for a driver who went from one place to another.';
comment on function realtime_sync.fleet_note_arrival(name, text, text) is
    'Notes that a driver was told of as arriving at a trip''s pickup; whether it is the first time.';
