-- A trip's life as a table of allowed steps, which an app edits like any other table: trip_transitions
-- says from which status to which, who may take the step, and what the app's word means to the kit.

-- The kit's meanings and the words apps have for them, in small letters and without what joins their parts; the first that the
-- app knows is taken.
create function realtime_sync.fleet_status_words(out state text, out words text[]) returns setof record
immutable language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select w.state, w.words
    from (values
        (1, 'requested', array['requested', 'pending', 'searching', 'new', 'created', 'open', 'booked']),
        (2, 'offered', array['offered', 'offering', 'dispatching']),
        (3, 'accepted', array['accepted', 'assigned', 'driverassigned', 'confirmed', 'matched']),
        (4, 'arriving', array['arriving', 'driverarriving', 'enroute', 'ontheway', 'pickingup']),
        (5, 'arrived', array['arrived', 'driverarrived', 'waiting', 'atpickup']),
        (6, 'in_progress', array['inprogress', 'started', 'ongoing', 'ontrip', 'pickedup', 'intransit', 'active']),
        (7, 'completed', array['completed', 'complete', 'finished', 'done', 'delivered', 'ended']),
        (8, 'canceled', array['canceled', 'cancelled'])
    ) w(place, state, words)
    order by w.place;
end;

-- The steps to begin with, in the app's own words: of an enum its labels, of a text the words its check
-- constraints name, or its domain's; else what is in the table that it refers to; where nothing limits the words, those
-- in use and the default, and else the kit's own, in capitals if those are.
create function realtime_sync.fleet_transitions(trip regclass, status name)
returns table (from_status text, to_status text, who text[], state text)
stable language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    types oid[];
    limited text[];
    used text[];
    listed record;
begin
    with recursive type as (
        select a.atttypid as oid
        from pg_catalog.pg_attribute a
        where a.attrelid = trip and a.attname = status
        union all
        select t.typbasetype
        from type
        join pg_catalog.pg_type t on t.oid = type.oid
        where t.typbasetype <> 0
    )
    select pg_catalog.array_agg(type.oid) into types from type;
    select array_agg(e.enumlabel::text) into limited
    from pg_catalog.pg_enum e
    where e.enumtypid = any (types);
    if limited is null then
        -- A pattern lists no words. What refuses words, or says what else a trip of one has, lists some of them.
        select
            array_agg(m[1]) filter (where d.alone and d.definition !~ '<>|NOT \('),
            array_agg(m[1]) filter (where not d.alone or d.definition ~ '<>|NOT \(')
        into limited, used
        from (
            select pg_catalog.pg_get_constraintdef(c.oid) as definition, coalesce(pg_catalog.cardinality(c.conkey), 1) = 1 as alone
            from pg_catalog.pg_constraint c
            left join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
            where c.contype = 'c' and (c.conrelid = trip and a.attname = status or c.contypid = any (types))
        ) d
        cross join lateral pg_catalog.regexp_matches(d.definition, '''([^'']+)''', 'g') m
        where d.definition !~ '~';
    end if;
    if limited is null then
        select r.target, r.target_column into listed
        from realtime_sync.fleet_references(trip) r
        where r."column" = status;
        if found then
            execute pg_catalog.format('select array(select %I::text from %s)', listed.target_column, listed.target) into limited;
        end if;
    end if;
    if limited is null then
        execute pg_catalog.format('select $1 || array(select distinct %1$I::text from %2$s where %1$I is not null)', status, trip) into used using used;
        used := used || array(
            select m[1]
            from pg_catalog.pg_attrdef f
            join pg_catalog.pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
            cross join lateral pg_catalog.regexp_matches(pg_catalog.pg_get_expr(f.adbin, f.adrelid), '^''([^'']+)''') m
            where f.adrelid = trip and a.attname = status
        );
    end if;
    return query
    with word as (
        select w.state, coalesce(
            (
                select k.word
                from pg_catalog.unnest(coalesce(limited, used)) k(word)
                cross join lateral pg_catalog.array_position(w.words, pg_catalog.translate(pg_catalog.lower(k.word), '_- ', '')) p(place)
                where p.place is not null
                order by p.place, k.word
                limit 1
            ),
            case
                when limited is not null then null
                when used::text ~ '[A-Z]' and used::text = pg_catalog.upper(used::text) then pg_catalog.upper(w.state)
                else w.state
            end
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
    -- Of an app that has no word for arrived, or for under way, what comes before leads to what comes after.
    select f.word, t.word, array['driver', 'dispatcher', 'system'], t.state
    from word f, word t, word arrived, word began
    where arrived.state = 'arrived' and began.state = 'in_progress' and f.word is not null and t.word is not null
        and (t.state = 'in_progress' and arrived.word is null or t.state = 'completed' and began.word is null)
        and (f.state = 'arrived' or f.state in ('accepted', 'arriving') and arrived.word is null);
end
$function$;

-- By the newest snapshot, as the current user.
create function realtime_sync.fleet_newest(query text, words text[]) returns text[]
stable strict parallel unsafe language c
as 'MODULE_PATHNAME', 'realtime_sync_fleet_newest';

create function realtime_sync.fleet_replan() returns trigger
language c
as 'MODULE_PATHNAME', 'realtime_sync_fleet_replan';

-- {{>under_way}}, {{>to_pickup}}: the words of a trip that a driver is on, or on his way to the pickup of, one a row. Each is
-- looked for by the index: of all in one condition the planner may read every trip that a driver has had, if most have had few.
insert into realtime_sync.fleet_template (name, kind, template) values
(
    'under_way', 'part',
    $template$pg_catalog.unnest({{rpc.realtime_trip_words}}('{accepted,arriving,arrived,in_progress}', '{{transition}}'))$template$
),
(
    'to_pickup', 'part',
    $template$pg_catalog.unnest({{rpc.realtime_trip_words}}('{accepted,arriving}', '{{transition}}'))$template$
);

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'trip_transitions', 'table', 40, 'transition', '{trip.id,trip.status}',
    $template$
create table {{schema}}.trip_transitions (
    -- The status's own type, so that a word an enum does not have is refused here, not when a driver moves.
    from_status {{trip.status:type}} not null,
    to_status {{trip.status:type}} not null,
    -- driver, passenger (of the trip), dispatcher, system (the back end)
    who text[] not null check (who <@ array['driver', 'passenger', 'dispatcher', 'system']),
    -- what to_status means: requested, offered, accepted, arriving, arrived, in_progress, completed, canceled
    state text not null,
    primary key (from_status, to_status)
);
insert into {{schema}}.trip_transitions (from_status, to_status, who, state)
select f.from_status::{{trip.status:type}}, f.to_status::{{trip.status:type}}, f.who, f.state
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
    to_status text,
    at timestamp with time zone not null,
    duration interval,
    actor text not null
);
create index on {{schema}}.trip_status_changes (trip_id, at);
comment on table {{schema}}.trip_status_changes is
    'Each step of a trip: when, from which status to which, how long the trip was in the former, and by whom (the claim sub, else the session''s user).'
$template$,
    null
),
(
    -- IMMUTABLE, so that a plan has the words as if they stood in its text. And of the status's own type: a label of an enum that
    -- is renamed is the same value. The steps are an argument, though their name stands in the text, because a plan depends on
    -- what its text names as a regclass: what changes that table's definition has it made anew, and the trigger below what
    -- changes its rows.
    'realtime_trip_words', 'function', 40, null, '{trip.id,trip.status,transition.to_status}',
    $template$
create function {{rpc.realtime_trip_words}}(states text[], steps regclass) returns {{trip.status:type}}[]
immutable strict security definer language plpgsql
set search_path = {{path}}
as $$
begin
    -- Those that steps lead to, and of the kit's own those that a trip may only begin with.
    return realtime_sync.fleet_newest(
        'select array(
            select {{s.to_status}}::text
            from {{transition}} s
            where coalesce({{s.state}}, {{s.to_status}}::text) = any ($1)
            union
            select {{s.from_status}}::text
            from {{transition}} s
            where {{s.from_status}}::text = any ($1)
                and not exists (select from {{transition}} n where n.{{transition.to_status}}::text = {{s.from_status}}::text)
            order by 1
        )', $1
    )::{{trip.status:type}}[];
end
$$;
comment on function {{rpc.realtime_trip_words}}(text[], regclass) is
    'The words that a trip''s status may have for these states (accepted, arriving, arrived, in_progress), as trip_transitions has them.'
$template$,
    null
),
(
    -- Always: where a subscription applies the change, or a load as a replica, too.
    'realtime_replan', 'trigger', 0, null, '{trip.id,trip.status,transition.to_status}',
    $template$
create trigger realtime_replan after insert or update or delete on {{transition}}
for each row execute function realtime_sync.fleet_replan();
alter table {{transition}} enable always trigger realtime_replan
$template$,
    null
),
(
    'realtime_replan_truncate', 'trigger', 0, null, '{trip.id,trip.status,transition.to_status}',
    $template$
create trigger realtime_replan_truncate after truncate on {{transition}}
for each statement execute function realtime_sync.fleet_replan();
alter table {{transition}} enable always trigger realtime_replan_truncate
$template$,
    null
),
(
    'realtime_trip_state', 'function', 40, null, '{trip.id,trip.status,transition.to_status}',
    $template$
create function {{rpc.realtime_trip_state}}(status text) returns text
stable language plpgsql
set search_path = {{path}}
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
set search_path = {{path}}
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
);

revoke all on function realtime_sync.fleet_status_words() from public;
revoke all on function realtime_sync.fleet_transitions(regclass, name) from public;
revoke all on function realtime_sync.fleet_newest(text, text[]) from public;
revoke all on function realtime_sync.fleet_replan() from public;

comment on function realtime_sync.fleet_status_words() is
    'What a trip''s status may mean to the fleet kit, and the words apps have for it.';
comment on function realtime_sync.fleet_transitions(regclass, name) is
    'Part of realtime_sync.fleet_setup(): the rows trip_transitions begins with, in an app''s own words.';
comment on function realtime_sync.fleet_newest(text, text[]) is
    'Part of the fleet kit: the text[] that a query gives of these words, as the current user and by the newest snapshot, for constants of plans.';
comment on function realtime_sync.fleet_replan() is
    'Part of the fleet kit: a trigger of the steps, which has every plan that names them made again, since what they say is a constant in it.';
