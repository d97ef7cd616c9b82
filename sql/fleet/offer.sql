-- Trips offered to drivers. Whatever decides about a trip's offers locks the trip's row first and looks
-- after it has the lock: so one accept wins, and none races an expiry, a cancellation or another round.
--
-- queued    one after another, and not his turn yet
-- waiting   his turn, but he is offline: offered when he is back, or expires
-- open      offered; ends by expires_at
-- accepted, declined, expired, taken (by another), canceled: how it ended

-- {{>takes_offers}}: whether the driver d does now: online, of a status that does not say otherwise, and not on a
-- break or gone by presence. Of whom presence knows nothing, the app does not use it.
insert into realtime_sync.fleet_template (name, kind, template) values
(
    'takes_offers', 'part',
    $template$true
                    {{#driver.online}}and {{d.online}}::boolean{{/driver.online}}
                    {{#driver.status}}and coalesce(pg_catalog.translate(pg_catalog.lower({{d.status}}::text), '_- ', ''), '') not in (
                        -- A column that says online has the last word on that.
                        {{^driver.online}}'', 'offline', 'offduty', 'inactive', {{/driver.online}}'busy', 'ontrip', 'onbreak', 'break', 'away', 'suspended'
                    ){{/driver.status}}
                    and not exists (
                        select from realtime_sync.presence_member m
                        where m.topic = 'drivers' and m.member = {{d.id}}::text and m.state in ('offline', 'away', 'on_break')
                    )$template$
);

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
    'realtime_eligible', 'function', 44, null, '{driver.id,trip.id}',
    $template$
create function {{rpc.realtime_eligible}}(eligible text, driver_id {{driver.id:type}}, trip_id {{trip.id:type}}) returns boolean
volatile language plpgsql
set search_path = {{path}}
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
    'realtime_tell_offers', 'function', 45, null, '{driver.id,trip.id,offer.timeout}',
    $template$
create function {{rpc.realtime_tell_offers}}(offers {{offer}}[], event text) returns void
volatile strict language plpgsql
set search_path = {{path}}
as $$
begin
    perform realtime_sync.send('driver:' || {{o.driver}}, $2, pg_catalog.json_build_object(
        'offer_id', {{o.id}},
        'trip_id', {{o.trip}},
        'driver_id', {{o.driver}},
        'state', {{o.state}},
        'distance_m', pg_catalog.round({{o.distance_m}}::numeric, 1),
        'pickup', pg_catalog.json_build_object(
            'lat', {{>pickup_lat}}, 'lng', {{>pickup_lng}}, 'address', {{t.pickup_address}}
        ),
        'dropoff', pg_catalog.json_build_object(
            'lat', {{>dropoff_lat}}, 'lng', {{>dropoff_lng}}, 'address', {{t.dropoff_address}}
        ),
        'vehicle_class', {{t.vehicle_class}},
        'earnings', {{o.earnings}},
        'urgency', {{o.urgency}},
        'round', {{o.round}},
        'expires_at', {{o.expires_at}},
        'reason', {{o.reason}}
    ))
    from pg_catalog.unnest($1) o
    left join {{trip}} t on {{t.id}} = {{o.trip}}
    -- Who never heard of it need not hear that it is gone.
    where {{o.offered_at}} is not null
    order by {{o.id}};
end
$$;
comment on function {{rpc.realtime_tell_offers}}({{offer}}[], text) is
    'Sends an event trip_offer.* of offers, each to its driver.'
$template$,
    null
),
(
    'realtime_close_offers', 'function', 46, null, '{driver.id,trip.id,offer.timeout}',
    $template$
create function {{rpc.realtime_close_offers}}(trip_id {{trip.id:type}}, offer_id {{offer.id:type}}, state text, reason text) returns setof {{offer}}
volatile language plpgsql
set search_path = {{path}}
as $$
declare
    closed {{offer}}[];
begin
    with c as (
        update {{offer}} o
        set {{offer.state}} = $3,
            {{offer.answered_at}} = pg_catalog.clock_timestamp(),
            {{offer.answered_by}} = coalesce(realtime_sync.claim('sub'), session_user::text),
            {{offer.reason}} = $4
        where {{o.trip}} = $1 and ($2 is null or {{o.id}} = $2) and {{o.state}} in ('queued', 'waiting', 'open')
        returning {{o.id}} as id, o as offer
    )
    select pg_catalog.array_agg(c.offer order by c.id) into closed from c;
    perform {{rpc.realtime_tell_offers}}(closed, 'trip_offer.' || $3);
    return query select * from pg_catalog.unnest(closed);
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
set search_path = {{path}}
as $$
<<my>>
declare
    offer {{offer}};
    now timestamptz := pg_catalog.clock_timestamp();
begin
    select o.* into offer from {{offer}} o where {{o.id}} = $1;
    if exists (
        select from {{driver}} d
        where {{d.id}} = my.offer.{{offer.driver}} and {{>takes_offers}}
    ) then
        update {{offer}} o
        set {{offer.state}} = 'open',
            {{offer.offered_at}} = my.now,
            {{offer.expires_at}} = my.now + {{o.timeout}}
        where {{o.id}} = $1
        returning o.* into offer;
        perform {{rpc.realtime_tell_offers}}(array[offer], 'trip_offer.created');
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
);
