-- Status telemetry: a change of a status column is a row in the app's telemetry table, in the same transaction.

-- What has to be given for a row of this table to be one: a column without default that may not be null
-- is an error here, not at the app's next write.
create function realtime_sync.fleet_telemetry_id(telemetry regclass, given text[], out id text, out value text)
stable language plpgsql
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
as $function$
<<my>>
declare
    home name;
    place name;
    owned text;
    known jsonb;
    key text;
    driver text;
    -- Named in meta where it is not the drivers' own: its words are no states of a driver.
    elsewhere text;
    function_name text;
    body text;
    path text;
    ddl text;
    source oid;
    -- Before the app's own, of which one may change the status again: told later, that would come before this.
    triggers constant name[] := array['00_realtime_tell_status_insert', '00_realtime_tell_status_update'];
    -- Under names that they, or the table, had before.
    old text;
    stale oid;
    other regclass;
    id record;
    name text;
    block text;
    partitions record;
    each_row boolean;
begin
    select n.nspname, c.relname into home, place
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = relation and c.relkind in ('r', 'p');
    if home is null then
        raise wrong_object_type using
            message = pg_catalog.format('%s is not a table', coalesce(relation::text, 'null')),
            hint = 'Name the table whose status is to be followed.';
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
    if driver <> key then
        elsewhere := place;
    elsif pg_catalog.has_table_privilege('realtime_sync.fleet_map', 'select') then
        select my.place into elsewhere
        from realtime_sync.fleet_map m
        where m.schema = coalesce(my.owned, my.home) and m.entity = 'driver' and m.relation <> fleet_status_telemetry.relation;
    end if;
    foreach name in array status_columns || driver loop
        if not exists (
            select from pg_catalog.pg_attribute a
            where a.attrelid = relation and a.attname = my.name and a.attnum > 0 and not a.attisdropped
        ) then
            raise undefined_column using
                message = pg_catalog.format('column "%s" of table %s does not exist', name, relation),
                hint = pg_catalog.format('It has %s.', (
                    select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
                    from pg_catalog.pg_attribute a
                    where a.attrelid = fleet_status_telemetry.relation and a.attnum > 0 and not a.attisdropped
                ));
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
    -- Of an enum of kinds, this must be one, and of a text there must be room for it.
    if realtime_sync.fleet_room(telemetry, (columns ->> 'type')::name) < pg_catalog.length('status_change') then
        raise object_not_in_prerequisite_state using
            message = pg_catalog.format('column "%s" of table %s has no room for status_change', columns ->> 'type', telemetry),
            hint = pg_catalog.format('alter table %s alter column %I type text;', telemetry, columns ->> 'type');
    elsif columns ->> 'type' is not null then
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
    -- Each row's trigger would take one that moves to another partition for new, and tell what it has kept.
    select * into partitions
    from realtime_sync.fleet_partitions(relation, pg_catalog.jsonb_build_object('id', key, 'created_at', known ->> 'created_at'));
    each_row := not partitions.move or partitions.far is not null;
    -- Written for this table, with its names: its plans are kept, and \sf shows what it does.
    block := (
        select pg_catalog.format(E'begin\n%s'
            '-- A status that cannot be told of is no reason to refuse it: only what ends the transaction anyway is passed on.\n'
            'exception\n    when transaction_rollback then\n        raise;\n    when others then\n'
            '        raise warning using\n            errcode = sqlstate,\n'
            '            message = pg_catalog.format(%L, new.%I, sqlerrm),\n'
            '            hint = %L;\nend;\n',
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
            pg_catalog.replace(label, '%', '%%') || ' %s changed its status without telemetry: %s',
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
                    -- A message that is too long is cut, and not the row lost.
                    (4, columns ->> 'message', pg_catalog.format(
                        'pg_catalog.format(%L, new.%I, old.%3$I, new.%3$I)%s',
                        pg_catalog.replace(label, '%', '%%') || ' %s status: %s -> %s', key, s.name,
                        '::pg_catalog.varchar(' || realtime_sync.fleet_room(telemetry, (columns ->> 'message')::name) || ')'
                    )),
                    (5, columns ->> 'meta', pg_catalog.format(
                        'pg_catalog.jsonb_build_object(%4$s''column'', %1$L, ''old_status'', old.%2$I, ''new_status'', new.%2$I)::%3$s',
                        s.name, s.name, (
                            select pg_catalog.format_type(a.atttypid, a.atttypmod)
                            from pg_catalog.pg_attribute a
                            where a.attrelid = fleet_status_telemetry.telemetry and a.attname = columns ->> 'meta'
                        ), case when elsewhere is null then '' else pg_catalog.format('''table'', %L, ', elsewhere) end
                    )),
                    (6, columns ->> 'created_at', 'pg_catalog.clock_timestamp()')
            ) c(place, name, value)
            where c.name is not null
        ) v
    );
    body := case when each_row then E'\nbegin\n' || block || E'return null;\nend\n' else pg_catalog.format(
        E'\ndeclare\n    pair record;\nbegin\nif tg_op = ''INSERT'' then\n'
        '    -- Nulls, of its columns.\n    select * into old from new_rows where false;\n'
        '    for new in select * from new_rows loop\n%2$s    end loop;\n'
        'else\n    for pair in\n        select realtime_was as was, realtime_is as becomes\n'
        '        from old_rows realtime_was\n        join new_rows realtime_is on realtime_is.%1$I = realtime_was.%1$I\n'
        '        where %3$s\n    loop\n        old := pair.was;\n        new := pair.becomes;\n%2$s    end loop;\nend if;\nreturn null;\n'
        '-- A column that has another name since, say.\n'
        'exception\n    when transaction_rollback then\n        raise;\n    when others then\n'
        '        raise warning using\n            errcode = sqlstate,\n'
        '            message = pg_catalog.format(%4$L, sqlerrm),\n            hint = %5$L;\n        return null;\nend\n',
        key, block,
        (
            select pg_catalog.string_agg(pg_catalog.format('realtime_is.%1$I is distinct from realtime_was.%1$I', s.name), ' or ')
            from pg_catalog.unnest(status_columns) s(name)
        ),
        pg_catalog.replace(relation::text, '%', '%%') || ' may have changed its status without telemetry: %s',
        pg_catalog.format('select realtime_sync.fleet_status_telemetry(%L, ...) again.', relation)
    ) end;
    -- Its row sets off the app's own triggers too.
    path := realtime_sync.fleet_path(coalesce(my.owned, my.home));
    source := pg_catalog.to_regprocedure(function_name || '()');
    if source is not null and pg_catalog.obj_description(source, 'pg_proc') is distinct from 'realtime_sync: status telemetry' then
        raise duplicate_function using
            message = pg_catalog.format('function %s() exists and is not realtime_sync''s', function_name),
            hint = 'Rename it.';
    end if;
    select t.tgrelid into other
    from pg_catalog.pg_trigger t
    where t.tgfoid = source and t.tgrelid <> relation and t.tgparentid = 0;
    if found then
        raise duplicate_function using
            message = pg_catalog.format('function %s() follows the status of %s', function_name, other),
            hint = pg_catalog.format('select realtime_sync.fleet_status_telemetry(%L, ...) gives that one a function of its name.', other);
    end if;
    select t.tgname into name
    from pg_catalog.pg_trigger t
    where t.tgrelid = relation and t.tgname = any (triggers)
        and pg_catalog.obj_description(t.tgfoid, 'pg_proc') is distinct from 'realtime_sync: status telemetry'
    order by t.tgname
    limit 1;
    if found then
        raise duplicate_object using
            message = pg_catalog.format('trigger %I on %s is not realtime_sync''s', name, relation),
            hint = 'Rename it.';
    end if;
    select
        pg_catalog.string_agg(pg_catalog.format(E'drop trigger %I on %s;\n', t.tgname, relation), '' order by t.tgname)
            filter (where t.tgname <> all (triggers) or (t.tgtype & 1 = 1) <> my.each_row),
        pg_catalog.min(t.tgfoid) filter (where t.tgfoid is distinct from my.source)
    into old, stale
    from pg_catalog.pg_trigger t
    where t.tgrelid = relation and t.tgparentid = 0 and pg_catalog.obj_description(t.tgfoid, 'pg_proc') = 'realtime_sync: status telemetry';
    -- Unchanged: no lock on the table.
    if exists (
            select from pg_catalog.pg_proc p
            where p.oid = source and p.prosrc = body and p.proconfig @> array['search_path=' || path]
        )
        and array(
            select t.tgname from pg_catalog.pg_trigger t where t.tgrelid = relation and t.tgfoid = source order by t.tgname
        ) = triggers
    then
        return '';
    end if;
    -- As its owner: whoever may change a status need not be able to write telemetry.
    ddl := pg_catalog.format(
        E'create or replace function %1$s() returns trigger\nsecurity definer language plpgsql\nset search_path = %6$s%10$s\nas $telemetry$%2$s$telemetry$;\n'
        'revoke all on function %1$s() from public;\n'
        'comment on function %1$s() is ''realtime_sync: status telemetry'';\n'
        '%9$screate or replace trigger %7$I after insert on %3$s\n    %4$s execute function %1$s();\n'
        'create or replace trigger %8$I after update on %3$s\n    %5$s execute function %1$s();\n',
        function_name, body, relation,
        case when each_row then 'for each row when (' || (
            select pg_catalog.string_agg(pg_catalog.format('new.%I is not null', s.name), ' or ') from pg_catalog.unnest(status_columns) as s(name)
        ) || ')' else 'referencing new table as new_rows for each statement' end,
        case when each_row then 'for each row when (' || (
            select pg_catalog.string_agg(pg_catalog.format('old.%1$I is distinct from new.%1$I', s.name), ' or ') from pg_catalog.unnest(status_columns) as s(name)
        ) || ')' else 'referencing old table as old_rows new table as new_rows for each statement' end,
        path, triggers[1], triggers[2], old,
        -- The plan of a session's first statement is kept, of one driver perhaps: of 20,000 rows each would look at each.
        case when each_row then '' else E'\nset enable_nestloop = off' end
    ) || coalesce('drop function ' || stale::regprocedure || E';\n', '');
    if not dry_run then
        execute ddl;
    end if;
    return ddl;
end
$function$;

create function realtime_sync.fleet_drop_status_telemetry(relation regclass) returns boolean
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    made record;
    source regprocedure;
begin
    for made in
        select t.tgname as name, t.tgfoid as source
        from pg_catalog.pg_trigger t
        where t.tgrelid = relation and t.tgparentid = 0 and pg_catalog.obj_description(t.tgfoid, 'pg_proc') = 'realtime_sync: status telemetry'
    loop
        execute pg_catalog.format('drop trigger %I on %s', made.name, relation);
        source := made.source;
    end loop;
    if source is null then
        return false;
    end if;
    execute pg_catalog.format('drop function %s', source);
    return true;
end
$function$;

-- The caller's functions whose triggers went with their table.
create function realtime_sync.fleet_orphans() returns setof regprocedure
stable language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select p.oid::regprocedure
    from pg_catalog.pg_proc p
    where p.proname like 'realtime\_status\_%'
        and pg_catalog.obj_description(p.oid, 'pg_proc') = 'realtime_sync: status telemetry'
        and pg_catalog.pg_has_role(p.proowner, 'usage')
        and not exists (select from pg_catalog.pg_trigger t where t.tgfoid = p.oid)
    order by p.oid::regprocedure::text;
end;

insert into realtime_sync.fleet_template (name, kind, place, needs, template, undo) values
-- What it follows, and by what, stands before it, so that fleet_setup() calls it again when that has changed.
(
    'realtime_status_telemetry', 'timer', -10, '{driver.id,telemetry.driver}',
    $template$
-- {{d.id}}, {{d.online}}, {{d.status}} to {{telemetry}}{{#driver:moves}}, that move{{/driver:moves}}: {{l.driver}}, {{l.type}}, {{l.message}}, {{l.meta}}, {{l.created_at}}; {{path}}; 00_realtime_tell_status
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
);

revoke all on function realtime_sync.fleet_telemetry_id(regclass, text[]) from public;
revoke all on function realtime_sync.fleet_status_telemetry(regclass, text[], regclass, jsonb, text, text, boolean) from public;
revoke all on function realtime_sync.fleet_drop_status_telemetry(regclass) from public;
revoke all on function realtime_sync.fleet_orphans() from public;

comment on function realtime_sync.fleet_telemetry_id(regclass, text[]) is
    'The key that a row of a telemetry table needs to be given, and how. Raises 55000 if it needs more.';
comment on function realtime_sync.fleet_status_telemetry(regclass, text[], regclass, jsonb, text, text, boolean) is
    'Writes a row into a telemetry table in the same transaction whenever a status column of the table changes: type status_change, message "Driver 42 status: f -> t", meta {"column", "old_status", "new_status"}, and "table" of one that is not the drivers''. What is left out is taken from the fleet map. Returns the statements it ran (dry_run: would run), empty if nothing was to do. Raises 42P01, 42703, 42704 for what is not there, 55000 for a telemetry table that needs more values or has no room for that type, 22P02 for a type that is an enum without status_change.';
comment on function realtime_sync.fleet_drop_status_telemetry(regclass) is
    'Undoes realtime_sync.fleet_status_telemetry(). False if there was nothing.';
comment on function realtime_sync.fleet_orphans() is
    'Part of realtime_sync.fleet_setup() and fleet_remove(): what realtime_sync.fleet_status_telemetry() made for tables that are gone.';
