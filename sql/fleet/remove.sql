-- fleet_remove() undoes fleet_setup(), which itself undoes what it can no longer have.

-- One object, unless something of the app's uses it.
create function realtime_sync.fleet_drop(thing realtime_sync.fleet_object, drop_tables boolean, dry_run boolean)
returns realtime_sync.fleet_step
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_variable
declare
    step realtime_sync.fleet_step := row('done', thing.kind || ' ' || coalesce(
        case thing.kind
            -- Of a table that is gone there is only a number.
            when 'source' then (select c.oid::regclass::text from pg_catalog.pg_class c where c.oid = thing.relation)
            when 'table' then pg_catalog.format('%I.%I', thing.schema, thing.actual)
        end,
        pg_catalog.quote_ident(thing.actual)
    ), '', null);
    sql text;
    detail text;
begin
    begin
        sql := realtime_sync.fleet_undo(thing) || ';';
    exception
        -- The table it was made for is gone, and it with that.
        when undefined_object then
            null;
    end;
    if sql is null or not realtime_sync.fleet_stands(thing) then
        step.status := 'exists';
        step.why := 'it is gone already';
    elsif not realtime_sync.fleet_owns(thing, thing.owner) then
        step.status := 'ask';
        step.why := pg_catalog.format(
            'noted by %s, %s', thing.owner,
            case when pg_catalog.to_regrole(pg_catalog.quote_ident(thing.owner)) is null then 'who is gone' else 'whose it is not' end
        );
        step.sql := sql;
        return step;
    elsif thing.kind = 'timer' and realtime_sync.fleet_owns(thing, current_user) is false then
        return row('ask', step.object, pg_catalog.format('only %s can drop it', thing.owner), sql)::realtime_sync.fleet_step;
    elsif thing.kind = 'table' and not drop_tables then
        step.status := 'keep';
        step.why := 'yours with its rows; drop_tables => true drops it';
        step.sql := case when dry_run then sql end;
        return step;
    elsif dry_run then
        step.status := 'drop';
        step.sql := sql;
    else
        begin
            execute sql;
        exception
            when undefined_object then
                step.status := 'exists';
                step.why := 'it is gone already';
            when dependent_objects_still_exist then
                get stacked diagnostics detail = pg_exception_detail;
                return row(
                    'ask', step.object, pg_catalog.format('something of yours uses it: %s', pg_catalog.replace(detail, E'\n', '; ')), sql
                )::realtime_sync.fleet_step;
            when ambiguous_function or insufficient_privilege or wrong_object_type then
                return row('ask', step.object, sqlerrm, sql)::realtime_sync.fleet_step;
        end;
    end if;
    if not dry_run then
        delete from realtime_sync.fleet_object o
        where o.schema = thing.schema and o.kind = thing.kind and o.name = thing.name;
    end if;
    return step;
end
$function$;

-- What is of no use to anybody: hooks whose function is gone, and arrivals where no kit is. As the owner, whose tables
-- these are; there is nothing to say to it, so nothing that it could be made to take.
create function realtime_sync.fleet_forget() returns void
volatile security definer language sql
set search_path = pg_catalog, pg_temp
begin atomic
    delete from realtime_sync.presence_hook h where pg_catalog.to_regprocedure(h.function) is null;
    delete from realtime_sync.arrival a
    where not exists (select from realtime_sync.fleet_object o where o.schema = a.schema and o.kind <> 'table');
end;

-- One statement, unless it is another's to run or only to be told.
create function realtime_sync.fleet_carry_out(step realtime_sync.fleet_step, dry_run boolean)
returns realtime_sync.fleet_step
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    if step.status = 'ask' or dry_run then
        return step;
    end if;
    execute step.sql;
    step.status := 'done';
    step.sql := null;
    return step;
end
$function$;

-- Backwards, each by itself: what the app has come to use stays, and is named.
create function realtime_sync.fleet_remove(
    schema name default 'public',
    drop_tables boolean default false,
    dry_run boolean default false
) returns table(step integer, status text, object text, why text, sql text)
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    thing realtime_sync.fleet_object;
    done realtime_sync.fleet_step;
begin
    -- A schema that is gone may have left what says so.
    if pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_remove.schema)) is null and not exists (
        select from realtime_sync.fleet_object o where o.schema = fleet_remove.schema
        union all
        select from realtime_sync.fleet_map m where m.schema = fleet_remove.schema
        union all
        select from realtime_sync.fleet_permission p where p.schema = fleet_remove.schema
        union all
        select from realtime_sync.geofence g where g.schema = fleet_remove.schema
        union all
        select from realtime_sync.fleet_limit l where l.schema = fleet_remove.schema
    ) then
        raise invalid_schema_name using
            message = pg_catalog.format('schema "%s" does not exist', coalesce(fleet_remove.schema, 'null')),
            hint = 'Name the schema that fleet_setup() was called for, such as ''public''.';
    end if;
    perform pg_catalog.pg_advisory_xact_lock('realtime_sync.fleet_object'::regclass::oid::bigint);
    step := 0;
    dry_run := coalesce(dry_run, false);
    for done in
        select
            case when o.own then 'drop' else 'ask' end,
            'role ' || p.role,
            case when o.own then '' else 'for the owner of realtime_sync.event; its policy lets nothing through' end,
            pg_catalog.format('select realtime_sync.fleet_disallow(%L, %L);', p.schema, p.role)
        from realtime_sync.fleet_permission p
        cross join (
            select pg_catalog.pg_has_role(c.relowner, 'usage') as own
            from pg_catalog.pg_class c
            where c.oid = 'realtime_sync.event'::regclass
        ) o
        where p.schema = fleet_remove.schema
        order by p.role::text
    loop
        step := step + 1;
        select c.* into status, object, why, sql from realtime_sync.fleet_carry_out(done, dry_run) c;
        return next;
    end loop;
    -- What the next kit of that schema is not to inherit; while the tables that say whose it is are there.
    if not dry_run then
        delete from realtime_sync.fleet_limit l where l.schema = fleet_remove.schema;
        delete from realtime_sync.fleet_retention r where r.schema = fleet_remove.schema;
        if drop_tables then
            delete from realtime_sync.geofence g where g.schema = fleet_remove.schema;
        end if;
    end if;
    -- Tables that the app itself had followed: each of their writes would warn once the telemetry is gone.
    for done in
        select
            case when f.own then 'drop' else 'ask' end,
            'status telemetry of ' || f.relation,
            case when f.own then '' else 'for its owner' end,
            pg_catalog.format('select realtime_sync.fleet_drop_status_telemetry(%L);', f.relation)
        from (
            select distinct c.oid::regclass as relation, pg_catalog.pg_has_role(c.relowner, 'usage') as own
            from pg_catalog.pg_trigger t
            join pg_catalog.pg_class c on c.oid = t.tgrelid
            join pg_catalog.pg_proc p on p.oid = t.tgfoid
            left join realtime_sync.fleet_map m on m.schema = fleet_remove.schema and m.entity = 'telemetry'
            where t.tgparentid = 0
                and pg_catalog.obj_description(p.oid, 'pg_proc') = 'realtime_sync: status telemetry'
                and (
                    p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_remove.schema))
                    or pg_catalog.strpos(p.prosrc, pg_catalog.format('insert into %s (', m.relation)) > 0
                )
                and not exists (
                    select
                    from realtime_sync.fleet_map d
                    join realtime_sync.fleet_object o on o.schema = d.schema and o.name = 'realtime_status_telemetry'
                    where d.entity = 'driver' and d.relation = c.oid
                )
        ) f
        order by f.relation
    loop
        step := step + 1;
        select c.* into status, object, why, sql from realtime_sync.fleet_carry_out(done, dry_run) c;
        return next;
    end loop;
    for thing in
        select o.*
        from realtime_sync.fleet_object o
        where o.schema = fleet_remove.schema
        order by o.kind = 'table', o.place desc
    loop
        step := step + 1;
        select d.* into status, object, why, sql
        from realtime_sync.fleet_drop(thing, coalesce(drop_tables, false), dry_run) d;
        return next;
    end loop;
    for done in
        select 'drop', 'function ' || f.orphan, 'the table whose status it followed is gone', pg_catalog.format('drop function %s;', f.orphan)
        from realtime_sync.fleet_orphans() f (orphan)
    loop
        step := step + 1;
        select c.* into status, object, why, sql from realtime_sync.fleet_carry_out(done, dry_run) c;
        return next;
    end loop;
    if dry_run then
        return;
    end if;
    -- The map goes back to what was said by hand; kept tables stay known.
    delete from realtime_sync.fleet_map m
    where m.schema = fleet_remove.schema
        and (
            m.by_hand is null and not exists (
                select from realtime_sync.fleet_object o
                where o.kind = 'table' and pg_catalog.to_regclass(pg_catalog.format('%I.%I', o.schema, o.actual)) = m.relation
            )
            or not exists (select from pg_catalog.pg_class c where c.oid = m.relation)
        );
    update realtime_sync.fleet_map m set columns = m.by_hand
    where m.schema = fleet_remove.schema and m.columns <> m.by_hand;
    perform realtime_sync.fleet_forget();
    if step > 0 then
        notify pgrst, 'reload schema';
    end if;
end
$function$;

revoke all on function realtime_sync.fleet_drop(realtime_sync.fleet_object, boolean, boolean) from public;
revoke all on function realtime_sync.fleet_forget() from public;
revoke all on function realtime_sync.fleet_carry_out(realtime_sync.fleet_step, boolean) from public;
revoke all on function realtime_sync.fleet_remove(name, boolean, boolean) from public;

comment on function realtime_sync.fleet_drop(realtime_sync.fleet_object, boolean, boolean) is
    'Part of realtime_sync.fleet_remove() and fleet_setup(): drops one object of the kit''s.';
comment on function realtime_sync.fleet_forget() is
    'Part of realtime_sync.fleet_remove(): hooks and arrivals that nothing uses any more go.';
comment on function realtime_sync.fleet_carry_out(realtime_sync.fleet_step, boolean) is
    'Part of realtime_sync.fleet_remove(): runs one statement, unless its status is ask or dry_run is true.';
comment on function realtime_sync.fleet_remove(name, boolean, boolean) is
    'Undoes realtime_sync.fleet_setup() and what was switched on since, backwards. Tables it made are kept with their rows, and the schema''s fences, unless drop_tables says so. What the app has come to use stays, with status ask. dry_run tells the statements.';
