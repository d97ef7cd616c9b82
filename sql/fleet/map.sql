-- The fleet kit's words and the app's own: which table is the drivers', which of its columns says who is
-- online. The kit's functions are templates over the map, written into the app's schema with its own
-- names, so that they are as fast as if they had been written by hand and can be read with \sf.

create table realtime_sync.fleet_map (
    schema name not null,
    entity text not null check (entity in ('driver', 'trip', 'passenger', 'wallet', 'telemetry', 'offer', 'location', 'transition')),
    relation regclass not null,
    -- A null is a column the app does not have, whatever looks like it.
    columns jsonb not null default '{}' check (pg_catalog.jsonb_typeof(columns) = 'object'),
    -- What of it fleet_map() was told: fleet_remove() goes back to that.
    by_hand jsonb,
    primary key (schema, entity)
);

-- What fleet_setup() has made, in the order it was made; fleet_remove() undoes it backwards. No SQL is
-- kept here: how a kind of thing is undone is known, and what one role has written another may run.
create table realtime_sync.fleet_object (
    schema name not null,
    place integer not null,
    kind text not null check (kind in ('table', 'source', 'index', 'function', 'view', 'trigger', 'policy', 'timer')),
    -- The template's name, and the name it stands under: an app's own function is never replaced.
    name text not null,
    actual name not null,
    -- Of a trigger and a policy, whose it is.
    relation regclass,
    -- The SQL that made it, and a function's body, hashed: whether the template has changed since, or
    -- the app has made the function its own.
    made text not null,
    body text,
    primary key (schema, kind, name)
);

-- The app's function that says who is calling, where the login's claims alone do not.
create table realtime_sync.fleet_who (
    schema name primary key,
    -- Its signature: pg_upgrade takes no regprocedure.
    function text not null
);

select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_map', '');
select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_object', '');
select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_who', '');

create table realtime_sync.fleet_template (
    name text primary key,
    -- In this order, and each by place: tables before what reads them.
    -- A part is text that others have in common.
    kind text not null check (kind in ('part', 'table', 'index', 'function', 'view', 'trigger', 'policy', 'timer')),
    place integer not null default 0,
    -- What has to be mapped: driver, driver.online. A table's entity is what it stands for.
    entity text,
    needs text[] not null default '{}',
    template text not null,
    -- How a timer is undone; of all else that is known.
    undo text
);

-- Under which name a template's object stands, or will: with realtime_ in front where the app has one.
create function realtime_sync.fleet_name(schema name, kind text, name text) returns name
stable strict language sql
set search_path = ''
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
            ) then 'realtime_' || fleet_name.name
            else fleet_name.name
        end::name
    );
end;

-- {{driver}}: its table. {{driver.id}}: a column, {{driver.id:type}}: its type. {{d.rating}}: the same
-- column of the alias d, or null where the app has none (d driver, t trip, p passenger, w wallet,
-- l telemetry, o offer, h location, s transition). {{schema}}. {{rpc.accept_offer}}: the function under the name it
-- stands; an object's own name may be written {{schema}}.accept_offer too. {{who}}: the app's function that
-- says who is calling. {{#driver.point}}...{{/driver.point}} is there if the app has it, {{^...}}...{{/...}} if not;
-- {{#driver.lat|driver.point}} if it has one of them. {{>driver_place}}: a part.
create function realtime_sync.fleet_expand(schema name, template text) returns text
stable strict language plpgsql
set search_path = ''
as $function$
declare
    tokens jsonb;
    text text := template;
    block text[];
    token text;
    part record;
begin
    for part in select t.name, t.template from realtime_sync.fleet_template t where t.kind = 'part' loop
        text := pg_catalog.replace(text, '{{>' || part.name || '}}', part.template);
    end loop;
    select pg_catalog.jsonb_object_agg(k.key, k.value) into tokens
    from (
        select m.entity as key, m.relation::text as value
        from realtime_sync.fleet_map m
        where m.schema = fleet_expand.schema
        union all
        select pg_catalog.unnest(array[
                m.entity || '.' || c.key,
                m.entity || '.' || c.key || ':type',
                s.alias || '.' || c.key
            ]),
            pg_catalog.unnest(array[
                pg_catalog.quote_ident(a.attname),
                pg_catalog.format_type(a.atttypid, a.atttypmod),
                s.alias || '.' || pg_catalog.quote_ident(a.attname)
            ])
        from realtime_sync.fleet_map m
        cross join lateral pg_catalog.jsonb_each_text(m.columns) c
        join pg_catalog.pg_attribute a on a.attrelid = m.relation and a.attname = c.value::name and not a.attisdropped
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
        select 'who', w.function
        from realtime_sync.fleet_who w
        where w.schema = fleet_expand.schema
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
        block := pg_catalog.regexp_match(text, '(\{\{([#^])([a-z_.|]+?)\}\}(.*?)\{\{/\3\}\})');
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

create function realtime_sync.fleet_map(
    schema name,
    entity text,
    relation regclass default null,
    columns jsonb default null
) returns realtime_sync.fleet_map
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
declare
    known realtime_sync.fleet_map;
    said jsonb := coalesce(fleet_map.columns, '{}');
    entities text[] := array['driver', 'trip', 'passenger', 'wallet', 'telemetry', 'offer', 'location', 'transition'];
    wrong text;
begin
    if pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_map.schema)) is null then
        raise invalid_schema_name using
            message = pg_catalog.format('schema "%s" does not exist', coalesce(fleet_map.schema, 'null')),
            hint = 'Name the schema of the app''s tables, such as ''public''.';
    end if;
    if fleet_map.entity is null or fleet_map.entity <> all (entities) then
        raise invalid_parameter_value using
            message = pg_catalog.format('invalid value for entity: "%s"', coalesce(fleet_map.entity, 'null')),
            hint = pg_catalog.format('Allowed are %s.', pg_catalog.array_to_string(entities, ', '));
    end if;
    if pg_catalog.jsonb_typeof(said) <> 'object' then
        raise invalid_parameter_value using
            message = 'columns must be an object',
            hint = 'As in ''{"online": "is_online", "rating": null}'': the kit''s name of a column, and the app''s.';
    end if;
    select m.* into known
    from realtime_sync.fleet_map m
    where m.schema = fleet_map.schema and m.entity = fleet_map.entity;
    -- Another table has other columns.
    if fleet_map.relation <> known.relation then
        known.columns := '{}';
        known.by_hand := null;
    end if;
    known.relation := coalesce(fleet_map.relation, known.relation);
    if known.relation is null then
        raise null_value_not_allowed using
            message = pg_catalog.format('no table is known for %s of schema %I', fleet_map.entity, fleet_map.schema),
            hint = pg_catalog.format('select realtime_sync.fleet_map(%L, %L, ''the table'');', fleet_map.schema, fleet_map.entity);
    end if;
    if not exists (select from pg_catalog.pg_class c where c.oid = known.relation and c.relkind in ('r', 'p')) then
        raise wrong_object_type using
            message = pg_catalog.format('%s is not a table', known.relation),
            hint = 'The kit follows changes by triggers: name the table behind it.';
    end if;
    if not realtime_sync.fleet_may_map(fleet_map.entity, known.relation) then
        raise insufficient_privilege using
            message = pg_catalog.format('must be owner of table %s', known.relation),
            hint = 'Call it as the table''s owner.';
    end if;
    select c.key into wrong
    from pg_catalog.jsonb_each(said) c
    where c.key <> all (realtime_sync.fleet_words(fleet_map.entity))
    order by c.key
    limit 1;
    if wrong is not null then
        raise invalid_parameter_value using
            message = pg_catalog.format('the fleet kit knows no "%s" of %s', wrong, fleet_map.entity),
            hint = pg_catalog.format(
                'It knows %s.', pg_catalog.array_to_string(realtime_sync.fleet_words(fleet_map.entity), ', ')
            );
    end if;
    select coalesce(c.value #>> '{}', 'null') into wrong
    from pg_catalog.jsonb_each(said) c
    where pg_catalog.jsonb_typeof(c.value) not in ('string', 'null')
        or pg_catalog.jsonb_typeof(c.value) = 'string' and not exists (
            select from pg_catalog.pg_attribute a
            where a.attrelid = known.relation and a.attname = (c.value #>> '{}') and a.attnum > 0 and not a.attisdropped
        )
    order by c.key
    limit 1;
    if wrong is not null then
        raise undefined_column using
            message = pg_catalog.format('column "%s" of table %s does not exist', wrong, known.relation),
            hint = pg_catalog.format('It has %s.', (
                select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
                from pg_catalog.pg_attribute a
                where a.attrelid = known.relation and a.attnum > 0 and not a.attisdropped
            ));
    end if;
    insert into realtime_sync.fleet_map as m (schema, entity, relation, columns, by_hand)
    values (
        fleet_map.schema, fleet_map.entity, known.relation,
        coalesce(known.columns, '{}') || said, coalesce(known.by_hand, '{}') || said
    )
    on conflict (schema, entity) do update
        set relation = excluded.relation, columns = excluded.columns, by_hand = excluded.by_hand
    returning m.* into known;
    return known;
end
$function$;

-- The kit's names for the columns of an entity.
create function realtime_sync.fleet_words(entity text) returns text[]
immutable strict language sql
set search_path = ''
begin atomic
    select case entity
        when 'driver' then array[
            'id', 'login', 'name', 'phone', 'vehicle', 'vehicle_class', 'rating', 'online', 'status', 'lat', 'lng', 'point',
            'geography', 'heading', 'speed', 'accuracy', 'location_at', 'last_seen', 'updated_at', 'created_at'
        ]
        when 'trip' then array[
            'id', 'driver', 'passenger', 'status', 'pickup_lat', 'pickup_lng', 'pickup_address', 'dropoff_lat', 'dropoff_lng',
            'dropoff_address', 'fare', 'earnings', 'vehicle_class', 'created_at', 'accepted_at', 'started_at', 'completed_at',
            'canceled_at', 'rating', 'updated_at'
        ]
        when 'passenger' then array['id', 'login', 'name']
        when 'wallet' then array['id', 'driver', 'balance', 'currency', 'updated_at']
        when 'telemetry' then array['id', 'driver', 'type', 'message', 'meta', 'created_at']
        when 'location' then array[
            'id', 'driver', 'lat', 'lng', 'heading', 'speed', 'accuracy', 'recorded_at', 'client_id', 'flag'
        ]
        when 'offer' then array[
            'id', 'trip', 'driver', 'state', 'created_at', 'expires_at', 'answered_at', 'received_at', 'reason', 'distance_m',
            'earnings', 'urgency', 'round'
        ]
        when 'transition' then array['from_status', 'to_status', 'who', 'state']
    end;
end;

revoke all on table realtime_sync.fleet_map from public;
revoke all on table realtime_sync.fleet_object from public;
revoke all on table realtime_sync.fleet_who from public;
revoke all on table realtime_sync.fleet_template from public;
revoke all on function realtime_sync.fleet_name(name, text, text) from public;
revoke all on function realtime_sync.fleet_map(name, text, regclass, jsonb) from public;
revoke all on function realtime_sync.fleet_words(text) from public;
revoke all on function realtime_sync.fleet_expand(name, text) from public;

comment on table realtime_sync.fleet_map is
    'Which of an app''s tables and columns the fleet kit works on. realtime_sync.fleet_map() says it by hand, realtime_sync.fleet_setup() finds the rest.';
comment on column realtime_sync.fleet_map.columns is
    'The kit''s name of each column, and the app''s: {"id": "id", "online": "is_online"}.';
comment on table realtime_sync.fleet_object is
    'What realtime_sync.fleet_setup() has made in an app''s schema.';
comment on table realtime_sync.fleet_template is
    'The fleet kit''s functions, tables and triggers, before an app''s names are put in.';
comment on function realtime_sync.fleet_expand(name, text) is
    'A template of the fleet kit with an app''s names in it.';
comment on table realtime_sync.fleet_who is
    'The function of an app that says who is calling, as realtime_sync.fleet_allow(who => ...) was told.';
comment on function realtime_sync.fleet_name(name, text, text) is
    'The name under which an object of the fleet kit stands in an app''s schema, or will.';
comment on function realtime_sync.fleet_words(text) is
    'The kit''s names for the columns of an entity.';
comment on function realtime_sync.fleet_map(name, text, regclass, jsonb) is
    'Says by hand which table of a schema is a driver, trip, passenger, wallet, telemetry, location, offer or transition, and which of its columns is what: {"online": "is_working", "rating": null}. Columns are added to those known; null takes one out. SQLSTATE 22023, 22004, 3F000, 42703, 42809, 42501.';
