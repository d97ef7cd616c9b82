-- What a driver's screen and a dispatcher's map need, in one call and of one snapshot, with the cursor to
-- follow from. They run as the caller: its policies on the app's tables apply.

-- As the extension's owner, for functions of the app's owner that have asked who is calling: who is present
-- is a topic's, and its tables nobody's to read. A standby has none of it: they are unlogged.
create function realtime_sync.fleet_presence(member text) returns jsonb
stable security definer language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    if pg_catalog.pg_is_in_recovery() then
        return null;
    end if;
    return coalesce(
        (
            select pg_catalog.to_jsonb(f)
            from (
                select m.state, m.since, greatest(m.seen, d.seen) as last_seen, coalesce(d.devices, '[]') as devices
                from realtime_sync.presence_member m
                cross join (
                    -- In the order of the key, by which they are found: an aggregate that orders sets up a sort each time.
                    select pg_catalog.max(p.seen) as seen, pg_catalog.to_jsonb(pg_catalog.array_agg(p)) as devices
                    from (
                        select p.device, p.state, p.meta, p.since, p.seen, p.expires
                        from realtime_sync.presence p
                        where p.topic = 'drivers' and p.member = $1
                        order by p.device
                    ) p
                ) d
                where m.topic = 'drivers' and m.member = $1
            ) f
        ),
        '{"state": "offline", "since": null, "last_seen": null, "devices": []}'
    );
end
$function$;

create function realtime_sync.fleet_states(members text[]) returns table (member text, state text)
stable security definer language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
begin
    if not pg_catalog.pg_is_in_recovery() then
        return query
            select m.member, m.state
            from realtime_sync.presence_member m
            where m.topic = 'drivers' and m.member = any ($1);
    end if;
end
$function$;

insert into realtime_sync.fleet_template (name, kind, place, needs, template) values
(
    'realtime_wallet_driver', 'index', 20, '{wallet.driver}',
    'create index realtime_wallet_driver on {{wallet}} ({{wallet.driver}})'
),
(
    'realtime_trip_driver_status', 'index', 20, '{trip.driver,trip.status}',
    'create index realtime_trip_driver_status on {{trip}} ({{trip.driver}}, {{trip.status}})'
),
(
    'realtime_trip_driver_completed', 'index', 20, '{trip.driver,trip.completed_at}',
    'create index realtime_trip_driver_completed on {{trip}} ({{trip.driver}}, {{trip.completed_at}})'
),
(
    'realtime_telemetry_driver', 'index', 20, '{telemetry.driver}',
    'create index realtime_telemetry_driver on {{telemetry}} ({{telemetry.driver}}{{#telemetry.created_at}}, {{telemetry.created_at}} desc'
    '{{/telemetry.created_at}}{{^telemetry.created_at}}{{#telemetry.id:integer}}, {{telemetry.id}} desc{{/telemetry.id:integer}}{{/telemetry.created_at}})'
),
(
    'realtime_offer_driver', 'index', 20, '{offer.driver,offer.created_at}',
    'create index realtime_offer_driver on {{offer}} ({{offer.driver}}, {{offer.created_at}})'
),
(
    'realtime_location_driver', 'index', 40, '{location.driver,location.recorded_at}',
    'create index realtime_location_driver on {{location}} ({{location.driver}}, {{location.recorded_at}} desc)'
),
(
    'driver_presence', 'function', 59, '{driver.id}',
    $template$
create function {{rpc.driver_presence}}(driver_id {{driver.id:type}} default null) returns jsonb
stable security definer language plpgsql
set search_path = {{path}}
as $$
#variable_conflict use_column
<<my>>
declare
    who {{driver.id:type}} := coalesce($1, {{rpc.realtime_driver}}());
begin
    -- Each is asked only where it decides: of a dispatcher the lookup by login is 60,000 instructions for nothing.
    if ($1 is null and my.who is not null or {{rpc.realtime_dispatcher}}() or my.who = {{rpc.realtime_driver}}()) is not true then
        return null;
    end if;
    return realtime_sync.fleet_presence(my.who::text);
end
$$;
comment on function {{rpc.driver_presence}} is
    'Where a driver (default: the login''s) is present, {"state", "since", "last_seen", "devices"}; null for who is neither the driver nor a dispatcher, and on a standby.'
$template$
),
-- As the owner: under row-level security an operator that is not leakproof, and no geometric one is, would be
-- asked about every driver. A dispatcher learns who is there; anybody else of himself alone.
(
    'drivers_within', 'function', 59, '{driver.id}',
    $template$
create function {{rpc.drivers_within}}(boxes box[], statuses text[] default null, max_drivers integer default 500)
returns table (driver_id {{driver.id:type}}, presence text)
stable security definer language plpgsql
set search_path = {{path}}
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
<<my>>
declare
    own {{driver.id:type}};
begin
    if not {{rpc.realtime_dispatcher}}() then
        own := {{rpc.realtime_driver}}();
        return query
            select {{d.id}}::{{driver.id:type}}, {{rpc.driver_presence}}({{d.id}}) ->> 'state'
            from {{driver}} d
            where {{d.id}} = my.own and {{>driver_place}} operator(pg_catalog.<@) any ($1) and ($2 is null or {{#driver.status}}{{d.status}}::text{{/driver.status}}{{^driver.status}}case when {{d.online}} then 'online' else 'offline' end{{/driver.status}} = any ($2));
        return;
    end if;
    return query
        with page as materialized (
            select {{d.id}} as id
            from pg_catalog.unnest($1) b(area)
            join {{driver}} d on {{>driver_near}}{{>driver_place}} operator(pg_catalog.<@) b.area
            where $2 is null or {{#driver.status}}{{d.status}}::text{{/driver.status}}{{^driver.status}}case when {{d.online}} then 'online' else 'offline' end{{/driver.status}} = any ($2)
            limit $3
        )
        select p.id::{{driver.id:type}}, m.state
        from page p
        left join realtime_sync.fleet_states(array(select page.id::text from page)) m on m.member = p.id::text;
end
$$;
comment on function {{rpc.drivers_within}} is
    'The drivers within any of these boxes of lng and lat, at most max_drivers: all of them for a dispatcher, himself for a driver.'
$template$
),
-- As the owner: until a driver has accepted a trip, its row is hidden from him.
(
    'offered_trip', 'function', 59, '{trip.id,offer.id,offer.trip,offer.driver,offer.state}',
    $template$
create function {{rpc.offered_trip}}(offer_id {{offer.id:type}}) returns jsonb
stable security definer language plpgsql
set search_path = {{path}}
as $$
begin
    return (
        select pg_catalog.jsonb_build_object(
            'pickup', pg_catalog.jsonb_build_object('lat', {{>pickup_lat}}, 'lng', {{>pickup_lng}}, 'address', {{t.pickup_address}}),
            'dropoff', pg_catalog.jsonb_build_object('lat', {{>dropoff_lat}}, 'lng', {{>dropoff_lng}}, 'address', {{t.dropoff_address}})
        )
        from {{offer}} o
        left join {{trip}} t on {{t.id}} = {{o.trip}}
        where {{o.id}} = $1 and {{o.state}} = 'open'
            and ({{o.driver}} = {{rpc.realtime_driver}}() or {{rpc.realtime_dispatcher}}())
    );
end
$$;
comment on function {{rpc.offered_trip}}({{offer.id:type}}) is
    'Where the trip of an open offer begins and ends, {"pickup": {"lat", "lng", "address"}, "dropoff": {...}}, as the event trip_offer.created has it; null for who is neither its driver nor a dispatcher.'
$template$
),
-- A statement for each section, all of the caller's snapshot, since the function is STABLE: what is not asked
-- for is not even prepared. Each becomes jsonb once, as a row.
-- One plan for all drivers: another planned for each call would cost more than the call. Without bitmaps, by which
-- all offers that a driver has ever had would be read and sorted for his last 100; with few it saves 74,000 of the
-- call's 2,440,000 instructions.
(
    'get_driver_dashboard', 'function', 60, '{driver.id}',
    $template$
create function {{rpc.get_driver_dashboard}}(
    driver_id {{driver.id:type}} default null, sections text[] default null, time_zone text default null
) returns jsonb
stable language plpgsql
set search_path = {{path}}
set plan_cache_mode = force_generic_plan
set enable_bitmapscan = off
as $$
#variable_conflict use_column
<<my>>
declare
    who {{driver.id:type}} := coalesce($1, {{rpc.realtime_driver}}());
    today timestamptz;
    week timestamptz;
    driver jsonb;
    presence jsonb;
    wallet jsonb;
    active_trip jsonb;
    trips jsonb;
    acceptance jsonb;
    telemetry jsonb;
    offers jsonb;
    -- Null unless sections are named: an IF of a variable is 3 us less than one that looks into the array, of 450.
    without_presence boolean;
    without_wallet boolean;
    without_active_trip boolean;
    without_trips boolean;
    without_acceptance boolean;
    without_offers boolean;
    without_telemetry boolean;
begin
    if $2 is not null then
        if not $2 <@ array['driver', 'presence', 'wallet', 'active_trip', 'trips', 'acceptance', 'telemetry', 'offers'] then
            raise invalid_parameter_value using
                message = pg_catalog.format('invalid value for sections: %s', $2::text),
                hint = 'Allowed are driver, presence, wallet, active_trip, trips, acceptance, telemetry, offers.';
        end if;
        without_presence := not 'presence' = any ($2);
        without_wallet := not 'wallet' = any ($2);
        without_active_trip := not 'active_trip' = any ($2);
        without_trips := not 'trips' = any ($2);
        without_acceptance := not 'acceptance' = any ($2);
        without_offers := not 'offers' = any ($2);
        without_telemetry := not 'telemetry' = any ($2);
    end if;
    select pg_catalog.to_jsonb(f) into driver
    from (
        select
            {{d.id}} as id, {{d.name}} as name, {{d.phone}} as phone, {{d.vehicle}} as vehicle,
            {{d.vehicle_class}} as vehicle_class, {{d.rating}} as rating, {{d.online}} as online, {{d.status}} as status,
            {{>driver_lat}} as lat, {{>driver_lng}} as lng,
            {{d.heading}} as heading, {{d.speed}} as speed, {{d.location_at}} as location_at, {{d.last_seen}} as last_seen
        from {{driver}} d
        where {{d.id}} = my.who
    ) f;
    if my.driver is null then
        return '{"driver": null}';
    end if;
    if my.without_presence is not true then
        presence := {{rpc.driver_presence}}($1);
    end if;
    {{#wallet.driver}}if my.without_wallet is not true then
        select pg_catalog.to_jsonb(f) into wallet
        from (
            select {{w.balance}} as balance, {{w.currency}} as currency, {{w.updated_at}} as updated_at
            -- By the index of the driver: the planner, told to sort and stop, may walk that of the key instead.
            from (select * from {{wallet}} w where {{w.driver}} = my.who offset 0) w
            {{#wallet.id|wallet.currency}}order by {{#wallet.id}}{{w.id}}{{/wallet.id}}{{^wallet.id}}{{w.currency}}{{/wallet.id}}
            {{/wallet.id|wallet.currency}}limit 1
        ) f;
    end if;
    {{/wallet.driver}}{{#trip.driver}}{{#trip.status}}if my.without_active_trip is not true then
        select pg_catalog.to_jsonb(f) into active_trip
        from (
            select
                {{t.id}} as id, {{t.status}} as status, {{t.passenger}} as passenger_id,
                {{>pickup_lat}} as pickup_lat, {{>pickup_lng}} as pickup_lng, {{t.pickup_address}} as pickup_address,
                {{>dropoff_lat}} as dropoff_lat, {{>dropoff_lng}} as dropoff_lng, {{t.dropoff_address}} as dropoff_address,
                {{t.vehicle_class}} as vehicle_class, {{t.fare}} as fare, {{t.earnings}} as earnings,
                {{t.created_at}} as created_at, {{t.accepted_at}} as accepted_at, {{t.started_at}} as started_at
            from {{#transition.to_status}}{{>under_way}} w(status)
            cross join lateral (
                select * from {{trip}} t
                where {{t.driver}} = my.who and {{t.status}} = w.status
                offset 0
            ) t{{/transition.to_status}}{{^transition.to_status}}{{trip}} t
            where {{t.driver}} = my.who and {{t.status}}::text in ('accepted', 'arriving', 'arrived', 'in_progress'){{/transition.to_status}}
            {{#trip.created_at}}order by {{t.created_at}} desc
            {{/trip.created_at}}limit 1
        ) f;
    end if;
    {{/trip.status}}{{#trip.completed_at}}if my.without_trips is not true then
        -- Of the session's time zone this way: looking one up by its name costs as much as the statement.
        today := case when $3 is null then pg_catalog.date_trunc('day', pg_catalog.now()) else pg_catalog.date_trunc('day', pg_catalog.now(), $3) end;
        week := case when $3 is null then pg_catalog.date_trunc('week', pg_catalog.now()) else pg_catalog.date_trunc('week', pg_catalog.now(), $3) end;
        select pg_catalog.to_jsonb(f) into trips
        from (
            select
                pg_catalog.count(*) filter (where {{t.completed_at}} >= my.today) as today,
                coalesce(pg_catalog.sum({{#trip.earnings}}{{t.earnings}}{{/trip.earnings}}{{^trip.earnings}}{{t.fare}}{{/trip.earnings}}::numeric) filter (where {{t.completed_at}} >= my.today), 0) as today_earnings,
                pg_catalog.count(*) as week,
                coalesce(pg_catalog.sum({{#trip.earnings}}{{t.earnings}}{{/trip.earnings}}{{^trip.earnings}}{{t.fare}}{{/trip.earnings}}::numeric), 0) as week_earnings
            from {{trip}} t
            where {{t.driver}} = my.who and {{t.completed_at}} >= my.week
        ) f;
    end if;
    {{/trip.completed_at}}{{/trip.driver}}{{#offer.driver}}if (my.without_acceptance and my.without_offers) is not true then
        select
            pg_catalog.jsonb_build_object(
                'offers', pg_catalog.count(*) filter (where {{o.state}} <> 'open'),
                'accepted', pg_catalog.count(*) filter (where {{o.state}} = 'accepted'),
                'rate', pg_catalog.round(
                    pg_catalog.count(*) filter (where {{o.state}} = 'accepted')::numeric
                    / nullif(pg_catalog.count(*) filter (where {{o.state}} <> 'open'), 0),
                    3
                )
            ),
            coalesce(
                pg_catalog.jsonb_agg(
                    pg_catalog.to_jsonb(f){{#trip.id}}{{#offer.trip}} || coalesce({{rpc.offered_trip}}(f.id), '{"pickup": null, "dropoff": null}'){{/offer.trip}}{{/trip.id}}
                    order by f.expires_at, f.id
                ) filter (where {{o.state}} = 'open' and f.seconds_left > 0),
                '[]'
            )
        into acceptance, offers
        from (
            select *
            from {{offer}} o
            where {{o.driver}} = my.who and {{o.state}} in ('open', 'accepted', 'declined', 'expired')
            order by {{o.created_at}} desc
            limit 100
        ) o
        cross join lateral (
            select
                {{o.id}} as id, {{o.trip}} as trip_id, {{o.distance_m}} as distance_m, {{o.earnings}} as earnings,
                {{o.urgency}} as urgency, {{o.created_at}} as created_at, {{o.expires_at}} as expires_at,
                {{o.received_at}} as received_at,
                pg_catalog.round(extract(epoch from {{o.expires_at}} - pg_catalog.now()), 1) as seconds_left
        ) f;
        -- One search finds both; what was not asked for stays unsaid.
        if my.without_acceptance then
            acceptance := null;
        elsif my.without_offers then
            offers := null;
        end if;
    end if;
    {{/offer.driver}}{{#telemetry.driver}}{{#telemetry.created_at|telemetry.id:integer}}if my.without_telemetry is not true then
        telemetry := pg_catalog.to_jsonb(array(
            select f
            from (
                select
                    {{l.id}} as id, {{l.type}} as type, {{l.message}} as message, {{l.meta}} as meta,
                    {{l.created_at}} as created_at
                from {{telemetry}} l
                where {{l.driver}} = my.who
                order by {{#telemetry.created_at}}{{l.created_at}}{{/telemetry.created_at}}{{^telemetry.created_at}}{{l.id}}{{/telemetry.created_at}} desc
                limit 10
            ) f
        ));
    end if;
    {{/telemetry.created_at|telemetry.id:integer}}{{/telemetry.driver}}return pg_catalog.jsonb_build_object(
        'driver', my.driver, 'presence', my.presence, 'wallet', my.wallet, 'active_trip', my.active_trip, 'trips', my.trips,
        'acceptance', my.acceptance, 'telemetry', my.telemetry, 'offers', my.offers,
        'generated_at', pg_catalog.now(), 'cursor', realtime_sync.cursor()
    );
end
$$;
comment on function {{rpc.get_driver_dashboard}} is
    'What a driver''s screen shows (default: the login''s driver), of one snapshot, with the cursor to follow from: driver, presence, wallet, active_trip, trips (today and this week, from Monday, in time_zone, else the session''s TimeZone), acceptance (of his last 100 offers, those that were accepted, declined or left to expire), the last 10 of telemetry, open offers with seconds_left, pickup and dropoff. All keys are always there; a section not asked for is null. {"driver": null} for a driver who does not exist or whom the caller''s policies hide. Raises 22023 for an unknown section or time zone.'
$template$
),
(
    'get_fleet_overview', 'function', 61, '{driver.id}',
    $template$
create function {{rpc.get_fleet_overview}}(
    bounds jsonb default null, statuses text[] default null, max_drivers integer default 500
) returns jsonb
stable language plpgsql
set search_path = {{path}}
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
<<my>>
declare
    west double precision := -180;
    south double precision := -90;
    east double precision := 180;
    north double precision := 90;
    boxes box[];
begin
    if $1 is not null then
        west := $1 ->> 'west';
        south := $1 ->> 'south';
        east := $1 ->> 'east';
        north := $1 ->> 'north';
    end if;
    if (
        my.west between -180 and 180 and my.east between -180 and 180
        and my.south between -90 and my.north and my.north <= 90
    ) is not true then
        raise invalid_parameter_value using
            message = pg_catalog.format('invalid value for bounds: %s', $1),
            detail = 'west and east are degrees of longitude from -180 to 180, south and north of latitude from -90 to 90.',
            hint = 'As in ''{"west": 11.3, "south": 48.0, "east": 11.8, "north": 48.3}''. A west that is greater than east crosses the antimeridian.';
    end if;
    if ($3 between 1 and 10000) is not true then
        raise invalid_parameter_value using
            message = pg_catalog.format('invalid value for max_drivers: %s', coalesce($3::text, 'null')),
            hint = 'Allowed are 1 to 10000.';
    end if;
    -- Across the antimeridian a window is two boxes.
    boxes := case when my.west <= my.east
        then array[pg_catalog.box(pg_catalog.point(my.west, my.south), pg_catalog.point(my.east, my.north))]
        else array[
            pg_catalog.box(pg_catalog.point(my.west, my.south), pg_catalog.point(180, my.north)),
            pg_catalog.box(pg_catalog.point(-180, my.south), pg_catalog.point(my.east, my.north))
        ]
    end;
    return (
        with page as materialized (
            select w.driver_id, w.presence from {{rpc.drivers_within}}(my.boxes, $2, $3 + 1) w
        )
        select pg_catalog.jsonb_build_object(
            'drivers', pg_catalog.to_jsonb(array(
                select f
                from (
                    select e.*
                    from (select p.driver_id, p.presence from page p limit $3) g
                    -- One by one: a join by hash would read every driver.
                    cross join lateral (
                        select
                            {{d.id}} as id, {{d.name}} as name, {{d.vehicle}} as vehicle, {{d.vehicle_class}} as vehicle_class,
                            {{d.online}} as online, {{d.status}} as status,
                            {{>driver_lat}} as lat, {{>driver_lng}} as lng,
                            {{d.heading}} as heading, {{d.speed}} as speed, {{d.location_at}} as location_at,
                            g.presence,
                            {{#trip.driver}}{{#trip.status}}(
                                select {{t.id}}
                                from {{#transition.to_status}}{{>under_way}} w(status)
                                cross join lateral (
                                    select {{t.id}} from {{trip}} t
                                    where {{t.driver}} = {{d.id}} and {{t.status}} = w.status
                                    offset 0
                                ) t{{/transition.to_status}}{{^transition.to_status}}{{trip}} t
                                where {{t.driver}} = {{d.id}} and {{t.status}}::text in ('accepted', 'arriving', 'arrived', 'in_progress'){{/transition.to_status}}
                                limit 1
                            ){{/trip.status}}{{^trip.status}}null{{/trip.status}}{{/trip.driver}}{{^trip.driver}}null{{/trip.driver}} as trip_id
                        from {{driver}} d
                        where {{d.id}} = g.driver_id
                        limit 1
                    ) e
                ) f
            )),
            'more', (select pg_catalog.count(*) from page p) > $3,
            'generated_at', pg_catalog.now(),
            'cursor', realtime_sync.cursor()
        )
    );
end
$$;
comment on function {{rpc.get_fleet_overview}} is
    'A dispatcher''s map, of one snapshot, with the cursor to follow from: at most max_drivers (1 to 10000) of the drivers in bounds {"west", "south", "east", "north"} (degrees; west greater than east crosses the antimeridian; null: everywhere) whose status is among statuses (of an app without a status: online, offline), with name, vehicle, position, presence and active trip; more: whether there are others: which of them are left out is not said, so ask for smaller bounds. Who is seen is a matter of the caller''s policies, presence is for dispatchers. Raises 22023 for wrong bounds, 22P02 for bounds that are no numbers.'
$template$
),
(
    'driver_trail', 'function', 62, '{driver.id,location.driver,location.lat,location.lng,location.recorded_at}',
    $template$
create function {{rpc.driver_trail}}(driver_id {{driver.id:type}} default null, n integer default 100)
returns table (
    lat double precision, lng double precision, heading double precision, speed double precision,
    accuracy double precision, recorded_at timestamptz
)
stable language plpgsql
set search_path = {{path}}
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
<<my>>
declare
    who {{driver.id:type}} := coalesce($1, {{rpc.realtime_driver}}());
begin
    return query
        select
            {{h.lat}}::double precision, {{h.lng}}::double precision, {{h.heading}}::double precision,
            {{h.speed}}::double precision, {{h.accuracy}}::double precision, {{h.recorded_at}}::timestamptz
        from {{location}} h
        where {{h.driver}} = my.who{{#location.flag}}
            -- A fix that was refused is no place he was at.
            and {{h.flag}}::text is distinct from 'jump'{{/location.flag}}
        order by {{h.recorded_at}} desc
        limit greatest(least($2, 10000), 0);
end
$$;
comment on function {{rpc.driver_trail}} is
    'Where a driver (default: the login''s) was, the last n places (10000 at most), newest first, without the impossible jumps that were refused, as far as the caller''s policies show them.'
$template$
);

revoke all on function realtime_sync.fleet_presence(text) from public;
revoke all on function realtime_sync.fleet_states(text[]) from public;

comment on function realtime_sync.fleet_presence(text) is
    'Part of the fleet kit: the presence of a member of the topic drivers (null on a standby), for functions that have asked who is calling.';
comment on function realtime_sync.fleet_states(text[]) is
    'Part of the fleet kit: which of these members of the topic drivers are in which state, for functions that have asked who is calling.';
