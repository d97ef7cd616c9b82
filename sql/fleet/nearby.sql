-- The nearest drivers, by great-circle distance and by index.

-- Asked by what searches, and by fleet_auto_offer(): else each booking would find out.
create function realtime_sync.fleet_check_search(radius_m double precision, max_drivers integer) returns void
immutable language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- Half of the earth's circumference is the furthest.
    if radius_m is null or not radius_m between 0 and 20037600 then
        raise invalid_parameter_value using
            message = pg_catalog.format('invalid value for radius_m: %s', coalesce(radius_m::text, 'null')),
            hint = 'Allowed are 0 to 20037600 metres; leave it out for 5000.';
    end if;
    if max_drivers is null or not max_drivers between 1 and 100000 then
        raise invalid_parameter_value using
            message = pg_catalog.format('invalid value for max_drivers: %s', coalesce(max_drivers::text, 'null')),
            hint = 'Allowed are 1 to 100000.';
    end if;
end
$function$;

revoke all on function realtime_sync.fleet_check_search(double precision, integer) from public;

comment on function realtime_sync.fleet_check_search(double precision, integer) is
    'Part of the fleet kit: 22023 for a radius or a number that no search can have.';

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template) values
(
    'realtime_nearby', 'function', 31, null, '{driver.id}',
    $template$
create function {{rpc.realtime_nearby}}(
    lat double precision, lng double precision, radius_m double precision default 5000,
    max_drivers integer default 20, statuses text[] default null
) returns table (driver_id {{driver.id:type}}, driver_lat double precision, driver_lng double precision, distance_m double precision)
stable language plpgsql
set search_path = {{path}}
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
    perform realtime_sync.fleet_check_search($3, $4);
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
        select k.id::{{driver.id:type}}, k.place[1], k.place[0], k.away
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
set search_path = {{path}}
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
);
