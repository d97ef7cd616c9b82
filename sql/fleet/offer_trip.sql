-- A trip is offered: to whom, all at once or one after another, and what comes when an offer has ended.

-- Asked when a trip is offered, and when fleet_auto_offer() is told how: else each booking would find out.
create function realtime_sync.fleet_check_offer(max_drivers integer, timeout interval, strategy text, hold interval) returns void
immutable language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    if strategy is null or strategy not in ('all', 'one_by_one') then
        raise invalid_parameter_value using
            message = pg_catalog.format('invalid value for strategy: %s', coalesce('"' || strategy || '"', 'null')),
            hint = 'Allowed are all, one_by_one.';
    end if;
    if timeout is null or timeout <= interval '0' then
        raise invalid_parameter_value using
            message = 'timeout must be positive',
            hint = 'Leave it out for 15 seconds.';
    end if;
    if max_drivers is null or max_drivers < 1 then
        raise invalid_parameter_value using
            message = 'max_drivers must be positive',
            hint = 'Leave it out for 10.';
    end if;
    if hold <= interval '0' then
        raise invalid_parameter_value using
            message = 'hold must be positive',
            hint = 'Leave it out: then an offer to a named driver who is offline waits as long as timeout.';
    end if;
    -- Added to the time of day it would be none.
    if greatest(timeout, hold) > interval '1 year' then
        raise invalid_parameter_value using
            message = pg_catalog.format('%s is longer than a year', case when timeout > interval '1 year' then 'timeout' else 'hold' end),
            hint = 'A trip of a later day is offered again when it is near.';
    end if;
end
$function$;

create function realtime_sync.fleet_check_eligible(eligible regprocedure, driver_type regtype, trip_type regtype, owner name) returns void
stable language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- It will run as the kit's owner: so it has to be the owner's, and the caller has to be allowed to run it.
    if eligible is not null and not exists (
        select from pg_catalog.pg_proc p
        where p.oid = eligible and pg_catalog.pg_get_userbyid(p.proowner) = owner and pg_catalog.has_function_privilege(
            coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user::text)::name, p.oid, 'execute'
        )
    ) then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for function %s', eligible),
            detail = pg_catalog.format('It would run as %I.', owner),
            hint = pg_catalog.format('It must belong to %I, and you need EXECUTE on it.', owner);
    end if;
    if eligible is not null and not exists (
        select from pg_catalog.pg_proc p
        where p.oid = eligible and p.prorettype = 'boolean'::regtype and not p.proretset
            and p.proargtypes[0] = driver_type and p.proargtypes[1] = trip_type
            and p.pronargs = 2 and p.pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    ) then
        raise invalid_parameter_value using
            message = pg_catalog.format('%s does not say who is eligible', eligible),
            hint = pg_catalog.format('It must be a function (driver %s, trip %s) returns boolean.', driver_type, trip_type);
    end if;
end
$function$;

revoke all on function realtime_sync.fleet_check_offer(integer, interval, text, interval) from public;
revoke all on function realtime_sync.fleet_check_eligible(regprocedure, regtype, regtype, name) from public;

comment on function realtime_sync.fleet_check_offer(integer, interval, text, interval) is
    'Part of the fleet kit: 22023 for what no trip can be offered with.';
comment on function realtime_sync.fleet_check_eligible(regprocedure, regtype, regtype, name) is
    'Part of the fleet kit: 42501 for a function that is not the kit''s owner''s, or that the caller may not run, 22023 for one that does not say which driver is eligible.';

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'realtime_settle_offers', 'function', 47, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.realtime_settle_offers}}(trip_id {{trip.id:type}}) returns void
volatile language plpgsql
set search_path = {{path}}
as $$
<<my>>
declare
    was text := (select {{t.status}}::text from {{trip}} t where {{t.id}} = $1);
    offer {{offer}};
    unfit text;
    back text;
begin
    if my.was is null or {{rpc.realtime_trip_accepted}}(my.was) is null then
        perform {{rpc.realtime_close_offers}}($1, null, 'canceled', pg_catalog.format('trip %s', coalesce(my.was, 'deleted')));
        return;
    end if;
    loop
        if exists (select from {{offer}} o where {{o.trip}} = $1 and {{o.state}} in ('waiting', 'open')) then
            return;
        end if;
        select o.* into offer from {{offer}} o where {{o.trip}} = $1 and {{o.state}} = 'queued' order by {{o.id}} limit 1;
        exit when not found;
        -- What was so when he was chosen may not be any more. A function of the app that fails stops
        -- this offer, not the others.
        begin
            unfit := case
                when {{rpc.realtime_driver_busy}}(offer.{{offer.driver}}, $1) is not null then 'driver on another trip'
                when not {{rpc.realtime_eligible}}(offer.{{offer.eligible}}, offer.{{offer.driver}}, $1) then 'driver not eligible'
            end;
        exception when others then
            unfit := sqlerrm;
        end;
        if unfit is null then
            perform {{rpc.realtime_open_offer}}(offer.{{offer.id}});
        else
            perform {{rpc.realtime_close_offers}}($1, offer.{{offer.id}}, 'canceled', unfit);
        end if;
    end loop;
    back := (
        select {{s.to_status}}::text from {{transition}} s
        where {{s.from_status}}::text = my.was and coalesce({{s.state}}, {{s.to_status}}::text) = 'requested'
        limit 1
    );
    if {{rpc.realtime_trip_state}}(my.was) = 'offered' and back is not null then
        perform {{rpc.realtime_move_trip}}($1, back);
    end if;
    perform realtime_sync.send('trip:' || $1, 'trip.unassigned', (
        select pg_catalog.json_build_object(
            'trip_id', $1,
            'offers', pg_catalog.count(*),
            'declined', pg_catalog.count(*) filter (where {{o.state}} = 'declined'),
            'expired', pg_catalog.count(*) filter (where {{o.state}} = 'expired'),
            'round', coalesce(pg_catalog.max({{o.round}}), 0)
        )
        from {{offer}} o
        where {{o.trip}} = $1
    ));
end
$$;
comment on function {{rpc.realtime_settle_offers}}({{trip.id:type}}) is
    'After an offer of a trip, whose row is locked, has ended: the next one in the queue, or the event trip.unassigned.'
$template$,
    null
),
(
    'realtime_offer_trip', 'function', 48, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.realtime_offer_trip}}(
    trip_id {{trip.id:type}}, drivers {{driver.id:type}}[], radius_m double precision, max_drivers integer, timeout interval,
    strategy text, eligible text, hold interval, urgency text
) returns setof {{offer}}
volatile language plpgsql
set search_path = {{path}}
as $$
<<my>>
declare
    was text;
    lat double precision;
    lng double precision;
    next text;
    this_round integer;
    moment timestamptz;
    candidates {{driver.id:type}}[];
    distances double precision[];
    ids {{offer.id:type}}[] := '{}';
    many integer := least($4, 20000) * 4 + 20;
    waits interval := case when $2 is not null then coalesce($8, $5) else $8 end;
begin
    if $1 is null then
        raise null_value_not_allowed using
            message = 'trip_id must not be null',
            hint = 'Name the trip that is offered.';
    end if;
    perform realtime_sync.fleet_check_offer(case when $2 is null then $4 else 1 end, $5, $6, $8);
    select {{t.status}}::text, {{>pickup_lat}}::double precision, {{>pickup_lng}}::double precision
    into was, lat, lng
    from {{trip}} t
    where {{t.id}} = $1
    for no key update;
    if not found then
        raise no_data_found using
            message = pg_catalog.format('trip %s does not exist', $1),
            hint = $n$Trips are the rows of {{trip}}, once they are committed.$n$;
    end if;
    if {{rpc.realtime_trip_accepted}}(my.was) is null then
        raise object_not_in_prerequisite_state using
            message = pg_catalog.format('trip %s is %s', $1, my.was),
            detail = 'No driver can accept it.',
            hint = $n$A trip can be offered if {{transition}} has a step from its status to one whose state is accepted.$n$;
    end if;
    {{^driver.lat|driver.point|driver.geography}}
    if $2 is null then
        raise object_not_in_prerequisite_state using
            message = 'where the drivers are is not known',
            detail = $n$No column of {{driver}} is mapped as their location.$n$,
            hint = 'Name the drivers: drivers => array[...].';
    end if;
    {{/driver.lat|driver.point|driver.geography}}
    if $2 is null and (my.lat is null or my.lng is null) then
        raise object_not_in_prerequisite_state using
            message = pg_catalog.format('trip %s has no pickup location', $1),
            detail = 'The nearest drivers are looked for around it.',
            hint = 'Name the drivers: drivers => array[...].';
    end if;
    this_round := 1 + coalesce((select pg_catalog.max({{o.round}}) from {{offer}} o where {{o.trip}} = $1), 0);
    moment := pg_catalog.clock_timestamp();
    -- Of the nearest many may be busy: then further ones are looked at.
    loop
        if $2 is not null then
            select pg_catalog.array_agg({{d.id}} order by u.place),
                pg_catalog.array_agg({{rpc.realtime_driver_distance}}({{d.id}}, my.lat, my.lng) order by u.place)
            into candidates, distances
            from (
                select u.driver, pg_catalog.min(u.place) as place
                from pg_catalog.unnest($2) with ordinality u(driver, place)
                group by u.driver
            ) u
            join {{driver}} d on {{d.id}} = u.driver;
        else
            select pg_catalog.array_agg(n.driver_id), pg_catalog.array_agg(n.distance_m)
            into candidates, distances
            from {{rpc.realtime_nearby}}(my.lat, my.lng, $3, my.many) n;
        end if;
        with inserted as (
            insert into {{offer}} (
                {{offer.trip}}, {{offer.driver}}, {{offer.round}}, {{offer.state}}, {{offer.strategy}}, {{offer.timeout}},
                {{offer.hold}}, {{offer.eligible}}, {{offer.distance_m}}, {{offer.earnings}}, {{offer.urgency}},
                {{offer.created_at}}, {{offer.created_by}}, {{offer.offered_at}}, {{offer.expires_at}}
            )
            select $1, c.driver, my.this_round, a.state, $6, $5, my.waits, $7, c.distance,
                (select {{#trip.earnings}}{{t.earnings}}{{/trip.earnings}}{{^trip.earnings}}{{t.fare}}{{/trip.earnings}}::numeric from {{trip}} t where {{t.id}} = $1), coalesce($9, 'normal'),
                my.moment, coalesce(realtime_sync.claim('sub'), session_user::text),
                case a.state when 'open' then my.moment end,
                case a.state when 'open' then my.moment + $5 when 'waiting' then my.moment + my.waits end
            from (
                -- Nearest first and no further than max_drivers: the rest is not even looked at.
                select u.driver, u.distance
                from rows from (pg_catalog.unnest(my.candidates), pg_catalog.unnest(my.distances)) with ordinality u(driver, distance, place)
                order by u.distance, u.place
                offset 0
            ) c
            cross join lateral (
                select exists (
                    select from {{driver}} d
                    where {{d.id}} = c.driver and {{>takes_offers}}
                ) as online
                offset 0
            ) f
            cross join lateral (
                select case when $6 <> 'all' then 'queued' when f.online then 'open' else 'waiting' end as state
            ) a
            -- Subqueries that stay such, each a look at an index: a join could lose the order.
            where not exists (
                    select
                    from {{>under_way}} w(status)
                    cross join lateral (
                        select from {{trip}} t
                        where {{t.driver}} = c.driver and {{t.status}} = w.status and {{t.id}} <> $1
                        offset 0
                    ) k
                )
                and not exists (
                    select from {{offer}} o
                    where {{o.driver}} = c.driver and {{o.state}} in ('queued', 'waiting', 'open')
                        -- One after another, a driver has one offer at a time.
                        and ({{o.trip}} = $1 or $6 = 'one_by_one' and $2 is null)
                    offset 0
                )
                -- Who has declined it is asked again only by name.
                and ($2 is not null or not exists (
                    select from {{offer}} o
                    where {{o.trip}} = $1 and {{o.driver}} = c.driver and {{o.state}} = 'declined'
                    offset 0
                ))
                and ($2 is not null or f.online)
                and {{rpc.realtime_eligible}}($7, c.driver, $1)
            limit case when $2 is null then $4 - pg_catalog.cardinality(my.ids) end
            returning {{offer.id}} as id
        )
        select my.ids || coalesce(pg_catalog.array_agg(i.id order by i.id), '{}') into ids from inserted i;
        exit when $2 is not null or pg_catalog.cardinality(my.ids) >= $4
            or coalesce(pg_catalog.cardinality(my.candidates), 0) < my.many or my.many >= 100000;
        many := least(my.many * 8, 100000);
    end loop;
    next := (
        select {{s.to_status}}::text from {{transition}} s
        where {{s.from_status}}::text = my.was and coalesce({{s.state}}, {{s.to_status}}::text) = 'offered'
        limit 1
    );
    if my.ids <> '{}' and my.next is not null then
        perform {{rpc.realtime_move_trip}}($1, my.next);
    end if;
    perform {{rpc.realtime_tell_offers}}(
        array(select o from {{offer}} o where {{o.id}} = any (my.ids) and {{o.state}} = 'open'), 'trip_offer.created'
    );
    -- Of those made at once one is open or waits.
    if $6 <> 'all' or my.ids = '{}' then
        perform {{rpc.realtime_settle_offers}}($1);
    end if;
    return query select o.* from {{offer}} o where {{o.id}} = any (my.ids) order by {{o.id}};
end
$$;
comment on function {{rpc.realtime_offer_trip}}({{trip.id:type}}, {{driver.id:type}}[], double precision, integer, interval, text, text, interval, text) is
    'offer_trip() without its questions who is calling.'
$template$,
    null
),
(
    'offer_trip', 'function', 60, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.offer_trip}}(
    trip_id {{trip.id:type}}, drivers {{driver.id:type}}[] default null, radius_m double precision default 5000,
    max_drivers integer default 10, timeout interval default '15 seconds', strategy text default 'all',
    eligible regprocedure default null, hold interval default null, urgency text default null
) returns setof {{offer}}
volatile security definer language plpgsql
-- No table of the app's is touched here, and a function's name is written with its schema.
set search_path = pg_catalog, pg_temp
as $$
begin
    if {{rpc.realtime_dispatcher}}() is not true then
        raise insufficient_privilege using
            message = 'only a dispatcher or the back end may offer a trip',
            hint = 'Trips are offered by themselves after realtime_sync.fleet_auto_offer().';
    end if;
    perform realtime_sync.fleet_check_eligible($7, $n${{driver.id:type}}$n$::regtype, $n${{trip.id:type}}$n$::regtype, current_user);
    return query select * from {{rpc.realtime_offer_trip}}($1, $2, $3, $4, $5, $6, $7::text, $8, $9);
end
$$;
comment on function {{rpc.offer_trip}}({{trip.id:type}}, {{driver.id:type}}[], double precision, integer, interval, text, regprocedure, interval, text) is
    'Offers a trip to these drivers, or to the nearest free ones online: at most max_drivers within radius_m metres of the pickup. strategy all: at once; one_by_one: one after another by distance, the next when one has declined or his timeout is over. eligible: a function (driver, trip) returns boolean of yours, asked about each. hold: how long an offer waits for a driver who is offline (named ones: timeout). Each gets the event trip_offer.created on driver:<id>: {offer_id, trip_id, driver_id, state, distance_m, pickup {lat, lng, address}, dropoff, vehicle_class, earnings (of an app that has none, the fare), urgency, round, expires_at}. Returns the offers; none: trip.unassigned on trip:<id>. For dispatchers and the back end: 42501; 55000: the trip is not open; P0002: no such trip; 22004; 22023.'
$template$,
    null
);
