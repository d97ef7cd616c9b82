-- Distances on the earth, and the boxes of degrees in which to look for what is near.

-- Haversine on the mean earth radius (IUGG R1), within 0.6 % of the ellipsoid. In C: written in SQL it is thirty
-- operators that each statement sets up anew, 45,000 instructions for one distance.
create function realtime_sync.distance_m(
    lat1 double precision, lng1 double precision, lat2 double precision, lng2 double precision
) returns double precision
immutable strict parallel safe language c
as 'MODULE_PATHNAME', 'realtime_sync_distance_m';

-- What a circle on the earth lies in, in degrees (x lng, y lat): every longitude if a pole is in it, else
-- it may go beyond the antimeridian. A millionth of a degree, 11 cm, more than it needs for rounding.
create function realtime_sync.fleet_bounds(lat double precision, lng double precision, radius_m double precision) returns box
immutable strict parallel safe language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    y constant double precision := pg_catalog.degrees(radius_m / 6371008.8) + 1e-6;
    x double precision;
begin
    if pg_catalog.abs(lat) + y >= 89.99999 then
        return pg_catalog.box(
            pg_catalog.point(-180, greatest(-90, lat - y)), pg_catalog.point(180, least(90, lat + y))
        );
    end if;
    x := pg_catalog.degrees(pg_catalog.asin(least(1, pg_catalog.sin(radius_m / 6371008.8) / pg_catalog.cos(pg_catalog.radians(lat))))) + 1e-6;
    return pg_catalog.box(pg_catalog.point(lng - x, lat - y), pg_catalog.point(lng + x, lat + y));
end
$function$;

-- The same as boxes that an index on longitudes from -180 to 180 knows.
create function realtime_sync.fleet_boxes(lat double precision, lng double precision, radius_m double precision) returns box[]
immutable strict parallel safe language plpgsql
set search_path = pg_catalog, pg_temp
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

revoke all on function realtime_sync.distance_m(double precision, double precision, double precision, double precision) from public;
revoke all on function realtime_sync.fleet_bounds(double precision, double precision, double precision) from public;
revoke all on function realtime_sync.fleet_boxes(double precision, double precision, double precision) from public;

comment on function realtime_sync.distance_m(double precision, double precision, double precision, double precision) is
    'Great-circle distance in metres of two places in degrees (lat, lng, lat, lng): haversine on the mean earth radius, 6371008.8 m.';
comment on function realtime_sync.fleet_bounds(double precision, double precision, double precision) is
    'The box of degrees around a circle of metres; may go beyond the antimeridian.';
comment on function realtime_sync.fleet_boxes(double precision, double precision, double precision) is
    'The boxes of degrees, one or two, around a circle of metres.';
