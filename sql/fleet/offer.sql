-- Trips offered to drivers. Whatever decides about a trip's offers locks the trip's row first and looks
-- after it has the lock: so one accept wins, and none races an expiry, a cancellation or another round.
--
-- queued    one after another, and not his turn yet
-- waiting   his turn, but he is offline: offered when he is back, or expires
-- open      offered; ends by expires_at
-- accepted, declined, expired, taken (by another), canceled: how it ended

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'trip_offers', 'table', 42, 'offer', '{driver.id,trip.id}',
    $template$
create table {{schema}}.trip_offers (
    id bigint generated always as identity primary key,
    trip_id {{trip.id:type}} not null,
    driver_id {{driver.id:type}} not null,
    round integer not null,
    state text not null
        check (state in ('queued', 'waiting', 'open', 'accepted', 'declined', 'expired', 'taken', 'canceled')),
    strategy text not null check (strategy in ('all', 'one_by_one')),
    timeout interval not null,
    hold interval,
    eligible text,
    distance_m double precision,
    earnings numeric,
    urgency text,
    created_at timestamp with time zone not null default pg_catalog.now(),
    created_by text,
    offered_at timestamp with time zone,
    expires_at timestamp with time zone,
    received_at timestamp with time zone,
    answered_at timestamp with time zone,
    answered_by text,
    reason text
);
create index on {{schema}}.trip_offers (trip_id);
create index on {{schema}}.trip_offers (driver_id, created_at);
create unique index on {{schema}}.trip_offers (driver_id, trip_id) where state in ('queued', 'waiting', 'open');
create index on {{schema}}.trip_offers (expires_at) where state in ('waiting', 'open');
comment on table {{schema}}.trip_offers is
    'Each offer of a trip to a driver, and what became of it, by whom and when: created, offered, received, answered. Kept until you delete it.';
comment on column {{schema}}.trip_offers.state is
    'queued (not his turn yet), waiting (he is offline), open, accepted, declined, expired, taken (by another), canceled.';
comment on column {{schema}}.trip_offers.timeout is 'How long he has to answer.';
comment on column {{schema}}.trip_offers.hold is 'How long it waits for him if he is offline; null: it does not.';
comment on column {{schema}}.trip_offers.eligible is 'The app''s function that was asked whether he may have it.';
comment on column {{schema}}.trip_offers.distance_m is 'From him to the pickup when he was chosen, in metres.'
$template$,
    null
),
(
    'realtime_driver_online', 'function', 44, null, '{driver.id}',
    $template$
create function {{rpc.realtime_driver_online}}(driver_id {{driver.id:type}}) returns boolean
stable language plpgsql
set search_path = ''
as $$
begin
    return coalesce((
        select true
            {{#driver.online}}and {{d.online}}::boolean{{/driver.online}}
            {{#driver.status}}and coalesce(pg_catalog.lower({{d.status}}::text), '') not in (
                -- A column that says online has the last word on that.
                {{^driver.online}}'', 'offline', 'off_duty', 'inactive', {{/driver.online}}'busy', 'on_trip', 'on_break', 'break', 'away', 'suspended'
            ){{/driver.status}}
        from {{driver}} d
        where {{d.id}} = $1
    ), false);
end
$$;
comment on function {{rpc.realtime_driver_online}}({{driver.id:type}}) is
    'Whether a driver takes offers now: online, and of a status that does not say otherwise.'
$template$,
    null
),
(
    'realtime_eligible', 'function', 44, null, '{driver.id,trip.id}',
    $template$
create function {{rpc.realtime_eligible}}(eligible text, driver_id {{driver.id:type}}, trip_id {{trip.id:type}}) returns boolean
volatile language plpgsql
set search_path = ''
as $$
declare
    answer boolean;
begin
    if $1 is null then
        return true;
    end if;
    execute pg_catalog.format('select %s($1, $2)', $1::regprocedure::regproc) into answer using $2, $3;
    return coalesce(answer, false);
end
$$;
comment on function {{rpc.realtime_eligible}}(text, {{driver.id:type}}, {{trip.id:type}}) is
    'Asks the app''s function, if there is one, whether a driver may be offered a trip.'
$template$,
    null
),
(
    'realtime_offer_payload', 'function', 45, null, '{driver.id,trip.id,offer.timeout}',
    $template$
create function {{rpc.realtime_offer_payload}}(offer {{offer}}) returns json
stable language plpgsql
set search_path = ''
as $$
begin
    return (
        select pg_catalog.json_build_object(
            'offer_id', {{o.id}},
            'trip_id', {{o.trip}},
            'driver_id', {{o.driver}},
            'state', {{o.state}},
            'distance_m', pg_catalog.round({{o.distance_m}}::numeric, 1),
            'pickup', pg_catalog.json_build_object(
                'lat', {{t.pickup_lat}}, 'lng', {{t.pickup_lng}}, 'address', {{t.pickup_address}}
            ),
            'dropoff', pg_catalog.json_build_object(
                'lat', {{t.dropoff_lat}}, 'lng', {{t.dropoff_lng}}, 'address', {{t.dropoff_address}}
            ),
            'vehicle_class', {{t.vehicle_class}},
            'earnings', {{o.earnings}},
            'urgency', {{o.urgency}},
            'round', {{o.round}},
            'expires_at', {{o.expires_at}},
            'reason', {{o.reason}}
        )
        from (select ($1).*) o
        left join {{trip}} t on {{t.id}} = {{o.trip}}
    );
end
$$;
comment on function {{rpc.realtime_offer_payload}}({{offer}}) is
    'An offer as its events trip_offer.* tell it.'
$template$,
    null
),
(
    'realtime_close_offers', 'function', 46, null, '{driver.id,trip.id,offer.timeout}',
    $template$
create function {{rpc.realtime_close_offers}}(trip_id {{trip.id:type}}, offer_id {{offer.id:type}}, state text, reason text) returns setof {{offer}}
volatile language plpgsql
set search_path = ''
as $$
declare
    closed {{offer}};
begin
    for closed in
        update {{offer}} o
        set {{offer.state}} = $3,
            {{offer.answered_at}} = pg_catalog.clock_timestamp(),
            {{offer.answered_by}} = coalesce(realtime_sync.claim('sub'), session_user::text),
            {{offer.reason}} = $4
        where {{o.trip}} = $1 and ($2 is null or {{o.id}} = $2) and {{o.state}} in ('queued', 'waiting', 'open')
        returning o.*
    loop
        -- Who never heard of it need not hear that it is gone.
        if closed.{{offer.offered_at}} is not null then
            perform realtime_sync.send(
                'driver:' || closed.{{offer.driver}}, 'trip_offer.' || $3, {{rpc.realtime_offer_payload}}(closed)
            );
        end if;
        return next closed;
    end loop;
end
$$;
comment on function {{rpc.realtime_close_offers}}({{trip.id:type}}, {{offer.id:type}}, text, text) is
    'Ends an open offer of a trip, whose row is locked, or all of them, and tells the drivers.'
$template$,
    null
),
(
    'realtime_open_offer', 'function', 46, null, '{driver.id,trip.id,offer.timeout}',
    $template$
create function {{rpc.realtime_open_offer}}(offer_id {{offer.id:type}}) returns {{offer}}
volatile language plpgsql
set search_path = ''
as $$
<<my>>
declare
    offer {{offer}};
    now timestamptz := pg_catalog.clock_timestamp();
begin
    select o.* into offer from {{offer}} o where {{o.id}} = $1;
    if {{rpc.realtime_driver_online}}(offer.{{offer.driver}}) then
        update {{offer}} o
        set {{offer.state}} = 'open',
            {{offer.offered_at}} = my.now,
            {{offer.expires_at}} = my.now + {{o.timeout}}
        where {{o.id}} = $1
        returning o.* into offer;
        perform realtime_sync.send(
            'driver:' || offer.{{offer.driver}}, 'trip_offer.created', {{rpc.realtime_offer_payload}}(offer)
        );
    elsif offer.{{offer.hold}} is null then
        update {{offer}} o
        set {{offer.state}} = 'canceled', {{offer.answered_at}} = my.now, {{offer.reason}} = 'driver offline'
        where {{o.id}} = $1
        returning o.* into offer;
    elsif offer.{{offer.state}} = 'queued' then
        update {{offer}} o
        set {{offer.state}} = 'waiting', {{offer.expires_at}} = my.now + {{o.hold}}
        where {{o.id}} = $1
        returning o.* into offer;
    end if;
    return offer;
end
$$;
comment on function {{rpc.realtime_open_offer}}({{offer.id:type}}) is
    'An offer''s turn: to an online driver it goes out, for another it waits or is passed over.'
$template$,
    null
),
(
    'realtime_settle_offers', 'function', 47, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.realtime_settle_offers}}(trip_id {{trip.id:type}}) returns void
volatile language plpgsql
set search_path = ''
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
set search_path = ''
as $$
<<my>>
declare
    was text;
    lat double precision;
    lng double precision;
    next text;
    this_round integer;
    candidates {{driver.id:type}}[];
    distances double precision[];
    ids {{offer.id:type}}[] := '{}';
    many integer := least($4, 20000) * 4 + 20;
    waits interval := case when $2 is not null then coalesce($8, $5) else $8 end;
begin
    if $6 is null or $6 not in ('all', 'one_by_one') then
        raise invalid_parameter_value using
            message = pg_catalog.format('invalid value for strategy: %s', coalesce('"' || $6 || '"', 'null')),
            hint = 'Allowed are all, one_by_one.';
    end if;
    if $5 is null or $5 <= interval '0' then
        raise invalid_parameter_value using
            message = 'timeout must be positive',
            hint = 'Leave it out for 15 seconds.';
    end if;
    if $2 is null and ($4 is null or $4 < 1) then
        raise invalid_parameter_value using
            message = 'max_drivers must be positive',
            hint = 'Leave it out for 10.';
    end if;
    if $8 <= interval '0' then
        raise invalid_parameter_value using
            message = 'hold must be positive',
            hint = 'Leave it out: then an offer to a named driver who is offline waits as long as timeout.';
    end if;
    select {{t.status}}::text, {{t.pickup_lat}}::double precision, {{t.pickup_lng}}::double precision
    into was, lat, lng
    from {{trip}} t
    where {{t.id}} = $1
    for no key update;
    if not found then
        raise no_data_found using message = pg_catalog.format('trip %s does not exist', $1);
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
    -- Of the nearest many may be busy: then further ones are looked at.
    loop
        if $2 is not null then
            select pg_catalog.array_agg({{d.id}}), pg_catalog.array_agg({{rpc.realtime_driver_distance}}({{d.id}}, my.lat, my.lng))
            into candidates, distances
            from pg_catalog.unnest($2) with ordinality u(driver, place)
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
                {{offer.created_at}}, {{offer.created_by}}
            )
            select $1, c.driver, my.this_round, 'queued', $6, $5, my.waits, $7, c.distance,
                (select {{t.earnings}}::numeric from {{trip}} t where {{t.id}} = $1), coalesce($9, 'normal'),
                pg_catalog.clock_timestamp(), coalesce(realtime_sync.claim('sub'), session_user::text)
            from (
                -- Nearest first and no further than max_drivers: the rest is not even looked at.
                select u.driver, u.distance
                from rows from (pg_catalog.unnest(my.candidates), pg_catalog.unnest(my.distances)) with ordinality u(driver, distance, place)
                order by u.distance, u.place
                offset 0
            ) c
            where {{rpc.realtime_driver_busy}}(c.driver, $1) is null
                and not exists (
                    select from {{offer}} o
                    where {{o.driver}} = c.driver and {{o.state}} in ('queued', 'waiting', 'open')
                        -- One after another, a driver has one offer at a time.
                        and ({{o.trip}} = $1 or $6 = 'one_by_one' and $2 is null)
                )
                -- Who has declined it is asked again only by name.
                and ($2 is not null or not exists (
                    select from {{offer}} o
                    where {{o.trip}} = $1 and {{o.driver}} = c.driver and {{o.state}} = 'declined'
                ))
                and ($2 is not null or {{rpc.realtime_driver_online}}(c.driver))
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
    if $6 = 'all' then
        perform {{rpc.realtime_open_offer}}(i.id) from pg_catalog.unnest(my.ids) i(id);
    end if;
    perform {{rpc.realtime_settle_offers}}($1);
    return query select o.* from {{offer}} o where {{o.id}} = any (my.ids) order by {{o.id}};
end
$$;
comment on function {{rpc.realtime_offer_trip}}({{trip.id:type}}, {{driver.id:type}}[], double precision, integer, interval, text, text, interval, text) is
    'offer_trip() without its questions who is calling.'
$template$,
    null
),
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
set search_path = ''
as $$
begin
    if {{rpc.realtime_dispatcher}}() is not true then
        raise insufficient_privilege using
            message = 'only a dispatcher or the back end may offer a trip',
            hint = 'Trips are offered by themselves after realtime_sync.fleet_auto_offer().';
    end if;
    -- It will run as this function's owner: so it has to be the owner's, and the caller has to be allowed to run it.
    if $7 is not null and not exists (
        select from pg_catalog.pg_proc p
        where p.oid = $7 and pg_catalog.pg_get_userbyid(p.proowner) = current_user and pg_catalog.has_function_privilege(
            coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user::text)::name, p.oid, 'execute'
        )
    ) then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for function %s', $7),
            detail = pg_catalog.format('It would run as %I.', current_user),
            hint = pg_catalog.format('It must belong to %I, and you need EXECUTE on it.', current_user);
    end if;
    if $7 is not null and not exists (
        select from pg_catalog.pg_proc p
        where p.oid = $7 and p.prorettype = 'boolean'::regtype and not p.proretset
            and p.proargtypes[0] = $n${{driver.id:type}}$n$::regtype and p.proargtypes[1] = $n${{trip.id:type}}$n$::regtype
            and p.pronargs = 2 and p.pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    ) then
        raise invalid_parameter_value using
            message = pg_catalog.format('%s does not say who is eligible', $7),
            hint = $n$It must be a function (driver {{driver.id:type}}, trip {{trip.id:type}}) returns boolean.$n$;
    end if;
    return query select * from {{rpc.realtime_offer_trip}}($1, $2, $3, $4, $5, $6, $7::text, $8, $9);
end
$$;
comment on function {{rpc.offer_trip}}({{trip.id:type}}, {{driver.id:type}}[], double precision, integer, interval, text, regprocedure, interval, text) is
    'Offers a trip to these drivers, or to the nearest free ones online: at most max_drivers within radius_m metres of the pickup. strategy all: at once; one_by_one: one after another by distance, the next when one has declined or his timeout is over. eligible: a function (driver, trip) returns boolean of yours, asked about each. hold: how long an offer waits for a driver who is offline (named ones: timeout). Each gets the event trip_offer.created on driver:<id>: {offer_id, trip_id, driver_id, state, distance_m, pickup {lat, lng, address}, dropoff, vehicle_class, earnings, urgency, round, expires_at}. Returns the offers; none: trip.unassigned on trip:<id>. For dispatchers and the back end: 42501; 55000: the trip is not open; P0002: no such trip; 22023.'
$template$,
    null
),
(
    'realtime_lock_offer', 'function', 60, null, '{driver.id,trip.id,offer.timeout}',
    $template$
create function {{rpc.realtime_lock_offer}}(offer_id {{offer.id:type}}) returns {{offer}}
volatile language plpgsql
set search_path = ''
as $$
declare
    offer {{offer}};
begin
    -- Under a snapshot taken before the lock nobody could see who was first.
    if pg_catalog.current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise active_sql_transaction using
            message = 'offers are answered in READ COMMITTED transactions only',
            detail = pg_catalog.format('This one is %s.', pg_catalog.upper(pg_catalog.current_setting('transaction_isolation'))),
            hint = 'Call it outside a transaction block, or after set transaction isolation level read committed.';
    end if;
    select o.* into offer from {{offer}} o where {{o.id}} = $1;
    -- To a stranger, an offer that is not his and one that is not there are the same.
    if {{rpc.realtime_dispatcher}}() is not true and (offer.{{offer.driver}} = {{rpc.realtime_driver}}()) is not true then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for offer %s', $1),
            hint = 'The driver it was made to, a dispatcher and the back end may answer it.';
    elsif offer.{{offer.id}} is null then
        raise no_data_found using message = pg_catalog.format('offer %s does not exist', $1);
    end if;
    perform from {{trip}} t where {{t.id}} = offer.{{offer.trip}} for no key update;
    select o.* into offer from {{offer}} o where {{o.id}} = $1;
    return offer;
end
$$;
comment on function {{rpc.realtime_lock_offer}}({{offer.id:type}}) is
    'An offer that the caller may answer, as it is once its trip''s row is locked.'
$template$,
    null
),
(
    'realtime_refuse_offer', 'function', 60, null, '{driver.id,trip.id,offer.timeout}',
    $template$
create function {{rpc.realtime_refuse_offer}}(offer {{offer}}) returns void
stable language plpgsql
set search_path = ''
as $$
declare
    was text := case
        when ($1).{{offer.state}} = 'open' and ($1).{{offer.expires_at}} <= pg_catalog.clock_timestamp() then 'expired'
        else ($1).{{offer.state}}
    end;
begin
    raise object_not_in_prerequisite_state using
        message = pg_catalog.format('offer %s %s', ($1).{{offer.id}}, case was
            when 'taken' then 'was taken by another driver'
            when 'expired' then 'has expired'
            when 'canceled' then 'was canceled'
            when 'declined' then 'was declined'
            when 'accepted' then 'was accepted'
            when 'open' then 'is still open'
            else 'is not open yet'
        end),
        detail = pg_catalog.format('Its state is %s.', was),
        hint = 'Load the driver''s open offers again.';
end
$$;
comment on function {{rpc.realtime_refuse_offer}}({{offer}}) is
    'Raises 55000: an offer cannot be answered any more, and why.'
$template$,
    null
),
(
    'accept_offer', 'function', 61, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.accept_offer}}(offer_id {{offer.id:type}}) returns {{offer}}
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    offer {{offer}} := {{rpc.realtime_lock_offer}}($1);
    trip record;
    next text;
begin
    select {{t.status}}::text as status, {{t.driver}} as driver into trip
    from {{trip}} t
    where {{t.id}} = offer.{{offer.trip}};
    -- The winner asks again: his answer got lost, not the trip.
    if offer.{{offer.state}} = 'accepted' and trip.driver = offer.{{offer.driver}} then
        return offer;
    end if;
    if offer.{{offer.state}} <> 'open' or offer.{{offer.expires_at}} <= pg_catalog.clock_timestamp() then
        perform {{rpc.realtime_refuse_offer}}(offer);
    end if;
    next := {{rpc.realtime_trip_accepted}}(trip.status);
    if next is null or trip.driver <> offer.{{offer.driver}} then
        raise object_not_in_prerequisite_state using
            message = pg_catalog.format('trip %s is no longer open', offer.{{offer.trip}}),
            detail = pg_catalog.format('It is %s.', coalesce(trip.status, 'deleted')),
            hint = 'Load the driver''s open offers again.';
    end if;
    update {{offer}} o
    set {{offer.state}} = 'accepted',
        {{offer.answered_at}} = pg_catalog.clock_timestamp(),
        {{offer.answered_by}} = coalesce(realtime_sync.claim('sub'), session_user::text)
    where {{o.id}} = $1
    returning o.* into offer;
    perform {{rpc.realtime_move_trip}}(offer.{{offer.trip}}, next, offer.{{offer.driver}});
    -- His other offers expire at once, so that those trips go on to somebody else. Theirs is another trip's
    -- lock: who has it decides, and is not waited for.
    update {{offer}} o
    set {{offer.expires_at}} = pg_catalog.clock_timestamp(), {{offer.reason}} = 'driver on another trip'
    from (
        select {{o.id}} as id from {{offer}} o
        where {{o.driver}} = offer.{{offer.driver}} and {{o.trip}} <> offer.{{offer.trip}} and {{o.state}} in ('waiting', 'open')
        for update skip locked
    ) other
    where {{o.id}} = other.id;
    return offer;
end
$$;
comment on function {{rpc.accept_offer}}({{offer.id:type}}) is
    'Accepts an offer: exactly one driver gets the trip; it has him and its status accepted, the event trip.status is sent, the others get trip_offer.taken, and his other offers expire. The winner may ask again and gets the same answer. For the driver it was made to, dispatchers and the back end: 42501; 55000: taken, expired, canceled, or the driver is on another trip; P0002: no such offer; 25001: above READ COMMITTED.'
$template$,
    null
),
(
    'decline_offer', 'function', 61, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.decline_offer}}(offer_id {{offer.id:type}}, reason text default null) returns {{offer}}
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    offer {{offer}} := {{rpc.realtime_lock_offer}}($1);
begin
    if offer.{{offer.state}} = 'declined' then
        return offer;
    end if;
    if offer.{{offer.state}} not in ('waiting', 'open') or offer.{{offer.expires_at}} <= pg_catalog.clock_timestamp() then
        perform {{rpc.realtime_refuse_offer}}(offer);
    end if;
    select c.* into offer from {{rpc.realtime_close_offers}}(offer.{{offer.trip}}, $1, 'declined', $2) c;
    perform {{rpc.realtime_settle_offers}}(offer.{{offer.trip}});
    return offer;
end
$$;
comment on function {{rpc.decline_offer}}({{offer.id:type}}, text) is
    'Declines an offer, with a reason; one after another, the next driver gets it at once, and if nobody is left trip.unassigned is sent on trip:<id>. Declining again is no error. Errors as of accept_offer.'
$template$,
    null
),
(
    'ack_offer', 'function', 61, null, '{driver.id,trip.id,offer.timeout}',
    $template$
create function {{rpc.ack_offer}}(offer_id {{offer.id:type}}) returns {{offer}}
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    offer {{offer}};
begin
    update {{offer}} o
    set {{offer.received_at}} = coalesce({{o.received_at}}, pg_catalog.clock_timestamp())
    where {{o.id}} = $1 and ({{o.driver}} = {{rpc.realtime_driver}}() or {{rpc.realtime_dispatcher}}())
    returning o.* into offer;
    if not found then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for offer %s', $1),
            hint = 'The driver it was made to says that he has it.';
    end if;
    return offer;
end
$$;
comment on function {{rpc.ack_offer}}({{offer.id:type}}) is
    'Says that the driver''s device has an offer: received_at is when it first did. Of an offer in any state. 42501: not his.'
$template$,
    null
),
(
    'cancel_offer', 'function', 61, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.cancel_offer}}(offer_id {{offer.id:type}}, reason text default null) returns {{offer}}
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    offer {{offer}};
begin
    if {{rpc.realtime_dispatcher}}() is not true then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for offer %s', $1),
            hint = 'A dispatcher and the back end may cancel it; its driver declines it.';
    end if;
    offer := {{rpc.realtime_lock_offer}}($1);
    if offer.{{offer.state}} = 'canceled' then
        return offer;
    end if;
    if offer.{{offer.state}} not in ('queued', 'waiting', 'open') then
        perform {{rpc.realtime_refuse_offer}}(offer);
    end if;
    select c.* into offer from {{rpc.realtime_close_offers}}(offer.{{offer.trip}}, $1, 'canceled', $2) c;
    perform {{rpc.realtime_settle_offers}}(offer.{{offer.trip}});
    return offer;
end
$$;
comment on function {{rpc.cancel_offer}}({{offer.id:type}}, text) is
    'Takes an offer back, with a reason; the driver gets trip_offer.canceled, and the next in the queue the trip. Canceling again is no error. For dispatchers and the back end: 42501; otherwise as accept_offer.'
$template$,
    null
),
(
    'cancel_offers', 'function', 61, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.cancel_offers}}(trip_id {{trip.id:type}}, reason text default null) returns setof {{offer}}
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    closed {{offer}}[];
begin
    if {{rpc.realtime_dispatcher}}() is not true then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for the offers of trip %s', $1),
            hint = 'A dispatcher and the back end may cancel them.';
    end if;
    perform from {{trip}} t where {{t.id}} = $1 for no key update;
    closed := array(select c from {{rpc.realtime_close_offers}}($1, null, 'canceled', $2) c);
    if closed <> '{}' then
        perform {{rpc.realtime_settle_offers}}($1);
    end if;
    return query select * from pg_catalog.unnest(closed);
end
$$;
comment on function {{rpc.cancel_offers}}({{trip.id:type}}, text) is
    'Takes all open offers of a trip back, with a reason, and returns them; trip.unassigned is sent on trip:<id>. For dispatchers and the back end: 42501.'
$template$,
    null
),
(
    'realtime_offers_due', 'function', 62, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.realtime_offers_due}}() returns timestamp with time zone
volatile language plpgsql
set search_path = ''
as $$
<<my>>
declare
    now timestamptz := pg_catalog.clock_timestamp();
    due {{offer.id:type}}[];
    trips {{trip.id:type}}[];
    trip {{trip.id:type}};
    offer {{offer}};
begin
    -- Over, or for a driver who is back.
    due := array(
        select {{o.id}} from {{offer}} o
        where {{o.state}} in ('waiting', 'open') and {{o.expires_at}} <= my.now
        union all
        select {{o.id}} from {{offer}} o
        where {{o.state}} = 'waiting' and {{o.expires_at}} > my.now and {{rpc.realtime_driver_online}}({{o.driver}})
    );
    if my.due <> '{}' then
        -- A trip that somebody has locked is being decided right now: it comes again.
        trips := array(
            select {{t.id}} from {{trip}} t
            where {{t.id}} in (select {{o.trip}} from {{offer}} o where {{o.id}} = any (my.due))
            order by {{t.id}}
            for no key update skip locked
        );
        -- From here on a new snapshot: what was decided before the locks is seen. A driver's other offers are
        -- locked while he accepts one.
        due := array(
            select {{o.id}} from {{offer}} o
            where {{o.id}} = any (my.due) and {{o.state}} in ('waiting', 'open')
                and ({{o.trip}} = any (my.trips) or not exists (select from {{trip}} t where {{t.id}} = {{o.trip}}))
            for update skip locked
        );
        for offer in
            update {{offer}} o
            set {{offer.state}} = 'expired', {{offer.answered_at}} = pg_catalog.clock_timestamp()
            where {{o.id}} = any (my.due) and {{o.expires_at}} <= my.now
            returning o.*
        loop
            if offer.{{offer.offered_at}} is not null then
                perform realtime_sync.send(
                    'driver:' || offer.{{offer.driver}}, 'trip_offer.expired', {{rpc.realtime_offer_payload}}(offer)
                );
            end if;
        end loop;
        perform {{rpc.realtime_open_offer}}({{o.id}})
        from {{offer}} o
        where {{o.id}} = any (my.due) and {{o.state}} = 'waiting';
        foreach trip in array my.trips loop
            -- A trigger of the app's that fails on one trip must not stop the others.
            begin
                perform {{rpc.realtime_settle_offers}}(trip);
            exception when others then
                raise warning using
                    message = pg_catalog.format('offers of trip %s: %s', trip, sqlerrm),
                    errcode = sqlstate;
            end;
        end loop;
    end if;
    return (
        select case when pg_catalog.min({{o.expires_at}}) <= my.now then my.now + interval '100 milliseconds' else pg_catalog.min({{o.expires_at}}) end
        from {{offer}} o
        where {{o.state}} in ('waiting', 'open')
    );
end
$$;
comment on function {{rpc.realtime_offers_due}}() is
    'What is due of the offers: those that are over expire (trip_offer.expired), the next driver is asked, drivers who are back get what waited for them, and trips nobody is left for are told (trip.unassigned). Returns when to call it again; null: nothing is open. The relay does.'
$template$,
    null
),
(
    'realtime_offers_timer', 'timer', 62, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$select realtime_sync.add_timer($n$fleet {{schema}} offers$n$, $n${{rpc.realtime_offers_due}}()$n$)$template$,
    $template$select realtime_sync.drop_timer($n$fleet {{schema}} offers$n$)$template$
),
(
    'realtime_auto_offer', 'function', 63, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.realtime_auto_offer}}() returns trigger
volatile security definer language plpgsql
set search_path = ''
as $$
declare
    options jsonb := tg_argv[0];
begin
    if new.{{trip.driver}} is null and {{rpc.realtime_trip_accepted}}(new.{{trip.status}}::text) is not null then
        perform {{rpc.realtime_offer_trip}}(
            new.{{trip.id}}, null, (options ->> 'radius_m')::double precision, (options ->> 'max_drivers')::integer,
            (options ->> 'timeout')::interval, options ->> 'strategy', options ->> 'eligible',
            (options ->> 'hold')::interval, options ->> 'urgency'
        );
    end if;
    return null;
-- A booking does not fail because nobody can be asked.
exception when others then
    raise warning using
        message = pg_catalog.format('trip %s could not be offered: %s', new.{{trip.id}}, sqlerrm),
        errcode = sqlstate;
    return null;
end
$$;
comment on function {{rpc.realtime_auto_offer}}() is
    'Trigger function: offers a new booking to the nearest drivers. realtime_sync.fleet_auto_offer() installs it.'
$template$,
    null
);

create function realtime_sync.fleet_auto_offer(
    schema name, enabled boolean default true, radius_m double precision default 5000, max_drivers integer default 10,
    timeout interval default '15 seconds', strategy text default 'all', eligible regprocedure default null,
    hold interval default null, urgency text default null
) returns void
volatile language plpgsql
set search_path = ''
as $function$
begin
    if enabled and coalesce(strategy, '') not in ('all', 'one_by_one') then
        raise invalid_parameter_value using
            message = pg_catalog.format('invalid value for strategy: %s', coalesce('"' || strategy || '"', 'null')),
            hint = 'Allowed are all, one_by_one.';
    end if;
    perform realtime_sync.fleet_trip_trigger(schema, 'realtime_auto_offer', case when enabled then
        realtime_sync.fleet_expand(schema, $template$
create trigger realtime_auto_offer after insert on {{trip}}
for each row execute function {{rpc.realtime_auto_offer}}($template$ || pg_catalog.quote_literal(pg_catalog.jsonb_strip_nulls(
            pg_catalog.jsonb_build_object(
                'radius_m', radius_m, 'max_drivers', max_drivers, 'timeout', timeout, 'strategy', strategy,
                'eligible', eligible::text, 'hold', hold, 'urgency', urgency
            )
        )) || ')')
    end);
end
$function$;

revoke all on function realtime_sync.fleet_auto_offer(name, boolean, double precision, integer, interval, text, regprocedure, interval, text) from public;

comment on function realtime_sync.fleet_auto_offer(name, boolean, double precision, integer, interval, text, regprocedure, interval, text) is
    'Whether new trips are offered by themselves: a trigger on the app''s trips that calls offer_trip with these options when a trip without a driver is inserted whose status is open. It never fails the insert. enabled => false takes the trigger away.';
