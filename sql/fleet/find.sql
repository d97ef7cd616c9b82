-- An app's tables found and mapped; what is ambiguous is asked for.

create type realtime_sync.fleet_step as (status text, object text, why text, sql text);

-- Finds the table of an entity, unless it is known, and those of its columns that are not; writes the map.
create function realtime_sync.fleet_find(schema name, entity text) returns setof realtime_sync.fleet_step
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    known realtime_sync.fleet_map;
    candidates regclass[];
    best integer;
    found jsonb;
    ask record;
    half record;
    asks realtime_sync.fleet_step[] := '{}';
    missing text;
    other realtime_sync.fleet_step;
begin
    select m.* into known
    from realtime_sync.fleet_map m
    join pg_catalog.pg_class c on c.oid = m.relation
    where m.schema = fleet_find.schema and m.entity = fleet_find.entity;
    if known.relation is null then
        -- What the trips' passenger refers to is the passenger, whatever it is called.
        select array[r.target], 1 into candidates, best
        from realtime_sync.fleet_map m
        cross join lateral realtime_sync.fleet_references(m.relation) r
        join pg_catalog.pg_class c on c.oid = r.target
        where fleet_find.entity = 'passenger'
            and m.schema = fleet_find.schema
            and m.entity = 'trip'
            and r."column" = (m.columns ->> 'passenger')
            and c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_find.schema));
        if candidates is null then
            select pg_catalog.array_agg(f.oid order by f.oid::text), f.rank into candidates, best
            from (
                select c.oid::regclass as oid, pg_catalog.min(w.rank) as rank
                from pg_catalog.pg_class c
                join realtime_sync.fleet_word w
                    on w.entity = fleet_find.entity and w."column" is null and realtime_sync.fleet_fits(c.relname, w.names)
                where c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_find.schema))
                    and c.relkind in ('r', 'p')
                    and not c.relispartition
                    and not exists (
                        select from realtime_sync.fleet_map m where m.schema = fleet_find.schema and m.relation = c.oid
                    )
                    and not exists (
                        select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
                    )
                    -- A booking is a trip, a wallet a driver's, only if it has a driver.
                    and (
                        fleet_find.entity in ('driver', 'passenger')
                        or exists (
                            select from realtime_sync.fleet_columns(fleet_find.schema, fleet_find.entity, c.oid) k
                            where k."column" = 'driver'
                        )
                    )
                    and (
                        fleet_find.entity not in ('wallet', 'telemetry')
                        or exists (
                            select from realtime_sync.fleet_columns(fleet_find.schema, fleet_find.entity, c.oid) k
                            where k."column" in ('balance', 'type', 'message')
                        )
                    )
                group by c.oid
            ) f
            group by f.rank
            order by f.rank
            limit 1;
        end if;
        if candidates is null and exists (
            select
            from realtime_sync.fleet_map m
            join pg_catalog.pg_attribute a on a.attrelid = m.relation and a.attname = (m.columns ->> 'passenger')
            where fleet_find.entity = 'passenger' and m.schema = fleet_find.schema and m.entity = 'trip'
                and realtime_sync.fleet_class(a.atttypid) = 'number'
        ) then
            return next row(
                'ask', entity, 'nothing says which login (claim "sub") the trips'' number is; until then none is',
                realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, 'the table', '{"id": "id", "login": "the column"}')
            )::realtime_sync.fleet_step;
            return;
        end if;
        if candidates is null then
            -- What is called so and is no table, or what the tables refer to in another schema, is not passed over.
            select 'ask', fleet_find.entity, f.why, realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, f.called, null)
            into other
            from (
                select
                    c.relname, true as derived,
                    coalesce((
                        select pg_catalog.min(t.oid::regclass::text)
                        from pg_catalog.pg_rewrite r
                        join pg_catalog.pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
                        join pg_catalog.pg_class t on t.oid = d.refobjid and t.relkind in ('r', 'p')
                        where r.ev_class = c.oid
                        having pg_catalog.count(distinct t.oid) = 1
                    ), 'the table behind it') as called,
                    pg_catalog.format('%s is a view or foreign table, whose changes no trigger tells', c.oid::regclass) as why
                from pg_catalog.pg_class c
                where c.relkind in ('v', 'm', 'f') and c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_find.schema))
                union all
                select t.relname, false, t.oid::regclass::text, pg_catalog.format('%s refers to %s, of another schema', c.oid::regclass, t.oid::regclass)
                from pg_catalog.pg_class c
                join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.contype = 'f'
                join pg_catalog.pg_class t on t.oid = k.confrelid and t.relnamespace <> c.relnamespace
                where c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_find.schema))
            ) f
            join realtime_sync.fleet_word w
                on w.entity = fleet_find.entity and w."column" is null and w.rank = 1 and realtime_sync.fleet_fits(f.relname, w.names)
            order by not f.derived, f.why
            limit 1;
            if other.status is not null then
                return next other;
                return;
            end if;
            -- A table of that name that does not fit is no reason to make another beside it.
            select pg_catalog.array_agg(c.oid::regclass order by c.relname) into candidates
            from pg_catalog.pg_class c
            join realtime_sync.fleet_word w
                on w.entity = fleet_find.entity and w."column" is null and w.rank = 1 and realtime_sync.fleet_fits(c.relname, w.names)
            where fleet_find.entity in ('trip', 'wallet', 'telemetry')
                and c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_find.schema))
                and c.relkind in ('r', 'p')
                and not c.relispartition
                and not exists (
                    select from realtime_sync.fleet_map m where m.schema = fleet_find.schema and m.relation = c.oid
                );
            if candidates is not null then
                return next row(
                    'ask', entity,
                    pg_catalog.format('%s is called so, and has no column that is certainly the driver''s', candidates[1])
                        || coalesce((
                            select pg_catalog.format(': %I refers to %s', r."column", r.target)
                            from realtime_sync.fleet_references(candidates[1]) r
                            where realtime_sync.fleet_fits(r."column", '(driver|courier|captain)(_?id)?')
                            limit 1
                        ), ''),
                    realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, candidates[1]::text, '{"driver": "the column"}')
                )::realtime_sync.fleet_step;
                return;
            end if;
            return next row(
                'missing', entity, 'no table looks like it: fleet_map() names one',
                realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, 'the table', null)
            )::realtime_sync.fleet_step;
            return;
        elsif pg_catalog.cardinality(candidates) > 1 or best = 9 then
            return next row(
                'ask', entity,
                case when best = 9
                    then pg_catalog.format('%s may be the %ss, or the passengers', pg_catalog.array_to_string(candidates, ', '), entity)
                    else pg_catalog.format('%s look like it equally', pg_catalog.array_to_string(candidates, ', '))
                end,
                (
                    select pg_catalog.string_agg(
                        realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, c.relation::text, null),
                        E';\n-- or: ' order by c.place
                    )
                    from pg_catalog.unnest(candidates) with ordinality c(relation, place)
                )
            )::realtime_sync.fleet_step;
            return;
        end if;
        known.relation := candidates[1];
        known.columns := '{}';
    end if;
    -- Columns that are gone are looked for again; a null said by hand stays.
    select
        coalesce(pg_catalog.jsonb_object_agg(k.key, k.value) filter (where not l.gone), '{}'),
        pg_catalog.array_agg(
            row(
                'ask', fleet_find.entity || '.' || k.key, pg_catalog.format('it was said to be %I, which is gone', k.value),
                realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, null, pg_catalog.jsonb_build_object(k.key, 'the column'))
            )::realtime_sync.fleet_step order by k.key
        ) filter (where l.gone and known.by_hand ? k.key)
    into known.columns, asks
    from pg_catalog.jsonb_each_text(known.columns || coalesce(known.by_hand, '{}')) k
    cross join lateral (
        select k.value is not null and not exists (
            select from pg_catalog.pg_attribute a
            where a.attrelid = known.relation and a.attname = k.value and a.attnum > 0 and not a.attisdropped
        )
    ) l(gone);
    select coalesce(pg_catalog.jsonb_object_agg(k."column", k.candidates[1]), '{}') into found
    from realtime_sync.fleet_columns(fleet_find.schema, fleet_find.entity, known.relation) k
    where pg_catalog.cardinality(k.candidates) = 1;
    known.columns := found || known.columns;
    -- Half a place is none.
    for half in
        select p.lat, p.lng
        from (values ('lat', 'lng'), ('pickup_lat', 'pickup_lng'), ('dropoff_lat', 'dropoff_lng')) p(lat, lng)
        where (known.columns ->> p.lat is null) <> (known.columns ->> p.lng is null)
    loop
        -- Of several that could be the other half it is asked below.
        asks := asks || array(
            select row(
                'ask', pg_catalog.format('%s.%s', fleet_find.entity, l.name),
                pg_catalog.format('%s is there without it, and is left out', coalesce(known.columns ->> half.lat, known.columns ->> half.lng)),
                realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, null, pg_catalog.jsonb_build_object(l.name, 'the column'))
            )::realtime_sync.fleet_step
            from (select case when known.columns ->> half.lat is null then half.lat else half.lng end) l(name)
            where not exists (
                select from realtime_sync.fleet_columns(fleet_find.schema, fleet_find.entity, known.relation) k
                where k."column" = l.name and pg_catalog.cardinality(k.candidates) > 1
            ) or known.by_hand ? l.name
        );
        known.columns := known.columns - half.lat - half.lng;
    end loop;
    -- A place that is only generated is shown, and not moved.
    if fleet_find.entity = 'driver' and (
        select pg_catalog.bool_and(a.attgenerated <> '')
        from pg_catalog.jsonb_each_text(known.columns) k
        join pg_catalog.pg_attribute a on a.attrelid = known.relation and a.attname = k.value
        where k.key in ('lat', 'point', 'geography')
    ) then
        asks := asks || row(
            'ask', 'driver.point', 'his place is generated, and update_location() can only write what it is generated from',
            realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, null, '{"point": "the column"}')
        )::realtime_sync.fleet_step;
    end if;
    -- Whose login it is may be the key itself: a random one, or that of the users. A number is not taken for it: user 1
    -- is somebody else than driver 1.
    if fleet_find.entity in ('driver', 'passenger') and not known.columns ? 'login' and not exists (
        select from realtime_sync.fleet_columns(fleet_find.schema, fleet_find.entity, known.relation) k where k."column" = 'login'
    ) then
        select known.columns || coalesce(pg_catalog.jsonb_object_agg('login', a.attname), '{}') into known.columns
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_class c on c.oid = a.attrelid
        where a.attrelid = known.relation and a.attname = (known.columns ->> 'id')
            and (
                realtime_sync.fleet_class(a.atttypid) in ('uuid', 'text')
                or realtime_sync.fleet_fits(c.relname, '(app_?)?(users?|profiles?|accounts?|members?)')
                or exists (select from realtime_sync.fleet_references(known.relation) r where r."column" = a.attname)
            );
    end if;
    missing := case
        when known.columns ->> 'id' is null and fleet_find.entity <> 'telemetry' then 'id'
        when known.columns ->> 'driver' is null and fleet_find.entity in ('trip', 'wallet', 'telemetry') then 'driver'
    end;
    if missing is not null then
        -- Over a column that is gone what the kit makes could only fail.
        update realtime_sync.fleet_map m set columns = known.columns
        where m.schema = fleet_find.schema and m.entity = fleet_find.entity and m.relation = known.relation and m.columns <> known.columns;
        return next row(
            'ask', fleet_find.entity,
            pg_catalog.format('%s %s', known.relation, case missing
                when 'id' then 'has no primary key of one column'
                else 'has no column that is certainly the driver''s' || coalesce(
                    (
                        select pg_catalog.format(': %I refers to %s', r."column", r.target)
                        from realtime_sync.fleet_references(known.relation) r
                        where realtime_sync.fleet_fits(r."column", '(driver|courier|captain)(_?id)?')
                        limit 1
                    ), ''
                )
            end),
            realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, known.relation::text, pg_catalog.jsonb_build_object(missing, 'the column'))
        )::realtime_sync.fleet_step;
        return;
    end if;
    if not realtime_sync.fleet_may_map(fleet_find.entity, known.relation) then
        return next (
            select row(
                'ask', fleet_find.entity,
                pg_catalog.format('only the owner of %s can follow it', known.relation),
                pg_catalog.format(E'-- call it as %s, or:\nalter table %s owner to %I', c.relowner::regrole, known.relation, current_user)
            )::realtime_sync.fleet_step
            from pg_catalog.pg_class c
            where c.oid = known.relation
        );
        return;
    end if;
    insert into realtime_sync.fleet_map as m (schema, entity, relation, columns)
    values (fleet_find.schema, fleet_find.entity, known.relation, known.columns)
    on conflict (schema, entity) do update set relation = excluded.relation, columns = excluded.columns
        where (m.relation, m.columns) is distinct from (excluded.relation, excluded.columns);
    return next row(
        'found', fleet_find.entity,
        pg_catalog.format('%s: %s', known.relation, (
            select pg_catalog.string_agg(
                case when k.value = k.key then k.key else k.key || ' = ' || pg_catalog.quote_ident(k.value) end,
                ', ' order by pg_catalog.array_position(realtime_sync.fleet_words(fleet_find.entity), k.key)
            )
            from pg_catalog.jsonb_each_text(known.columns) k
            where k.value is not null
        )),
        realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, known.relation::text, known.columns)
    )::realtime_sync.fleet_step;
    if fleet_find.entity in ('driver', 'passenger') and not known.columns ? 'login' then
        return next row(
            'ask', fleet_find.entity || '.login',
            pg_catalog.format('nothing says which login (claim "sub") is which %s; until then none is', fleet_find.entity),
            realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, null, pg_catalog.jsonb_build_object('login', known.columns ->> 'id')) || pg_catalog.format(
                E';\n-- if its %I is the login''s; or a column of the login, or realtime_sync.fleet_allow(who => ...)', known.columns ->> 'id'
            )
        )::realtime_sync.fleet_step;
    end if;
    return query select a.* from pg_catalog.unnest(asks) a;
    for ask in
        select k."column" as name, k.candidates
        from realtime_sync.fleet_columns(fleet_find.schema, fleet_find.entity, known.relation) k
        where pg_catalog.cardinality(k.candidates) > 1 and not known.columns ? k."column" and not coalesce(known.by_hand ? k."column", false)
        order by pg_catalog.array_position(realtime_sync.fleet_words(fleet_find.entity), k."column")
    loop
        return next row(
            'ask', fleet_find.entity || '.' || ask.name,
            pg_catalog.format('%s of %s look like it equally', pg_catalog.array_to_string(ask.candidates, ', '), known.relation),
            (
                select pg_catalog.string_agg(
                    realtime_sync.fleet_map_call(fleet_find.schema, fleet_find.entity, null, pg_catalog.jsonb_build_object(ask.name, c.name)), E';\n-- or: ' order by c.place
                )
                from pg_catalog.unnest(ask.candidates || null::name) with ordinality c(name, place)
            )
        )::realtime_sync.fleet_step;
    end loop;
end
$function$;

revoke all on type realtime_sync.fleet_step from public;
revoke all on function realtime_sync.fleet_find(name, text) from public;

comment on type realtime_sync.fleet_step is
    'Part of realtime_sync.fleet_setup(): a step.';
comment on function realtime_sync.fleet_find(name, text) is
    'Part of realtime_sync.fleet_setup(): finds the table of an entity and its columns.';
