-- Status telemetry: a change of a status column is a row in the app's telemetry table, in the same
-- transaction; time in each state is computed from those rows.

-- What has to be given for a row of this table to be one: a column without default that may not be null
-- is an error here, not at the app's next write.
create function realtime_sync.fleet_telemetry_id(telemetry regclass, given text[], out id text, out value text)
stable language plpgsql
set search_path = ''
as $function$
declare
    missing record;
begin
    for missing in
        select a.attname::text as name, a.atttypid, t.typcategory
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_type t on t.oid = a.atttypid
        where a.attrelid = telemetry and a.attnum > 0 and not a.attisdropped
            and a.attnotnull and not a.atthasdef and a.attidentity = ''
            and a.attname::text <> all (given) and pg_catalog.quote_ident(a.attname) <> all (given)
    loop
        -- Prisma and others make the keys of their rows in the client.
        if id is null
            and (missing.atttypid = 'uuid'::regtype or missing.typcategory = 'S')
            and exists (
                select from pg_catalog.pg_index i
                join pg_catalog.pg_attribute k on k.attrelid = i.indrelid and k.attnum = i.indkey[0]
                where i.indrelid = telemetry and i.indisprimary and i.indnkeyatts = 1 and k.attname::text = missing.name
            )
        then
            id := missing.name;
            value := case when missing.atttypid = 'uuid'::regtype
                then 'pg_catalog.gen_random_uuid()' else 'pg_catalog.gen_random_uuid()::text' end;
        else
            raise object_not_in_prerequisite_state using
                message = pg_catalog.format('column %I of %s has no default and may not be null', missing.name, telemetry),
                detail = 'Telemetry of a status has no value for it.',
                hint = pg_catalog.format('alter table %s alter column %I set default ...;', telemetry, missing.name);
        end if;
    end loop;
end
$function$;

create function realtime_sync.fleet_status_telemetry(
    relation regclass,
    status_columns text[] default null,
    telemetry regclass default null,
    columns jsonb default null,
    driver_column text default null,
    label text default null,
    dry_run boolean default false
) returns text
volatile language plpgsql
set search_path = ''
as $function$
<<my>>
declare
    home name;
    place name;
    owned text;
    known jsonb;
    key text;
    driver text;
    function_name text;
    body text;
    ddl text;
    source oid;
    id record;
    name text;
begin
    select n.nspname, c.relname into home, place
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = relation and c.relkind in ('r', 'p');
    if home is null then
        raise wrong_object_type using
            message = pg_catalog.format('%s is not a table', coalesce(relation::text, 'null'));
    end if;
    -- The map is asked only for what is not said: an app's owner need not be able to read it.
    if status_columns is null or telemetry is null or columns is null or label is null then
        if pg_catalog.has_table_privilege('realtime_sync.fleet_map', 'select') then
            select m.columns, m.schema into known, owned
            from realtime_sync.fleet_map m
            where m.relation = fleet_status_telemetry.relation and m.entity = 'driver'
            order by m.schema
            limit 1;
        end if;
        label := coalesce(label, case when known is null then pg_catalog.upper(pg_catalog.left(place, 1)) || pg_catalog.substr(place, 2) else 'Driver' end);
        status_columns := coalesce(
            status_columns, pg_catalog.array_remove(array[known ->> 'online', known ->> 'status'], null)
        );
        if telemetry is null or columns is null then
            select coalesce(fleet_status_telemetry.telemetry, m.relation), coalesce(fleet_status_telemetry.columns, m.columns)
                into telemetry, columns
            from realtime_sync.fleet_map m
            where m.entity = 'telemetry' and m.schema = coalesce(my.owned, my.home)
                and m.relation = coalesce(fleet_status_telemetry.telemetry, m.relation);
        end if;
    end if;
    if telemetry is null or columns ->> 'driver' is null then
        raise undefined_object using
            message = pg_catalog.format('there is no telemetry table for %s', relation),
            hint = pg_catalog.format(
                'select realtime_sync.fleet_status_telemetry(%L, telemetry => ''telemetry_logs'', columns => ''{"driver": "driver_id", "type": "type", "message": "message", "meta": "meta"}'');',
                relation
            );
    end if;
    if status_columns is null or status_columns = '{}' or pg_catalog.array_position(status_columns, null) is not null then
        raise invalid_parameter_value using
            message = pg_catalog.format('there is no status column of %s to follow', relation),
            hint = pg_catalog.format('select realtime_sync.fleet_status_telemetry(%L, array[''status'']);', relation);
    end if;
    key := coalesce(known ->> 'id', (
        select a.attname
        from pg_catalog.pg_index i
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = fleet_status_telemetry.relation and i.indisprimary and i.indnkeyatts = 1
    ));
    driver := coalesce(driver_column, key);
    if key is null then
        raise invalid_parameter_value using
            message = pg_catalog.format('table %s has no primary key of one column', relation),
            detail = 'Telemetry tells which row''s status changed.';
    end if;
    foreach name in array status_columns || driver loop
        if not exists (
            select from pg_catalog.pg_attribute a
            where a.attrelid = relation and a.attname = my.name and a.attnum > 0 and not a.attisdropped
        ) then
            raise undefined_column using
                message = pg_catalog.format('column "%s" of table %s does not exist', name, relation);
        end if;
    end loop;
    foreach name in array array['driver', 'type', 'message', 'meta', 'created_at'] loop
        if columns ->> name is not null and not exists (
            select from pg_catalog.pg_attribute a
            where a.attrelid = telemetry and a.attname = columns ->> my.name and a.attnum > 0 and not a.attisdropped
        ) then
            raise undefined_column using
                message = pg_catalog.format('column "%s" of table %s does not exist', columns ->> name, telemetry),
                detail = pg_catalog.format('It is named as the %s of telemetry.', name);
        end if;
    end loop;
    select * into id from realtime_sync.fleet_telemetry_id(telemetry, array(
        select c.value from pg_catalog.jsonb_each_text(columns) c
        where c.key in ('driver', 'type', 'message', 'meta', 'created_at') and c.value is not null
    ));
    -- Of an enum of kinds, this must be one.
    if columns ->> 'type' is not null then
        execute pg_catalog.format('select ''status_change''::%s', (
            select pg_catalog.format_type(a.atttypid, a.atttypmod)
            from pg_catalog.pg_attribute a where a.attrelid = telemetry and a.attname = columns ->> 'type'
        ));
    end if;

    function_name := 'realtime_status_' || place;
    if pg_catalog.octet_length(function_name) > 63 then
        function_name := 'realtime_status_' || pg_catalog.md5(place);
    end if;
    function_name := pg_catalog.format('%I.%I', home, function_name);
    -- Written for this table, with its names: its plans are kept, and \sf shows what it does.
    body := (
        select pg_catalog.format(E'\nbegin\n%s    return null;\n'
            '-- A status that cannot be told of is no reason to refuse it: only what ends the transaction anyway is passed on.\n'
            'exception\n    when transaction_rollback then\n        raise;\n    when others then\n'
            '        raise warning using\n            errcode = sqlstate,\n'
            '            message = pg_catalog.format(%L, new.%I, sqlerrm),\n'
            '            hint = %L;\n        return null;\nend\n',
            pg_catalog.string_agg(pg_catalog.format(
                E'    if new.%1$I is distinct from old.%1$I%2$s then\n'
                '        insert into %3$s (%4$s)\n        values (%5$s);\n    end if;\n',
                s.name,
                case when not exists (
                    select from pg_catalog.pg_attribute a
                    where a.attrelid = fleet_status_telemetry.relation and a.attname = my.driver and a.attnotnull
                ) then pg_catalog.format(' and new.%I is not null', my.driver) else '' end,
                fleet_status_telemetry.telemetry,
                v.names,
                v.values
            ), '' order by s.place),
            label || ' %s changed its status without telemetry: %s',
            key,
            pg_catalog.format('select realtime_sync.fleet_status_telemetry(%L, ...) again, once the telemetry table is as it should be.', relation)
        )
        from pg_catalog.unnest(status_columns) with ordinality as s(name, place)
        cross join lateral (
            select pg_catalog.string_agg(pg_catalog.quote_ident(c.name), ', ' order by c.place) as names,
                pg_catalog.string_agg(c.value, ', ' order by c.place) as values
            from (
                values
                    (1, id.id, id.value),
                    (2, columns ->> 'driver', pg_catalog.format('new.%I', driver)),
                    (3, columns ->> 'type', '''status_change'''),
                    (4, columns ->> 'message', pg_catalog.format(
                        'pg_catalog.format(%L, new.%I, old.%3$I, new.%3$I)',
                        pg_catalog.replace(label, '%', '%%') || ' %s status: %s -> %s', key, s.name
                    )),
                    (5, columns ->> 'meta', pg_catalog.format(
                        'pg_catalog.jsonb_build_object(''column'', %L, ''old_status'', old.%2$I, ''new_status'', new.%2$I)::%3$s',
                        s.name, s.name, (
                            select pg_catalog.format_type(a.atttypid, a.atttypmod)
                            from pg_catalog.pg_attribute a
                            where a.attrelid = fleet_status_telemetry.telemetry and a.attname = columns ->> 'meta'
                        )
                    )),
                    (6, columns ->> 'created_at', 'pg_catalog.clock_timestamp()')
            ) c(place, name, value)
            where c.name is not null
        ) v
    );
    source := pg_catalog.to_regprocedure(function_name || '()');
    if source is not null and pg_catalog.obj_description(source, 'pg_proc') is distinct from 'realtime_sync: status telemetry' then
        raise duplicate_function using
            message = pg_catalog.format('function %s() exists and is not realtime_sync''s', function_name),
            hint = 'Rename it.';
    end if;
    if exists (
        select from pg_catalog.pg_trigger t
        where t.tgrelid = relation and t.tgname in ('realtime_status_insert', 'realtime_status_update')
            and t.tgfoid is distinct from my.source
    ) then
        raise duplicate_object using
            message = pg_catalog.format('table %s has a trigger realtime_status_insert or realtime_status_update that is not realtime_sync''s', relation),
            hint = 'Rename it.';
    end if;
    -- Unchanged: no lock on the table.
    if (select p.prosrc from pg_catalog.pg_proc p where p.oid = source) = body
        and (select pg_catalog.count(*) from pg_catalog.pg_trigger t where t.tgrelid = relation and t.tgfoid = source) = 2
    then
        return '';
    end if;
    -- As its owner: whoever may change a status need not be able to write telemetry.
    ddl := pg_catalog.format(
        E'create or replace function %1$s() returns trigger\nsecurity definer language plpgsql\nset search_path = %2$L\nas $telemetry$%3$s$telemetry$;\n'
        'revoke all on function %1$s() from public;\n'
        'comment on function %1$s() is ''realtime_sync: status telemetry'';\n'
        'create or replace trigger realtime_status_insert after insert on %4$s\n    for each row when (%5$s) execute function %1$s();\n'
        'create or replace trigger realtime_status_update after update on %4$s\n    for each row when (%6$s) execute function %1$s();\n',
        function_name, '', body, relation,
        (select pg_catalog.string_agg(pg_catalog.format('new.%I is not null', s.name), ' or ') from pg_catalog.unnest(status_columns) as s(name)),
        (select pg_catalog.string_agg(pg_catalog.format('old.%1$I is distinct from new.%1$I', s.name), ' or ') from pg_catalog.unnest(status_columns) as s(name))
    );
    if not dry_run then
        execute ddl;
    end if;
    return ddl;
end
$function$;

create function realtime_sync.fleet_drop_status_telemetry(relation regclass) returns boolean
volatile language plpgsql
set search_path = ''
as $function$
declare
    source regprocedure;
begin
    select t.tgfoid into source
    from pg_catalog.pg_trigger t
    where t.tgrelid = relation and t.tgname in ('realtime_status_insert', 'realtime_status_update')
        and pg_catalog.obj_description(t.tgfoid, 'pg_proc') = 'realtime_sync: status telemetry'
    limit 1;
    if not found then
        return false;
    end if;
    execute pg_catalog.format('drop trigger if exists realtime_status_insert on %s', relation);
    execute pg_catalog.format('drop trigger if exists realtime_status_update on %s', relation);
    execute pg_catalog.format('drop function %s', source);
    return true;
end
$function$;

-- How long the rows of an app's history tables are kept, and when the next are to go.
create table realtime_sync.fleet_retention (
    schema name not null,
    entity text not null check (entity in ('telemetry', 'location', 'offer')),
    keep interval not null check (keep > interval '0'),
    due timestamptz not null default pg_catalog.now(),
    primary key (schema, entity)
);

select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_retention', '');

alter table realtime_sync.fleet_retention enable row level security;
create policy own on realtime_sync.fleet_retention
    using (pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)), 'create'));

create function realtime_sync.fleet_retain(schema name, entity text, keep interval) returns void
volatile language plpgsql
set search_path = ''
as $function$
begin
    if not exists (
        select from realtime_sync.fleet_map m
        where m.schema = fleet_retain.schema and m.entity = fleet_retain.entity
            and m.columns ? case fleet_retain.entity when 'location' then 'recorded_at' else 'created_at' end
            and m.entity in ('telemetry', 'location', 'offer')
    ) then
        raise undefined_object using
            message = pg_catalog.format('the fleet kit does not know when the rows of %s in schema %s were made', entity, schema),
            detail = 'Kept for a time can be telemetry, location and offer.',
            hint = pg_catalog.format('select realtime_sync.fleet_map(%L, %L, ...);', schema, entity);
    end if;
    delete from realtime_sync.fleet_retention r where r.schema = fleet_retain.schema and r.entity = fleet_retain.entity;
    if keep is not null then
        insert into realtime_sync.fleet_retention values (schema, entity, keep);
    end if;
end
$function$;

insert into realtime_sync.fleet_template (name, kind, place, needs, template, undo) values
-- What it follows stands before it, so that fleet_setup() calls it again when the map has changed.
(
    'realtime_status_telemetry', 'timer', -10, '{driver.id,telemetry.driver}',
    $template$
-- {{d.id}}, {{d.online}}, {{d.status}} to {{telemetry}}: {{l.driver}}, {{l.type}}, {{l.message}}, {{l.meta}}, {{l.created_at}}
do $status$
begin
    {{#driver.online}}perform realtime_sync.fleet_status_telemetry($table${{driver}}$table$);{{/driver.online}}{{^driver.online}}{{#driver.status}}perform realtime_sync.fleet_status_telemetry($table${{driver}}$table$);{{/driver.status}}{{/driver.online}}
-- A telemetry table that wants more than a status has to say is no reason to set nothing up.
exception
    when object_not_in_prerequisite_state or invalid_text_representation or duplicate_function or duplicate_object then
        raise warning using
            errcode = sqlstate,
            message = pg_catalog.format('the status of %s is not followed: %s', $table${{driver}}$table$, sqlerrm),
            hint = $hint$select realtime_sync.fleet_status_telemetry('{{driver}}') once that is mended.$hint$;
end
$status$
$template$,
    'select realtime_sync.fleet_drop_status_telemetry($table${{driver}}$table$)'
),
(
    'log_telemetry', 'function', 20, '{driver.id,telemetry.driver,telemetry.type}',
    $template$
create function {{rpc.log_telemetry}}(
    driver_id {{driver.id:type}} default null, type text default null, message text default null, meta jsonb default null
) returns {{#telemetry.id}}{{telemetry.id:type}}{{/telemetry.id}}{{^telemetry.id}}void{{/telemetry.id}}
volatile security definer language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
<<my>>
declare
    driver {{driver.id:type}} := coalesce($1, {{rpc.realtime_driver}}());
    made record;
{{#telemetry.id}}    id {{telemetry.id:type}};
{{/telemetry.id}}begin
    if my.driver is null
        or not (my.driver is not distinct from {{rpc.realtime_driver}}() or {{rpc.realtime_dispatcher}}())
    then
        raise insufficient_privilege using
            message = pg_catalog.format('not allowed to log telemetry of driver %s', coalesce(my.driver::text, 'null')),
            hint = 'A driver logs his own, a dispatcher and the back end anybody''s.';
    end if;
    if $2 is null then
        raise null_value_not_allowed using message = 'type must not be null';
    elsif $2 = 'status_change' and not {{rpc.realtime_dispatcher}}() then
        raise insufficient_privilege using
            message = 'only a dispatcher or the back end may log a status change',
            hint = 'Change the status: its telemetry writes itself.';
    end if;
    begin
        insert into {{telemetry}} ({{telemetry.driver}}, {{telemetry.type}}{{#telemetry.message}}, {{telemetry.message}}{{/telemetry.message}}{{#telemetry.meta}}, {{telemetry.meta}}{{/telemetry.meta}}{{#telemetry.created_at}}, {{telemetry.created_at}}{{/telemetry.created_at}})
        values (my.driver, $2::{{telemetry.type:type}}{{#telemetry.message}}, $3{{/telemetry.message}}{{#telemetry.meta}}, $4::{{telemetry.meta:type}}{{/telemetry.meta}}{{#telemetry.created_at}}, pg_catalog.clock_timestamp(){{/telemetry.created_at}}){{#telemetry.id}}
        returning {{telemetry.id}} into my.id{{/telemetry.id}};
    exception
        -- An app may make its keys in the client.
        when not_null_violation then
            select * into my.made from realtime_sync.fleet_telemetry_id($t${{telemetry}}$t$, array[$c${{telemetry.driver}}$c$, $c${{telemetry.type}}$c${{#telemetry.message}}, $c${{telemetry.message}}$c${{/telemetry.message}}{{#telemetry.meta}}, $c${{telemetry.meta}}$c${{/telemetry.meta}}{{#telemetry.created_at}}, $c${{telemetry.created_at}}$c${{/telemetry.created_at}}]);
            if my.made.id is null then
                raise;
            end if;
            execute pg_catalog.format(
                $i$insert into {{telemetry}} (%I, {{telemetry.driver}}, {{telemetry.type}}{{#telemetry.message}}, {{telemetry.message}}{{/telemetry.message}}{{#telemetry.meta}}, {{telemetry.meta}}{{/telemetry.meta}}{{#telemetry.created_at}}, {{telemetry.created_at}}{{/telemetry.created_at}})
                values (%s, $1, $2::{{telemetry.type:type}}{{#telemetry.message}}, $3{{/telemetry.message}}{{#telemetry.meta}}, $4::{{telemetry.meta:type}}{{/telemetry.meta}}{{#telemetry.created_at}}, pg_catalog.clock_timestamp(){{/telemetry.created_at}}){{#telemetry.id}} returning {{telemetry.id}}{{/telemetry.id}}$i$,
                my.made.id, my.made.value
            ){{#telemetry.id}} into my.id{{/telemetry.id}} using my.driver, $2, $3, $4;
    end;
    return{{#telemetry.id}} my.id{{/telemetry.id}};
end
$$;
comment on function {{rpc.log_telemetry}} is
    'Writes a row of telemetry of a driver (default: the login''s); for himself, a dispatcher and the back end. Raises 42501 for anybody else, 22004 without a type.'
$template$, null
),
(
    'driver_states', 'view', 10, '{telemetry.driver,telemetry.type,telemetry.meta,telemetry.created_at}',
    $template$
create view {{rpc.driver_states}} with (security_invoker = true) as
select
    s.driver_id, s.status_column, s.state, s.since, s.until,
    pg_catalog.date_part('epoch', coalesce(s.until, pg_catalog.statement_timestamp()) - s.since) as seconds
from (
    select
        {{l.driver}} as driver_id,
        {{l.meta}}::jsonb ->> 'column' as status_column,
        {{l.meta}}::jsonb ->> 'new_status' as state,
        {{l.created_at}} as since,
        pg_catalog.lead({{l.created_at}}) over (
            partition by {{l.driver}}, {{l.meta}}::jsonb ->> 'column' order by {{l.created_at}}{{#telemetry.id}}, {{l.id}}{{/telemetry.id}}
        ) as until
    from {{telemetry}} l
    where {{l.type}} = 'status_change'
) s
$template$, null
),
(
    'driver_state_times', 'view', 11, '{telemetry.driver,telemetry.type,telemetry.meta,telemetry.created_at}',
    $template$
create view {{rpc.driver_state_times}} with (security_invoker = true) as
select
    s.driver_id, s.status_column, s.state,
    pg_catalog.sum(s.seconds) as seconds,
    pg_catalog.count(*) as times,
    pg_catalog.max(s.since) filter (where s.until is null) as since
from {{rpc.driver_states}} s
where s.state is not null
group by s.driver_id, s.status_column, s.state
$template$, null
),
-- A batch at a time, and what another transaction holds is left for the next: writers wait for nobody.
(
    'realtime_retention_due', 'function', 30, '{driver.id}',
    $template$
create function {{rpc.realtime_retention_due}}() returns timestamptz
volatile language plpgsql
set search_path = ''
as $$
declare
    kept record;
    gone bigint;
begin
    for kept in
        select r.entity, pg_catalog.clock_timestamp() - r.keep as since
        from realtime_sync.fleet_retention r
        where pg_catalog.quote_ident(r.schema) = $schema${{schema}}$schema$ and r.due <= pg_catalog.clock_timestamp()
        for update skip locked
    loop
        gone := 0;{{#telemetry.created_at}}
        if kept.entity = 'telemetry' then
            delete from {{telemetry}} where ctid = any (array(
                select l.ctid from {{telemetry}} l where {{l.created_at}} < kept.since limit 1000 for update skip locked
            ));
            get diagnostics gone = row_count;
        end if;{{/telemetry.created_at}}{{#location.recorded_at}}
        if kept.entity = 'location' then
            delete from {{location}} where ctid = any (array(
                select h.ctid from {{location}} h where {{h.recorded_at}} < kept.since limit 1000 for update skip locked
            ));
            get diagnostics gone = row_count;
        end if;{{/location.recorded_at}}{{#offer.created_at}}
        if kept.entity = 'offer' then
            delete from {{offer}} where ctid = any (array(
                select o.ctid from {{offer}} o where {{o.created_at}} < kept.since limit 1000 for update skip locked
            ));
            get diagnostics gone = row_count;
        end if;{{/offer.created_at}}
        update realtime_sync.fleet_retention r
        set due = pg_catalog.clock_timestamp() + case gone when 1000 then interval '1 second' else interval '1 hour' end
        where pg_catalog.quote_ident(r.schema) = $schema${{schema}}$schema$ and r.entity = kept.entity;
    end loop;
    return (
        select pg_catalog.min(r.due)
        from realtime_sync.fleet_retention r
        where pg_catalog.quote_ident(r.schema) = $schema${{schema}}$schema$
    );
end
$$
$template$, null
),
(
    'realtime_retention', 'timer', 10, '{driver.id}',
    $template$select realtime_sync.add_timer($name$fleet {{schema}} retention$name$, $function${{rpc.realtime_retention_due}}()$function$)$template$,
    'select realtime_sync.drop_timer($name$fleet {{schema}} retention$name$)'
),
-- Of a table that is only appended to, a hundredth of the size of a B-tree: what is old lies together.
(
    'realtime_telemetry_created_at', 'index', 20, '{telemetry.created_at}',
    'create index realtime_telemetry_created_at on {{telemetry}} using brin ({{telemetry.created_at}})', null
);

revoke all on table realtime_sync.fleet_retention from public;
revoke all on function realtime_sync.fleet_telemetry_id(regclass, text[]) from public;
revoke all on function realtime_sync.fleet_status_telemetry(regclass, text[], regclass, jsonb, text, text, boolean) from public;
revoke all on function realtime_sync.fleet_drop_status_telemetry(regclass) from public;
revoke all on function realtime_sync.fleet_retain(name, text, interval) from public;

comment on table realtime_sync.fleet_retention is
    'How long an app''s history tables are kept; realtime_sync.fleet_retain() writes it.';
comment on column realtime_sync.fleet_retention.due is
    'When rows older than keep are next looked for.';
comment on function realtime_sync.fleet_telemetry_id(regclass, text[]) is
    'The key that a row of a telemetry table needs to be given, and how. Raises 55000 if it needs more.';
comment on function realtime_sync.fleet_status_telemetry(regclass, text[], regclass, jsonb, text, text, boolean) is
    'Writes a row into a telemetry table in the same transaction whenever a status column of the table changes: type status_change, message "Driver 42 status: f -> t", meta {"column", "old_status", "new_status"}. What is left out is taken from the fleet map. Returns the statements it ran (dry_run: would run), empty if nothing was to do. Raises 42P01, 42703, 42704 for what is not there, 55000 for a telemetry table that needs more values, 22P02 for a type that is an enum without status_change.';
comment on function realtime_sync.fleet_drop_status_telemetry(regclass) is
    'Undoes realtime_sync.fleet_status_telemetry(). False if there was nothing.';
comment on function realtime_sync.fleet_retain(name, text, interval) is
    'How long the rows of telemetry, location or offer are kept in an app''s schema; null, and at first: for ever. The relay deletes older ones, 1,000 a second at most. Raises 42704 if the table or its time column is not mapped.';
