-- fleet_setup(): an app's tables found and mapped, what is missing made, and the kit written into the app's
-- schema, each step told with its SQL.

create function realtime_sync.fleet_work(schema name, create_missing boolean, dry_run boolean, unlocked boolean)
returns setof realtime_sync.fleet_step
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    step realtime_sync.fleet_step;
    what text;
    thing record;
    template realtime_sync.fleet_template;
    missing text[] := '{}';
    needs text[] := '{}';
    left_out text[] := '{}';
    here oid := pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_work.schema));
    changed boolean := false;
    stop boolean := false;
    -- Found, or asked about.
    has_trips boolean := false;
begin
    if not pg_catalog.has_schema_privilege(here, 'create') then
        return next row(
            'ask', pg_catalog.format('schema %I', schema), pg_catalog.format('%s may not create anything in it', current_user),
            pg_catalog.format('grant create, usage on schema %I to %I', schema, current_user)
        )::realtime_sync.fleet_step;
        stop := true;
    end if;
    if not pg_catalog.has_function_privilege('realtime_sync.send(text, text, json)', 'execute')
        or not pg_catalog.has_column_privilege('realtime_sync.event', 'topics', 'insert')
    then
        return next row(
            'ask', pg_catalog.format('role %I', current_user), 'the kit''s functions send messages as their owner, who may not send',
            pg_catalog.format('select realtime_sync.allow(%L, ''send'', topics => array[''*''])', current_user)
        )::realtime_sync.fleet_step;
        stop := true;
    end if;
    -- Driver 42 of either app would read driver:42, and presence knows one topic, drivers.
    for step in
        select
            'ask', pg_catalog.format('schema %I', o.schema), 'the kit is set up there too: both apps have the same topics and the same presence, and their drivers hear each other',
            '-- give one a database of its own'
        from realtime_sync.fleet_object o
        join pg_catalog.pg_namespace n on n.nspname = o.schema
        where o.schema <> fleet_work.schema
        group by o.schema
        order by o.schema
    loop
        return next step;
    end loop;
    delete from realtime_sync.fleet_map m
    where m.schema = fleet_work.schema and not exists (select from pg_catalog.pg_class c where c.oid = m.relation);
    -- What is on a table that is gone may be on the one that was restored in its place: it is looked for below.
    delete from realtime_sync.fleet_object o
    where o.schema = fleet_work.schema and not realtime_sync.fleet_stands(o)
        and (o.relation is null or exists (select from pg_catalog.pg_class c where c.oid = o.relation));
    for step in select a.* from realtime_sync.fleet_astray(schema) a loop
        return next step;
        stop := true;
    end loop;
    stop := stop or exists (select from realtime_sync.fleet_others(schema));
    foreach what in array array['driver', 'trip', 'passenger', 'wallet', 'telemetry'] loop
        for step in select f.* from realtime_sync.fleet_find(schema, what) f loop
            if step.status <> 'missing' then
                return next step;
                stop := stop or step.status = 'ask' and step.object = 'driver';
                has_trips := has_trips or step.object = 'trip';
            elsif what = 'passenger' and has_trips then
                -- Ids of a table made now would be none that a trip knows.
                return next row(
                    'skip', what, case
                        when exists (
                            select from realtime_sync.fleet_map m
                            where m.schema = fleet_work.schema and m.entity = 'trip' and m.columns ->> 'passenger' is null
                        ) then 'no column of the trips is known to name one'
                        else 'the trips are the app''s own, and name passengers in their way'
                    end, null
                )::realtime_sync.fleet_step;
            elsif not create_missing then
                step.status := case what when 'driver' then 'ask' else 'skip' end;
                select pg_catalog.format('%s, create_missing => true makes %I', step.why, t.name) into step.why
                from realtime_sync.fleet_template t
                where t.kind = 'table' and t.entity = step.object;
                return next step;
                stop := stop or what = 'driver';
            elsif what = 'driver' and not stop then
                -- Before the trips: they are known by their driver.
                step := realtime_sync.fleet_make(
                    schema, 'table', (select t.name from realtime_sync.fleet_template t where t.kind = 'table' and t.entity = step.object),
                    dry_run, unlocked
                );
                changed := changed or step.status = 'done';
                return next step;
            else
                missing := missing || what;
            end if;
        end loop;
        exit when stop;
    end loop;
    if not stop then
        perform realtime_sync.fleet_repoint(schema);
    end if;
    for step in
        select
            'ask', pg_catalog.format('role %s', x.owner),
            pg_catalog.format('%I would run what %s writes, in %s; call it as %s, or drop what you do not know', current_user, x.owner, x.objects, x.owner),
            pg_catalog.format(
                E'-- call it as %s, or drop them and:\ndelete from realtime_sync.fleet_object where (schema, owner) = (%L, %L)', x.owner, schema, x.owner
            )
        from realtime_sync.fleet_others(schema) x
        order by x.owner::text
    loop
        return next step;
        stop := true;
    end loop;
    -- An unknown word would stop every fix of a driver: his trips are looked for by the status's own type.
    for step in
        select
            'ask', pg_catalog.format('transition.%s', k.key),
            pg_catalog.format('%s of %s is not of the status''s type, %s, which refuses unknown words', k.value, m.relation, t.type),
            pg_catalog.format('alter table %s alter column %I type %s using %I::text::%s', m.relation, k.value, t.type, k.value, t.type)
        from realtime_sync.fleet_map m
        cross join lateral pg_catalog.jsonb_each_text(m.columns) k
        join pg_catalog.pg_attribute a on a.attrelid = m.relation and a.attname = k.value and not a.attisdropped
        join (
            select a.atttypid as oid, pg_catalog.format_type(a.atttypid, a.atttypmod) as type
            from realtime_sync.fleet_map m
            join pg_catalog.pg_attribute a on a.attrelid = m.relation and a.attname = (m.columns ->> 'status') and not a.attisdropped
            join pg_catalog.pg_type y on y.oid = a.atttypid
            where m.schema = fleet_work.schema and m.entity = 'trip' and (y.typcategory <> 'S' or y.typtype = 'd')
        ) t on t.oid <> a.atttypid
        where m.schema = fleet_work.schema and m.entity = 'transition' and k.key in ('from_status', 'to_status')
        order by k.key
    loop
        return next step;
        stop := true;
    end loop;
    -- The steps to begin with are in words that the status can have: one that is cut is never a trip's.
    for thing in
        select m.relation as trip, (m.columns ->> 'status')::name as status
        from realtime_sync.fleet_map m
        where m.schema = fleet_work.schema and m.entity = 'trip' and m.columns ->> 'status' is not null and create_missing
            and not exists (select from realtime_sync.fleet_map t where t.schema = m.schema and t.entity = 'transition')
    loop
        begin
            for step in
                select
                    'ask', 'trip.status',
                    pg_catalog.format(
                        '%s of %s has room for %s characters, and nothing says which words it takes: not the kit''s own, %s; or let a check constraint list yours',
                        pg_catalog.quote_ident(thing.status), thing.trip, r.room, pg_catalog.string_agg(distinct w.word, ', ')
                    ),
                    pg_catalog.format('alter table %s alter column %I type text', thing.trip, thing.status)
                from realtime_sync.fleet_room(thing.trip, thing.status) r(room)
                cross join realtime_sync.fleet_transitions(thing.trip, thing.status) f
                cross join lateral (values (f.from_status), (f.to_status)) w(word)
                where pg_catalog.length(w.word) > r.room
                group by r.room
            loop
                return next step;
                stop := true;
            end loop;
        exception
            -- The table of statuses is another's.
            when insufficient_privilege then
                what := sqlerrm;
                return next row('ask', 'trip.status', what || ', which has its words', (
                    select pg_catalog.format(
                        E'grant usage on schema %s to %I;\ngrant select on %s to %I', c.relnamespace::regnamespace, current_user, r.target, current_user
                    )
                    from realtime_sync.fleet_references(thing.trip) r
                    join pg_catalog.pg_class c on c.oid = r.target
                    where r."column" = thing.status
                ))::realtime_sync.fleet_step;
                stop := true;
        end;
    end loop;
    -- Nor is a status change of the drivers told by half a word.
    for step in
        select
            'ask', 'telemetry.type',
            pg_catalog.format('%I of %s has room for %s characters, and status_change has 13', m.columns ->> 'type', m.relation, r.room),
            coalesce(
                (
                    select pg_catalog.format(E'drop view %I.%I; -- fleet_setup() makes it again\n', o.schema, o.actual)
                    from realtime_sync.fleet_object o
                    where o.schema = m.schema and o.kind = 'view' and o.name = 'driver_states'
                ), ''
            ) || pg_catalog.format('alter table %s alter column %I type text', m.relation, m.columns ->> 'type')
        from realtime_sync.fleet_map m
        cross join lateral realtime_sync.fleet_room(m.relation, (m.columns ->> 'type')::name) r(room)
        where m.schema = fleet_work.schema and m.entity = 'telemetry' and r.room < pg_catalog.length('status_change')
    loop
        return next step;
        stop := true;
    end loop;
    for step in
        select
            'ask', m.entity || '.login',
            pg_catalog.format('no unique index covers %I: two of one login would fail', a.attname),
            pg_catalog.format('create unique index%s on %s (%I)', case when unlocked then ' concurrently' end, m.relation, a.attname)
        from realtime_sync.fleet_map m
        join pg_catalog.pg_attribute a on a.attrelid = m.relation and a.attname = (m.columns ->> 'login') and not a.attisdropped
        where m.schema = fleet_work.schema and m.entity in ('driver', 'passenger')
            -- Who is calling is asked of the app's own function.
            and not exists (select from realtime_sync.fleet_who w where w.schema = m.schema)
            and not exists (
                select from pg_catalog.pg_index i
                where i.indrelid = m.relation and i.indisunique and i.indisvalid and i.indnkeyatts = 1 and i.indkey[0] = a.attnum
                    and coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid) = pg_catalog.format('(%I IS NOT NULL)', a.attname), true)
            )
        order by m.entity
    loop
        return next step;
    end loop;
    for step in
        select
            'ask', pg_catalog.format('role %I', current_user), 'the kit''s functions call these as their owner, who may not',
            pg_catalog.format('grant execute on function %s to %I', pg_catalog.string_agg(u.function::text, ', ' order by u.function::text), current_user)
        from realtime_sync.fleet_uses(array['function', 'view', 'trigger', 'policy', 'timer']) u
        where not pg_catalog.has_function_privilege(u.function, 'execute')
        having pg_catalog.count(*) > 0
    loop
        return next step;
        stop := true;
    end loop;
    if stop then
        return;
    end if;
    for step in
        select
            'ask', pg_catalog.format('schema %I', p.name),
            pg_catalog.format(
                '%s may create in it, so the kit''s functions look for no names there: what a trigger of yours calls in it without the schema fails in their calls',
                p.strangers
            ),
            p.mend
        from realtime_sync.fleet_path_schemas(schema) p
        where p.strangers is not null
        order by p.place
    loop
        return next step;
    end loop;
    for step in
        select
            'skip', 'table ' || p.far, 'a foreign table: ' || case m.entity
                when 'trip' then 'a step that moves its trip to another partition is not told, and an open trip that moves is offered anew'
                else 'of a driver who moves to another partition telemetry says what he had before as if it were new'
            end, null
        from realtime_sync.fleet_map m
        cross join lateral realtime_sync.fleet_partitions(m.relation, m.columns) p
        where m.schema = fleet_work.schema and m.entity in ('driver', 'trip') and p.move and p.far is not null
        order by m.entity
    loop
        return next step;
    end loop;
    for step in
        select
            'skip', 'table ' || m.relation, case m.entity
                when 'trip' then 'a step by an update that names a partition of it instead is not told; the change itself is'
                else 'a status that an update which names a partition of it instead changes has no telemetry; the change itself is told'
            end, null
        from realtime_sync.fleet_map m
        cross join lateral realtime_sync.fleet_partitions(m.relation, m.columns) p
        where m.schema = fleet_work.schema and m.entity in ('driver', 'trip') and p.move and p.far is null
        order by m.entity
    loop
        return next step;
    end loop;
    for step in
        select 'ask', 'table ' || h.relation, h.problem, h.fix
        from realtime_sync.fleet_hidden(schema, current_user) h
    loop
        return next step;
    end loop;
    for step in
        select
            'ask', m.entity, pg_catalog.format('%s is a partition of %s, and what is in others nobody follows; health() says what mends it', m.relation, p.parent),
            realtime_sync.fleet_map_call(schema, m.entity, p.parent::text, m.columns)
        from realtime_sync.fleet_map m
        cross join lateral (select pg_catalog.pg_partition_root(m.relation)) p(parent)
        where m.schema = fleet_work.schema and p.parent <> m.relation
        order by m.entity
    loop
        return next step;
    end loop;
    -- Of a trail of the app's own that wants more than a fix has, or another type, each fix would fail;
    -- what the app writes there itself can be shown all the same.
    for step in
        select
            'ask', coalesce('location.' || w.word, pg_catalog.format('table %s', m.relation)),
            case when w.word is null
                then pg_catalog.format('%I of it may not be null and has no default, and no fix has a value for it', a.attname)
                else pg_catalog.format('%I of %s is no text', a.attname, m.relation)
            end,
            pg_catalog.format('alter table %s alter column %I %s', m.relation, a.attname, case when w.word is null then 'set default ...' else 'type text' end)
        from realtime_sync.fleet_map m
        join pg_catalog.pg_attribute a on a.attrelid = m.relation and a.attnum > 0 and not a.attisdropped
        join pg_catalog.pg_type y on y.oid = a.atttypid
        left join lateral (
            select k.key
            from pg_catalog.jsonb_each_text(m.columns) k
            where k.value = a.attname and k.key <> 'id'
        ) w(word) on true
        where m.schema = fleet_work.schema and m.entity = 'location'
            and (
                w.word is null and a.attnotnull and not a.atthasdef and a.attidentity = '' and y.typdefault is null
                or w.word in ('client_id', 'flag') and y.typcategory <> 'S'
            )
        order by a.attnum
    loop
        return next step;
    end loop;
    -- Of what is gone since: what could only fail goes with it, unless the app has made it its own.
    for thing in
        select o as object, realtime_sync.fleet_lacks(o.schema, t.needs) as lacks
        from realtime_sync.fleet_object o
        left join realtime_sync.fleet_template t using (kind, name)
        where o.schema = fleet_work.schema and o.kind not in ('table', 'source')
            -- Nor of a kit that had it under another name; what no template has made is not meant.
            and case when t.name is null then o.made <> '' else realtime_sync.fleet_lacks(o.schema, t.needs) <> '{}' end
            and not exists (
                select from pg_catalog.pg_proc p
                where o.kind = 'function' and p.pronamespace = here and p.proname = o.actual and pg_catalog.md5(p.prosrc) <> o.body
            )
        order by o.place desc
    loop
        step := realtime_sync.fleet_drop(thing.object, false, dry_run);
        step.why := pg_catalog.concat_ws(
            '; ', coalesce('dropped, since it needs ' || thing.lacks[1], 'dropped, the kit has it no more'), nullif(step.why, '')
        );
        changed := changed or step.status = 'done';
        return next step;
    end loop;
    for thing in select o.function from realtime_sync.fleet_orphans() o(function) loop
        step := row(
            case when dry_run then 'drop' else 'done' end, 'function ' || thing.function, 'the table whose status it followed is gone',
            pg_catalog.format('drop function %s', thing.function)
        );
        if not dry_run then
            execute step.sql;
        end if;
        return next step;
    end loop;
    -- The drivers' own is written again below; those of tables that the app follows itself keep all but their path.
    for thing in
        select p.oid::regprocedure as function, realtime_sync.fleet_path(schema) as path
        from pg_catalog.pg_proc p
        where p.pronamespace = here and p.proname like 'realtime\_status\_%'
            and pg_catalog.obj_description(p.oid, 'pg_proc') = 'realtime_sync: status telemetry'
            and pg_catalog.pg_has_role(p.proowner, 'usage')
            and (p.proconfig @> array['search_path=' || realtime_sync.fleet_path(schema)]) is not true
        order by p.oid::regprocedure::text
    loop
        step := row(
            case when dry_run then 'create' else 'done' end, 'function ' || thing.function, 'its search_path, which has changed',
            pg_catalog.format('alter function %s set search_path = %s', thing.function, thing.path)
        );
        if not dry_run then
            execute step.sql;
        end if;
        return next step;
    end loop;
    for template in
        select t.*
        from realtime_sync.fleet_template t
        where t.kind = 'table' and t.entity is not null
        order by t.place, t.name
    loop
        if exists (
            select from realtime_sync.fleet_map m where m.schema = fleet_work.schema and m.entity = template.entity
        ) or not template.entity = any (missing)
            and template.entity in ('driver', 'trip', 'passenger', 'wallet', 'telemetry')
        then
            continue;
        end if;
        if not create_missing then
            step := row('skip', 'table ' || template.name, 'no table is known for it; create_missing => true makes it', null);
        else
            step := realtime_sync.fleet_make(schema, 'table', template.name, dry_run, unlocked);
            if step.status = 'lacks' then
                step.status := 'skip';
                step.why := 'it needs ' || step.why;
            end if;
        end if;
        changed := changed or step.status = 'done';
        return next step;
    end loop;
    -- Of a status whose words nobody knows the table of steps is empty, and every offer and step would be refused.
    for thing in
        select m.relation as trip, m.columns ->> 'status' as status, coalesce(t.relation::text, pg_catalog.format('%I.trip_transitions', m.schema)) as steps,
            case when t.relation is null
                then 'realtime_sync.fleet_transitions($1, $2)'
                else t.relation::text
            end as source,
            coalesce(t.columns, '{"from_status": "from_status", "to_status": "to_status", "who": "who", "state": "state"}') as columns
        from realtime_sync.fleet_map m
        left join realtime_sync.fleet_map t on t.schema = m.schema and t.entity = 'transition'
        where m.schema = fleet_work.schema and m.entity = 'trip' and m.columns ->> 'status' is not null
            and (t.relation is not null or create_missing)
    loop
        execute pg_catalog.format(
            $n$select k.state from pg_catalog.unnest('{accepted,completed}'::text[]) k(state) where not exists (select from %s s where s.%I = k.state) order by 1 limit 1$n$,
            thing.source, thing.columns ->> 'state'
        ) into what using thing.trip, thing.status;
        if what is not null then
            return next row(
                'ask', 'trip.status', case what
                    when 'accepted' then 'none of its words is known to mean accepted, so no trip can be offered'
                    else 'its words are not known to lead to completed, so no trip can be ended' end,
                pg_catalog.format(
                    E'-- and so on to the states arriving, arrived, in_progress, completed and canceled\ninsert into %s (%I, %I, %I, %I)\nvalues (%L, %L, %L, %L)',
                    thing.steps,
                    thing.columns ->> 'from_status', thing.columns ->> 'to_status', thing.columns ->> 'who', thing.columns ->> 'state',
                    'the word before', 'the word for ' || what, '{driver,dispatcher,system}', what
                )
            )::realtime_sync.fleet_step;
        end if;
    end loop;
    for thing in
        select t.kind, t.name
        from (
            select 'source' as kind, 0 as place, m.entity as name
            from realtime_sync.fleet_map m
            where m.schema = fleet_work.schema and m.entity in ('driver', 'trip', 'wallet', 'telemetry')
            union all
            select t.kind, t.place, t.name
            from realtime_sync.fleet_template t
            where t.kind <> 'part' and (t.kind <> 'table' or t.entity is null)
        ) t
        order by
            pg_catalog.array_position(array['table', 'source', 'index', 'function', 'view', 'trigger', 'policy', 'timer'], t.kind),
            t.place, t.name
    loop
        -- What the kit notes for itself is none of the app's.
        if thing.kind = 'table' and thing.name !~ '^realtime_' and not create_missing and not exists (
            select from realtime_sync.fleet_object o
            where o.schema = fleet_work.schema and o.kind = 'table' and o.name = thing.name
        ) then
            step := row('skip', 'table ' || thing.name, 'create_missing => true makes it', null);
        else
            step := realtime_sync.fleet_make(schema, thing.kind, thing.name, dry_run, unlocked);
        end if;
        changed := changed or step.status = 'done';
        if step.status = 'lacks' then
            if thing.kind in ('table', 'function', 'view') and thing.name not like 'realtime\_%' then
                needs := needs || case
                    when exists (
                        select from realtime_sync.fleet_map m
                        where m.schema = fleet_work.schema and m.entity = pg_catalog.split_part(step.why, '.', 1)
                    ) then step.why
                    else pg_catalog.split_part(step.why, '.', 1)
                end;
                left_out := left_out || thing.name;
            end if;
        else
            return next step;
        end if;
    end loop;
    -- By what is missing: of a kit without trips nobody wants to read forty lines.
    for step in
        select 'skip', 'without ' || l.need, 'no ' || pg_catalog.string_agg(l.name, ', ' order by l.name), null
        from (
            select u.* from rows from (pg_catalog.unnest(needs), pg_catalog.unnest(left_out)) u(need, name)
            union all
            -- The call is made, and this of it stays empty.
            select pg_catalog.split_part(d.line, ': ', 1), pg_catalog.split_part(d.line, ': ', 2)
            from pg_catalog.regexp_split_to_table(realtime_sync.fleet_expand(schema, $template$
{{#trip}}{{^trip.status}}trip.status: active_trip in get_driver_dashboard
{{/trip.status}}{{^trip.completed_at}}trip.completed_at: trips in get_driver_dashboard
{{/trip.completed_at}}{{^trip.pickup_lat|trip.pickup_point|trip.pickup_geography}}trip.pickup_lat: offers to the nearest
trip.pickup_lat: trip.arriving
{{/trip.pickup_lat|trip.pickup_point|trip.pickup_geography}}{{^trip.earnings|trip.fare}}trip.fare: earnings in get_driver_dashboard and offers
{{/trip.earnings|trip.fare}}{{/trip}}
{{^driver.lat|driver.point|driver.geography}}driver.lat: drivers in get_fleet_overview and nearby_drivers
driver.lat: lat and lng in get_driver_dashboard
driver.lat: offers to the nearest
{{/driver.lat|driver.point|driver.geography}}
{{^driver.lat:set|driver.point:set|driver.geography:set}}driver.lat: geofence.entered and geofence.left
{{/driver.lat:set|driver.point:set|driver.geography:set}}
{{#telemetry}}{{^telemetry.created_at|telemetry.id:integer}}telemetry.created_at: telemetry in get_driver_dashboard
{{/telemetry.created_at|telemetry.id:integer}}{{/telemetry}}
{{^location.recorded_at}}location: duplicate of update_location
{{^driver.location_at}}location: impossible_jump of update_location
location: out_of_order of update_location
{{/driver.location_at}}{{#driver.location_at}}{{^driver.lat:set|driver.point:set|driver.geography:set}}location: impossible_jump of update_location
{{/driver.lat:set|driver.point:set|driver.geography:set}}{{/driver.location_at}}{{/location.recorded_at}}$template$), '\n') d(line)
            where d.line <> ''
        ) l(need, name)
        group by l.need
        order by l.need
    loop
        return next step;
    end loop;
    -- Noted since it was looked for, which waits for nobody.
    if exists (select from realtime_sync.fleet_others(schema)) then
        raise object_in_use using
            message = pg_catalog.format('another role has noted or mapped things of schema %I meanwhile', schema),
            hint = pg_catalog.format('select * from realtime_sync.fleet_setup(%L); says which.', schema);
    end if;
    if changed then
        -- What is new is for those who have the rest.
        for step in
            select f.*
            from realtime_sync.fleet_permission p
            cross join lateral realtime_sync.fleet_grant(p.schema, p.role) f
            where p.schema = fleet_work.schema and f.status = 'done'
        loop
            return next step;
        end loop;
        notify pgrst, 'reload schema';
        return next row(
            'done', 'notify pgrst', 'PostgREST and Supabase learn of the new functions', 'notify pgrst, ''reload schema'''
        )::realtime_sync.fleet_step;
    end if;
end
$function$;

create function realtime_sync.fleet_setup(
    schema name default 'public',
    create_missing boolean default false,
    dry_run boolean default false,
    concurrently boolean default false
) returns table(step integer, status text, object text, why text, sql text)
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    steps realtime_sync.fleet_step[];
begin
    if pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_setup.schema)) is null then
        raise invalid_schema_name using
            message = pg_catalog.format('schema "%s" does not exist', coalesce(fleet_setup.schema, 'null')),
            hint = 'Name the schema of the app''s tables, such as ''public''.';
    end if;
    -- Two at once would both find a name free.
    perform pg_catalog.pg_advisory_xact_lock('realtime_sync.fleet_object'::regclass::oid::bigint);
    begin
        steps := array(
            select w
            from realtime_sync.fleet_work(
                fleet_setup.schema, coalesce(fleet_setup.create_missing, false), coalesce(fleet_setup.dry_run, false),
                coalesce(fleet_setup.concurrently, false)
            ) w
        );
        -- What a dry run made, so as to know what comes after it, goes; what it found out stays.
        if fleet_setup.dry_run then
            raise sqlstate 'RS000';
        end if;
    exception
        when sqlstate 'RS000' then
            null;
    end;
    return query
        -- What was run or only found is not to be read again, and long lists are in lines.
        select s.place::integer, s.status, s.object, pg_catalog.regexp_replace(s.why, '(.{40,60}[,;]) (?=.{12})', E'\\1\n', 'g'),
            case when fleet_setup.dry_run and s.status <> 'skip' or s.status = 'ask' or s.object like 'source %' and s.status = 'exists' then s.sql || ';' end
        from pg_catalog.unnest(steps) with ordinality s(status, object, why, sql, place);
end
$function$;

revoke all on function realtime_sync.fleet_work(name, boolean, boolean, boolean) from public;
revoke all on function realtime_sync.fleet_setup(name, boolean, boolean, boolean) from public;

comment on function realtime_sync.fleet_work(name, boolean, boolean, boolean) is
    'Part of realtime_sync.fleet_setup(): the steps.';
comment on function realtime_sync.fleet_setup(name, boolean, boolean, boolean) is
    'Makes a ride or delivery app live: finds its tables, follows their changes, writes the fleet kit''s functions into the schema; create_missing makes the tables it lacks; dry_run changes nothing; concurrently gives indexes to be made by hand. A row for each step: status found, ask (yours to answer), create, drop, done, exists, skip; its statement in sql where it is a dry run or asked of you. Never replaces what is there; a second call changes nothing. What another role has noted or mapped is asked about, as are a superuser''s calls over an ordinary role''s tables. SQLSTATE 3F000, 55006.';
