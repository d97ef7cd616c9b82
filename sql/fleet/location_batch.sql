-- Fixes that a phone has queued while it was offline.

create function realtime_sync.fleet_read_time(value text) returns timestamptz
stable strict language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    return case when pg_catalog.isfinite(value::timestamptz) then value::timestamptz end;
exception
    when data_exception then
        return null;
end
$function$;

-- To 1e-30: of 1e-400 PostgreSQL makes no double precision, of 1e-50 no real.
create function realtime_sync.fleet_read_number(value jsonb, low numeric, high numeric) returns double precision
immutable strict parallel safe language sql
begin atomic
    select case when jsonb_typeof(value) = 'number' then case when value::numeric between low and high then trunc(value::numeric, 30)::double precision end end;
end;

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template) values
(
    'update_locations', 'function', 33, null, '{driver.id}',
    $template$
create function {{rpc.update_locations}}(locations jsonb, driver {{driver.id:type}} default null) returns jsonb
volatile security definer language plpgsql
set search_path = {{path}}
as $$
#variable_conflict use_variable
declare
    max_speed constant double precision := {{limit.max_speed}};
    -- One for all: of fixes of one time some were in the future, and of one fix sent twice both.
    latest constant timestamptz := pg_catalog.clock_timestamp() + interval '1 min';
    was_place point;
    {{^driver.location_at}}
    row_place point;
    {{/driver.location_at}}
    was_at timestamptz;
    {{#limit.place_distance}}
    held_lat double precision;
    held_lng double precision;
    {{/limit.place_distance}}
    fixes jsonb;
    newest record;
    moved jsonb;
begin
    driver := {{rpc.realtime_located_driver}}(driver);
    if coalesce(pg_catalog.jsonb_typeof($1), 'null') <> 'array' or pg_catalog.jsonb_array_length($1) > 10000 then
        raise invalid_parameter_value using
            message = 'locations must be an array of at most 10000 fixes',
            hint = 'As in [{"lat": 52.52, "lng": 13.405, "recorded_at": "2026-01-31T12:00:00Z", "client_id": "a1"}].';
    end if;
    {{>was_of_driver}}
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(j) order by j.place), '[]') into fixes
    from (
        select s.*, case
            when s.reason is not null then null
            when s.recorded_at <= was_at then 'late'
            when realtime_sync.distance_m(
                coalesce(s.lat_before, {{#limit.place_distance}}held_lat, {{/limit.place_distance}}was_place[1]),
                coalesce(s.lng_before, {{#limit.place_distance}}held_lng, {{/limit.place_distance}}was_place[0]), s.lat, s.lng
            ) > 50 + coalesce(s.accuracy, 0)
                + max_speed * extract(epoch from s.recorded_at - coalesce(s.at_before, was_at))::double precision then 'jump'
        end as flag
        from (
            select r.*,
                pg_catalog.lag(r.lat) over sequence as lat_before,
                pg_catalog.lag(r.lng) over sequence as lng_before,
                pg_catalog.lag(r.recorded_at) over sequence as at_before
            from (
                select f.*, case
                    when f.lat is null or f.lng is null or f.recorded_at is null or pg_catalog.octet_length(f.client_id) > 1024 then 'invalid'
                    when f.recorded_at > latest then 'in_the_future'
                    when f.client_id is not null and (
                        pg_catalog.row_number() over (
                            partition by f.client_id order by
                                f.lat is null or f.lng is null or f.recorded_at is null
                                    or f.recorded_at > latest,
                                f.place
                        ) > 1
                        {{#location.client_id}}
                        or exists (
                            select from {{location}} h where {{h.driver}} = driver and {{h.client_id}}::text = f.client_id
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
        {{>trail_columns}}
    )
    select driver, f.lat, f.lng, f.recorded_at{{#location.heading}}, f.heading{{/location.heading}}{{#location.speed}}, f.speed{{/location.speed}}{{#location.accuracy}}, f.accuracy{{/location.accuracy}}{{#location.client_id}}, f.client_id{{/location.client_id}}{{#location.flag}}, f.flag{{/location.flag}}
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
        moved := {{rpc.update_location}}(
            driver, newest.lat, newest.lng, newest.heading, newest.speed, newest.accuracy, newest.recorded_at, newest.client_id
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
    'Fixes of one driver queued offline: at most 10000 of {"lat", "lng", "heading", "speed", "accuracy", "recorded_at", "client_id"}. All go into the trail, the newest moves the driver as update_location() does. Returns for each, in their order, {"client_id", "accepted", "reason", "flag"}; reason also: invalid (no lat, lng or recorded_at, a client_id over 1,024 octets); flag: jump, late. Sent again with the same client ids it changes nothing. 22023: no array, or a longer one; 42501: another''s driver; P0002: no such driver.'
$template$
);

revoke all on function realtime_sync.fleet_read_time(text) from public;
revoke all on function realtime_sync.fleet_read_number(jsonb, numeric, numeric) from public;

comment on function realtime_sync.fleet_read_time(text) is
    'A time, or null where the text is none, or is endless.';
comment on function realtime_sync.fleet_read_number(jsonb, numeric, numeric) is
    'A number between two, to 30 decimals, or null where it is none.';
