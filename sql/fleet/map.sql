-- The kit's words and the app's own: which table is the drivers', which of its columns says who is online.

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

-- The app's function that says who is calling, where the login's claims alone do not.
create table realtime_sync.fleet_who (
    schema name primary key,
    -- Its signature: pg_upgrade takes no regprocedure.
    function text not null
);

select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_map', '');
select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_who', '');

-- The kit's names for the columns of an entity.
create function realtime_sync.fleet_words(entity text) returns text[]
immutable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select case entity
        when 'driver' then array[
            'id', 'login', 'name', 'phone', 'vehicle', 'vehicle_class', 'rating', 'online', 'status', 'lat', 'lng', 'point',
            'geography', 'heading', 'speed', 'accuracy', 'location_at', 'last_seen', 'updated_at', 'created_at'
        ]
        when 'trip' then array[
            'id', 'driver', 'passenger', 'status', 'pickup_lat', 'pickup_lng', 'pickup_point', 'pickup_geography', 'pickup_address',
            'dropoff_lat', 'dropoff_lng', 'dropoff_point', 'dropoff_geography', 'dropoff_address', 'fare', 'earnings', 'vehicle_class', 'created_at', 'accepted_at', 'started_at', 'completed_at',
            'canceled_at', 'updated_at'
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

-- The passengers are only read; what is followed is changed.
create function realtime_sync.fleet_may_map(entity text, relation regclass) returns boolean
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select pg_catalog.pg_has_role(c.relowner, 'usage')
        or fleet_may_map.entity = 'passenger' and pg_catalog.has_table_privilege(c.oid, 'select')
    from pg_catalog.pg_class c
    where c.oid = fleet_may_map.relation;
end;

alter table realtime_sync.fleet_map enable row level security;
create policy fleet_read on realtime_sync.fleet_map for select using (true);
create policy fleet_write on realtime_sync.fleet_map using (
    coalesce(
        (select realtime_sync.fleet_may_map(entity, c.oid) from pg_catalog.pg_class c where c.oid = relation),
        pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)), 'create')
    )
);

create function realtime_sync.fleet_map(
    schema name,
    entity text,
    relation regclass default null,
    columns jsonb default null
) returns realtime_sync.fleet_map
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    known realtime_sync.fleet_map;
    said jsonb := coalesce(fleet_map.columns, '{}');
    entities text[] := array['driver', 'trip', 'passenger', 'wallet', 'telemetry', 'offer', 'location', 'transition'];
    wrong text;
    mend text;
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
    -- What the kit's functions could only fail over, in the app's own statements too.
    select pg_catalog.format('column %I of table %s is of type %s, and %s of %s is ', a.attname, known.relation, x.type, c.key, fleet_map.entity)
            || coalesce(k.kind, pg_catalog.format('the id of a row of %s, of type %s', i.relation, i.type)),
        case
            when k.kind is null then pg_catalog.format('Name the column with the id of the %s.', c.key)
            else pg_catalog.format('Name a column that is %s; null for one that the app does not have.', k.kind)
        end
    into wrong, mend
    from pg_catalog.jsonb_each_text(said) c
    join pg_catalog.pg_attribute a on a.attrelid = known.relation and a.attname = c.value and a.attnum > 0 and not a.attisdropped
    cross join lateral (
        select pg_catalog.format_type(a.atttypid, a.atttypmod), case realtime_sync.fleet_class(a.atttypid)
            when 'date' then 'time'
            else realtime_sync.fleet_class(a.atttypid)
        end
    ) x(type, class)
    -- Words of one kind have it wherever they are one.
    left join lateral (
        select w.types[1], case w.types[1]
            when 'bool' then 'a boolean'
            when 'geo' then 'a geography or geometry'
            else 'a ' || w.types[1]
        end
        from realtime_sync.fleet_word w
        where w."column" = c.key and w.types <@ '{bool,number,time,point,geo}'::text[] and pg_catalog.cardinality(w.types) = 1
        limit 1
    ) k(class, kind) on true
    left join lateral (
        select m.relation, pg_catalog.format_type(b.atttypid, b.atttypmod), realtime_sync.fleet_class(b.atttypid)
        from realtime_sync.fleet_map m
        join pg_catalog.pg_attribute b on b.attrelid = m.relation and b.attname = (m.columns ->> 'id')
        where m.schema = fleet_map.schema and m.entity = c.key
    ) i(relation, type, class) on true
    where x.class <> coalesce(k.class, i.class)
    order by c.key
    limit 1;
    if wrong is not null then
        raise datatype_mismatch using message = wrong, hint = mend;
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

-- The call that answers a question of fleet_setup(), or says what it found.
create function realtime_sync.fleet_map_call(schema name, entity text, relation text, columns jsonb) returns text
immutable language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select pg_catalog.format(
        'select realtime_sync.fleet_map(%s)', pg_catalog.concat_ws(
            ', ', pg_catalog.quote_literal(schema), pg_catalog.quote_literal(entity), pg_catalog.quote_literal(relation),
            case when relation is null then 'columns => ' else '' end || pg_catalog.quote_literal(columns)
        )
    );
end;

revoke all on table realtime_sync.fleet_map from public;
revoke all on table realtime_sync.fleet_who from public;
revoke all on function realtime_sync.fleet_map_call(name, text, text, jsonb) from public;
revoke all on function realtime_sync.fleet_words(text) from public;
revoke all on function realtime_sync.fleet_may_map(text, regclass) from public;
revoke all on function realtime_sync.fleet_map(name, text, regclass, jsonb) from public;

comment on table realtime_sync.fleet_map is
    'Which of an app''s tables and columns the fleet kit works on. realtime_sync.fleet_map() says it by hand, realtime_sync.fleet_setup() finds the rest.';
comment on column realtime_sync.fleet_map.columns is
    'The kit''s name of each column, and the app''s: {"id": "id", "online": "is_online"}.';
comment on table realtime_sync.fleet_who is
    'The function of an app that says who is calling, as realtime_sync.fleet_allow(who => ...) was told.';
comment on function realtime_sync.fleet_map_call(name, text, text, jsonb) is
    'Part of realtime_sync.fleet_setup(): a call of realtime_sync.fleet_map() as SQL.';
comment on function realtime_sync.fleet_words(text) is
    'The kit''s names for the columns of an entity.';
comment on function realtime_sync.fleet_may_map(text, regclass) is
    'Part of the policy on realtime_sync.fleet_map: whether the caller may map that table.';
comment on function realtime_sync.fleet_map(name, text, regclass, jsonb) is
    'Says by hand which table of a schema is a driver, trip, passenger, wallet, telemetry, location, offer or transition, and which of its columns is what: {"online": "is_working", "rating": null}. Columns are added to those known; null takes one out. SQLSTATE 22023, 22004, 3F000, 42703, 42804, 42809, 42501.';
