-- What becomes of an offer: accepted by one, declined, received, taken back.

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'realtime_lock_offer', 'function', 60, null, '{driver.id,trip.id,offer.timeout}',
    $template$
create function {{rpc.realtime_lock_offer}}(offer_id {{offer.id:type}}) returns {{offer}}
volatile language plpgsql
set search_path = {{path}}
as $$
declare
    offer {{offer}};
begin
    if $1 is null then
        raise null_value_not_allowed using
            message = 'offer_id must not be null',
            hint = 'The event trip_offer.created and the dashboard''s offers have it.';
    end if;
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
        raise no_data_found using
            message = pg_catalog.format('offer %s does not exist', $1),
            hint = $n$The table {{offer}} has all that there are.$n$;
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
set search_path = {{path}}
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
set search_path = {{path}}
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
    'Accepts an offer: exactly one driver gets the trip; it has him and its status accepted, the event trip.status is sent, the others get trip_offer.taken, and his other offers expire. The winner may ask again and gets the same answer. For the driver it was made to, dispatchers and the back end: 42501; 55000: taken, expired, canceled, the driver is on another trip, or a trigger of the app''s keeps the trip as it is; P0002: no such offer; 22004; 25001: above READ COMMITTED.'
$template$,
    null
),
(
    'decline_offer', 'function', 61, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.decline_offer}}(offer_id {{offer.id:type}}, reason text default null) returns {{offer}}
volatile security definer language plpgsql
set search_path = {{path}}
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
set search_path = {{path}}
as $$
declare
    offer {{offer}};
begin
    update {{offer}} o
    set {{offer.received_at}} = coalesce({{o.received_at}}, pg_catalog.clock_timestamp())
    where {{o.id}} = $1 and ({{o.driver}} = {{rpc.realtime_driver}}() or {{rpc.realtime_dispatcher}}())
    returning o.* into offer;
    if not found then
        if $1 is null then
            raise null_value_not_allowed using
                message = 'offer_id must not be null',
                hint = 'The event trip_offer.created and the dashboard''s offers have it.';
        elsif {{rpc.realtime_dispatcher}}() then
            raise no_data_found using
                message = pg_catalog.format('offer %s does not exist', $1),
                hint = $n$The table {{offer}} has all that there are.$n$;
        end if;
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for offer %s', $1),
            hint = 'The driver it was made to says that he has it.';
    end if;
    return offer;
end
$$;
comment on function {{rpc.ack_offer}}({{offer.id:type}}) is
    'Says that the driver''s device has an offer: received_at is when it first did. Of an offer in any state. 42501: not his; 22004; P0002: no such offer, of a dispatcher.'
$template$,
    null
),
(
    'cancel_offer', 'function', 61, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.cancel_offer}}(offer_id {{offer.id:type}}, reason text default null) returns {{offer}}
volatile security definer language plpgsql
set search_path = {{path}}
as $$
declare
    offer {{offer}};
begin
    if {{rpc.realtime_dispatcher}}() is not true then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for offer %s', coalesce($1::text, 'null')),
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
set search_path = {{path}}
as $$
declare
    closed {{offer}}[];
begin
    if {{rpc.realtime_dispatcher}}() is not true then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for the offers of trip %s', coalesce($1::text, 'null')),
            hint = 'A dispatcher and the back end may cancel them.';
    elsif $1 is null then
        raise null_value_not_allowed using
            message = 'trip_id must not be null',
            hint = 'Name the trip whose offers are taken back.';
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
    'Takes all open offers of a trip back, with a reason, and returns them; trip.unassigned is sent on trip:<id>. Of a trip without any, or that is not there, none. For dispatchers and the back end: 42501; 22004.'
$template$,
    null
);
