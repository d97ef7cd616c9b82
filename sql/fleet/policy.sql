-- Who of an app's users hears and calls what, by one call for the usual shape: a driver his own, a passenger
-- his trips, a dispatcher all drivers and trips. fleet_allow() writes policies and grants, as allow() does.

-- What fleet_allow() has given. As of realtime_sync.allowed, pg_dump keeps the rows and not the policies,
-- and the trigger writes these again when the rows are restored.
create table realtime_sync.fleet_allowed (
    schema name not null,
    role regrole not null,
    -- The functions the policy asks, as the reader; by name, so that dropping them leaves a policy that lets
    -- nothing through, and is no error.
    topics text not null,
    dispatcher text not null,
    policy name not null unique,
    -- Whether it was given the schema's USAGE too.
    usage boolean not null,
    primary key (schema, role)
);

create view realtime_sync.fleet_permission as
select a.schema, a.role, a.topics, a.dispatcher, a.policy, a.usage
from realtime_sync.fleet_allowed a
where exists (select from realtime_sync.grantee g where g.role = a.role and coalesce(g.policy = a.policy, true));

select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_allowed', c.condition)
from pg_catalog.pg_extension e, rows from (pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition)) as c (relation, condition)
where c.relation = 'realtime_sync.allowed'::regclass;

create function realtime_sync.fleet_topics(function text) returns text[]
stable strict language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    topics text[];
begin
    if pg_catalog.to_regprocedure(function) is not null then
        execute pg_catalog.format('select %s', function) into topics;
    end if;
    return coalesce(topics, '{}');
end
$function$;

create function realtime_sync.fleet_dispatches(function text) returns boolean
stable strict language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    dispatches boolean;
begin
    if pg_catalog.to_regprocedure(function) is not null then
        execute pg_catalog.format('select %s', function) into dispatches;
    end if;
    return coalesce(dispatches, false);
end
$function$;

create function realtime_sync.fleet_write_policy() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $function$
declare
    permission realtime_sync.fleet_allowed := coalesce(new, old);
    written boolean := exists (
        select from pg_catalog.pg_policy p
        where p.polrelid = 'realtime_sync.event'::regclass
            and p.polname = permission.policy and p.polroles = array[permission.role::oid]
    );
begin
    if written then
        execute pg_catalog.format('drop policy %I on realtime_sync.event', permission.policy);
    end if;
    if tg_op = 'DELETE' then
        return null;
    end if;
    if not exists (select from pg_catalog.pg_roles r where r.oid = permission.role) then
        raise warning using
            message = pg_catalog.format('role %s does not exist, so it is not allowed to read', permission.role),
            hint = 'Create the role and restore again, or call realtime_sync.fleet_allow().';
        return null;
    end if;
    -- Asked once a query, not once an event.
    execute pg_catalog.format(
        $policy$
create policy %I on realtime_sync.event for select to %s using (
    topics operator(pg_catalog.&&) ((select realtime_sync.fleet_topics(%L))::text[])
    or (select realtime_sync.fleet_dispatches(%L)) and exists (
        select from pg_catalog.unnest(topics) as topic
        where topic operator(pg_catalog.=) 'drivers'
            or topic operator(pg_catalog.^@) 'driver:' or topic operator(pg_catalog.^@) 'trip:'
    )
)
$policy$,
        permission.policy, permission.role, permission.topics, permission.dispatcher
    );
    return null;
exception
    when lock_not_available then
        raise lock_not_available using
            message = 'realtime_sync.event is in use',
            detail = 'Writing a policy needs the table to itself for a moment, and gave up after 3 seconds so as not to hold its readers back.',
            hint = 'Try again when the long transaction that uses it has ended: select pid, query from pg_stat_activity where pid in (select pid from pg_locks where relation = ''realtime_sync.event''::regclass).';
end
$function$;

create trigger write_policy after insert or update or delete on realtime_sync.fleet_allowed
    for each row execute function realtime_sync.fleet_write_policy();

-- What a role gets in the app's schema: the kit's functions, and its tables as far as their rows are its own.
create function realtime_sync.fleet_grant(schema name, role regrole) returns setof realtime_sync.fleet_step
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    thing record;
    own text;
begin
    for thing in
        select
            o.kind, pg_catalog.format('%I.%I', o.schema, o.actual) as called, o.owner,
            -- Whoever notes it says what is granted, so it has to be his.
            realtime_sync.fleet_owns(o, o.owner) as owned,
            f.functions,
            case o.kind
                when 'function' then f.granted
                else pg_catalog.has_table_privilege(fleet_grant.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', o.schema, o.actual)), 'select')
            end as granted
        from realtime_sync.fleet_object o
        cross join lateral (
            select
                pg_catalog.string_agg(p.oid::regprocedure::text, ', '),
                pg_catalog.bool_and(pg_catalog.has_function_privilege(fleet_grant.role, p.oid, 'execute'))
            from pg_catalog.pg_proc p
            where o.kind = 'function'
                and p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(o.schema)) and p.proname = o.actual
        ) f(functions, granted)
        where o.schema = fleet_grant.schema
            and o.kind in ('function', 'view')
            and realtime_sync.fleet_stands(o)
            and realtime_sync.fleet_is_call(o.name)
            and not exists (
                select from pg_catalog.pg_proc p
                where o.kind = 'function'
                    and p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(o.schema))
                    and p.proname = o.actual and p.prorettype = 'trigger'::regtype
            )
        order by o.place
    loop
        if thing.granted then
            return next row('exists', thing.kind || ' ' || thing.called, 'as it was granted', null)::realtime_sync.fleet_step;
            continue;
        end if;
        own := case thing.kind
            when 'function' then pg_catalog.format('grant execute on function %s to %s', thing.functions, fleet_grant.role)
            else pg_catalog.format('grant select on table %s to %s', thing.called, fleet_grant.role)
        end;
        if not thing.owned then
            return next row(
                'ask', thing.kind || ' ' || thing.called, pg_catalog.format('noted by %s, whose it is not', thing.owner), own
            )::realtime_sync.fleet_step;
            continue;
        end if;
        execute own;
        return next row('done', thing.kind || ' ' || thing.called, '', own)::realtime_sync.fleet_step;
    end loop;
    for thing in
        select
            m.entity, m.relation, n.actual is not null as made, c.relrowsecurity as closed,
            pg_catalog.has_table_privilege(fleet_grant.role, m.relation, 'select')
                or pg_catalog.has_any_column_privilege(fleet_grant.role, m.relation, 'select') as reads,
            m.columns ->> 'id' as id, m.columns ->> 'driver' as driver, m.columns ->> 'passenger' as passenger,
            exists (
                select from realtime_sync.fleet_object p
                where p.schema = m.schema and p.kind = 'policy' and p.name = m.entity || ' ' || fleet_grant.role::text
            ) as written
        from (
            select m.schema, m.entity, m.relation, m.columns from realtime_sync.fleet_map m
            union all
            select h.schema, h.name, pg_catalog.to_regclass(pg_catalog.format('%I.%I', h.schema, h.actual)), null
            from realtime_sync.fleet_object h
            where h.kind = 'table' and h.name = 'trip_status_changes' and realtime_sync.fleet_stands(h)
        ) m
        join pg_catalog.pg_class c on c.oid = m.relation
        left join realtime_sync.fleet_object n
            on n.schema = m.schema and n.kind = 'table'
            and pg_catalog.to_regclass(pg_catalog.format('%I.%I', n.schema, n.actual)) = m.relation
        where m.schema = fleet_grant.schema
            -- Whose rows they are nothing says, until fleet_map() does.
            and not (n.actual is not null and m.entity in ('wallet', 'telemetry', 'location', 'offer') and m.columns ->> 'driver' is null)
        order by m.entity
    loop
        if not thing.made then
            return next case
                when not thing.reads then row(
                    'ask', 'table ' || thing.relation,
                    pg_catalog.format('%s may not read it, and what the kit answers from it will be refused; the table is yours to open', fleet_grant.role),
                    pg_catalog.format('grant select on table %s to %s', thing.relation, fleet_grant.role)
                )::realtime_sync.fleet_step
                when not thing.closed then row(
                    'ask', 'table ' || thing.relation,
                    pg_catalog.format('%s reads every row of it: it has no row-level security', fleet_grant.role),
                    pg_catalog.format('alter table %s enable row level security', thing.relation)
                )::realtime_sync.fleet_step
                else row(
                    'exists', 'table ' || thing.relation, 'its own policies decide, and stay as they are', null
                )::realtime_sync.fleet_step
            end;
            continue;
        end if;
        if thing.written then
            return next row('exists', 'policy on ' || thing.relation, 'as it was made', null)::realtime_sync.fleet_step;
            continue;
        end if;
        own := case
            when thing.entity = 'transition' then 'true'
            -- Where the trips are the app's own, its policies on them count as well.
            when thing.entity = 'trip_status_changes' then pg_catalog.format(
                'exists (select from {{trip}} t where {{t.id}} = %s.trip_id and ({{t.driver}} = (select {{rpc.realtime_driver}}())'
                    '{{#trip.passenger}} or {{t.passenger}} = (select {{rpc.realtime_passenger}}()){{/trip.passenger}} or (select {{rpc.realtime_dispatcher}}())))',
                thing.relation
            )
            else pg_catalog.concat_ws(
                ' or ',
                case thing.entity
                    when 'driver' then pg_catalog.format('%I = (select {{rpc.realtime_driver}}())', thing.id)
                    when 'passenger' then pg_catalog.format('%I = (select {{rpc.realtime_passenger}}())', thing.id)
                    else pg_catalog.format('%I = (select {{rpc.realtime_driver}}())', thing.driver)
                end,
                case when thing.entity = 'trip' then pg_catalog.format('%I = (select {{rpc.realtime_passenger}}())', thing.passenger) end,
                '(select {{rpc.realtime_dispatcher}}())'
            )
        end;
        own := pg_catalog.format(
            E'create policy %1$I on %2$s for select to %3$s using (%4$s);\ngrant select on table %2$s to %3$s;\n'
                'select realtime_sync.fleet_note(%5$L, ''policy'', %6$L, %1$L, %2$L)',
            'realtime ' || fleet_grant.role, thing.relation, fleet_grant.role,
            realtime_sync.fleet_expand(fleet_grant.schema, own), fleet_grant.schema, thing.entity || ' ' || fleet_grant.role
        );
        execute own;
        return next row('done', 'policy on ' || thing.relation, 'each reads its own rows, a dispatcher all', own)::realtime_sync.fleet_step;
    end loop;
end
$function$;

-- The identity functions with or without the app's own word on who is calling.
create function realtime_sync.fleet_identify(schema name, who text) returns setof realtime_sync.fleet_step
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    caller text := pg_catalog.current_setting('role');
    thing record;
    step realtime_sync.fleet_step;
begin
    if who = '' then
        delete from realtime_sync.fleet_who w where w.schema = fleet_identify.schema;
    else
        insert into realtime_sync.fleet_who as w values (fleet_identify.schema, fleet_identify.who)
        on conflict (schema) do update set function = excluded.function;
    end if;
    -- As the kit's owner: what runs as its owner may not become the caller's.
    for thing in
        select o.name, pg_catalog.pg_get_userbyid(p.proowner) as owner
        from realtime_sync.fleet_object o
        join pg_catalog.pg_proc p
            on p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(o.schema)) and p.proname = o.actual
        where o.schema = fleet_identify.schema
            and o.kind = 'function'
            and o.name in ('realtime_driver', 'realtime_passenger', 'realtime_dispatcher')
    loop
        perform pg_catalog.set_config('role', thing.owner, true);
        step := realtime_sync.fleet_make(fleet_identify.schema, 'function', thing.name, false, false);
        perform pg_catalog.set_config('role', caller, true);
        if step.status <> 'exists' then
            return next step;
        end if;
    end loop;
end
$function$;

-- What a reader needs besides the privileges of allow(role, 'read'): what the policy asks, and what those of the
-- kit's functions call that run as their caller.
create function realtime_sync.fleet_privileges(out privilege text, out object text) returns setof record
stable language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select 'execute', 'function ' || p.oid::regprocedure
    from pg_catalog.pg_proc p
    where p.pronamespace = 'realtime_sync'::regnamespace and p.proname in ('fleet_topics', 'fleet_dispatches')
    union
    select 'execute', 'function ' || u.function
    from realtime_sync.fleet_uses(array['function', 'view']) u
    where u.by_caller
        and not (select p.prosecdef from pg_catalog.pg_proc p where p.oid = u.function::regprocedure);
end;

create function realtime_sync.fleet_allow(
    schema name default 'public',
    role regrole default null,
    who text default null
) returns table(step integer, status text, object text, why text, sql text)
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    reader regrole := coalesce(fleet_allow.role, pg_catalog.to_regrole('authenticated'));
    asked regprocedure;
    called text;
    statement record;
    permission realtime_sync.fleet_permission;
    result realtime_sync.fleet_step;
    steps realtime_sync.fleet_step[] := '{}';
begin
    perform realtime_sync.check_permission('fleet_allow');
    perform realtime_sync.check_role(reader);
    perform realtime_sync.forget_roles();
    select
        fleet_allow.schema, reader,
        pg_catalog.max(pg_catalog.format('%I.%I()', o.schema, o.actual)) filter (where o.name = 'realtime_topics'),
        pg_catalog.max(pg_catalog.format('%I.%I()', o.schema, o.actual)) filter (where o.name = 'realtime_dispatcher'),
        'fleet ' || pg_catalog.md5(fleet_allow.schema || ' ' || reader::oid),
        not pg_catalog.has_schema_privilege(reader::oid, pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_allow.schema)), 'usage')
    into permission
    from realtime_sync.fleet_object o
    where o.schema = fleet_allow.schema and o.kind = 'function';
    -- The schema may be gone, or never have been.
    if permission.topics is null or permission.dispatcher is null then
        raise object_not_in_prerequisite_state using
            message = pg_catalog.format('schema %I has no fleet kit', coalesce(fleet_allow.schema, 'null')),
            hint = pg_catalog.format('select * from realtime_sync.fleet_setup(%L);', coalesce(fleet_allow.schema, 'public'));
    end if;
    if who <> '' then
        asked := pg_catalog.to_regprocedure(case when who ~ '\)$' then who else who || '()' end);
        if asked is null or (
            select p.pronargs > 0 or p.prorettype not in ('json'::regtype, 'jsonb'::regtype)
            from pg_catalog.pg_proc p
            where p.oid = asked
        ) then
            raise undefined_function using
                message = pg_catalog.format('function %s does not exist, takes arguments, or does not return jsonb', who),
                hint = 'Such as who => ''public.my_identity()'', which returns {"driver": 42, "passenger": null, "dispatcher": false}.';
        end if;
        called := asked::text;
    end if;
    if who is not null then
        for result in select f.* from realtime_sync.fleet_identify(fleet_allow.schema, coalesce(called, '')) f loop
            steps := steps || result;
        end loop;
    end if;
    for statement in
        select 'usage' as privilege, pg_catalog.format('schema %I', fleet_allow.schema) as object
        where permission.usage
        union all
        select p.privilege, p.object from realtime_sync.privileges('read') p
        union all
        select f.privilege, f.object from realtime_sync.fleet_privileges() f
    loop
        execute pg_catalog.format('grant %s on %s to %s', statement.privilege, statement.object, reader);
    end loop;
    if not exists (
        select from realtime_sync.fleet_permission p
        join pg_catalog.pg_policy l on l.polrelid = 'realtime_sync.event'::regclass and l.polname = p.policy
        where (p.schema, p.role, p.topics, p.dispatcher) = (permission.schema, permission.role, permission.topics, permission.dispatcher)
    ) then
        insert into realtime_sync.fleet_permission as p values (permission.*)
        on conflict (schema, role) do update
            set topics = excluded.topics, dispatcher = excluded.dispatcher, policy = excluded.policy;
        steps := steps || row(
            'done', 'policy on realtime_sync.event',
            pg_catalog.format('%s reads driver:, passenger: and user: of its own, trip: of its trips; a dispatcher drivers, driver: and trip:', reader),
            null
        )::realtime_sync.fleet_step;
    else
        steps := steps || row('exists', 'policy on realtime_sync.event', 'as it was made', null)::realtime_sync.fleet_step;
    end if;
    for result in select f.* from realtime_sync.fleet_grant(fleet_allow.schema, reader) f loop
        steps := steps || result;
    end loop;
    return query
        select s.place::integer, s.status, s.object, s.why, s.sql || ';'
        from pg_catalog.unnest(steps) with ordinality s(status, object, why, sql, place);
end
$function$;

create function realtime_sync.fleet_disallow(schema name default 'public', role regrole default null) returns boolean
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    reader regrole := coalesce(fleet_disallow.role, pg_catalog.to_regrole('authenticated'));
    thing record;
    used boolean;
begin
    perform realtime_sync.check_permission('fleet_disallow');
    perform realtime_sync.check_role(reader);
    perform realtime_sync.forget_roles();
    delete from realtime_sync.fleet_permission p where p.schema = fleet_disallow.schema and p.role = reader
    returning p.usage into used;
    if not found then
        return false;
    end if;
    if used and pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_disallow.schema)) is not null then
        execute pg_catalog.format('revoke usage on schema %I from %s', fleet_disallow.schema, reader);
    end if;
    for thing in
        select
            o.*,
            case o.kind
                when 'function' then 'function ' || (
                    select pg_catalog.string_agg(p.oid::regprocedure::text, ', ')
                    from pg_catalog.pg_proc p
                    where p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(o.schema)) and p.proname = o.actual
                )
                else pg_catalog.format('table %I.%I', o.schema, o.actual)
            end as called
        from realtime_sync.fleet_object o
        where o.schema = fleet_disallow.schema
            and realtime_sync.fleet_owns(o, o.owner)
            and (o.kind in ('function', 'view') or o.kind = 'policy' and pg_catalog.split_part(o.name, ' ', 1) || ' ' || reader::text = o.name)
            and realtime_sync.fleet_stands(o)
    loop
        if thing.kind = 'policy' then
            execute pg_catalog.format('drop policy %I on %s', thing.actual, thing.relation);
            execute pg_catalog.format('revoke select on table %s from %s', thing.relation, reader);
            delete from realtime_sync.fleet_object o
            where o.schema = thing.schema and o.kind = thing.kind and o.name = thing.name;
        else
            execute pg_catalog.format('revoke all on %s from %s', thing.called, reader);
        end if;
    end loop;
    for thing in
        select p.privilege, p.object from realtime_sync.privileges('read') p
        union all
        select f.privilege, f.object from realtime_sync.fleet_privileges() f
        except
        select k.privilege, k.object from realtime_sync.kept_privileges(reader) k
    loop
        execute pg_catalog.format('revoke %s on %s from %s', thing.privilege, thing.object, reader);
    end loop;
    if not exists (select from realtime_sync.fleet_permission p where p.schema = fleet_disallow.schema) then
        perform from realtime_sync.fleet_identify(fleet_disallow.schema, '');
    end if;
    return true;
end
$function$;

revoke all on table realtime_sync.fleet_allowed from public;
revoke all on table realtime_sync.fleet_permission from public;
revoke all on function realtime_sync.fleet_topics(text) from public;
revoke all on function realtime_sync.fleet_dispatches(text) from public;
revoke all on function realtime_sync.fleet_write_policy() from public;
revoke all on function realtime_sync.fleet_grant(name, regrole) from public;
revoke all on function realtime_sync.fleet_identify(name, text) from public;
revoke all on function realtime_sync.fleet_privileges() from public;
revoke all on function realtime_sync.fleet_allow(name, regrole, text) from public;
revoke all on function realtime_sync.fleet_disallow(name, regrole) from public;

comment on table realtime_sync.fleet_allowed is
    'What realtime_sync.fleet_allow() has given, also to roles that are gone since; its trigger writes the policies on realtime_sync.event.';
comment on view realtime_sync.fleet_permission is
    'What realtime_sync.fleet_allow() has given to whom.';
comment on function realtime_sync.fleet_topics(text) is
    'Part of the policies of realtime_sync.fleet_allow(): the topics of the caller, as the app''s schema says.';
comment on function realtime_sync.fleet_dispatches(text) is
    'Part of the policies of realtime_sync.fleet_allow(): whether the caller is a dispatcher, as the app''s schema says.';
comment on function realtime_sync.fleet_write_policy() is
    'Trigger function: writes the policy of a row of realtime_sync.fleet_allowed.';
comment on function realtime_sync.fleet_grant(name, regrole) is
    'Part of realtime_sync.fleet_allow(): the privileges and policies in the app''s schema.';
comment on function realtime_sync.fleet_identify(name, text) is
    'Part of realtime_sync.fleet_allow(): writes the functions that say who is calling.';
comment on function realtime_sync.fleet_privileges() is
    'Part of realtime_sync.fleet_allow(): privileges on the extension''s functions.';
comment on function realtime_sync.fleet_allow(name, regrole, text) is
    'Lets a role (default authenticated) use the fleet kit of a schema: a driver reads driver:<own> and user:<own>, a passenger passenger:<own>, trip:<own> and user:<own>, a dispatcher drivers, driver:* and trip:*. Who is who is told by the claims sub, user_role, app_metadata.role and role, or by who => ''public.my_identity()'', a function () returning jsonb {"driver", "passenger", "dispatcher"}; who => '''' goes back to the claims. Tables of the app''s own are not opened; a row tells what they lack. SQLSTATE 42501, 42704, 42883, 55000.';
comment on function realtime_sync.fleet_disallow(name, regrole) is
    'Takes back what realtime_sync.fleet_allow() gave; false if it had given nothing. SQLSTATE 42501, 42704.';
