-- Where a driver is, from whichever columns the app has: two numbers, a point, or a place of PostGIS.

-- {{>driver_place}}: that place of the driver d, as a point (lng, lat). {{>driver_near}}: PostGIS's own index, where
-- the place is only there; its ellipsoid is within 1 % of the sphere. {{>driver_wanted}}: whether d is one of the
-- statuses asked for. {{>postgis}}: the schema PostGIS is in.
-- {{>trail_columns}}: those of a row of the trail.
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
),
(
    'postgis', 'part',
    $template$(
            select n.nspname
            from pg_catalog.pg_attribute a
            join pg_catalog.pg_type t on t.oid = a.atttypid
            join pg_catalog.pg_namespace n on n.oid = t.typnamespace
            where a.attrelid = '{{driver}}'::regclass and pg_catalog.quote_ident(a.attname) = '{{driver.geography}}'
        )$template$
),
(
    'trail_columns', 'part',
    '{{location.driver}}, {{location.lat}}, {{location.lng}}, {{location.recorded_at}}{{#location.heading}}, {{location.heading}}{{/location.heading}}'
    '{{#location.speed}}, {{location.speed}}{{/location.speed}}{{#location.accuracy}}, {{location.accuracy}}{{/location.accuracy}}'
    '{{#location.client_id}}, {{location.client_id}}{{/location.client_id}}{{#location.flag}}, {{location.flag}}{{/location.flag}}'
);

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template) values
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
        {{>postgis}}
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
        {{>postgis}}
    );
end
$make$;
comment on function {{rpc.realtime_within}} is 'Whether a PostGIS place is within a radius of lng and lat, by the index on places.'
$template$
);

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'realtime_driver_distance', 'function', 45, null, '{driver.id}',
    $template$
create function {{rpc.realtime_driver_distance}}(driver_id {{driver.id:type}}, lat double precision, lng double precision) returns double precision
stable language plpgsql
set search_path = ''
as $$
begin
    return (
        select realtime_sync.distance_m(p.place[1], p.place[0], $2, $3)
        from {{driver}} d
        cross join lateral (select {{>driver_place}} as place) p
        where {{d.id}} = $1
    );
end
$$;
comment on function {{rpc.realtime_driver_distance}}({{driver.id:type}}, double precision, double precision) is
    'How far a driver is from a place, in metres; null if that is not known.'
$template$,
    null
);
