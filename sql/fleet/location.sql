-- Where drivers are: a fix from a phone moves the driver's row and leaves a trail, tells of fences crossed
-- and of pickups reached; the nearest drivers by great-circle distance.

-- Haversine on the mean earth radius (IUGG R1), within 0.6 % of the ellipsoid. atan2 and not asin, whose
-- argument rounding may take above 1; all of it strict, so that it is inlined.
create function realtime_sync.distance_m(
    lat1 double precision, lng1 double precision, lat2 double precision, lng2 double precision
) returns double precision
immutable strict parallel safe language sql
begin atomic
    select 2 * 6371008.8 * atan2(
        sqrt(
            power(sin(radians(lat2 - lat1) / 2), 2)
            + cos(radians(lat1)) * cos(radians(lat2)) * power(sin(radians(lng2 - lng1) / 2), 2)
        ),
        sqrt(abs(
            1 - power(sin(radians(lat2 - lat1) / 2), 2)
            - cos(radians(lat1)) * cos(radians(lat2)) * power(sin(radians(lng2 - lng1) / 2), 2)
        ))
    );
end;

-- What a circle on the earth lies in, in degrees (x lng, y lat): every longitude if a pole is in it, else
-- it may go beyond the antimeridian. A millionth of a degree, 11 cm, more than it needs for rounding.
create function realtime_sync.fleet_bounds(lat double precision, lng double precision, radius_m double precision) returns box
immutable strict parallel safe language sql
begin atomic
    select case
        when abs(lat) + degrees(radius_m / 6371008.8) >= 89.99999
        then box(
            point(-180, greatest(-90, lat - degrees(radius_m / 6371008.8) - 1e-6)),
            point(180, least(90, lat + degrees(radius_m / 6371008.8) + 1e-6))
        )
        else (
            select box(point(lng - r.x, lat - r.y), point(lng + r.x, lat + r.y))
            from (
                select
                    degrees(asin(least(1, sin(radius_m / 6371008.8) / cos(radians(lat))))) + 1e-6 as x,
                    degrees(radius_m / 6371008.8) + 1e-6 as y
            ) r
        )
    end;
end;

-- The same as boxes that an index on longitudes from -180 to 180 knows.
create function realtime_sync.fleet_boxes(lat double precision, lng double precision, radius_m double precision) returns box[]
immutable strict parallel safe language plpgsql
set search_path = ''
as $function$
declare
    around box := realtime_sync.fleet_bounds(lat, lng, radius_m);
    east double precision := (around[0])[0];
    north double precision := (around[0])[1];
    west double precision := (around[1])[0];
    south double precision := (around[1])[1];
begin
    if east - west >= 360 then
        return array[pg_catalog.box(pg_catalog.point(-180, south), pg_catalog.point(180, north))];
    elsif east >= 180 then
        return array[
            pg_catalog.box(pg_catalog.point(west, south), pg_catalog.point(180, north)),
            pg_catalog.box(pg_catalog.point(-180, south), pg_catalog.point(east - 360, north))
        ];
    elsif west <= -180 then
        return array[
            pg_catalog.box(pg_catalog.point(-180, south), pg_catalog.point(east, north)),
            pg_catalog.box(pg_catalog.point(west + 360, south), pg_catalog.point(180, north))
        ];
    end if;
    return array[around];
end
$function$;

-- Raises unless a fix could be one.
create function realtime_sync.fleet_check_fix(
    lat double precision, lng double precision, heading double precision, speed double precision, accuracy double precision
) returns void
immutable language plpgsql
set search_path = ''
as $function$
declare
    -- NaN is greater than any number.
    wrong text := case
        when lat is null or lng is null then null
        when not lat between -90 and 90 then pg_catalog.format('latitude %s is not between -90 and 90', lat)
        when not lng between -180 and 180 then pg_catalog.format('longitude %s is not between -180 and 180', lng)
        when not heading between 0 and 360 then pg_catalog.format('heading %s is not between 0 and 360 degrees', heading)
        when not speed between 0 and 12000 then pg_catalog.format('speed %s is not between 0 and 12000 metres per second', speed)
        when not accuracy between 0 and 1e7 then pg_catalog.format('accuracy %s is not between 0 and 10000000 metres', accuracy)
    end;
begin
    if lat is null or lng is null then
        raise null_value_not_allowed using
            message = 'lat and lng must not be null',
            hint = 'Give both, in degrees: lat => 52.52, lng => 13.405.';
    elsif wrong is not null then
        raise numeric_value_out_of_range using
            message = wrong,
            hint = 'Degrees are WGS 84, latitude first; what is not known is null.';
    end if;
end
$function$;

create function realtime_sync.fleet_read_time(value text) returns timestamptz
stable strict language plpgsql
set search_path = ''
as $function$
begin
    return value::timestamptz;
exception
    when data_exception then
        return null;
end
$function$;

create function realtime_sync.fleet_read_number(value jsonb, low numeric, high numeric) returns double precision
immutable strict parallel safe language sql
begin atomic
    select case when jsonb_typeof(value) = 'number' then case when value::numeric between low and high then value::double precision end end;
end;

-- Of a circle the centre is (lng, lat) in degrees and the radius metres on the earth, for a circle of
-- degrees is none. A polygon's corners are (lng, lat); one across the antimeridian goes on beyond 180.
create table realtime_sync.geofence (
    schema name not null default 'public',
    name text not null check (name <> ''),
    circle circle,
    polygon polygon,
    topics text[],
    bounds box generated always as (
        case when polygon is null
            then realtime_sync.fleet_bounds((pg_catalog.center(circle))[1], (pg_catalog.center(circle))[0], pg_catalog.radius(circle))
            else pg_catalog.box(polygon)
        end
    ) stored,
    primary key (schema, name),
    constraint circle_or_polygon check ((circle is null) <> (polygon is null)),
    constraint circle_of_degrees_and_metres check (
        (pg_catalog.center(circle))[0] between -180 and 180 and (pg_catalog.center(circle))[1] between -90 and 90
        and pg_catalog.radius(circle) between 1 and 1e7
    ),
    constraint topics_without_null check (pg_catalog.array_position(topics, null) is null)
);

create index geofence_bounds on realtime_sync.geofence using gist (bounds);

-- Trips whose driver has been told of as arriving.
create table realtime_sync.arrival (
    schema name not null,
    trip text not null,
    at timestamptz not null default pg_catalog.statement_timestamp(),
    primary key (schema, trip)
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
set search_path = ''
as $function$
#variable_conflict use_variable
declare
    fence record;
begin
    for fence in
        select f.name, f.topics, i.entered
        from realtime_sync.geofence f
        cross join lateral (
            select
                realtime_sync.fleet_in_geofence(f.circle, f.polygon, fleet_cross_geofences.was) as there,
                realtime_sync.fleet_in_geofence(f.circle, f.polygon, fleet_cross_geofences.place) as entered
        ) i
        where f.schema = fleet_cross_geofences.schema and i.there <> i.entered and (
            f.bounds @> pg_catalog.box(was, was)
            or f.bounds @> pg_catalog.box(was + pg_catalog.point(360, 0), was + pg_catalog.point(360, 0))
            or f.bounds @> pg_catalog.box(was - pg_catalog.point(360, 0), was - pg_catalog.point(360, 0))
            or f.bounds @> pg_catalog.box(place, place)
            or f.bounds @> pg_catalog.box(place + pg_catalog.point(360, 0), place + pg_catalog.point(360, 0))
            or f.bounds @> pg_catalog.box(place - pg_catalog.point(360, 0), place - pg_catalog.point(360, 0))
        )
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
create function realtime_sync.fleet_note_arrival(schema name, trip text) returns boolean
volatile security definer language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
begin
    insert into realtime_sync.arrival (schema, trip) values (fleet_note_arrival.schema, fleet_note_arrival.trip)
    on conflict do nothing;
    if not found then
        return false;
    end if;
    delete from realtime_sync.arrival a where a.at < pg_catalog.statement_timestamp() - interval '7 days';
    return true;
end
$function$;

-- What several of the kit's templates say alike: {{>driver_place}} is the place of the driver d as a point (lng, lat),
-- from whichever columns the app has; {{>driver_near}} PostGIS's own index, where the place is only there (its ellipsoid
-- is within 1 % of the sphere); {{>driver_wanted}} whether d is one of the statuses asked for.
insert into realtime_sync.fleet_template (name, kind, template) values
(
    'driver_place', 'part',
    '{{#driver.lat}}pg_catalog.point({{d.lng}}::double precision, {{d.lat}}::double precision){{/driver.lat}}'
    '{{^driver.lat}}{{#driver.point}}{{d.point}}{{/driver.point}}'
    '{{^driver.point}}{{#driver.geography}}{{rpc.realtime_point}}({{d.geography}}){{/driver.geography}}'
    '{{^driver.geography}}null::point{{/driver.geography}}{{/driver.point}}{{/driver.lat}}'
),
(
    'driver_near', 'part',
    '{{^driver.lat|driver.point}}{{#driver.geography}}{{rpc.realtime_within}}({{d.geography}}, probe, reach * 1.01 + 1) and '
    '{{/driver.geography}}{{/driver.lat|driver.point}}'
),
(
    'driver_wanted', 'part',
    'case when $5 is null then {{#driver.online}}{{d.online}}::boolean{{/driver.online}}{{^driver.online}}'
    '{{#driver.status}}pg_catalog.lower({{d.status}}::text) not in (''offline'', ''off_duty'', ''inactive'', ''suspended''){{/driver.status}}'
    '{{^driver.status}}true{{/driver.status}}{{/driver.online}}'
    ' else {{#driver.status}}{{d.status}}::text{{/driver.status}}{{^driver.status}}{{#driver.online}}'
    'case when {{d.online}} then ''online'' else ''offline'' end{{/driver.online}}{{^driver.online}}null{{/driver.online}}{{/driver.status}}'
    ' = any ($5) end'
);

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template) values
(
    'driver_locations', 'table', 30, 'location', '{driver.id}',
    $template$
create table {{schema}}.driver_locations (
    id bigint generated always as identity primary key,
    driver_id {{driver.id:type}} not null references {{driver}} on delete cascade,
    lat double precision not null,
    lng double precision not null,
    heading real,
    speed real,
    accuracy real,
    recorded_at timestamptz not null,
    client_id text,
    flag text check (flag in ('jump', 'late'))
);
create index on {{schema}}.driver_locations (driver_id, recorded_at desc);
create unique index on {{schema}}.driver_locations (driver_id, client_id) where client_id is not null;
alter table {{schema}}.driver_locations enable row level security;
comment on table {{schema}}.driver_locations is
    'Where drivers have been: at least every 10 metres or 30 seconds of movement. Kept until you delete it.';
comment on column {{schema}}.driver_locations.recorded_at is 'When the phone was there, by its clock.';
comment on column {{schema}}.driver_locations.client_id is 'The phone''s own id of the fix: sent twice, it is stored once.';
comment on column {{schema}}.driver_locations.flag is
    'jump: too far to have been reached since the last fix; late: older than what was known when it came.'
$template$
),
(
    'driver_locations_read', 'policy', 30, null, '{driver.id,location.driver}',
    $template$
create policy driver_locations_read on {{location}} for select
using ({{location.driver}} = (select {{rpc.realtime_driver}}()) or (select {{rpc.realtime_dispatcher}}()))
$template$
),
(
    'drivers_location', 'index', 30, null, '{driver.lat,driver.lng}',
    $template$
create index drivers_location on {{driver}}
using gist (pg_catalog.point({{driver.lng}}::double precision, {{driver.lat}}::double precision))
$template$
),
(
    'drivers_location_point', 'index', 30, null, '{driver.point}',
    $template$
create index drivers_location_point on {{driver}} using gist ({{driver.point}})
$template$
),
(
    'realtime_point', 'function', -30, null, '{driver.geography}',
    $template$
do $make$
begin
    execute pg_catalog.format(
        $function$
        create function {{rpc.realtime_point}}(place {{driver.geography:type}}) returns point
        immutable strict parallel safe language sql
        return pg_catalog.point(%1$I.st_x(place::%1$I.geometry), %1$I.st_y(place::%1$I.geometry))
        $function$,
        (
            select n.nspname
            from pg_catalog.pg_attribute a
            join pg_catalog.pg_type t on t.oid = a.atttypid
            join pg_catalog.pg_namespace n on n.oid = t.typnamespace
            where a.attrelid = '{{driver}}'::regclass and pg_catalog.quote_ident(a.attname) = '{{driver.geography}}'
        )
    );
end
$make$;
comment on function {{rpc.realtime_point}} is 'A PostGIS place as a point of lng and lat.'
$template$
),
(
    'realtime_within', 'function', -30, null, '{driver.geography}',
    $template$
do $make$
begin
    execute pg_catalog.format(
        $function$
        create function {{rpc.realtime_within}}(place {{driver.geography:type}}, probe point, radius_m double precision) returns boolean
        immutable parallel safe language sql
        return %1$I.st_dwithin(
            place::%1$I.geography,
            %1$I.st_setsrid(%1$I.st_makepoint(probe[0], probe[1]), 4326)::%1$I.geography,
            radius_m
        )
        $function$,
        (
            select n.nspname
            from pg_catalog.pg_attribute a
            join pg_catalog.pg_type t on t.oid = a.atttypid
            join pg_catalog.pg_namespace n on n.oid = t.typnamespace
            where a.attrelid = '{{driver}}'::regclass and pg_catalog.quote_ident(a.attname) = '{{driver.geography}}'
        )
    );
end
$make$;
comment on function {{rpc.realtime_within}} is 'Whether a PostGIS place is within a radius of lng and lat, by the index on places.'
$template$
),
(
    'realtime_move_driver', 'function', 31, null, '{driver.id}',
    $template$
create function {{rpc.realtime_move_driver}}(
    driver_id {{driver.id:type}}, lat double precision, lng double precision, heading double precision,
    speed double precision, accuracy double precision, recorded_at timestamptz, client_id text
) returns jsonb
volatile language plpgsql
set search_path = ''
as $$
#variable_conflict use_variable
declare
    place constant point := pg_catalog.point(lng, lat);
    -- What a fix may be off by, and how fast a driver may be: alter database ... set realtime_fleet.max_speed = '70'.
    slack constant double precision := 50 + coalesce(accuracy, 0);
    max_speed constant double precision := coalesce(nullif(pg_catalog.current_setting('realtime_fleet.max_speed', true), '')::double precision, 100);
    was record;
    last record;
    jump boolean;
begin
    -- Held to the end: a driver's fixes come one after another.
    select {{>driver_place}} as place, {{d.location_at}}::timestamptz as at into was
    from {{driver}} d
    where {{d.id}} = driver_id
    for no key update;
    if not found then
        raise no_data_found using
            message = pg_catalog.format('driver %s does not exist', driver_id);
    end if;
    {{#location.client_id}}
    if client_id is not null and exists (
        select from {{location}} h where {{h.driver}} = driver_id and {{h.client_id}}::text = client_id
    ) then
        return '{"accepted": true, "reason": "duplicate", "flag": null}';
    end if;
    {{/location.client_id}}
    if recorded_at > pg_catalog.clock_timestamp() + interval '1 min' then
        return '{"accepted": false, "reason": "in_the_future", "flag": null}';
    end if;
    {{#location.recorded_at}}
    select {{h.lat}}::double precision as lat, {{h.lng}}::double precision as lng, {{h.recorded_at}}::timestamptz as at, {{h.flag}} as flag into last
    from {{location}} h
    where {{h.driver}} = driver_id
    order by {{h.recorded_at}} desc
    limit 1;
    {{^driver.location_at}}
    was.at := (
        select pg_catalog.max({{h.recorded_at}}) from {{location}} h
        where {{h.driver}} = driver_id and {{h.flag}} is distinct from 'jump'
    );
    {{/driver.location_at}}
    {{/location.recorded_at}}
    if recorded_at <= was.at then
        return '{"accepted": false, "reason": "out_of_order", "flag": null}';
    end if;
    jump := coalesce(
        realtime_sync.distance_m(was.place[1], was.place[0], lat, lng)
            > slack + max_speed * extract(epoch from recorded_at - was.at)::double precision,
        false
    );
    {{#location.recorded_at}}
    -- Two that agree are believed, or one wrong fix would make all that follow impossible.
    jump := jump and not coalesce(
        last.at > was.at and last.at < recorded_at
        and realtime_sync.distance_m(last.lat, last.lng, lat, lng)
            <= slack + max_speed * extract(epoch from recorded_at - last.at)::double precision,
        false
    );
    if client_id is not null or jump or last.at is null or last.flag = 'jump'
        or realtime_sync.distance_m(last.lat, last.lng, lat, lng)
            >= coalesce(nullif(pg_catalog.current_setting('realtime_fleet.trail_distance', true), '')::double precision, 10)
        or recorded_at - last.at >= coalesce(nullif(pg_catalog.current_setting('realtime_fleet.trail_interval', true), '')::interval, '30 s')
    then
        insert into {{location}} (
            {{location.driver}}, {{location.lat}}, {{location.lng}}, {{location.recorded_at}}{{#location.heading}}, {{location.heading}}{{/location.heading}}{{#location.speed}}, {{location.speed}}{{/location.speed}}{{#location.accuracy}}, {{location.accuracy}}{{/location.accuracy}}{{#location.client_id}}, {{location.client_id}}{{/location.client_id}}{{#location.flag}}, {{location.flag}}{{/location.flag}}
        )
        values (
            driver_id, lat, lng, recorded_at{{#location.heading}}, heading{{/location.heading}}{{#location.speed}}, speed{{/location.speed}}{{#location.accuracy}}, accuracy{{/location.accuracy}}{{#location.client_id}}, client_id{{/location.client_id}}{{#location.flag}}, case when jump then 'jump' end{{/location.flag}}
        );
    end if;
    {{/location.recorded_at}}
    if jump then
        return '{"accepted": false, "reason": "impossible_jump", "flag": "jump"}';
    end if;
    -- Always, so that the last fix is never the one that was left out; where it did not move, in place.
    {{#driver.lat|driver.point|driver.geography}}
    update {{driver}} d set
        {{#driver.lat}}{{driver.lat}} = lat, {{driver.lng}} = lng{{#driver.point}}, {{driver.point}} = place{{/driver.point}}{{/driver.lat}}{{^driver.lat}}{{#driver.point}}{{driver.point}} = place{{/driver.point}}{{/driver.lat}}{{#driver.geography}}{{#driver.lat}}, {{/driver.lat}}{{^driver.lat}}{{#driver.point}}, {{/driver.point}}{{/driver.lat}}{{driver.geography}} = pg_catalog.format('SRID=4326;POINT(%s %s)', lng, lat)::{{driver.geography:type}}{{/driver.geography}}{{#driver.heading}},
        {{driver.heading}} = coalesce(heading, {{d.heading}}){{/driver.heading}}{{#driver.speed}},
        {{driver.speed}} = speed{{/driver.speed}}{{#driver.accuracy}},
        {{driver.accuracy}} = accuracy{{/driver.accuracy}}{{#driver.location_at}},
        {{driver.location_at}} = recorded_at{{/driver.location_at}}{{#driver.last_seen}},
        {{driver.last_seen}} = pg_catalog.statement_timestamp(){{/driver.last_seen}}
    where {{d.id}} = driver_id;
    {{/driver.lat|driver.point|driver.geography}}
    if was.place is null or was.place[0] <> lng or was.place[1] <> lat then
        perform realtime_sync.fleet_cross_geofences({{schema:literal}}, driver_id::text, was.place, place, recorded_at);
        {{#trip.driver}}{{#trip.status}}{{#trip.pickup_lat}}
        perform realtime_sync.send(
            k.topic, 'trip.arriving',
            pg_catalog.json_build_object(
                'trip_id', a.id, 'driver_id', driver_id, 'lat', lat, 'lng', lng, 'distance_m', pg_catalog.round(a.distance_m), 'at', recorded_at
            )
        )
        from (
            select n.*
            from (
                select {{t.id}} as id, {{t.passenger}} as passenger,
                    realtime_sync.distance_m({{t.pickup_lat}}::double precision, {{t.pickup_lng}}::double precision, lat, lng) as distance_m
                from {{trip}} t
                where {{t.driver}} = driver_id
                    {{#transition.to_status}}
                    and {{rpc.realtime_trip_state}}({{t.status}}::text) in ('accepted', 'arriving')
                    {{/transition.to_status}}
                    {{^transition.to_status}}
                    and pg_catalog.lower({{t.status}}::text) in ('accepted', 'assigned', 'arriving', 'en_route')
                    {{/transition.to_status}}
                offset 0
            ) n
            where n.distance_m <= coalesce(nullif(pg_catalog.current_setting('realtime_fleet.arriving', true), '')::double precision, 200)
                and realtime_sync.fleet_note_arrival({{schema:literal}}, n.id::text)
            -- Noted once, and then told to each.
            offset 0
        ) a
        cross join lateral pg_catalog.unnest(array['trip:' || a.id::text, 'driver:' || driver_id::text, 'passenger:' || a.passenger::text]) k(topic)
        where k.topic is not null;
        {{/trip.pickup_lat}}{{/trip.status}}{{/trip.driver}}
    end if;
    return '{"accepted": true, "reason": null, "flag": null}';
end
$$;
comment on function {{rpc.realtime_move_driver}} is
    'update_location() without its questions who is calling.'
$template$
),
(
    'realtime_located_driver', 'function', 31, null, '{driver.id}',
    $template$
create function {{rpc.realtime_located_driver}}(driver {{driver.id:type}}) returns {{driver.id:type}}
stable language plpgsql
set search_path = ''
as $$
declare
    own {{driver.id:type}} := {{rpc.realtime_driver}}();
begin
    if coalesce($1, own) is null then
        raise insufficient_privilege using
            message = 'the login is no driver''s',
            hint = 'Name the driver, as a dispatcher or the back end.';
    elsif $1 is distinct from own and $1 is not null and not coalesce({{rpc.realtime_dispatcher}}(), false) then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for driver %s', $1),
            hint = 'A driver''s location is his own to report, or a dispatcher''s or the back end''s.';
    end if;
    return coalesce($1, own);
end
$$;
comment on function {{rpc.realtime_located_driver}} is
    'The driver whose location the caller may report: the login''s, unless another is named by a dispatcher or the back end.'
$template$
),
(
    'update_location', 'function', 32, null, '{driver.id}',
    $template$
create function {{rpc.update_location}}(
    driver {{driver.id:type}} default null, lat double precision default null, lng double precision default null,
    heading double precision default null, speed double precision default null, accuracy double precision default null,
    recorded_at timestamptz default null, client_id text default null
) returns jsonb
volatile security definer language plpgsql
set search_path = ''
as $$
begin
    perform realtime_sync.fleet_check_fix($2, $3, $4, $5, $6);
    return {{rpc.realtime_move_driver}}(
        {{rpc.realtime_located_driver}}($1), $2, $3, $4, $5, $6, coalesce($7, pg_catalog.clock_timestamp()), $8
    );
end
$$;
comment on function {{rpc.update_location}} is
    'Where a driver is, by default the login''s: degrees, heading 0 to 360, speed in m/s, accuracy in metres, recorded_at by default now. Returns {"accepted", "reason", "flag"}; reason: duplicate (client_id came before), out_of_order, in_the_future, impossible_jump (flag jump; a second fix that agrees is accepted). Crossing a geofence sends geofence.left and geofence.entered to driver:<id> and the fence''s topics, the first time within 200 m of an accepted trip''s pickup trip.arriving to trip:<id>, driver:<id> and passenger:<id>. 22003: out of bounds; 22004: no lat or lng; 42501: another''s driver; P0002: no such driver.'
$template$
),
(
    'update_locations', 'function', 33, null, '{driver.id}',
    $template$
create function {{rpc.update_locations}}(locations jsonb, driver {{driver.id:type}} default null) returns jsonb
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    mover constant {{driver.id:type}} := {{rpc.realtime_located_driver}}($2);
    max_speed constant double precision := coalesce(nullif(pg_catalog.current_setting('realtime_fleet.max_speed', true), '')::double precision, 100);
    was record;
    fixes jsonb;
    newest record;
    moved jsonb;
begin
    if coalesce(pg_catalog.jsonb_typeof($1), 'null') <> 'array' or pg_catalog.jsonb_array_length($1) > 10000 then
        raise invalid_parameter_value using
            message = 'locations must be an array of at most 10000 fixes',
            hint = 'As in [{"lat": 52.52, "lng": 13.405, "recorded_at": "2026-01-31T12:00:00Z", "client_id": "a1"}].';
    end if;
    -- One batch of a driver at a time, and none beside update_location().
    select {{>driver_place}} as place, {{d.location_at}}::timestamptz as at into was
    from {{driver}} d
    where {{d.id}} = mover
    for no key update;
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(j) order by j.place), '[]') into fixes
    from (
        select s.*, case
            when s.reason is not null then null
            when s.recorded_at <= was.at then 'late'
            when realtime_sync.distance_m(
                coalesce(s.lat_before, was.place[1]), coalesce(s.lng_before, was.place[0]), s.lat, s.lng
            ) > 50 + coalesce(s.accuracy, 0)
                + max_speed * extract(epoch from s.recorded_at - coalesce(s.at_before, was.at))::double precision then 'jump'
        end as flag
        from (
            select r.*,
                pg_catalog.lag(r.lat) over sequence as lat_before,
                pg_catalog.lag(r.lng) over sequence as lng_before,
                pg_catalog.lag(r.recorded_at) over sequence as at_before
            from (
                select f.*, case
                    when f.lat is null or f.lng is null or f.recorded_at is null then 'invalid'
                    when f.recorded_at > pg_catalog.clock_timestamp() + interval '1 min' then 'in_the_future'
                    when f.client_id is not null and (
                        pg_catalog.row_number() over (partition by f.client_id order by f.place) > 1
                        {{#location.client_id}}
                        or exists (
                            select from {{location}} h where {{h.driver}} = mover and {{h.client_id}}::text = f.client_id
                        )
                        {{/location.client_id}}
                    ) then 'duplicate'
                end as reason
                from (
                    select
                        i.place,
                        realtime_sync.fleet_read_number(i.fix -> 'lat', -90, 90) as lat,
                        realtime_sync.fleet_read_number(i.fix -> 'lng', -180, 180) as lng,
                        realtime_sync.fleet_read_number(i.fix -> 'heading', 0, 360) as heading,
                        realtime_sync.fleet_read_number(i.fix -> 'speed', 0, 12000) as speed,
                        realtime_sync.fleet_read_number(i.fix -> 'accuracy', 0, 1e7) as accuracy,
                        realtime_sync.fleet_read_time(i.fix ->> 'recorded_at') as recorded_at,
                        i.fix ->> 'client_id' as client_id
                    from pg_catalog.jsonb_array_elements($1) with ordinality i(fix, place)
                ) f
            ) r
            window sequence as (partition by r.reason is null order by r.recorded_at, r.place)
        ) s
    ) j;
    select f.* into newest
    from pg_catalog.jsonb_to_recordset(fixes) as f(
        place bigint, lat double precision, lng double precision, heading double precision, speed double precision,
        accuracy double precision, recorded_at timestamptz, client_id text, reason text, flag text
    )
    where f.reason is null and f.flag is distinct from 'late'
    order by f.recorded_at desc, f.place desc
    limit 1;
    {{#location.recorded_at}}
    insert into {{location}} (
        {{location.driver}}, {{location.lat}}, {{location.lng}}, {{location.recorded_at}}{{#location.heading}}, {{location.heading}}{{/location.heading}}{{#location.speed}}, {{location.speed}}{{/location.speed}}{{#location.accuracy}}, {{location.accuracy}}{{/location.accuracy}}{{#location.client_id}}, {{location.client_id}}{{/location.client_id}}{{#location.flag}}, {{location.flag}}{{/location.flag}}
    )
    select mover, f.lat, f.lng, f.recorded_at{{#location.heading}}, f.heading{{/location.heading}}{{#location.speed}}, f.speed{{/location.speed}}{{#location.accuracy}}, f.accuracy{{/location.accuracy}}{{#location.client_id}}, f.client_id{{/location.client_id}}{{#location.flag}}, f.flag{{/location.flag}}
    from pg_catalog.jsonb_to_recordset(fixes) as f(
        place bigint, lat double precision, lng double precision, heading double precision, speed double precision,
        accuracy double precision, recorded_at timestamptz, client_id text, reason text, flag text
    )
    where f.reason is null and f.place is distinct from newest.place
    order by f.recorded_at, f.place
    on conflict do nothing;
    {{/location.recorded_at}}
    -- The others are past: what they crossed on the way is no news.
    if newest.place is not null then
        moved := {{rpc.realtime_move_driver}}(
            mover, newest.lat, newest.lng, newest.heading, newest.speed, newest.accuracy, newest.recorded_at, newest.client_id
        );
    end if;
    return (
        select coalesce(pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object('client_id', f.client_id) || case
                when f.place = newest.place then moved
                else pg_catalog.jsonb_build_object(
                    'accepted', f.reason is null or f.reason = 'duplicate', 'reason', f.reason, 'flag', f.flag
                )
            end
            order by f.place
        ), '[]')
        from pg_catalog.jsonb_to_recordset(fixes) as f(place bigint, client_id text, reason text, flag text)
    );
end
$$;
comment on function {{rpc.update_locations}} is
    'Fixes of one driver queued offline: at most 10000 of {"lat", "lng", "heading", "speed", "accuracy", "recorded_at", "client_id"}. All go into the trail, the newest moves the driver as update_location() does. Returns for each, in their order, {"client_id", "accepted", "reason", "flag"}; reason also: invalid; flag: jump, late. Sent again with the same client ids it changes nothing. 22023: no array, or a longer one; 42501: another''s driver.'
$template$
),
(
    'realtime_nearby', 'function', 31, null, '{driver.id}',
    $template$
create function {{rpc.realtime_nearby}}(
    lat double precision, lng double precision, radius_m double precision default 5000,
    max_drivers integer default 20, statuses text[] default null
) returns table (driver_id {{driver.id:type}}, driver_lat double precision, driver_lng double precision, distance_m double precision)
stable language plpgsql
set search_path = ''
-- One plan is right for all: planning it for each call would take longer than the search.
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    probe constant point := pg_catalog.point($2, $1);
    reach double precision := $3;
    around box[];
begin
    perform realtime_sync.fleet_check_fix($1, $2, null, null, null);
    if not $3 between 0 and 20037600 or not $4 between 1 and 100000 then
        raise invalid_parameter_value using
            message = 'radius_m must be between 0 and 20037600 metres, max_drivers between 1 and 100000';
    end if;
    around := realtime_sync.fleet_boxes($1, $2, reach);
    -- Distances in degrees are not those on the earth, but max_drivers of any that are near say how far
    -- the nearest can be: in a crowd that is much less than the radius.
    if $4 <= 1000 then
        reach := least(reach, (
            select pg_catalog.max(n.away)
            from (
                select realtime_sync.distance_m($1, $2, k.place[1], k.place[0]) as away
                from pg_catalog.unnest(around) b(area)
                cross join lateral (
                    select {{>driver_place}} as place
                    from {{driver}} d
                    where {{>driver_near}}{{>driver_place}} <@ b.area and {{>driver_wanted}}
                    order by {{>driver_place}} <-> probe
                    limit $4
                ) k
                order by 1
                limit $4
            ) n
            having pg_catalog.count(*) = $4
        ));
        around := realtime_sync.fleet_boxes($1, $2, reach);
    end if;
    return query
        select k.id, k.place[1], k.place[0], k.away
        from (
            select {{d.id}} as id, p.place, realtime_sync.distance_m($1, $2, p.place[1], p.place[0]) as away
            from pg_catalog.unnest(around) b(area)
            join {{driver}} d on {{>driver_near}}{{>driver_place}} <@ b.area
            cross join lateral (select {{>driver_place}} as place) p
            where {{>driver_wanted}}
        ) k
        where k.away <= reach
        order by k.away, k.id
        limit $4;
end
$$;
comment on function {{rpc.realtime_nearby}} is
    'nearby_drivers() without its question who is calling, for functions of your own that decide what a passenger may see.'
$template$
),
(
    'nearby_drivers', 'function', 32, null, '{driver.id}',
    $template$
create function {{rpc.nearby_drivers}}(
    lat double precision, lng double precision, radius_m double precision default 5000,
    max_drivers integer default 20, statuses text[] default null
) returns table (driver_id {{driver.id:type}}, driver_lat double precision, driver_lng double precision, distance_m double precision)
stable security definer language plpgsql
set search_path = ''
as $$
begin
    if not coalesce({{rpc.realtime_dispatcher}}(), false) then
        raise insufficient_privilege using
            message = 'where drivers are is for dispatchers and the back end',
            hint = 'Show passengers what they may see of {{rpc.realtime_nearby}}() in a security definer function of your own.';
    end if;
    return query select * from {{rpc.realtime_nearby}}($1, $2, $3, $4, $5);
end
$$;
comment on function {{rpc.nearby_drivers}} is
    'The nearest drivers within radius_m metres, nearest first, by great-circle distance on the mean earth radius of 6371008.8 m: those online, or those of these statuses. For dispatchers and the back end, else 42501. 22003: no place on earth; 22023: radius_m or max_drivers out of bounds.'
$template$
),
(
    'realtime_drive_online', 'function', 34, null, '{driver.id,driver.online}',
    $template$
create function {{rpc.realtime_drive_online}}(member text, state text) returns void
volatile security definer language plpgsql
set search_path = ''
as $$
begin
    update {{driver}} d set {{driver.online}} = ($2 <> 'offline'){{#driver.last_seen}},
        {{driver.last_seen}} = pg_catalog.statement_timestamp(){{/driver.last_seen}}
    where {{d.id}} = $1::{{driver.id:type}} and {{d.online}} is distinct from ($2 <> 'offline');
exception
    -- A dispatcher among the drivers, say.
    when invalid_text_representation or numeric_value_out_of_range then
        null;
end
$$;
comment on function {{rpc.realtime_drive_online}} is
    'Makes drivers online and offline as they come and go. To be switched on: select realtime_sync.presence_hook(''drivers'', ''{{rpc.realtime_drive_online}}(text, text)'');'
$template$
),
(
    'driver_track', 'function', 34, null, '{driver.id}',
    $template$
create function {{rpc.driver_track}}(
    state text default 'online', meta jsonb default null, ttl interval default '30 s', device text default ''
) returns void
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    own constant text := {{rpc.realtime_located_driver}}(null)::text;
begin
    if $1 = 'offline' then
        perform realtime_sync.presence_untrack('drivers', own, $4);
    else
        perform realtime_sync.presence_track('drivers', own, $1, $2, $3, $4);
    end if;
end
$$;
comment on function {{rpc.driver_track}} is
    'The login''s driver is online, away, on_break or any text, on this device, until ttl after its last driver_heartbeat(); or offline. 42501: the login is no driver''s; else as realtime_sync.presence_track().'
$template$
),
(
    'driver_heartbeat', 'function', 34, null, '{driver.id}',
    $template$
create function {{rpc.driver_heartbeat}}(
    meta jsonb default null, ttl interval default '30 s', device text default '', state text default 'online'
) returns void
volatile security definer language plpgsql
set search_path = ''
as $$
begin
    perform realtime_sync.presence_heartbeat(
        'drivers', {{rpc.realtime_located_driver}}(null)::text, $3, $1, $2, $4
    );
end
$$;
comment on function {{rpc.driver_heartbeat}} is
    'The login''s driver is still there; meta by convention {"latency_ms", "signal": 0 to 4, "battery": 0 to 100}. One who is not known comes back with state.'
$template$
),
(
    'driver_shift', 'function', 34, null, '{driver.id}',
    $template$
create function {{rpc.driver_shift}}(action text, driver {{driver.id:type}} default null) returns json
volatile security definer language plpgsql
set search_path = ''
as $$
begin
    return realtime_sync.presence_shift('drivers', $1, {{rpc.realtime_located_driver}}($2)::text);
end
$$;
comment on function {{rpc.driver_shift}} is
    'shift.start, shift.end, break.start or break.end of the login''s driver, or by a dispatcher or the back end of another; returns the shift''s totals, as realtime_sync.presence_shift().'
$template$
);

-- Whoever may create in an app's schema says what its areas are.
alter table realtime_sync.geofence enable row level security;
create policy own on realtime_sync.geofence
    using (pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)), 'create'));

revoke all on table realtime_sync.geofence from public;
revoke all on table realtime_sync.arrival from public;
revoke all on function realtime_sync.distance_m(double precision, double precision, double precision, double precision) from public;
revoke all on function realtime_sync.fleet_bounds(double precision, double precision, double precision) from public;
revoke all on function realtime_sync.fleet_boxes(double precision, double precision, double precision) from public;
revoke all on function realtime_sync.fleet_check_fix(double precision, double precision, double precision, double precision, double precision) from public;
revoke all on function realtime_sync.fleet_read_time(text) from public;
revoke all on function realtime_sync.fleet_read_number(jsonb, numeric, numeric) from public;
revoke all on function realtime_sync.fleet_in_geofence(circle, polygon, point) from public;
revoke all on function realtime_sync.fleet_note_arrival(name, text) from public;
revoke all on function realtime_sync.fleet_cross_geofences(name, text, point, point, timestamptz) from public;

comment on table realtime_sync.geofence is
    'Areas of an app''s schema: a circle <(lng, lat), metres> or a polygon of (lng, lat). A driver who crosses its edge sends geofence.entered or geofence.left {geofence, driver, lat, lng, at} to driver:<id> and to topics, by default geofence:<name>. Insert, update and delete rows as you like.';
comment on column realtime_sync.geofence.bounds is
    'What it lies in, in degrees.';
comment on table realtime_sync.arrival is
    'Trips of which trip.arriving was sent, for seven days.';
comment on function realtime_sync.distance_m(double precision, double precision, double precision, double precision) is
    'Great-circle distance in metres of two places in degrees (lat, lng, lat, lng): haversine on the mean earth radius, 6371008.8 m.';
comment on function realtime_sync.fleet_bounds(double precision, double precision, double precision) is
    'The box of degrees around a circle of metres; may go beyond the antimeridian.';
comment on function realtime_sync.fleet_boxes(double precision, double precision, double precision) is
    'The boxes of degrees, one or two, around a circle of metres.';
comment on function realtime_sync.fleet_check_fix(double precision, double precision, double precision, double precision, double precision) is
    'Raises unless latitude, longitude, heading, speed and accuracy can be ones: 22003, 22004.';
comment on function realtime_sync.fleet_read_time(text) is
    'A time, or null where the text is none.';
comment on function realtime_sync.fleet_read_number(jsonb, numeric, numeric) is
    'A number between two, or null where it is none.';
comment on function realtime_sync.fleet_in_geofence(circle, polygon, point) is
    'Whether a place (lng, lat) is in a fence; false of none.';
comment on function realtime_sync.fleet_cross_geofences(name, text, point, point, timestamptz) is
    'Sends geofence.left and geofence.entered for a driver who went from one place to another.';
comment on function realtime_sync.fleet_note_arrival(name, text) is
    'Notes that a trip''s driver was told of as arriving; whether it is the first time.';
