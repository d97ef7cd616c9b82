-- The kit's functions are templates over the map, written into the app's schema with its own names, so that
-- they are as fast as if they had been written by hand and can be read with \sf.

create table realtime_sync.fleet_template (
    name text primary key,
    -- In this order, and each by place: tables before what reads them.
    -- A part is text that others have in common.
    kind text not null check (kind in ('part', 'table', 'index', 'function', 'view', 'trigger', 'policy', 'timer')),
    place integer not null default 0,
    -- What has to be mapped: driver, driver.online; !driver.lat: what must not be. A table's entity is what it stands for.
    entity text,
    needs text[] not null default '{}',
    template text not null,
    -- How a timer is undone; of all else that is known.
    undo text
);

-- Under which name a template's object stands, or will: with realtime_ in front, for get_, where the app has one.
create function realtime_sync.fleet_name(schema name, kind text, name text) returns name
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(
        (
            select o.actual
            from realtime_sync.fleet_object o
            where o.schema = fleet_name.schema and o.kind = fleet_name.kind and o.name = fleet_name.name
        ),
        case
            when fleet_name.kind = 'function' and exists (
                select from pg_catalog.pg_proc p
                where p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_name.schema))
                    and p.proname = fleet_name.name::name
            ) or fleet_name.kind in ('table', 'view', 'index') and exists (
                select from pg_catalog.pg_class c
                where c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_name.schema))
                    and c.relname = fleet_name.name::name
            ) then 'realtime_' || pg_catalog.regexp_replace(fleet_name.name, '^get_', '')
            else fleet_name.name
        end::name
    );
end;

-- Whether an update may move a row of a partitioned table to another partition: not by its id and created_at, which stay as they
-- are. PostgreSQL then fires the row triggers of a DELETE and an INSERT, and a statement's sees the row before and after; but of
-- a partition on another server, far, it keeps no row (0A000), and each row's trigger is all there is.
create function realtime_sync.fleet_partitions(relation regclass, columns jsonb, out move boolean, out far regclass)
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select
        coalesce(pg_catalog.bool_or(exists (
            select
            -- A key's columns, in expressions too, go with their table only.
            from pg_catalog.pg_depend k
            join pg_catalog.pg_attribute a on a.attrelid = k.objid and a.attnum = k.objsubid
            where k.classid = 'pg_catalog.pg_class'::regclass and k.objid = t.relid and k.objsubid > 0
                and k.refclassid = k.classid and k.refobjid = k.objid and k.refobjsubid = 0 and k.deptype = 'i'
                and a.attname::text is distinct from columns ->> 'id' and a.attname::text is distinct from columns ->> 'created_at'
        )), false),
        pg_catalog.min(t.relid::oid::bigint) filter (where c.relkind = 'f')::oid::regclass
    from pg_catalog.pg_partition_tree(relation) t
    join pg_catalog.pg_class c on c.oid = t.relid;
end;

-- {{driver}}: its table. {{driver.id}}: a column, {{driver.id:type}}: its type. {{d.rating}}: the same
-- column of the alias d, or null where the app has none (d driver, t trip, p passenger, w wallet,
-- l telemetry, o offer, h location, s transition). {{schema}}. {{postgis}}: the schema PostGIS is in.
-- {{rpc.accept_offer}}: the function under the name it stands; an object's own name may be written
-- {{schema}}.accept_offer too. {{who}}: the app's function that says who is calling.
-- {{#driver.point}}...{{/driver.point}} is there if the app has it, {{^...}}...{{/...}} if not;
-- {{#driver.lat|driver.point}} if it has one of them, {{#driver.lat:set}} if it is not generated,
-- {{#telemetry.id:integer}} if it is a whole number,
-- {{#driver.id:key}} if a foreign key may refer to it: the kit has made its table, {{#trip:moves}} if an update may move one
-- to another partition and a trigger may see that. {{>driver_place}}: a part.
-- {{limit.max_speed}}: what fleet_limit says; {{#limit.place_distance}} if it says something. {{path}}: the search_path
-- of what touches the app's tables, and so sets off what the app has written.
create function realtime_sync.fleet_expand(schema name, template text) returns text
stable strict language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    tokens jsonb;
    text text := template;
    block text[];
    token text;
    part record;
begin
    -- Thrice, as a part may have parts that have parts.
    for part in
        select t.name, t.template
        from realtime_sync.fleet_template t, pg_catalog.generate_series(1, 3) n
        where t.kind = 'part'
        order by n
    loop
        text := pg_catalog.replace(text, '{{>' || part.name || '}}', part.template);
    end loop;
    select pg_catalog.jsonb_object_agg(k.key, k.value) filter (where k.key is not null) into tokens
    from (
        select m.entity as key, m.relation::text as value
        from realtime_sync.fleet_map m
        where m.schema = fleet_expand.schema
        union all
        select pg_catalog.unnest(array[
                m.entity || '.' || c.key,
                m.entity || '.' || c.key || ':type',
                s.alias || '.' || c.key,
                case when a.attgenerated = '' then m.entity || '.' || c.key || ':set' end,
                case when a.atttypid in ('bigint'::regtype, 'integer'::regtype, 'smallint'::regtype) then m.entity || '.' || c.key || ':integer' end,
                case when exists (
                    select from pg_catalog.pg_index i
                    where i.indrelid = m.relation and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null
                        and i.indnkeyatts = 1 and i.indkey[0] = a.attnum
                ) and exists (
                    select from realtime_sync.fleet_object o
                    where o.kind = 'table' and pg_catalog.to_regclass(pg_catalog.format('%I.%I', o.schema, o.actual)) = m.relation
                ) then m.entity || '.' || c.key || ':key' end
            ]),
            pg_catalog.unnest(array[
                pg_catalog.quote_ident(a.attname),
                -- Variables and arguments may be null where the column may not.
                case when y.typnotnull then pg_catalog.format_type(y.typbasetype, y.typtypmod) else pg_catalog.format_type(a.atttypid, a.atttypmod) end,
                s.alias || '.' || pg_catalog.quote_ident(a.attname),
                '',
                '',
                ''
            ])
        from realtime_sync.fleet_map m
        cross join lateral pg_catalog.jsonb_each_text(m.columns) c
        join pg_catalog.pg_attribute a on a.attrelid = m.relation and a.attname = c.value::name and not a.attisdropped
        join pg_catalog.pg_type y on y.oid = a.atttypid
        join (values
            ('driver', 'd'), ('trip', 't'), ('passenger', 'p'), ('wallet', 'w'), ('telemetry', 'l'), ('offer', 'o'),
            ('location', 'h'), ('transition', 's')
        ) s(entity, alias) on s.entity = m.entity
        where m.schema = fleet_expand.schema
        union all
        select 'schema', pg_catalog.quote_ident(fleet_expand.schema)
        union all
        select 'schema:literal', pg_catalog.quote_literal(fleet_expand.schema)
        union all
        select 'limit.' || v.name, v.value::text
        from (select fleet_expand.schema) k(schema)
        left join realtime_sync.fleet_limit l on l.schema = k.schema
        cross join lateral (values
            ('max_speed', coalesce(l.max_speed, 100)),
            ('trail_distance', coalesce(l.trail_distance, 10)),
            ('trail_seconds', coalesce(l.trail_seconds, 30)),
            ('arriving_distance', coalesce(l.arriving_distance, 200)),
            ('place_seconds', coalesce(l.place_seconds, 5)),
            ('place_distance', nullif(l.place_distance, 0))
        ) v(name, value)
        where v.value is not null
        union all
        select 'postgis', pg_catalog.quote_ident(n.nspname)
        from realtime_sync.fleet_map m
        join pg_catalog.pg_attribute a on a.attrelid = m.relation and a.attname in (m.columns ->> 'geography', m.columns ->> 'pickup_geography', m.columns ->> 'dropoff_geography') and not a.attisdropped
        join pg_catalog.pg_type t on t.oid = a.atttypid
        join pg_catalog.pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
        join pg_catalog.pg_namespace n on n.oid = b.typnamespace
        where m.schema = fleet_expand.schema and m.entity in ('driver', 'trip')
        union all
        select m.entity || ':moves', ''
        from realtime_sync.fleet_map m
        cross join lateral realtime_sync.fleet_partitions(m.relation, m.columns) p
        where m.schema = fleet_expand.schema and m.entity in ('driver', 'trip') and p.move and p.far is null
        union all
        select 'who', w.function
        from realtime_sync.fleet_who w
        where w.schema = fleet_expand.schema
        union all
        select 'path', realtime_sync.fleet_path(fleet_expand.schema)
        where pg_catalog.strpos(text, '{{path}}') > 0
        union all
        select 'rpc.' || t.name, pg_catalog.format('%I.%I', fleet_expand.schema, realtime_sync.fleet_name(fleet_expand.schema, t.kind, t.name))
        from realtime_sync.fleet_template t
        where pg_catalog.strpos(text, t.name) > 0
    ) k;
    -- Names go into quoted bodies and through this function again, so none may end a quote or be a token.
    select k.value into token
    from pg_catalog.jsonb_each_text(tokens) k
    where k.key <> 'schema:literal' and k.value ~ '\{\{|\}\}|\$|'''
    limit 1;
    if found then
        raise invalid_name using
            message = pg_catalog.format('the fleet kit cannot work with the name %s', token),
            detail = 'Names with a dollar sign, a single quote or double braces could not be told from the kit''s own text.',
            hint = 'Rename it, or leave it out: select realtime_sync.fleet_map(...).';
    end if;
    for token in select distinct m[1] from pg_catalog.regexp_matches(text, '\{\{schema\}\}\.([a-z_]+)', 'g') m loop
        if tokens ? ('rpc.' || token) then
            text := pg_catalog.regexp_replace(text, '\{\{schema\}\}\.' || token || '\M', '{{rpc.' || token || '}}', 'g');
        end if;
    end loop;
    loop
        block := pg_catalog.regexp_match(text, '(\{\{([#^])([a-z_.|:]+?)\}\}(.*?)\{\{/\3\}\})');
        exit when block is null;
        text := pg_catalog.replace(
            text, block[1], case when (tokens ?| pg_catalog.string_to_array(block[3], '|')) = (block[2] = '#') then block[4] else '' end
        );
    end loop;
    for token in
        select distinct m[1] from pg_catalog.regexp_matches(text, '\{\{([a-z_.:]+)\}\}', 'g') m
    loop
        if not tokens ? token and token !~ '^[a-z]\.' then
            raise undefined_object using
                message = pg_catalog.format('the fleet kit does not know %s of schema %I', token, schema),
                hint = pg_catalog.format(
                    'select realtime_sync.fleet_map(%L, %L, ...);', schema, pg_catalog.split_part(token, '.', 1)
                );
        end if;
        text := pg_catalog.replace(text, '{{' || token || '}}', coalesce(tokens ->> token, 'null'));
    end loop;
    return text;
end
$function$;

-- What a template needs and the map lacks, or has and should not.
create function realtime_sync.fleet_lacks(schema name, needs text[]) returns text[]
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(pg_catalog.array_agg(n.need order by n.place), '{}')
    from pg_catalog.unnest(fleet_lacks.needs) with ordinality n(need, place)
    where exists (
        select
        from realtime_sync.fleet_limit l
        where l.schema = fleet_lacks.schema and l.place_distance > 0 and n.need = 'limit.place_distance'
        union all
        select
        from realtime_sync.fleet_map m
        join pg_catalog.pg_class c on c.oid = m.relation
        where m.schema = fleet_lacks.schema
            and m.entity = pg_catalog.split_part(pg_catalog.ltrim(n.need, '!'), '.', 1)
            and (
                n.need !~ '\.'
                or exists (
                    select from pg_catalog.pg_attribute a
                    where a.attrelid = m.relation
                        and a.attname = (m.columns ->> pg_catalog.split_part(n.need, '.', 2))
                        and not a.attisdropped
                )
            )
    ) = (n.need like '!%');
end;

-- Whether a function or view of the kit is the app's users' to call, and no part of another.
create function realtime_sync.fleet_is_call(name text) returns boolean
immutable strict parallel safe language sql
begin atomic
    select name !~ '^realtime_' or name in ('realtime_driver', 'realtime_passenger', 'realtime_dispatcher', 'realtime_topics', 'realtime_point', 'realtime_trip_words');
end;

-- What the templates call of the extension's own; by_caller: with the rights of the app's users.
create function realtime_sync.fleet_uses(kinds text[]) returns table (function regprocedure, by_caller boolean)
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select p.oid::regprocedure, pg_catalog.bool_or(realtime_sync.fleet_is_call(t.name) and t.template !~* 'security\s+definer')
    from realtime_sync.fleet_template t
    cross join lateral pg_catalog.regexp_matches(t.template, 'realtime_sync\.([a-z_]+)\s*\(', 'g') m
    join pg_catalog.pg_proc p on p.proname = m[1] and p.pronamespace = 'realtime_sync'::regnamespace
    where t.kind = any (fleet_uses.kinds)
    group by p.oid;
end;

revoke all on table realtime_sync.fleet_template from public;
revoke all on function realtime_sync.fleet_partitions(regclass, jsonb) from public;
revoke all on function realtime_sync.fleet_name(name, text, text) from public;
revoke all on function realtime_sync.fleet_expand(name, text) from public;
revoke all on function realtime_sync.fleet_lacks(name, text[]) from public;
revoke all on function realtime_sync.fleet_is_call(text) from public;
revoke all on function realtime_sync.fleet_uses(text[]) from public;

comment on table realtime_sync.fleet_template is
    'The fleet kit''s functions, tables and triggers, before an app''s names are put in.';
comment on function realtime_sync.fleet_partitions(regclass, jsonb) is
    'Part of realtime_sync.fleet_setup(): whether an update may move a row of a table to another partition, and a partition on another server.';
comment on function realtime_sync.fleet_name(name, text, text) is
    'The name under which an object of the fleet kit stands in an app''s schema, or will.';
comment on function realtime_sync.fleet_expand(name, text) is
    'A template of the fleet kit with an app''s names in it.';
comment on function realtime_sync.fleet_lacks(name, text[]) is
    'Part of realtime_sync.fleet_setup(): what a template needs and the map lacks.';
comment on function realtime_sync.fleet_is_call(text) is
    'Part of realtime_sync.fleet_allow(): whether a function or view of the kit is for the app''s users.';
comment on function realtime_sync.fleet_uses(text[]) is
    'Part of realtime_sync.fleet_setup(): the functions of the extension that templates of these kinds call, and whether with the rights of the app''s users.';
