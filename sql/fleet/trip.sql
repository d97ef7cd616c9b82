-- A trip takes a step: who may, on whose trip, and who hears of it, whoever has taken it.

-- {{>trip_step}}: the event trip.status, of the trip t and its change c.
insert into realtime_sync.fleet_template (name, kind, template) values
(
    'trip_step', 'part',
    $template$pg_catalog.json_build_object(
                'trip_id', {{t.id}},
                'from', c.from_status,
                'to', c.to_status,
                'state', c.state,
                'duration_s', pg_catalog.round(extract(epoch from c.duration), 3),
                'driver_id', {{t.driver}},
                'passenger_id', {{t.passenger}},
                'at', c.at
            )$template$
),
(
    -- Of a trip that was old and is new.
    'tell_step', 'part',
    $template$<<my>>
    declare
        t alias for new;
        c record;
        trip text;
        moved timestamptz := pg_catalog.clock_timestamp();
        step json;
        topic text;
        users text[];
        told text[] := '{}';
        offered boolean;
        sent bigint;
        context text;
    begin
        trip := new.{{trip.id}};
        insert into {{schema}}.trip_status_changes (trip_id, from_status, to_status, at, duration, actor)
        values (
            new.{{trip.id}}, old.{{trip.status}}::text, new.{{trip.status}}::text, my.moved,
            my.moved - coalesce(
                (select x.at from {{schema}}.trip_status_changes x where x.trip_id = old.{{trip.id}} order by x.at desc limit 1),
                {{#trip.created_at}}old.{{trip.created_at}}{{/trip.created_at}}{{^trip.created_at}}null{{/trip.created_at}}
            )::timestamptz,
            coalesce(realtime_sync.claim('sub'), session_user::text)
        )
        returning from_status, to_status, {{rpc.realtime_trip_state}}(to_status) as state, at, duration into c;
        -- Whoever was on the trip before hears of it as well.
        select
            {{#driver.login}}array(
                select 'user:' || {{d.login}} from {{driver}} d where {{d.id}} in (new.{{trip.driver}}, old.{{trip.driver}})
            ){{/driver.login}}{{^driver.login}}array['user:' || new.{{trip.driver}}, 'user:' || old.{{trip.driver}}]{{/driver.login}}
            {{#trip.passenger}}|| {{#passenger.id}}array(
                select 'user:' || {{#passenger.login}}{{p.login}}{{/passenger.login}}{{^passenger.login}}{{p.id}}{{/passenger.login}}
                from {{passenger}} p
                where {{p.id}} in (
                    realtime_sync.fleet_id(new.{{trip.passenger}}::text, null::{{passenger.id:type}}),
                    realtime_sync.fleet_id(old.{{trip.passenger}}::text, null::{{passenger.id:type}})
                )
            ){{/passenger.id}}{{^passenger.id}}array['user:' || new.{{trip.passenger}}, 'user:' || old.{{trip.passenger}}]{{/passenger.id}}{{/trip.passenger}},
            exists (select from {{offer}} o where {{o.trip}} = old.{{trip.id}} and {{o.state}} in ('queued', 'waiting', 'open'))
        into users, offered;
        -- By expressions, which unlike statements are prepared once a transaction.
        step := {{>trip_step}};
        foreach topic in array pg_catalog.array_remove(array[
            'driver:' || new.{{trip.driver}}, 'driver:' || old.{{trip.driver}},
            {{#trip.passenger}}'passenger:' || new.{{trip.passenger}}, 'passenger:' || old.{{trip.passenger}},{{/trip.passenger}}
            'trip:' || new.{{trip.id}}, 'trip:' || old.{{trip.id}}
        ] || users, null) loop
            if topic <> all (told) then
                told := told || topic;
                sent := realtime_sync.send(topic, 'trip.status', step);
            end if;
        end loop;
        -- Whom the trip was offered to: it is nobody's any more.
        if offered and (c.state = 'accepted' or {{rpc.realtime_trip_accepted}}(c.to_status) is null) then
            perform {{rpc.realtime_close_offers}}(
                old.{{trip.id}}, null, case c.state when 'accepted' then 'taken' else 'canceled' end,
                'trip ' || coalesce(c.to_status, 'without status')
            );
        end if;
    {{>untold_step}}
    end;$template$
),
(
    -- A step of the app's that cannot be told of is no reason to refuse it: only what ends the transaction anyway is passed
    -- on. One by the kit's own calls is taken and told, or neither.
    'untold_step', 'part',
    $template$exception
        when transaction_rollback then
            raise;
        when others then
            get stacked diagnostics context = pg_exception_context;
            if context like '%realtime_move_trip(%' then
                raise;
            end if;
            raise warning using
                errcode = sqlstate,
                message = pg_catalog.format('%s and nobody was told: %s', coalesce('trip ' || trip || ' took a step', 'trips may have taken steps'), sqlerrm),
                hint = $n$What is gone or renamed since: select * from realtime_sync.fleet_setup({{schema:literal}}, create_missing => true);$n$;$template$
);

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'realtime_driver_busy', 'function', 41, null, '{driver.id,trip.id,trip.status,trip.driver,transition.to_status}',
    $template$
create function {{rpc.realtime_driver_busy}}(driver_id {{driver.id:type}}, trip_id {{trip.id:type}}) returns {{trip.id:type}}
stable language plpgsql
set search_path = {{path}}
as $$
begin
    return (
        select k.id
        from {{>under_way}} w(status)
        cross join lateral (
            select {{t.id}} as id
            from {{trip}} t
            where {{t.driver}} = $1 and {{t.status}} = w.status and {{t.id}} <> $2
            offset 0
        ) k
        limit 1
    );
end
$$;
comment on function {{rpc.realtime_driver_busy}}({{driver.id:type}}, {{trip.id:type}}) is
    'The trip, other than this one, that a driver is on; null if he is free.'
$template$,
    null
),
(
    'realtime_trip_roles', 'function', 42, null, '{driver.id,trip.id,trip.driver}',
    $template$
create function {{rpc.realtime_trip_roles}}(trip_id {{trip.id:type}}) returns text[]
stable language plpgsql
set search_path = {{path}}
as $$
begin
    return (
        select pg_catalog.array_remove(array[
            case when {{t.driver}} = {{rpc.realtime_driver}}() then 'driver' end,
            {{#trip.passenger}}
            case when {{t.passenger}} = {{rpc.realtime_passenger}}() then 'passenger' end,
            {{/trip.passenger}}
            case when {{rpc.realtime_dispatcher}}() then 'dispatcher' end,
            -- The role that called, whichever function it came through: the back end is a member of the owner.
            case when pg_catalog.pg_has_role(
                coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user::text)::name, current_user, 'usage'
            ) then 'system' end
        ], null)
        from {{trip}} t
        where {{t.id}} = $1
    );
end
$$;
comment on function {{rpc.realtime_trip_roles}}({{trip.id:type}}) is
    'What the caller is to a trip: driver, passenger, dispatcher, system; null if there is no such trip.'
$template$,
    null
),
(
    'realtime_move_trip', 'function', 43, null, '{driver.id,trip.id,trip.status,trip.driver,transition.to_status}',
    $template$
create function {{rpc.realtime_move_trip}}(trip_id {{trip.id:type}}, status text, driver_id {{driver.id:type}} default null) returns void
volatile language plpgsql
set search_path = {{path}}
as $$
<<my>>
declare
    moved timestamptz := pg_catalog.clock_timestamp();
    meaning text := {{rpc.realtime_trip_state}}($2);
    now_driver {{driver.id:type}} := $3;
    other {{trip.id:type}};
    taken boolean;
begin
    if my.now_driver is null and my.meaning <> 'requested' then
        select {{t.driver}} into my.now_driver from {{trip}} t where {{t.id}} = $1;
    end if;
    if my.meaning in ('accepted', 'arriving', 'arrived', 'in_progress') then
        if my.now_driver is null then
            raise object_not_in_prerequisite_state using
                message = pg_catalog.format('trip %s has no driver', $1),
                detail = pg_catalog.format('It cannot become %s before it has one.', $2),
                hint = pg_catalog.format('select %s(%L);', $n${{rpc.offer_trip}}$n$, $1);
        end if;
        -- Two trips that one driver takes at the same moment: the second looks after the first has committed, under
        -- a snapshot of after that.
        if pg_catalog.current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
            raise active_sql_transaction using
                message = 'trips are taken in READ COMMITTED transactions only',
                detail = pg_catalog.format('This one is %s.', pg_catalog.upper(pg_catalog.current_setting('transaction_isolation'))),
                hint = 'Call it outside a transaction block, or after set transaction isolation level read committed.';
        end if;
        perform pg_catalog.pg_advisory_xact_lock(
            pg_catalog.hashtextextended(pg_catalog.format('realtime_sync driver %s', my.now_driver), $n${{trip}}$n$::regclass::oid::bigint)
        );
        other := {{rpc.realtime_driver_busy}}(my.now_driver, $1);
        if other is not null then
            raise object_not_in_prerequisite_state using
                message = pg_catalog.format('driver %s is on trip %s', my.now_driver, other),
                detail = 'A driver is on one trip at a time.',
                hint = pg_catalog.format('Complete trip %s or give it back first.', other);
        end if;
    end if;
    update {{trip}} t
    set {{trip.status}} = $2::{{trip.status:type}},
        {{#trip.accepted_at}}{{trip.accepted_at}} = case my.meaning when 'accepted' then my.moved when 'requested' then null else {{t.accepted_at}} end,{{/trip.accepted_at}}
        {{#trip.started_at}}{{trip.started_at}} = case my.meaning when 'in_progress' then my.moved else {{t.started_at}} end,{{/trip.started_at}}
        {{#trip.completed_at}}{{trip.completed_at}} = case my.meaning when 'completed' then my.moved else {{t.completed_at}} end,{{/trip.completed_at}}
        {{#trip.canceled_at}}{{trip.canceled_at}} = case my.meaning when 'canceled' then my.moved else {{t.canceled_at}} end,{{/trip.canceled_at}}
        {{trip.driver}} = my.now_driver
    where {{t.id}} = $1
    returning my.meaning <> 'accepted' or {{t.driver}} = my.now_driver into taken;
    if taken is not true then
        raise object_not_in_prerequisite_state using
            message = pg_catalog.format('trip %s did not become %s', $1, $2),
            detail = $n$A trigger of {{trip}} has kept its row as it was.$n$,
            hint = $n$select tgname, tgfoid::regproc from pg_trigger where tgrelid = '{{trip}}'::regclass and not tgisinternal and tgtype & 2 = 2;$n$;
    end if;
end
$$;
comment on function {{rpc.realtime_move_trip}}({{trip.id:type}}, text, {{driver.id:type}}) is
    'Moves a trip, whose row is locked, to a status, with a driver if he is free.'
$template$,
    null
),
(
    'realtime_tell_trip', 'function', 47, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.realtime_tell_trip}}() returns trigger
volatile security definer language plpgsql
set search_path = {{path}}
-- A load's first rows are no reason to read the whole history for each of the others.
set enable_seqscan = off
{{#trip:moves}}-- The plan of a session's first statement is kept, of one trip perhaps: of 20,000 rows each would look at each.
set enable_nestloop = off
{{/trip:moves}}as $$
{{^trip:moves}}begin
    {{>tell_step}}
    return null;
end
{{/trip:moves}}{{#trip:moves}}declare
    pair record;
    trip text;
    context text;
begin
    -- A block of its own for the query too, which names columns; and aliases that are no column of the app's, since a
    -- column is found before a row.
    begin
        for pair in
            select realtime_was as was, realtime_is as becomes
            from old_trips realtime_was
            join new_trips realtime_is on realtime_is.{{trip.id}} = realtime_was.{{trip.id}}
            where realtime_is.{{trip.status}} is distinct from realtime_was.{{trip.status}}
        loop
            old := pair.was;
            new := pair.becomes;
            {{>tell_step}}
        end loop;
    {{>untold_step}}
    end;
    return null;
end
{{/trip:moves}}$$;
comment on function {{rpc.realtime_tell_trip}}() is
    'Trigger function: a trip took a step, by the kit or by the app: row in trip_status_changes, event trip.status to trip:<id>, driver:<id>, passenger:<id>, user:<login>; then its offers are closed, if nobody can accept it any more.'
$template$,
    null
),
(
    -- Fires right after those of capture, which tell of the change itself, and before the app's own: after one that
    -- updates the row again, what is told would end on the older value. Where the step itself moves the row to another
    -- partition PostgreSQL fires the row triggers of a DELETE and an INSERT, but the statement's has the row before and after.
    '00_realtime_tell_trip', 'trigger', 0, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create trigger "00_realtime_tell_trip" after update on {{trip}}
{{^trip:moves}}for each row when (old.{{trip.status}} is distinct from new.{{trip.status}})
{{/trip:moves}}{{#trip:moves}}referencing old table as old_trips new table as new_trips for each statement
{{/trip:moves}}execute function {{rpc.realtime_tell_trip}}()
$template$,
    null
),
(
    'set_trip_status', 'function', 50, null, '{driver.id,trip.id,trip.status,trip.driver,transition.to_status}',
    $template$
create function {{rpc.set_trip_status}}(trip_id {{trip.id:type}}, status text) returns jsonb
volatile security definer language plpgsql
set search_path = {{path}}
as $$
<<my>>
declare
    roles text[];
    allowed text[];
    was text;
    next text;
begin
    if $1 is null or $2 is null then
        raise null_value_not_allowed using
            message = pg_catalog.format('%s must not be null', case when $1 is null then 'trip_id' else 'status' end),
            hint = $n$Name the trip and the status it takes, of those in the table {{transition}}.$n$;
    end if;
    select {{t.status}}::text into my.was from {{trip}} t where {{t.id}} = $1 for no key update;
    roles := {{rpc.realtime_trip_roles}}($1);
    -- To a stranger, a trip that is not his and one that is not there are the same.
    if coalesce(roles, '{}') = '{}' then
        if {{rpc.realtime_dispatcher}}() then
            raise no_data_found using
                message = pg_catalog.format('trip %s does not exist', $1),
                hint = $n$Trips are the rows of {{trip}}, once they are committed.$n$;
        end if;
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for trip %s', $1),
            hint = 'Its driver, its passenger, a dispatcher and the back end may change it.';
    end if;
    if my.was = $2 then
        return pg_catalog.jsonb_build_object('trip_id', $1, 'from', my.was, 'to', my.was);
    end if;
    select {{s.who}}::text[] into allowed
    from {{transition}} s
    where {{s.from_status}}::text = my.was and {{s.to_status}}::text = $2;
    if allowed && roles then
        perform {{rpc.realtime_move_trip}}($1, $2);
        -- As it was told.
        return (
            select {{>trip_step}}::jsonb
            from (
                select x.*, {{rpc.realtime_trip_state}}($2) as state
                from {{schema}}.trip_status_changes x
                where x.trip_id = $1 and x.to_status = $2
                order by x.at desc
                limit 1
            ) c
            join {{trip}} t on {{t.id}} = $1
        );
    end if;
    select pg_catalog.string_agg(
        pg_catalog.format('%s (%s)', {{s.to_status}}, pg_catalog.array_to_string({{s.who}}::text[], ', ')), ', ' order by {{s.to_status}}::text
    ) into next
    from {{transition}} s
    where {{s.from_status}}::text = my.was;
    next := pg_catalog.format('From %s it may become: %s.', my.was, coalesce(next, 'nothing else'));
    if allowed is null then
        raise check_violation using
            message = pg_catalog.format('trip %s cannot go from %s to %s', $1, my.was, $2),
            detail = next,
            hint = $n$The table {{transition}} says what is allowed.$n$;
    end if;
    raise insufficient_privilege using
        message = pg_catalog.format('a %s may not take trip %s from %s to %s', pg_catalog.array_to_string(roles, ' and '), $1, my.was, $2),
        detail = next,
        hint = $n$The table {{transition}} says who may.$n$;
end
$$;
comment on function {{rpc.set_trip_status}}({{trip.id:type}}, text) is
    'Takes a trip to another status, if trip_transitions has the step for the caller, and sends the event trip.status {trip_id, from, to, state, duration_s (seconds in the former status), driver_id, passenger_id, at} to trip:<id>, driver:<id>, passenger:<id> and user:<login>; returns it (null where the trigger 00_realtime_tell_trip is off). The same status again is no error and no event. 23514: no such step, the detail lists those there are; 42501: not the caller''s to take; 55000: no driver, on another trip, or a trigger of the app''s keeps the trip as it is; P0002: no such trip; 22004; 25001: above READ COMMITTED.'
$template$,
    null
);
