-- The fleet kit's words and the app's own: which table is the drivers', which of its columns says who is
-- online. The kit's functions are templates over the map, written into the app's schema with its own
-- names, so that they are as fast as if they had been written by hand and can be read with \sf.

create table realtime_sync.fleet_map (
    schema name not null,
    entity text not null check (entity in ('driver', 'trip', 'passenger', 'wallet', 'telemetry', 'offer', 'location', 'transition')),
    relation regclass not null,
    columns jsonb not null default '{}' check (pg_catalog.jsonb_typeof(columns) = 'object'),
    by_hand boolean not null default false,
    primary key (schema, entity)
);

-- What fleet_setup() has made, in the order it was made; fleet_remove() undoes it backwards.
create table realtime_sync.fleet_object (
    schema name not null,
    place integer not null,
    kind text not null,
    -- The template's name, and the name it stands under: an app's own function is never replaced.
    name text not null,
    actual name not null,
    undo text not null,
    primary key (schema, place)
);

select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_map', '');
select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_object', '');

create table realtime_sync.fleet_template (
    name text primary key,
    -- In this order, and each by place: tables before what reads them.
    kind text not null check (kind in ('table', 'index', 'function', 'view', 'trigger', 'policy', 'timer')),
    place integer not null default 0,
    -- What has to be mapped: driver, driver.online. A table's entity is what it stands for.
    entity text,
    needs text[] not null default '{}',
    template text not null,
    -- How it is undone; of functions, tables and views, and null for them, that is known.
    undo text
);

-- {{driver}}: its table. {{driver.id}}: a column, {{driver.id:type}}: its type. {{d.rating}}: the same
-- column of the alias d, or null where the app has none (d driver, t trip, p passenger, w wallet,
-- l telemetry, o offer, h location, s transition). {{schema}}. {{rpc.accept_offer}}: the function under the name it
-- stands. {{#driver.point}}...{{/driver.point}} is there if the app has it, {{^...}}...{{/...}} if not.
create function realtime_sync.fleet_expand(schema name, template text) returns text
stable strict language plpgsql
set search_path = ''
as $function$
declare
    tokens jsonb;
    text text := template;
    block text[];
    token text;
begin
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
        select 'rpc.' || t.name, pg_catalog.format('%I.%I', fleet_expand.schema, coalesce(o.actual, t.name::name))
        from realtime_sync.fleet_template t
        left join realtime_sync.fleet_object o
            on o.schema = fleet_expand.schema and o.name = t.name and o.kind = t.kind
    ) k;
    loop
        block := pg_catalog.regexp_match(text, '(\{\{([#^])([a-z_.]+?)\}\}(.*?)\{\{/\3\}\})');
        exit when block is null;
        text := pg_catalog.replace(
            text, block[1], case when (tokens ? block[3]) = (block[2] = '#') then block[4] else '' end
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

revoke all on table realtime_sync.fleet_map from public;
revoke all on table realtime_sync.fleet_object from public;
revoke all on table realtime_sync.fleet_template from public;
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
