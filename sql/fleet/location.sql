-- A fix from a phone moves the driver's row and leaves a trail, tells of fences crossed and of pickups reached.

-- Whether a fix could be one; inlined into the caller's expression, since a call costs as much as moving the driver's row.
-- What is nearer to zero than 1e-30, as a filter has it of a car that stands, is not: a column of type real would refuse it.
create function realtime_sync.fleet_is_fix(
    lat double precision, lng double precision, heading double precision, speed double precision, accuracy double precision
) returns boolean
immutable parallel safe language sql
begin atomic
    select lat between -90 and 90 and lng between -180 and 180 and (heading between 1e-30 and 360 or heading = 0) is not false
        and (speed between 1e-30 and 12000 or speed = 0) is not false and (accuracy between 1e-30 and 1e7 or accuracy = 0) is not false;
end;

-- Raises what is wrong of one that could not.
create function realtime_sync.fleet_check_fix(
    lat double precision, lng double precision, heading double precision, speed double precision, accuracy double precision
) returns void
immutable language plpgsql
set search_path = pg_catalog, pg_temp
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

-- {{>was_of_driver}}: where a driver is and since when, by his row, which it locks, where the kit writes that; else by the last
-- of his trail that was no jump: that is less than limit.trail_distance and limit.trail_seconds off. A fix is judged by it, and a batch.
-- {{>moved_by_fix}}: what a fix (driver, lat, lng, heading, speed, accuracy, recorded_at, client_id) of whoever may send it does.
insert into realtime_sync.fleet_template (name, kind, template) values
-- What the row has of his place, by which fences are crossed: the trail is thinned.
(
    'stood', 'part', '{{#driver.location_at}}was_place{{/driver.location_at}}{{^driver.location_at}}row_place{{/driver.location_at}}'
),
(
    'was_of_driver', 'part',
    $template$-- Held to the end: a driver's fixes come one after another. Of a time to come, which the app has taken from a phone of a
        -- wrong date, all were out of order until then.
        select {{#driver.lat:set|driver.point:set|driver.geography:set}}{{>driver_place}}{{/driver.lat:set|driver.point:set|driver.geography:set}}{{^driver.lat:set|driver.point:set|driver.geography:set}}null::point{{/driver.lat:set|driver.point:set|driver.geography:set}} as place, case when {{d.location_at}} > '-infinity' and {{d.location_at}} <= pg_catalog.clock_timestamp() + interval '1 min' then {{d.location_at}}::timestamptz end as at into {{>stood}}, was_at
        from {{driver}} d
        where {{d.id}} = driver
        for no key update;
        if not found then
            raise no_data_found using
                message = pg_catalog.format('driver %s does not exist', driver),
                hint = $n$Drivers are the rows of {{driver}}, once they are committed.$n$;
        end if;
        {{#location.recorded_at}}
        {{^driver.location_at}}
        -- Both: of a batch the trail has fixes that the row has not.
        select pg_catalog.point({{h.lng}}::double precision, {{h.lat}}::double precision), {{h.recorded_at}} into was_place, was_at
        from {{location}} h
        where {{h.driver}} = driver and {{h.flag}}::text is distinct from 'jump'
        order by {{h.recorded_at}} desc
        limit 1;
        {{/driver.location_at}}
        {{#driver.location_at}}{{^driver.lat:set|driver.point:set|driver.geography:set}}
        was_place := (
            select pg_catalog.point({{h.lng}}::double precision, {{h.lat}}::double precision) from {{location}} h
            where {{h.driver}} = driver and {{h.flag}}::text is distinct from 'jump'
            order by {{h.recorded_at}} desc
            limit 1
        );
        {{/driver.lat:set|driver.point:set|driver.geography:set}}{{/driver.location_at}}
        {{/location.recorded_at}}
        {{#limit.place_distance}}
        select h.lat, h.lng, greatest(h.recorded_at, was_at) into held_lat, held_lng, was_at
        from (select) one
        left join {{schema}}.realtime_held_places h on h.driver_id = driver and h.noted;
        {{/limit.place_distance}}$template$
),
(
    'moved_by_fix', 'part',
    $template$declare
        place constant point := pg_catalog.point(lng, lat);
        was_place point;
        {{^driver.location_at}}
        row_place point;
        {{/driver.location_at}}
        was_at timestamptz;
        last_lat double precision;
        last_lng double precision;
        last_at timestamptz;
        last_flag text;
        jump boolean;
        {{#limit.place_distance}}
        held_lat double precision;
        held_lng double precision;
        {{/limit.place_distance}}
    begin
        if recorded_at > pg_catalog.clock_timestamp() + interval '1 min' then
            return '{"accepted": false, "reason": "in_the_future", "flag": null}';
        end if;
        {{#limit.place_distance}}
        -- Neither the driver's row nor the disk: an unlogged row is all that a driver who stands costs.
        update {{schema}}.realtime_held_places h
        set noted = true, lat = lat, lng = lng, heading = heading, speed = speed, accuracy = accuracy, recorded_at = recorded_at
        where h.driver_id = driver and client_id is null and h.recorded_at < recorded_at and h.until > pg_catalog.clock_timestamp()
            and realtime_sync.distance_m(h.place[1], h.place[0], lat, lng) < {{limit.place_distance}};
        if found then
            return '{"accepted": true, "reason": "held", "flag": null}';
        end if;
        {{/limit.place_distance}}
        {{>was_of_driver}}
        {{#location.client_id}}
        if client_id is not null then
            if exists (select from {{location}} h where {{h.driver}} = driver and {{h.client_id}}::text = client_id) then
                return '{"accepted": true, "reason": "duplicate", "flag": null}';
            end if;
        end if;
        {{/location.client_id}}
        {{#location.recorded_at}}
        select {{h.lat}}, {{h.lng}}, {{h.recorded_at}}, {{h.flag}} into last_lat, last_lng, last_at, last_flag
        from {{location}} h
        where {{h.driver}} = driver
        order by {{h.recorded_at}} desc
        limit 1;
        {{/location.recorded_at}}
        -- Of what is endless no difference is taken.
        if recorded_at <= coalesce(was_at, '-infinity') then
            return '{"accepted": false, "reason": "out_of_order", "flag": null}';
        end if;
        jump := realtime_sync.distance_m(
                {{#limit.place_distance}}coalesce(held_lat, was_place[1]), coalesce(held_lng, was_place[0]){{/limit.place_distance}}{{^limit.place_distance}}was_place[1], was_place[0]{{/limit.place_distance}}, lat, lng
            )
            > 50 + coalesce(accuracy, 0) + {{limit.max_speed}} * pg_catalog.date_part('epoch', recorded_at - was_at);
        {{#location.recorded_at}}
        if jump then
            -- Two that agree are believed, or one wrong fix would make all that follow impossible.
            jump := not coalesce(
                last_at > was_at and last_at < recorded_at
                and realtime_sync.distance_m(last_lat, last_lng, lat, lng)
                    <= 50 + coalesce(accuracy, 0) + {{limit.max_speed}} * pg_catalog.date_part('epoch', recorded_at - last_at),
                false
            );
        end if;
        if client_id is not null or jump or last_at is null or last_flag = 'jump'
            or realtime_sync.distance_m(last_lat, last_lng, lat, lng) >= {{limit.trail_distance}}
            or pg_catalog.date_part('epoch', recorded_at - last_at) >= {{limit.trail_seconds}}
        then
            insert into {{location}} (
                {{>trail_columns}}
            )
            values (
                driver, lat, lng, recorded_at{{#location.heading}}, heading{{/location.heading}}{{#location.speed}}, speed{{/location.speed}}{{#location.accuracy}}, accuracy{{/location.accuracy}}{{#location.client_id}}, client_id{{/location.client_id}}{{#location.flag}}, case when jump then 'jump' end{{/location.flag}}
            );
        end if;
        {{/location.recorded_at}}
        if jump then
            return '{"accepted": false, "reason": "impossible_jump", "flag": "jump"}';
        end if;
        -- Always, so that the last fix is never the one that was left out; where it did not move, in place.
        {{#driver.lat:set|driver.point:set|driver.geography:set|driver.location_at}}
        update {{driver}} d set
            {{#driver.lat:set}}{{driver.lat}} = lat, {{driver.lng}} = lng{{#driver.point:set}}, {{driver.point}} = place{{/driver.point:set}}{{/driver.lat:set}}{{^driver.lat:set}}{{#driver.point:set}}{{driver.point}} = place{{/driver.point:set}}{{/driver.lat:set}}{{#driver.geography:set}}{{#driver.lat:set}}, {{/driver.lat:set}}{{^driver.lat:set}}{{#driver.point:set}}, {{/driver.point:set}}{{/driver.lat:set}}{{driver.geography}} = pg_catalog.format('SRID=4326;POINT(%s %s)', lng, lat)::{{driver.geography:type}}{{/driver.geography:set}}{{^driver.lat:set|driver.point:set|driver.geography:set}}{{driver.location_at}} = recorded_at{{/driver.lat:set|driver.point:set|driver.geography:set}}{{#driver.heading}},
            {{driver.heading}} = coalesce(heading, {{d.heading}}){{/driver.heading}}{{#driver.speed}},
            {{driver.speed}} = speed{{/driver.speed}}{{#driver.accuracy}},
            {{driver.accuracy}} = accuracy{{/driver.accuracy}}{{#driver.location_at}}{{#driver.lat:set|driver.point:set|driver.geography:set}},
            {{driver.location_at}} = recorded_at{{/driver.lat:set|driver.point:set|driver.geography:set}}{{/driver.location_at}}{{#driver.last_seen}},
            {{driver.last_seen}} = pg_catalog.statement_timestamp(){{/driver.last_seen}}
        where {{d.id}} = driver;
        {{/driver.lat:set|driver.point:set|driver.geography:set|driver.location_at}}
        {{#limit.place_distance}}
        -- What was held is past, but for what has come meanwhile and is newer.
        insert into {{schema}}.realtime_held_places as h (driver_id, place, until, noted, recorded_at)
        values (driver, place, pg_catalog.clock_timestamp() + {{limit.place_seconds}} * interval '1 s', false, recorded_at)
        on conflict (driver_id) do update set
            place = excluded.place, until = excluded.until, noted = h.noted and h.recorded_at > excluded.recorded_at,
            recorded_at = greatest(h.recorded_at, excluded.recorded_at);
        {{/limit.place_distance}}
        if {{>stood}} is null or {{>stood}}[0] <> lng or {{>stood}}[1] <> lat then
            {{#driver.lat:set|driver.point:set|driver.geography:set}}
            perform realtime_sync.fleet_cross_geofences({{schema:literal}}, driver::text, {{>stood}}, place, recorded_at);
            {{/driver.lat:set|driver.point:set|driver.geography:set}}
            {{#trip.driver}}{{#trip.status}}{{#trip.pickup_lat|trip.pickup_point|trip.pickup_geography}}
            {{#transition.to_status}}
            -- Whether there may be anything to tell: a part of what it takes to find out what, and nearly always no.
            if exists (
                select
                from {{>to_pickup}} w(status)
                cross join lateral (
                    select
                    from {{trip}} t
                    where {{t.driver}} = driver and {{t.status}} = w.status
                        and realtime_sync.distance_m({{>pickup_lat}}::double precision, {{>pickup_lng}}::double precision, lat, lng)
                            <= {{limit.arriving_distance}}
                    offset 0
                ) k
            ) then
            {{/transition.to_status}}
                perform realtime_sync.send(
                    k.topic, 'trip.arriving',
                    pg_catalog.json_build_object(
                        'trip_id', a.id, 'driver_id', driver, 'lat', lat, 'lng', lng, 'distance_m', pg_catalog.round(a.distance_m), 'at', recorded_at
                    )
                )
                from (
                    select n.*
                    from (
                        {{#transition.to_status}}
                        select k.*
                        from {{>to_pickup}} w(status)
                        cross join lateral (
                            select {{t.id}} as id, {{t.passenger}} as passenger,
                                realtime_sync.distance_m({{>pickup_lat}}::double precision, {{>pickup_lng}}::double precision, lat, lng) as distance_m
                            from {{trip}} t
                            where {{t.driver}} = driver and {{t.status}} = w.status
                            offset 0
                        ) k
                        {{/transition.to_status}}
                        {{^transition.to_status}}
                        select {{t.id}} as id, {{t.passenger}} as passenger,
                            realtime_sync.distance_m({{>pickup_lat}}::double precision, {{>pickup_lng}}::double precision, lat, lng) as distance_m
                        from {{trip}} t
                        where {{t.driver}} = driver
                            and pg_catalog.lower({{t.status}}::text) in ('accepted', 'assigned', 'arriving', 'en_route')
                        {{/transition.to_status}}
                        offset 0
                    ) n
                    where n.distance_m <= {{limit.arriving_distance}}
                        and realtime_sync.fleet_note_arrival({{schema:literal}}, n.id::text, driver::text)
                    -- Noted once, and then told to each.
                    offset 0
                ) a
                cross join lateral pg_catalog.unnest(array['trip:' || a.id::text, 'driver:' || driver::text, 'passenger:' || a.passenger::text]) k(topic)
                where k.topic is not null;
            {{#transition.to_status}}
            end if;
            {{/transition.to_status}}
            {{/trip.pickup_lat|trip.pickup_point|trip.pickup_geography}}{{/trip.status}}{{/trip.driver}}
        end if;
        return '{"accepted": true, "reason": null, "flag": null}';
    end;$template$
);

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template) values
(
    'driver_locations', 'table', 30, 'location', '{driver.id}',
    $template$
create table {{schema}}.driver_locations (
    id bigint generated always as identity primary key,
    driver_id {{driver.id:type}} not null,
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
    'realtime_located_driver', 'function', 31, null, '{driver.id}',
    $template$
create function {{rpc.realtime_located_driver}}(driver {{driver.id:type}}) returns {{driver.id:type}}
stable language plpgsql
set search_path = {{path}}
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
            hint = 'A driver speaks for himself; for another a dispatcher and the back end do.';
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
set search_path = {{path}}
as $$
#variable_conflict use_variable
begin
    if realtime_sync.fleet_is_fix(lat, lng, heading, speed, accuracy) is not true or pg_catalog.octet_length(client_id) > 1024 then
        perform realtime_sync.fleet_check_fix(lat, lng, heading, speed, accuracy);
        -- Of a longer one an index has no room.
        if pg_catalog.octet_length(client_id) > 1024 then
            raise string_data_right_truncation using
                message = pg_catalog.format('client_id has %s octets, and may have 1024', pg_catalog.octet_length(client_id)),
                hint = 'A UUID serves.';
        end if;
        heading := pg_catalog.trunc(heading::numeric, 30);
        speed := pg_catalog.trunc(speed::numeric, 30);
        accuracy := pg_catalog.trunc(accuracy::numeric, 30);
    end if;
    -- His own, as nearly always, without asking who he is twice.
    driver := coalesce(case when driver is null then {{rpc.realtime_driver}}() end, {{rpc.realtime_located_driver}}(driver));
    recorded_at := coalesce(recorded_at, pg_catalog.clock_timestamp());
    {{>moved_by_fix}}
end
$$;
comment on function {{rpc.update_location}} is
    'Where a driver is, by default the login''s: degrees, heading 0 to 360, speed in m/s, accuracy in metres, recorded_at by default now. Returns {"accepted", "reason", "flag"}; reason: duplicate (client_id came before), held (accepted, near the place last written; realtime_sync.fleet_limit.place_distance), out_of_order, in_the_future, impossible_jump (flag jump; a second fix that agrees is accepted). Crossing a geofence sends geofence.left and geofence.entered to driver:<id> and the fence''s topics, the first time within 200 m (realtime_sync.fleet_limit) of an accepted trip''s pickup trip.arriving to trip:<id>, driver:<id> and passenger:<id>. 22001: a client_id over 1,024 octets; 22003: out of bounds; 22004: no lat or lng; 42501: another''s driver; P0002: no such driver.'
$template$
);

revoke all on function realtime_sync.fleet_is_fix(double precision, double precision, double precision, double precision, double precision) from public;
revoke all on function realtime_sync.fleet_check_fix(double precision, double precision, double precision, double precision, double precision) from public;

comment on function realtime_sync.fleet_is_fix(double precision, double precision, double precision, double precision, double precision) is
    'Whether latitude, longitude, heading, speed and accuracy can be ones; null or false without a latitude or longitude.';
comment on function realtime_sync.fleet_check_fix(double precision, double precision, double precision, double precision, double precision) is
    'Raises unless latitude, longitude, heading, speed and accuracy can be ones: 22003, 22004.';
