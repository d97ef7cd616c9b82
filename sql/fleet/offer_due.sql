-- What the relay does of the offers when their time has come.

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'realtime_offers_due', 'function', 62, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.realtime_offers_due}}() returns timestamp with time zone
volatile language plpgsql
set search_path = {{path}}
as $$
<<my>>
declare
    now timestamptz := pg_catalog.clock_timestamp();
    due {{offer.id:type}}[];
    trips {{trip.id:type}}[];
    trip {{trip.id:type}};
    expired {{offer}}[];
begin
    -- Over, or for a driver who is back. So many that a call ends long before the relay ends it: the others come
    -- with the next.
    due := array(
        (
            select {{o.id}} from {{offer}} o
            where {{o.state}} in ('waiting', 'open') and {{o.expires_at}} <= my.now
            order by {{o.expires_at}}
            limit 500
        )
        union all
        (
            select {{o.id}} from {{offer}} o
            where {{o.state}} = 'waiting' and {{o.expires_at}} > my.now and exists (
                select from {{driver}} d
                where {{d.id}} = {{o.driver}} and {{>takes_offers}}
            )
            limit 500
        )
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
        -- Of a trip that is gone too, or those in its queue would be busy with it for ever.
        trips := my.trips || array(
            select distinct {{o.trip}} from {{offer}} o
            where {{o.id}} = any (my.due) and {{o.trip}} <> all (my.trips)
        );
        foreach trip in array my.trips loop
            -- What fails of one trip, in a trigger of the app's or for an address too long to be sent, must not stop the others.
            begin
                with e as (
                    update {{offer}} o
                    set {{offer.state}} = 'expired', {{offer.answered_at}} = pg_catalog.clock_timestamp()
                    where {{o.trip}} = my.trip and {{o.id}} = any (my.due) and {{o.expires_at}} <= my.now
                    returning {{o.id}} as id, o as offer
                )
                select pg_catalog.array_agg(e.offer order by e.id) into expired from e;
                perform {{rpc.realtime_tell_offers}}(expired, 'trip_offer.expired');
                perform {{rpc.realtime_open_offer}}({{o.id}})
                from {{offer}} o
                where {{o.trip}} = my.trip and {{o.id}} = any (my.due) and {{o.state}} = 'waiting';
                perform {{rpc.realtime_settle_offers}}(trip);
            exception when others then
                raise warning using
                    message = pg_catalog.format('offers of trip %s: %s', trip, sqlerrm),
                    errcode = sqlstate;
                -- Else they were due again at once, and those in its queue busy with it for ever.
                if sqlstate not like '40%' and sqlstate <> '55P03' then
                    update {{offer}} o
                    set {{offer.state}} = case when {{o.expires_at}} <= my.now then 'expired' else 'canceled' end,
                        {{offer.answered_at}} = pg_catalog.clock_timestamp(),
                        {{offer.reason}} = sqlerrm
                    where {{o.trip}} = my.trip and {{o.state}} in ('queued', 'waiting', 'open');
                end if;
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
);
