-- One object of the kit made in an app's schema, unless it stands.

-- Makes one object, unless it stands. Nothing of the app's own is replaced: what has the name keeps it. Status lacks:
-- why is what it needs of the map, or what it calls and is left out.
create function realtime_sync.fleet_make(schema name, kind text, name text, dry_run boolean, unlocked boolean)
returns realtime_sync.fleet_step
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    template realtime_sync.fleet_template;
    object realtime_sync.fleet_object;
    upon realtime_sync.fleet_object;
    ours boolean;
    actual name := realtime_sync.fleet_name(fleet_make.schema, fleet_make.kind, fleet_make.name);
    relation regclass;
    label text;
    sql text;
    why text := '';
    same text;
    lacks text[];
    step realtime_sync.fleet_step;
    former text := '';
    undo text := '';
begin
    select t.* into template from realtime_sync.fleet_template t where t.kind = fleet_make.kind and t.name = fleet_make.name;
    lacks := realtime_sync.fleet_lacks(schema, template.needs);
    label := fleet_make.kind || ' ' || fleet_make.name;
    if lacks <> '{}' then
        return row('lacks', label, lacks[1], null)::realtime_sync.fleet_step;
    end if;
    select o.* into object
    from realtime_sync.fleet_object o
    where o.schema = fleet_make.schema and o.kind = fleet_make.kind and o.name = fleet_make.name;
    ours := object.name is not null;
    begin
        sql := realtime_sync.fleet_sql(schema, kind, name);
    exception
        -- A part of the kit that this app cannot have is no reason to give it nothing.
        when undefined_object then
            return row('skip', label, sqlerrm, null)::realtime_sync.fleet_step;
    end;
    -- What it calls is left out, so it is too.
    select pg_catalog.array_agg(t.kind || ' ' || t.name order by t.name) into lacks
    from realtime_sync.fleet_template t
    where t.name <> fleet_make.name
        and t.kind in ('table', 'function', 'view')
        and pg_catalog.strpos(sql, pg_catalog.regexp_replace(t.name, '^get_', '')) > 0
        and sql ~ (
            pg_catalog.regexp_replace(
                pg_catalog.format('%I.%I', fleet_make.schema, realtime_sync.fleet_name(fleet_make.schema, t.kind, t.name)),
                '([^a-zA-Z0-9_])', '\\\1', 'g'
            ) || '\M'
        )
        and not exists (
            select from realtime_sync.fleet_object o where o.schema = fleet_make.schema and o.kind = t.kind and o.name = t.name
        )
        and realtime_sync.fleet_lacks(fleet_make.schema, t.needs) <> '{}';
    if lacks is not null and not ours then
        return row('lacks', label, lacks[1], null)::realtime_sync.fleet_step;
    end if;
    if kind = 'source' then
        select m.relation into relation
        from realtime_sync.fleet_map m
        where m.schema = fleet_make.schema and m.entity = fleet_make.name;
    elsif kind in ('index', 'trigger', 'policy') then
        relation := pg_catalog.to_regclass(
            (pg_catalog.regexp_match(sql, '\mon\s+((?:"[^"]+"|[^\s".(]+)(?:\.(?:"[^"]+"|[^\s".(]+))?)', 'i'))[1]
        );
    end if;
    -- Another table has the name since: what is on the former goes, or is its own if something there needs it.
    if ours and object.relation <> relation then
        step := realtime_sync.fleet_drop(object, false, dry_run);
        if step.status = 'ask' and kind <> 'index' then
            return step;
        elsif not dry_run then
            delete from realtime_sync.fleet_object o where (o.schema, o.kind, o.name) = (object.schema, object.kind, object.name);
            actual := realtime_sync.fleet_name(fleet_make.schema, fleet_make.kind, fleet_make.name);
        end if;
        former := case when step.status in ('done', 'drop') then pg_catalog.format('; dropped from %s', object.relation) else '' end;
        ours := false;
    end if;
    if kind = 'source' then
        label := 'source ' || relation;
        why := case fleet_make.name
            when 'driver' then 'to drivers, driver:<id>'
                || coalesce('; place alone every ' || pg_catalog.substring(sql, 'throttle => ''([^'']+)') || ' at most', '')
            when 'trip' then 'to trip:<id>, driver:<id>' || case when sql ~ 'passenger:' then ', passenger:<id>' else '' end
            else 'to driver:<id>'
        end || former;
        if not ours and exists (
            select from pg_catalog.pg_trigger t where t.tgrelid = relation and t.tgfoid = 'realtime_sync.capture()'::regprocedure
        ) then
            return row(
                'exists', label, 'a source already, and stays as it is; the kit''s would be as sql says', sql
            )::realtime_sync.fleet_step;
        end if;
    elsif kind in ('index', 'trigger', 'policy') then
        if not ours and kind in ('trigger', 'policy') and exists (
            select from pg_catalog.pg_trigger t where kind = 'trigger' and t.tgrelid = relation and t.tgname = fleet_make.name
            union all
            select from pg_catalog.pg_policy p where kind = 'policy' and p.polrelid = relation and p.polname = fleet_make.name
        ) then
            -- Of a trigger, its name is its turn.
            actual := case kind when 'trigger' then fleet_make.name || '_kit' else 'realtime_' || fleet_make.name end;
        end if;
        sql := pg_catalog.regexp_replace(
            sql, '^(create\s+(?:unique\s+|constraint\s+)?' || kind || ')(\s+(?!on\M)\S+)?(\s+)',
            '\1 ' || pg_catalog.quote_ident(actual) || '\3'
        );
        sql := pg_catalog.regexp_replace(sql, '(enable\s+always\s+trigger\s+)\S+', '\1' || pg_catalog.quote_ident(actual));
        label := pg_catalog.format('%s %I', kind, actual);
        why := 'on ' || relation || former;
    elsif kind = 'table' then
        label := pg_catalog.format('table %I.%I', schema, actual);
    elsif kind <> 'timer' then
        label := pg_catalog.format('%s %I', kind, actual);
    end if;
    if ours then
        if object.made = pg_catalog.md5(realtime_sync.fleet_sql(schema, kind, name)) then
            return row('exists', label, 'as it was made', null)::realtime_sync.fleet_step;
        elsif kind = 'table' then
            return row('exists', label, 'its rows stay as they are', null)::realtime_sync.fleet_step;
        elsif kind = 'index' and (
            select c.relispartition
            from pg_catalog.pg_index i
            join pg_catalog.pg_class c on c.oid = i.indexrelid
            where i.indrelid = relation and c.relname = actual
        ) then
            return row('exists', label, pg_catalog.format('the table that %s is a partition of has it too', relation), null)::realtime_sync.fleet_step;
        elsif kind = 'function' and object.body is distinct from (
            select pg_catalog.md5(p.prosrc)
            from pg_catalog.pg_proc p
            where p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)) and p.proname = actual
        ) then
            return row(
                'skip', label, 'it was changed by hand, and stays so; drop it to have the kit''s again', null
            )::realtime_sync.fleet_step;
        end if;
        why := 'made again: its template or the map has changed';
    elsif actual <> name and kind <> 'timer' then
        object.schema := schema;
        object.kind := kind;
        object.actual := actual;
        object.relation := relation;
        if realtime_sync.fleet_stands(object) then
            return row(
                'ask', label, pg_catalog.format('%s is taken, and so is %I', name, actual),
                pg_catalog.format('alter %s %I.%I rename to ...', kind, schema, name)
            )::realtime_sync.fleet_step;
        end if;
        why := pg_catalog.format('%s %I is the app''s own and stays', kind, name);
    end if;
    if kind = 'index' then
        select x.name into same
        from realtime_sync.fleet_same_index(relation, sql) x(name);
        if same is not null and not ours then
            return row('exists', label, pg_catalog.format('%I does it', same) || former, null)::realtime_sync.fleet_step;
        end if;
        if (select c.reltuples > 100000 from pg_catalog.pg_class c where c.oid = relation) then
            why := pg_catalog.concat_ws(
                '; ', nullif(why, ''), 'writes wait while it is built, unless concurrently => true'
            );
        end if;
    end if;
    if ours and kind in ('function', 'view') then
        sql := pg_catalog.regexp_replace(sql, '^create\s', 'create or replace ');
    elsif ours and kind not in ('source', 'timer') then
        sql := realtime_sync.fleet_undo(object) || E';\n' || sql;
    end if;
    if kind = 'function' then
        sql := sql || pg_catalog.format(
            E';\nrevoke all on function %I.%I from %s', schema, actual, realtime_sync.fleet_strangers(schema, 'f')
        );
    elsif kind = 'view' then
        sql := sql || pg_catalog.format(
            E';\nrevoke all on table %I.%I from %s', schema, actual, realtime_sync.fleet_strangers(schema, 'r')
        );
    elsif kind = 'table' then
        -- Closed until fleet_allow() or the app opens it; the owner is not kept out.
        sql := sql || pg_catalog.format(E';\nalter table %I.%I enable row level security', schema, actual);
        why := pg_catalog.concat_ws('; ', nullif(why, ''), 'yours; row-level security is on, only its owner reads it');
    end if;
    sql := sql || pg_catalog.format(
        E';\nselect realtime_sync.fleet_note(%s)', pg_catalog.concat_ws(
            ', ', pg_catalog.quote_literal(schema), pg_catalog.quote_literal(kind), pg_catalog.quote_literal(name),
            pg_catalog.quote_literal(actual), pg_catalog.quote_literal(relation)
        )
    );
    if kind = 'index' and unlocked then
        return row(
            'ask', label, 'by hand, one statement after the other, in no transaction',
            case when exists (select from pg_catalog.pg_partitioned_table p where p.partrelid = relation)
                then realtime_sync.fleet_partition_indexes(relation, actual, sql)
                else pg_catalog.regexp_replace(sql, '(create\s+(?:unique\s+)?index)', '\1 concurrently')
            end
        )::realtime_sync.fleet_step;
    end if;
    if kind = 'source' then
        begin
            execute case when dry_run then pg_catalog.split_part(sql, E');\nselect realtime_sync.fleet_note', 1) || ', dry_run => true)' else sql end;
        exception
            -- What enable() refuses, such as a table without a key, is for the app to mend.
            when invalid_parameter_value or feature_not_supported or object_not_in_prerequisite_state or duplicate_object
                or insufficient_privilege
            then
                get stacked diagnostics same = pg_exception_hint;
                return row('ask', label, sqlerrm, pg_catalog.format(E'-- %s\n%s', same, sql))::realtime_sync.fleet_step;
        end;
        return row(case when dry_run then 'create' else 'done' end, label, why, sql)::realtime_sync.fleet_step;
    end if;
    -- A dry run makes what others are made of, and is undone; it takes no lock on what is there.
    if not dry_run or kind in ('table', 'function', 'view') then
        if ours and kind = 'function' then
            declare
                before oid[] := array(
                    select p.oid from pg_catalog.pg_proc p
                    where p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)) and p.proname = actual
                );
                others boolean;
                grants text := (
                    select pg_catalog.string_agg(
                        pg_catalog.format(E';\ngrant execute on function %I.%I to %s', schema, actual, a.grantee::regrole), ''
                    )
                    from pg_catalog.pg_proc p
                    cross join lateral pg_catalog.aclexplode(p.proacl) a
                    where p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)) and p.proname = actual
                        and a.grantee not in (0, p.proowner)
                );
            begin
                execute pg_catalog.split_part(sql, E';\nrevoke all on function', 1);
                -- Other arguments: no overload stays behind.
                others := exists (
                    select from pg_catalog.pg_proc n
                    where n.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)) and n.proname = actual
                        and n.oid <> all (before)
                );
                if others then
                    raise ambiguous_function;
                end if;
            exception
                when invalid_function_definition or ambiguous_function then
                    sql := realtime_sync.fleet_undo(object) || E';\n' || sql || coalesce(grants, '');
            end;
            execute sql;
        elsif ours and kind = 'view' then
            begin
                execute sql;
            exception
                -- Other columns: those of the kit's that are made of it go first, and are made again in their turn.
                when invalid_table_definition then
                    for upon in
                        select o.*
                        from realtime_sync.fleet_object o
                        where o.schema = fleet_make.schema and o.kind = 'view' and o.place >= object.place
                        order by o.place desc
                    loop
                        step := realtime_sync.fleet_drop(upon, false, false);
                        if step.status = 'ask' then
                            return step;
                        end if;
                        undo := undo || realtime_sync.fleet_undo(upon) || E';\n';
                    end loop;
                    execute sql;
                    sql := undo || sql;
            end;
        else
            execute sql;
        end if;
    end if;
    return row(case when dry_run then 'create' else 'done' end, label, why, sql)::realtime_sync.fleet_step;
end
$function$;

-- An index of the table that is what the statement would make. The statement is tried on an empty table of
-- the same columns, so that PostgreSQL compares, not this code.
create function realtime_sync.fleet_same_index(relation regclass, statement text) returns name
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    same name;
    definition text;
begin
    begin
        execute pg_catalog.format('create temporary table realtime_index_probe (like %s)', relation);
        execute pg_catalog.regexp_replace(
            statement, '^(create\s+(?:unique\s+)?index)\s.*?\son\s+(?:"[^"]+"|[^\s".(]+)(?:\.(?:"[^"]+"|[^\s".(]+))?',
            '\1 on pg_temp.realtime_index_probe', 'i'
        );
        select pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^.*? USING ', '') || i.indisunique into definition
        from pg_catalog.pg_index i
        where i.indrelid = 'pg_temp.realtime_index_probe'::regclass;
        drop table pg_temp.realtime_index_probe;
    exception
        -- No temporary tables for this role: the index is made, twice at worst.
        when insufficient_privilege then
            return null;
    end;
    select c.relname into same
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    where i.indrelid = relation
        and i.indisvalid
        and (
            pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^.*? USING ', '') || i.indisunique = definition
            -- A unique one serves as well.
            or pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^.*? USING ', '') || 'false' = definition
        )
    order by c.relname
    limit 1;
    return same;
end
$function$;

-- A partitioned table's index cannot be made concurrently: its partitions' are, and attached to one of the table alone.
create function realtime_sync.fleet_partition_indexes(relation regclass, name name, statement text) returns text
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    with part as (
        select
            t.relid, t.parentrelid, t.level, t.isleaf, n.nspname as home,
            pg_catalog.quote_ident(
                pg_catalog.left(name, 57) || case when t.level > 0 then '_' || pg_catalog.row_number() over (order by t.level, t.relid::oid) - 1 else '' end
            ) as index
        from pg_catalog.pg_partition_tree(relation) t
        join pg_catalog.pg_class c on c.oid = t.relid and c.relkind <> 'f'
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    )
    select pg_catalog.string_agg(
        pg_catalog.format(
            'create index %s%s on %s%s%s%s', case when p.isleaf then 'concurrently ' end, p.index,
            case when not p.isleaf then 'only ' end, p.relid,
            -- All after the table's name.
            pg_catalog.substr(made.index, pg_catalog.strpos(made.index, ' on ' || relation) + pg_catalog.length(' on ' || relation)),
            case when p.level > 0 then
                pg_catalog.format(E';\nalter index %I.%s attach partition %I.%s', parent.home, parent.index, p.home, p.index)
            end
        ), E';\n' order by p.level, p.relid::oid
    ) || pg_catalog.substr(statement, pg_catalog.length(made.index) + 1)
    from part p
    left join part parent on parent.relid = p.parentrelid
    cross join (select pg_catalog.split_part(statement, E';\nselect realtime_sync.fleet_note', 1)) made(index)
    group by made.index;
end;

revoke all on function realtime_sync.fleet_make(name, text, text, boolean, boolean) from public;
revoke all on function realtime_sync.fleet_same_index(regclass, text) from public;
revoke all on function realtime_sync.fleet_partition_indexes(regclass, name, text) from public;

comment on function realtime_sync.fleet_make(name, text, text, boolean, boolean) is
    'Part of realtime_sync.fleet_setup(): makes one object, unless it stands.';
comment on function realtime_sync.fleet_same_index(regclass, text) is
    'Part of realtime_sync.fleet_setup(): the index that is already what a statement would make.';
comment on function realtime_sync.fleet_partition_indexes(regclass, name, text) is
    'Part of realtime_sync.fleet_setup(): how a partitioned table gets an index while it is written to.';
