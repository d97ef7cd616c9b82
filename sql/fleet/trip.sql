-- A trip's life as a table of allowed steps, which an app edits like any other table: trip_transitions
-- says from which status to which, who may take the step, and what the app's word means to the kit.

-- The kit's meanings and the words apps have for them; the first that the app knows is taken.
create function realtime_sync.fleet_status_words(out state text, out words text[]) returns setof record
immutable language sql
set search_path = ''
begin atomic
    select w.state, w.words
    from (values
        (1, 'requested', array['requested', 'pending', 'searching', 'new', 'created', 'open', 'booked']),
        (2, 'offered', array['offered', 'offering', 'dispatching']),
        (3, 'accepted', array['accepted', 'assigned', 'driver_assigned', 'confirmed', 'matched']),
        (4, 'arriving', array['arriving', 'driver_arriving', 'en_route', 'enroute', 'on_the_way', 'picking_up']),
        (5, 'arrived', array['arrived', 'driver_arrived', 'waiting', 'at_pickup']),
        (6, 'in_progress', array['in_progress', 'inprogress', 'started', 'ongoing', 'on_trip', 'picked_up', 'in_transit', 'active']),
        (7, 'completed', array['completed', 'complete', 'finished', 'done', 'delivered', 'ended']),
        (8, 'canceled', array['canceled', 'cancelled'])
    ) w(place, state, words)
    order by w.place;
end;

-- The steps to begin with, in the app's own words: of an enum its labels, of a text the words its check
-- constraints name; where nothing limits the words, the kit's own, or those in use.
create function realtime_sync.fleet_transitions(trip regclass, status name)
returns table (from_status text, to_status text, who text[], state text)
stable language plpgsql
set search_path = ''
as $function$
declare
    limited text[];
    used text[];
begin
    select array_agg(e.enumlabel::text) into limited
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_enum e on e.enumtypid = a.atttypid
    where a.attrelid = trip and a.attname = status;
    if limited is null then
        select array_agg(m[1]) into limited
        from pg_catalog.pg_constraint c
        join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
        cross join lateral pg_catalog.regexp_matches(pg_catalog.pg_get_constraintdef(c.oid), '''([^'']+)''', 'g') m
        where c.contype = 'c' and c.conrelid = trip and a.attname = status;
    end if;
    if limited is null then
        execute pg_catalog.format('select array(select distinct %I::text from %s)', status, trip) into used;
    end if;
    return query
    with word as (
        select w.state, coalesce(
            (
                select k.word
                from pg_catalog.unnest(coalesce(limited, used)) k(word)
                where pg_catalog.lower(pg_catalog.replace(k.word, '-', '_')) = any (w.words)
                order by pg_catalog.array_position(w.words, pg_catalog.lower(pg_catalog.replace(k.word, '-', '_')))
                limit 1
            ),
            case when limited is null then w.state end
        ) as word
        from realtime_sync.fleet_status_words() w
    )
    select f.word, t.word, s.who, t.state
    from (values
        ('requested', 'offered', array['system']),
        ('requested', 'accepted', array['driver', 'dispatcher', 'system']),
        ('requested', 'canceled', array['passenger', 'dispatcher', 'system']),
        ('offered', 'requested', array['system']),
        ('offered', 'accepted', array['driver', 'dispatcher', 'system']),
        ('offered', 'canceled', array['passenger', 'dispatcher', 'system']),
        ('accepted', 'requested', array['driver', 'dispatcher', 'system']),
        ('accepted', 'arriving', array['driver', 'dispatcher', 'system']),
        ('accepted', 'arrived', array['driver', 'dispatcher', 'system']),
        ('accepted', 'canceled', array['passenger', 'dispatcher', 'system']),
        ('arriving', 'requested', array['driver', 'dispatcher', 'system']),
        ('arriving', 'arrived', array['driver', 'dispatcher', 'system']),
        ('arriving', 'canceled', array['passenger', 'dispatcher', 'system']),
        ('arrived', 'in_progress', array['driver', 'dispatcher', 'system']),
        ('arrived', 'canceled', array['driver', 'passenger', 'dispatcher', 'system']),
        ('in_progress', 'completed', array['driver', 'dispatcher', 'system']),
        ('in_progress', 'canceled', array['dispatcher', 'system'])
    ) s(from_state, to_state, who)
    join word f on f.state = s.from_state
    join word t on t.state = s.to_state
    where f.word is not null and t.word is not null
    union all
    -- An app that knows no arriving and arrived goes from accepted to under way.
    select f.word, t.word, array['driver', 'dispatcher', 'system'], t.state
    from word f, word t, word missing
    where f.state = 'accepted' and t.state = 'in_progress' and missing.state = 'arrived'
        and missing.word is null and f.word is not null and t.word is not null;
end
$function$;

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'trip_transitions', 'table', 40, 'transition', '{trip.id,trip.status}',
    $template$
create table {{schema}}.trip_transitions (
    from_status text not null,
    to_status text not null,
    -- driver, passenger (of the trip), dispatcher, system (the back end)
    who text[] not null check (who <@ array['driver', 'passenger', 'dispatcher', 'system']),
    -- what to_status means: requested, offered, accepted, arriving, arrived, in_progress, completed, canceled
    state text not null,
    primary key (from_status, to_status)
);
insert into {{schema}}.trip_transitions (from_status, to_status, who, state)
select f.from_status, f.to_status, f.who, f.state
from realtime_sync.fleet_transitions(
    $n${{trip}}$n$::regclass,
    (select m.columns ->> 'status' from realtime_sync.fleet_map m where m.entity = 'trip' and m.relation = $n${{trip}}$n$::regclass limit 1)::name
) f;
comment on table {{schema}}.trip_transitions is
    'Which trip status may follow which, who may take the step (driver, passenger, dispatcher, system), and what to_status means to the fleet kit. Yours to edit.'
$template$,
    null
),
(
    'trip_status_changes', 'table', 41, null, '{trip.id,trip.status,transition.to_status}',
    $template$
create table {{schema}}.trip_status_changes (
    id bigint generated always as identity primary key,
    trip_id {{trip.id:type}} not null,
    from_status text,
    to_status text not null,
    at timestamp with time zone not null,
    duration interval,
    actor text not null
);
create index on {{schema}}.trip_status_changes (trip_id, at);
comment on table {{schema}}.trip_status_changes is
    'Each step of a trip that the fleet kit has taken: when, from which status to which, how long the trip was in the former, and by whom (the claim sub, else the session''s user).'
$template$,
    null
),
(
    'realtime_trip_state', 'function', 40, null, '{trip.id,trip.status,transition.to_status}',
    $template$
create function {{rpc.realtime_trip_state}}(status text) returns text
stable language plpgsql
set search_path = ''
as $$
begin
    return coalesce(
        (
            select coalesce({{s.state}}, {{s.to_status}}::text)
            from {{transition}} s
            where {{s.to_status}}::text = $1
            limit 1
        ),
        $1
    );
end
$$;
comment on function {{rpc.realtime_trip_state}}(text) is
    'What a trip''s status means to the fleet kit.'
$template$,
    null
),
(
    'realtime_trip_accepted', 'function', 40, null, '{trip.id,trip.status,transition.to_status}',
    $template$
create function {{rpc.realtime_trip_accepted}}(status text) returns text
stable language plpgsql
set search_path = ''
as $$
begin
    return (
        select {{s.to_status}}::text
        from {{transition}} s
        where {{s.from_status}}::text = $1 and coalesce({{s.state}}, {{s.to_status}}::text) = 'accepted'
        order by 1
        limit 1
    );
end
$$;
comment on function {{rpc.realtime_trip_accepted}}(text) is
    'The status of a trip once a driver has accepted it; null if none can from this one.'
$template$,
    null
),
(
    'realtime_driver_busy', 'function', 41, null, '{driver.id,trip.id,trip.status,trip.driver,transition.to_status}',
    $template$
create function {{rpc.realtime_driver_busy}}(driver_id {{driver.id:type}}, trip_id {{trip.id:type}}) returns {{trip.id:type}}
stable language plpgsql
set search_path = ''
as $$
begin
    return (
        select {{t.id}}
        from {{trip}} t
        where {{t.driver}} = $1
            and {{t.id}} <> $2
            and {{t.status}}::text in (
                select {{s.to_status}}::text
                from {{transition}} s
                where coalesce({{s.state}}, {{s.to_status}}::text) in ('accepted', 'arriving', 'arrived', 'in_progress')
            )
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
set search_path = ''
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
create function {{rpc.realtime_move_trip}}(trip_id {{trip.id:type}}, status text, driver_id {{driver.id:type}} default null) returns jsonb
volatile language plpgsql
set search_path = ''
as $$
<<my>>
declare
    moved timestamptz := pg_catalog.clock_timestamp();
    meaning text := {{rpc.realtime_trip_state}}($2);
    was record;
    now_driver {{driver.id:type}};
    other {{trip.id:type}};
    payload jsonb;
begin
    select {{t.status}}::text as status, {{t.driver}} as driver, coalesce(
        (select pg_catalog.max(c.at) from {{schema}}.trip_status_changes c where c.trip_id = {{t.id}}),
        {{t.created_at}}
    )::timestamptz as since
    into was
    from {{trip}} t
    where {{t.id}} = $1;
    now_driver := case when my.meaning = 'requested' then null else coalesce($3, was.driver) end;
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
    where {{t.id}} = $1;
    insert into {{schema}}.trip_status_changes (trip_id, from_status, to_status, at, duration, actor)
    values ($1, was.status, $2, my.moved, my.moved - was.since, coalesce(realtime_sync.claim('sub'), session_user::text));
    select pg_catalog.jsonb_build_object(
        'trip_id', {{t.id}},
        'from', was.status,
        'to', $2,
        'state', my.meaning,
        'duration_s', pg_catalog.round(extract(epoch from my.moved - was.since), 3),
        'driver_id', my.now_driver,
        'passenger_id', {{t.passenger}},
        'at', my.moved
    ) into my.payload
    from {{trip}} t
    where {{t.id}} = $1;
    -- Whoever was on the trip before hears of it as well.
    perform realtime_sync.send(n.topic, 'trip.status', my.payload::json)
    from (
        select distinct r.topic
        from (
            select 'trip:' || $1
            union all
            select pg_catalog.unnest(array[
                'driver:' || {{d.id}},
                'user:' || {{#driver.login}}{{d.login}}{{/driver.login}}{{^driver.login}}{{d.id}}{{/driver.login}}
            ])
            from {{driver}} d
            where {{d.id}} in (my.now_driver, was.driver)
            {{#trip.passenger}}
            union all
            select 'passenger:' || (my.payload ->> 'passenger_id')
            union all
            {{#passenger.id}}
            select 'user:' || {{#passenger.login}}{{p.login}}{{/passenger.login}}{{^passenger.login}}{{p.id}}{{/passenger.login}}
            from {{passenger}} p
            where {{p.id}}::text = my.payload ->> 'passenger_id'
            {{/passenger.id}}
            {{^passenger.id}}
            select 'user:' || (my.payload ->> 'passenger_id')
            {{/passenger.id}}
            {{/trip.passenger}}
        ) r(topic)
        where r.topic is not null
        order by r.topic
    ) n;
    -- Whom the trip was offered to: it is nobody's any more.
    if {{rpc.realtime_trip_accepted}}($2) is null then
        perform {{rpc.realtime_close_offers}}(
            $1, null, case my.meaning when 'accepted' then 'taken' else 'canceled' end, pg_catalog.format('trip %s', $2)
        );
    end if;
    return my.payload;
end
$$;
comment on function {{rpc.realtime_move_trip}}({{trip.id:type}}, text, {{driver.id:type}}) is
    'Moves a trip, whose row is locked, to a status: row, history, event trip.status to trip:<id>, driver:<id>, passenger:<id>, user:<login>; then closes its offers.'
$template$,
    null
),
(
    'set_trip_status', 'function', 50, null, '{driver.id,trip.id,trip.status,trip.driver,transition.to_status}',
    $template$
create function {{rpc.set_trip_status}}(trip_id {{trip.id:type}}, status text) returns jsonb
volatile security definer language plpgsql
set search_path = ''
as $$
<<my>>
declare
    roles text[];
    allowed text[];
    was text;
    next text;
begin
    perform from {{trip}} t where {{t.id}} = $1 for no key update;
    roles := {{rpc.realtime_trip_roles}}($1);
    -- To a stranger, a trip that is not his and one that is not there are the same.
    if coalesce(roles, '{}') = '{}' then
        if {{rpc.realtime_dispatcher}}() then
            raise no_data_found using message = pg_catalog.format('trip %s does not exist', $1);
        end if;
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for trip %s', $1),
            hint = 'Its driver, its passenger, a dispatcher and the back end may change it.';
    end if;
    select {{t.status}}::text into my.was from {{trip}} t where {{t.id}} = $1;
    if my.was = $2 then
        return pg_catalog.jsonb_build_object('trip_id', $1, 'from', my.was, 'to', my.was);
    end if;
    select {{s.who}}::text[] into allowed
    from {{transition}} s
    where {{s.from_status}}::text = my.was and {{s.to_status}}::text = $2;
    if allowed && roles then
        return {{rpc.realtime_move_trip}}($1, $2);
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
    'Takes a trip to another status, if trip_transitions has the step for the caller, and sends the event trip.status {trip_id, from, to, state, duration_s (seconds in the former status), driver_id, passenger_id, at} to trip:<id>, driver:<id>, passenger:<id> and user:<login>; returns it. The same status again is no error and no event. 23514: no such step, the detail lists those there are; 42501: not the caller''s to take; 55000: no driver, or on another trip; P0002: no such trip; 25001: above READ COMMITTED.'
$template$,
    null
),
(
    'realtime_check_trip_status', 'function', 50, null, '{trip.id,trip.status,transition.to_status}',
    $template$
create function {{rpc.realtime_check_trip_status}}() returns trigger
stable security definer language plpgsql
set search_path = ''
as $$
begin
    if not exists (
        select from {{transition}} s
        where {{s.from_status}}::text = old.{{trip.status}}::text and {{s.to_status}}::text = new.{{trip.status}}::text
    ) then
        raise check_violation using
            message = pg_catalog.format(
                'trip %s cannot go from %s to %s', old.{{trip.id}}, old.{{trip.status}}, new.{{trip.status}}
            ),
            detail = pg_catalog.format('From %s it may become: %s.', old.{{trip.status}}, coalesce(
                (
                    select pg_catalog.string_agg({{s.to_status}}::text, ', ' order by {{s.to_status}}::text)
                    from {{transition}} s
                    where {{s.from_status}}::text = old.{{trip.status}}::text
                ),
                'nothing else'
            )),
            hint = $n$The table {{transition}} says what is allowed.$n$;
    end if;
    return new;
end
$$;
comment on function {{rpc.realtime_check_trip_status}}() is
    'Trigger function: refuses (23514) a change of a trip''s status that trip_transitions does not have. realtime_sync.fleet_check_status() installs it.'
$template$,
    null
);

-- A trigger on an app's trips that the app asks for by itself: fleet_setup() does not make it, and
-- fleet_remove() takes it away, since it is written down with the rest.
create function realtime_sync.fleet_trip_trigger(schema name, trigger name, definition text) returns void
volatile language plpgsql
set search_path = ''
as $function$
declare
    trip regclass := (select m.relation from realtime_sync.fleet_map m where m.schema = fleet_trip_trigger.schema and m.entity = 'trip');
begin
    if trip is null then
        raise undefined_object using
            message = pg_catalog.format('the fleet kit has no trips in schema %I', schema),
            hint = pg_catalog.format('select * from realtime_sync.fleet_setup(%L);', schema);
    end if;
    if exists (select from pg_catalog.pg_trigger g where g.tgrelid = trip and g.tgname = trigger) then
        if not exists (
            select from realtime_sync.fleet_object o
            where o.schema = fleet_trip_trigger.schema and o.kind = 'trigger' and o.name = trigger
        ) then
            raise duplicate_object using
                message = pg_catalog.format('trigger %I on %s is not the fleet kit''s', trigger, trip),
                hint = 'Rename it.';
        end if;
        execute pg_catalog.format('drop trigger %I on %s', trigger, trip);
    end if;
    delete from realtime_sync.fleet_object o
    where o.schema = fleet_trip_trigger.schema and o.kind = 'trigger' and o.name = trigger;
    if definition is not null then
        execute definition;
        insert into realtime_sync.fleet_object (schema, place, kind, name, actual, relation, made)
        select fleet_trip_trigger.schema, coalesce(pg_catalog.max(o.place), 0) + 1, 'trigger', trigger, trigger, trip, ''
        from realtime_sync.fleet_object o
        where o.schema = fleet_trip_trigger.schema;
    end if;
end
$function$;

create function realtime_sync.fleet_check_status(schema name, enabled boolean default true) returns void
volatile language plpgsql
set search_path = ''
as $function$
begin
    perform realtime_sync.fleet_trip_trigger(schema, 'realtime_check_trip_status', case when enabled then
        realtime_sync.fleet_expand(schema, $template$
create trigger realtime_check_trip_status before update of {{trip.status}} on {{trip}}
for each row when (old.{{trip.status}} is distinct from new.{{trip.status}})
execute function {{rpc.realtime_check_trip_status}}()
$template$)
    end);
end
$function$;

revoke all on function realtime_sync.fleet_status_words() from public;
revoke all on function realtime_sync.fleet_transitions(regclass, name) from public;
revoke all on function realtime_sync.fleet_trip_trigger(name, name, text) from public;
revoke all on function realtime_sync.fleet_check_status(name, boolean) from public;

comment on function realtime_sync.fleet_status_words() is
    'What a trip''s status may mean to the fleet kit, and the words apps have for it.';
comment on function realtime_sync.fleet_transitions(regclass, name) is
    'Part of realtime_sync.fleet_setup(): the rows trip_transitions begins with, in an app''s own words.';
comment on function realtime_sync.fleet_trip_trigger(name, name, text) is
    'Part of the fleet kit: makes, replaces or (definition null) drops a trigger on an app''s trips.';
comment on function realtime_sync.fleet_check_status(name, boolean) is
    'Whether the app''s own updates of a trip''s status must be steps of trip_transitions too, by a trigger; 23514 for others. enabled => false takes the trigger away.';
