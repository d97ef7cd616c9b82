-- Where a driver is, and where a trip begins and ends, from whichever columns the app has: two numbers, a point, or a place of PostGIS.

-- {{>driver_place}}: that place of the driver d, as a point (lng, lat); {{>driver_lat}}, {{>driver_lng}}: one of the two.
-- {{>driver_near}}: PostGIS's own index, where the place is only there: not outside of the box b.area. {{>driver_wanted}}:
-- whether d is one of the statuses asked for. {{>trail_columns}}: those of a row of the trail.
insert into realtime_sync.fleet_template (name, kind, template) values
(
    'driver_place', 'part',
    '{{#driver.lat}}pg_catalog.point({{d.lng}}::double precision, {{d.lat}}::double precision){{/driver.lat}}'
    '{{^driver.lat}}{{#driver.point}}{{d.point}}{{/driver.point}}'
    '{{^driver.point}}{{#driver.geography}}{{rpc.realtime_point}}({{d.geography}}){{/driver.geography}}'
    '{{^driver.geography}}null::point{{/driver.geography}}{{/driver.point}}{{/driver.lat}}'
),
(
    'driver_lat', 'part',
    '{{#driver.lat}}{{d.lat}}{{/driver.lat}}'
    '{{^driver.lat}}{{#driver.point}}({{d.point}})[1]{{/driver.point}}'
    '{{^driver.point}}{{#driver.geography}}({{rpc.realtime_point}}({{d.geography}}))[1]{{/driver.geography}}'
    '{{^driver.geography}}null{{/driver.geography}}{{/driver.point}}{{/driver.lat}}'
),
(
    'driver_lng', 'part',
    '{{#driver.lat}}{{d.lng}}{{/driver.lat}}'
    '{{^driver.lat}}{{#driver.point}}({{d.point}})[0]{{/driver.point}}'
    '{{^driver.point}}{{#driver.geography}}({{rpc.realtime_point}}({{d.geography}}))[0]{{/driver.geography}}'
    '{{^driver.geography}}null{{/driver.geography}}{{/driver.point}}{{/driver.lat}}'
),
(
    'driver_near', 'part',
    '{{^driver.lat|driver.point}}{{#driver.geography}}{{d.geography}} operator({{postgis}}.&&) {{rpc.realtime_area}}(b.area) and '
    '{{/driver.geography}}{{/driver.lat|driver.point}}'
),
(
    'driver_wanted', 'part',
    'case when $5 is null then {{#driver.online}}{{d.online}}::boolean{{/driver.online}}{{^driver.online}}'
    '{{#driver.status}}pg_catalog.translate(pg_catalog.lower({{d.status}}::text), ''_- '', '''') not in (''offline'', ''offduty'', ''inactive'', ''suspended''){{/driver.status}}'
    '{{^driver.status}}true{{/driver.status}}{{/driver.online}}'
    ' else {{#driver.status}}{{d.status}}::text{{/driver.status}}{{^driver.status}}{{#driver.online}}'
    'case when {{d.online}} then ''online'' else ''offline'' end{{/driver.online}}{{^driver.online}}null{{/driver.online}}{{/driver.status}}'
    ' = any ($5) end'
),
(
    'trail_columns', 'part',
    '{{location.driver}}, {{location.lat}}, {{location.lng}}, {{location.recorded_at}}{{#location.heading}}, {{location.heading}}{{/location.heading}}'
    '{{#location.speed}}, {{location.speed}}{{/location.speed}}{{#location.accuracy}}, {{location.accuracy}}{{/location.accuracy}}'
    '{{#location.client_id}}, {{location.client_id}}{{/location.client_id}}{{#location.flag}}, {{location.flag}}{{/location.flag}}'
);

-- {{>pickup_lat}}, {{>pickup_lng}}, {{>dropoff_lat}}, {{>dropoff_lng}}: of the trip t.
insert into realtime_sync.fleet_template (name, kind, template)
select e.name || '_' || x.name, 'part', pg_catalog.format(
    '{{#trip.%1$s_lat}}{{t.%1$s_%2$s}}{{/trip.%1$s_lat}}'
    '{{^trip.%1$s_lat}}{{#trip.%1$s_point}}({{t.%1$s_point}})[%3$s]{{/trip.%1$s_point}}'
    '{{^trip.%1$s_point}}{{#trip.%1$s_geography}}({{t.%1$s_geography}}::{{postgis}}.geometry::point)[%3$s]{{/trip.%1$s_geography}}'
    '{{^trip.%1$s_geography}}null{{/trip.%1$s_geography}}{{/trip.%1$s_point}}{{/trip.%1$s_lat}}',
    e.name, x.name, x.place
)
from (values ('pickup'), ('dropoff')) e(name)
cross join (values ('lat', 1), ('lng', 0)) x(name, place);

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template) values
(
    'drivers_location', 'index', 30, null, '{driver.lat,driver.lng}',
    $template$
create index drivers_location on {{driver}}
using gist (pg_catalog.point({{driver.lng}}::double precision, {{driver.lat}}::double precision))
$template$
),
(
    'drivers_location_point', 'index', 30, null, '{driver.point,!driver.lat}',
    $template$
create index drivers_location_point on {{driver}} using gist ({{driver.point}})
$template$
),
(
    'drivers_location_geography', 'index', 30, null, '{driver.geography,!driver.lat,!driver.point}',
    $template$
create index drivers_location_geography on {{driver}} using gist ({{driver.geography}})
$template$
),
(
    'realtime_point', 'function', -30, null, '{driver.geography}',
    $template$
create function {{rpc.realtime_point}}(place {{driver.geography:type}}) returns point
immutable strict parallel safe language sql
return place::{{postgis}}.geometry::point;
comment on function {{rpc.realtime_point}} is 'A PostGIS place as a point of lng and lat.'
$template$
),
-- On the globe the box of a geography is one of x, y and z: it goes as far as a corner, the equator or one of the
-- meridians 90 degrees apart does. A centimetre more than it needs, for rounding.
(
    'realtime_area', 'function', -30, null, '{driver.geography}',
    $template$
create function {{rpc.realtime_area}}(area box) returns {{driver.geography:type}}
immutable strict parallel safe language sql
return (
    select {{postgis}}.st_setsrid({{postgis}}.st_collect({{postgis}}.st_makepoint(
        greatest(-180, least(180, x.lng)), greatest(-90, least(90, y.lat))
    )), 4326)
    from pg_catalog.unnest(array[(area[1])[0] - 1e-7, (area[0])[0] + 1e-7, -90, 0, 90]) x(lng)
    cross join pg_catalog.unnest(array[(area[1])[1] - 1e-7, (area[0])[1] + 1e-7, 0]) y(lat)
    where x.lng between (area[1])[0] - 1e-7 and (area[0])[0] + 1e-7
        and y.lat between (area[1])[1] - 1e-7 and (area[0])[1] + 1e-7
);
comment on function {{rpc.realtime_area}} is 'What PostGIS''s index looks for, of a box of lng and lat: nothing in the box is outside of it.'
$template$
);

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'realtime_driver_distance', 'function', 45, null, '{driver.id}',
    $template$
create function {{rpc.realtime_driver_distance}}(driver_id {{driver.id:type}}, lat double precision, lng double precision) returns double precision
stable language plpgsql
set search_path = {{path}}
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
