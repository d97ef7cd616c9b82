-- Where the kit's functions look for names that have no schema. Their own text has none such; what it sets off has:
-- the app's triggers, the functions of its policies, checks and generated columns, written for the app's path.
--
-- Most of the kit's functions run as their owner, so whoever may create in a schema of this path could have him run
-- what he likes: a table that a trigger names, or an overload that fits better. pg_catalog is first, and so takes what
-- it has of the same argument types; but an operator of exactly the types that an expression has, where pg_catalog
-- only has one after a cast, is taken from whatever schema it is in. So a schema in which a stranger may create is not
-- on it. pg_temp is last, and where nothing else has the name: unnamed it would be first.

-- The app's schema, after it those of tables mapped from elsewhere, and then those of the path that the kit's owner has by
-- default: as ALTER ROLE and ALTER DATABASE say, and not the session's, for the next setup may come by another connection. strangers: who may create
-- in it, himself or by SET ROLE, besides superusers, the database's owner, the app's schema's owner and who has the
-- rights of the kit's owner; mend: how not. Of these paths instead, if they are given: what functions have may be of before.
create function realtime_sync.fleet_path_schemas(schema name, paths text[] default null)
returns table (place bigint, name name, strangers text, mend text)
stable language sql
set search_path = pg_catalog, pg_temp
begin atomic
    with kit as (
        select coalesce(
            -- Of its functions, as whom they run. A stranger who may create in it may note one too: then he is one of
            -- them, nobody has all their rights, and fleet_setup() asks.
            (
                select pg_catalog.array_agg(r.oid order by o.place)
                from realtime_sync.fleet_object o
                join pg_catalog.pg_roles r on r.rolname = o.owner
                where o.schema = fleet_path_schemas.schema and o.kind = 'function'
            ),
            array[pg_catalog.to_regrole(pg_catalog.quote_ident(current_user))::oid]
        ) as owners
    ), setting as (
        -- In PostgreSQL's order: of the role in this database, of the role, of the database, of all roles.
        select pg_catalog.substr(v.value, pg_catalog.length('search_path=') + 1) as path, s.setrole <> 0 as by_role, s.setdatabase <> 0 as here
        from kit
        join pg_catalog.pg_db_role_setting s on s.setrole in (0, kit.owners[1])
        join pg_catalog.pg_database d on d.datname = pg_catalog.current_database() and s.setdatabase in (0, d.oid)
        cross join lateral pg_catalog.unnest(s.setconfig) v(value)
        where v.value like 'search\_path=%'
        union all
        select b.boot_val, null, null
        from pg_catalog.pg_settings b
        where b.name = 'search_path'
    ), named as (
        select 0 as place, fleet_path_schemas.schema as name
        where fleet_path_schemas.paths is null
        union all
        select 1, n.nspname
        from realtime_sync.fleet_map m
        join pg_catalog.pg_class c on c.oid = m.relation
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where m.schema = fleet_path_schemas.schema and fleet_path_schemas.paths is null
        union all
        select m.place + 1, coalesce(pg_catalog.replace(m.part[1], '""', '"'), pg_catalog.lower(m.part[2]))::name
        from (
            (select s.path from setting s where fleet_path_schemas.paths is null order by s.by_role desc nulls last, s.here desc limit 1)
            union all
            select pg_catalog.unnest(fleet_path_schemas.paths)
        ) s
        cross join lateral pg_catalog.regexp_matches(s.path, '"((?:[^"]|"")*)"|([^\s,]+)', 'g') with ordinality m(part, place)
    )
    select k.place, k.name, c.strangers, case
        when c.strangers is null then null
        when c.owner then pg_catalog.format('alter schema %I owner to %s', k.name, kit.owners[1]::regrole)
        else pg_catalog.format('revoke create on schema %I from %s', k.name, c.strangers)
    end
    from kit
    cross join (select n.name, pg_catalog.min(n.place) as place from named n group by n.name) k
    join pg_catalog.pg_namespace n on n.nspname = k.name
    join pg_catalog.pg_namespace home on home.nspname = fleet_path_schemas.schema
    cross join lateral (
        select
            pg_catalog.string_agg(
                distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end, ', '
            ),
            coalesce(pg_catalog.bool_or(a.grantee = n.nspowner), false)
        from (
            select n.nspowner
            union
            select x.grantee from pg_catalog.aclexplode(n.nspacl) x where x.privilege_type = 'CREATE'
        ) a(grantee)
        where a.grantee = 0 or not (
            pg_catalog.pg_has_role(a.grantee, home.nspowner, 'member')
            or pg_catalog.pg_has_role(a.grantee, 'pg_database_owner', 'member')
            or (select pg_catalog.bool_and(pg_catalog.pg_has_role(a.grantee, o.owner, 'member')) from pg_catalog.unnest(kit.owners) o(owner))
        )
    ) c(strangers, owner)
    -- It stands in the kit's text as the app's other names do: see fleet_expand().
    where k.name not in ('pg_catalog', 'pg_temp') and k.name !~ '\{\{|\}\}|\$|''';
end;

-- Without the app's own schema the others are of no use.
create function realtime_sync.fleet_path(schema name) returns text
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select pg_catalog.concat_ws(
        ', ', 'pg_catalog',
        case when pg_catalog.bool_or(s.place = 0 and s.strangers is null) then
            pg_catalog.string_agg(pg_catalog.quote_ident(s.name), ', ' order by s.place, s.name) filter (where s.strangers is null)
        end,
        'pg_temp'
    )
    from realtime_sync.fleet_path_schemas(fleet_path.schema) s;
end;

revoke all on function realtime_sync.fleet_path_schemas(name, text[]) from public;
revoke all on function realtime_sync.fleet_path(name) from public;

comment on function realtime_sync.fleet_path_schemas(name, text[]) is
    'Part of realtime_sync.fleet_setup(): the schemas in which the kit''s functions would look for names, or those of other paths, and which strangers may create in them.';
comment on function realtime_sync.fleet_path(name) is
    'Part of realtime_sync.fleet_setup(): the search_path of the kit''s functions in a schema.';
