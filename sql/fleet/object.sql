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
    -- Who has noted it; what he does not own is not dropped for him. By name: a dump may come to where there is no
    -- such role.
    owner name not null default current_user,
    primary key (schema, kind, name)
);

select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_object', '');

create function realtime_sync.fleet_stands(object realtime_sync.fleet_object) returns boolean
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select case object.kind
        when 'function' then exists (
            select from pg_catalog.pg_proc p
            where p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(object.schema)) and p.proname = object.actual
        )
        when 'trigger' then exists (
            select from pg_catalog.pg_trigger t where t.tgrelid = object.relation and t.tgname = object.actual
        )
        when 'policy' then exists (
            select from pg_catalog.pg_policy p where p.polrelid = object.relation and p.polname = object.actual
        )
        when 'source' then exists (
            select from pg_catalog.pg_trigger t
            where t.tgrelid = object.relation and t.tgfoid = 'realtime_sync.capture()'::regprocedure
        )
        when 'index' then exists (
            select
            from pg_catalog.pg_index i
            join pg_catalog.pg_class c on c.oid = i.indexrelid
            where i.indrelid = object.relation and c.relname = object.actual
        )
        when 'timer' then true
        else pg_catalog.to_regclass(pg_catalog.format('%I.%I', object.schema, object.actual)) is not null
    end;
end;

-- Whose it is: a function's owners, one for each of its name; a table's or view's; of what is on a table, that table's.
create function realtime_sync.fleet_owners(object realtime_sync.fleet_object) returns setof oid
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select p.proowner
    from pg_catalog.pg_proc p
    where object.kind = 'function'
        and p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(object.schema))
        and p.proname = object.actual
    union all
    select c.relowner
    from pg_catalog.pg_class c
    where case
        when object.kind in ('table', 'view')
            then c.oid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', object.schema, object.actual))
        else c.oid = object.relation
    end;
end;

-- Whoever notes an object says what fleet_remove() will drop, so it has to be his own, then and when it is dropped:
-- by that time somebody else may have made one of that name.
create function realtime_sync.fleet_owns(object realtime_sync.fleet_object, role name) returns boolean
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    -- Of a role that is gone nothing is; what has the name may be somebody else's by now.
    select r.role is not null and coalesce(
        (select pg_catalog.bool_and(pg_catalog.pg_has_role(r.role, x.owner, 'usage')) from realtime_sync.fleet_owners(object) x(owner)),
        pg_catalog.has_schema_privilege(r.role, pg_catalog.to_regnamespace(pg_catalog.quote_ident(object.schema)), 'create'),
        -- Of a schema that is gone, or has another name since.
        pg_catalog.pg_has_role(r.role, pg_catalog.to_regrole(pg_catalog.quote_ident(object.owner)), 'usage')
    )
        -- Of timers each role sees its own: to another what is noted would look as if it were gone.
        and (object.kind <> 'timer' or coalesce(
            pg_catalog.pg_has_role(r.role, pg_catalog.to_regrole(pg_catalog.quote_ident(object.owner)), 'usage'), true
        ))
    from (select pg_catalog.to_regrole(pg_catalog.quote_ident(role))) r(role);
end;

alter table realtime_sync.fleet_object enable row level security;
create policy fleet_read on realtime_sync.fleet_object for select using (true);
create policy fleet_write on realtime_sync.fleet_object
    using (realtime_sync.fleet_owns(fleet_object, current_user))
    with check (owner = current_user and realtime_sync.fleet_owns(fleet_object, owner));

-- Of what the kit has, or is about to take for its own, that which is a role's without the caller's rights. The kit's
-- functions call it as their owner, who would run what that role writes: functions, and triggers of tables. Whoever
-- may migrate may note and map what is his. Tables of the app's that the caller is a member for are his to judge.
create function realtime_sync.fleet_others(schema name, out owner regrole, out objects text) returns setof record
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select x.owner::regrole, pg_catalog.array_to_string((pg_catalog.array_agg(x.object order by x.object))[:3], ', ')
        || case when pg_catalog.count(*) > 3 then pg_catalog.format(' and %s more', pg_catalog.count(*) - 3) else '' end
    from (
        select o.kind || ' ' || pg_catalog.quote_ident(o.actual), pg_catalog.to_regrole(pg_catalog.quote_ident(o.owner))::oid
        from realtime_sync.fleet_object o
        where o.schema = fleet_others.schema
        union
        select o.kind || ' ' || pg_catalog.quote_ident(o.actual), x.owner
        from realtime_sync.fleet_object o
        cross join lateral realtime_sync.fleet_owners(o) x(owner)
        where o.schema = fleet_others.schema and o.kind in ('function', 'table', 'view')
        union
        select 'table ' || pg_catalog.quote_ident(c.relname), c.relowner
        from realtime_sync.fleet_map m
        join pg_catalog.pg_class c on c.oid = m.relation
        where m.schema = fleet_others.schema and (
            m.entity in ('location', 'offer', 'transition')
            -- Of the passengers it reads only.
            or m.entity <> 'passenger' and (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user)
        )
    ) x(object, owner)
    where not pg_catalog.pg_has_role(x.owner, current_user, 'usage')
    group by x.owner;
end;

-- The last statement of each step: notes what was made, so that it can be told from the app's own and undone.
create function realtime_sync.fleet_note(schema name, kind text, name text, actual name, relation regclass default null)
returns void
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    object realtime_sync.fleet_object;
begin
    object.schema := fleet_note.schema;
    object.kind := fleet_note.kind;
    object.name := fleet_note.name;
    object.actual := fleet_note.actual;
    object.relation := fleet_note.relation;
    object.made := '';
    if not realtime_sync.fleet_stands(object) then
        raise undefined_object using
            message = pg_catalog.format('%s %I of schema %I does not exist', kind, actual, schema),
            hint = 'It is noted after it was made.';
    end if;
    insert into realtime_sync.fleet_object as o (schema, place, kind, name, actual, relation, made)
    select object.schema, coalesce(pg_catalog.max(f.place), 0) + 1, object.kind, object.name, object.actual, object.relation, ''
    from realtime_sync.fleet_object f
    where f.schema = object.schema
    on conflict (schema, kind, name) do update
        set actual = excluded.actual, relation = excluded.relation, owner = excluded.owner;
    -- With the name it now has.
    update realtime_sync.fleet_object o set
        made = coalesce(pg_catalog.md5(realtime_sync.fleet_sql(o.schema, o.kind, o.name)), ''),
        body = (
            select pg_catalog.md5(p.prosrc)
            from pg_catalog.pg_proc p
            where o.kind = 'function'
                and p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(o.schema))
                and p.proname = o.actual
        )
    where o.schema = object.schema and o.kind = object.kind and o.name = object.name;
    -- A table that was made is known from then on, by the names of its columns.
    insert into realtime_sync.fleet_map as m (schema, entity, relation, columns)
    select o.schema, t.entity, c.oid, pg_catalog.jsonb_object_agg(k.word, a.attname)
    from realtime_sync.fleet_object o
    join realtime_sync.fleet_template t on t.kind = 'table' and t.name = o.name and t.entity is not null
    join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', o.schema, o.actual))
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    cross join lateral (
        select case a.attname
            when 'driver_id' then 'driver'
            when 'trip_id' then 'trip'
            when 'passenger_id' then 'passenger'
            when 'user_id' then 'login'
            when 'is_online' then 'online'
            else a.attname::text
        end
        union
        select 'id' where a.attname = realtime_sync.fleet_key(c.oid)
    ) k(word)
    where o.schema = object.schema and o.kind = 'table' and o.kind = object.kind and o.name = object.name
    group by o.schema, t.entity, c.oid
    on conflict (schema, entity) do update set relation = excluded.relation, columns = excluded.columns;
end
$function$;

revoke all on table realtime_sync.fleet_object from public;
revoke all on function realtime_sync.fleet_stands(realtime_sync.fleet_object) from public;
revoke all on function realtime_sync.fleet_owners(realtime_sync.fleet_object) from public;
revoke all on function realtime_sync.fleet_owns(realtime_sync.fleet_object, name) from public;
revoke all on function realtime_sync.fleet_others(name) from public;
revoke all on function realtime_sync.fleet_note(name, text, text, name, regclass) from public;

comment on table realtime_sync.fleet_object is
    'What realtime_sync.fleet_setup() has made in an app''s schema.';
comment on function realtime_sync.fleet_stands(realtime_sync.fleet_object) is
    'Part of realtime_sync.fleet_setup(): whether an object still exists.';
comment on function realtime_sync.fleet_owners(realtime_sync.fleet_object) is
    'Part of the fleet kit: who owns what is noted; none of what is not there, or is a timer.';
comment on function realtime_sync.fleet_owns(realtime_sync.fleet_object, name) is
    'Part of the policy on realtime_sync.fleet_object and of realtime_sync.fleet_remove(): whether a role owns it.';
comment on function realtime_sync.fleet_others(name) is
    'Part of realtime_sync.fleet_setup(): what of a schema''s kit is a role''s without the caller''s rights.';
comment on function realtime_sync.fleet_note(name, text, text, name, regclass) is
    'Last statement of each step of realtime_sync.fleet_setup(): notes an object as the kit''s, so that fleet_remove() drops it.';
