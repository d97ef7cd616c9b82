-- Where an app's tables, or the kit's notes, have come apart: a schema that was renamed or restored, tables whose rows
-- the kit's owner does not see.

-- What fleet_setup() would take for the app's own, and make another kit beside: each step would be told twice.
create function realtime_sync.fleet_astray(schema name) returns setof realtime_sync.fleet_step
stable strict language sql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
begin atomic
    -- The kit's functions name the schema that was, and so do its notes.
    select
        'ask', pg_catalog.format('schema %I', o.schema),
        pg_catalog.format('it was renamed to %I, and its fleet kit goes on looking for what it was', fleet_astray.schema),
        pg_catalog.format(
            E'begin;\nalter schema %1$I rename to %2$I;\nselect * from realtime_sync.fleet_remove(%2$L);\nalter schema %2$I rename to %1$I;\nselect * from realtime_sync.fleet_setup(%1$L); -- and what you had switched on\ncommit',
            fleet_astray.schema, o.schema
        )
    from realtime_sync.fleet_object o
    join pg_catalog.pg_proc p
        on p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_astray.schema)) and p.proname = o.actual
            and p.prosrc <> '' and pg_catalog.md5(p.prosrc) = o.body
    where o.kind = 'function' and pg_catalog.to_regnamespace(pg_catalog.quote_ident(o.schema)) is null
        and pg_catalog.pg_has_role(pg_catalog.to_regrole(pg_catalog.quote_ident(o.owner)), p.proowner, 'usage')
        -- Of one that is gone, with another kit here since, some are the same.
        and not exists (
            select from realtime_sync.fleet_object k where (k.schema, k.kind, k.actual) = (fleet_astray.schema, o.kind, o.actual)
        )
    group by o.schema
    union all
    -- One name may be the app's.
    select
        'ask', pg_catalog.format('schema %I', fleet_astray.schema),
        pg_catalog.format('it has %s functions of a fleet kit that is not noted here, such as %s: a dump of the schema alone was restored', pg_catalog.count(*), pg_catalog.min(p.proname::text)),
        pg_catalog.format(E'-- restore it with the kit''s notes, pg_dump --schema=%I --extension=realtime_sync; or:\n', fleet_astray.schema)
            || pg_catalog.string_agg(pg_catalog.format('drop function %s cascade', p.oid::regprocedure), E';\n' order by p.proname)
    from pg_catalog.pg_proc p
    join realtime_sync.fleet_template t on t.kind = 'function' and t.name = p.proname and t.name like 'realtime\_%'
    where p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_astray.schema))
        and not exists (
            select from realtime_sync.fleet_object o
            where o.kind = 'function' and o.actual = p.proname and (o.schema = fleet_astray.schema or o.body = pg_catalog.md5(p.prosrc))
        )
    having pg_catalog.count(*) > 5;
end;

-- Tables that fleet_remove() has kept are the kit's again when their schema was renamed meanwhile. Of tables that were
-- restored, dropped and made again, its notes have the numbers of before: what is on those that have their names now is its.
create function realtime_sync.fleet_repoint(schema name) returns void
volatile strict language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    update realtime_sync.fleet_object o set schema = fleet_repoint.schema, owner = current_user
    where o.kind = 'table' and pg_catalog.to_regnamespace(pg_catalog.quote_ident(o.schema)) is null
        and pg_catalog.to_regclass(pg_catalog.format('%I.%I', fleet_repoint.schema, o.actual)) is not null
        -- A table of the same name may be any app's own: one that was made there, and is here, says that the schema is the same.
        and exists (
            select
            from realtime_sync.fleet_map m
            join pg_catalog.pg_class c on c.oid = m.relation and c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_repoint.schema))
            join realtime_sync.fleet_object k on k.schema = m.schema and k.kind = 'table' and k.actual = c.relname
            where m.schema = o.schema
        )
        -- Nobody's note becomes the caller's but of what is that one's own.
        and realtime_sync.fleet_owns(
            row(fleet_repoint.schema, o.place, o.kind, o.name, o.actual, o.relation, o.made, o.body, o.owner)::realtime_sync.fleet_object, o.owner
        )
        and not exists (
            select from realtime_sync.fleet_object k where (k.schema, k.kind, k.name) = (fleet_repoint.schema, o.kind, o.name)
        );
    perform realtime_sync.fleet_note(o.schema, o.kind, o.name, o.actual)
    from realtime_sync.fleet_object o
    join realtime_sync.fleet_template t on t.kind = o.kind and t.name = o.name and t.entity is not null
    where o.schema = fleet_repoint.schema and o.kind = 'table' and realtime_sync.fleet_stands(o)
        and not exists (select from realtime_sync.fleet_map m where m.schema = o.schema and m.entity = t.entity);
    update realtime_sync.fleet_object o set relation = c.relation, owner = current_user
    from (
        select m.entity as word, m.relation
        from realtime_sync.fleet_map m
        where m.schema = fleet_repoint.schema
        union
        select t.name, pg_catalog.to_regclass(pg_catalog.format('%I.%I', t.schema, t.actual))
        from realtime_sync.fleet_object t
        where t.schema = fleet_repoint.schema and t.kind = 'table'
    ) c
    where o.schema = fleet_repoint.schema
        and o.relation is not null and not exists (select from pg_catalog.pg_class g where g.oid = o.relation)
        and realtime_sync.fleet_stands(
            row(o.schema, o.place, o.kind, o.name, o.actual, c.relation, o.made, o.body, o.owner)::realtime_sync.fleet_object
        )
        and realtime_sync.fleet_owns(
            row(o.schema, o.place, o.kind, o.name, o.actual, c.relation, o.made, o.body, o.owner)::realtime_sync.fleet_object, o.owner
        )
        -- Policies of one role have one name on all tables.
        and case when o.kind = 'source' or o.kind = 'policy' and o.name like '% %' then pg_catalog.split_part(o.name, ' ', 1) = c.word else true end;
    delete from realtime_sync.fleet_object o
    where o.schema = fleet_repoint.schema and not realtime_sync.fleet_stands(o);
end
$function$;

-- Tables whose row-level security holds for the kit's owner. The kit asks as its owner, and the relay's timer without a
-- login: of rows that are hidden then it knows nothing, and says nothing.
create function realtime_sync.fleet_hidden(
    schema name, owner name, out relation regclass, out problem text, out fix text
) returns setof record
stable strict language sql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
begin atomic
    select
        c.oid::regclass,
        pg_catalog.format(
            'its row-level security holds for %I too, as whom the kit works, by the relay without a login: of rows that its policies hide then, offers do not expire or go on, and no trip is offered or accepted',
            r.rolname
        ),
        pg_catalog.format(
            E'-- where no app logs in as %1$I; else let a role with BYPASSRLS set the kit up\ncreate policy realtime_kit on %2$s to %1$I using (true)',
            r.rolname, c.oid::regclass
        )
    from realtime_sync.fleet_map m
    join pg_catalog.pg_class c on c.oid = m.relation and c.relrowsecurity
    join pg_catalog.pg_roles r on r.rolname = fleet_hidden.owner and not r.rolsuper and not r.rolbypassrls
    where m.schema = fleet_hidden.schema
        -- Wallets are read by their caller alone.
        and m.entity <> 'wallet'
        and (c.relforcerowsecurity or not pg_catalog.pg_has_role(r.oid, c.relowner, 'usage'))
        and (
            select
                pg_catalog.bool_or(p.polpermissive and p.polcmd in ('*', 'r') and p.everything)
                and (m.entity in ('passenger', 'transition') or pg_catalog.bool_or(p.polpermissive and p.polcmd in ('*', 'w') and p.everything))
                and pg_catalog.bool_and(p.polpermissive or p.everything)
            from (
                select p.polpermissive, p.polcmd, pg_catalog.pg_get_expr(p.polqual, p.polrelid) = 'true' as everything
                from pg_catalog.pg_policy p
                where p.polrelid = c.oid and exists (
                    select from pg_catalog.unnest(p.polroles) x(role) where x.role = 0 or pg_catalog.pg_has_role(r.oid, x.role, 'usage')
                )
            ) p
        ) is not true
    order by c.oid::regclass::text;
end;

revoke all on function realtime_sync.fleet_astray(name) from public;
revoke all on function realtime_sync.fleet_repoint(name) from public;
revoke all on function realtime_sync.fleet_hidden(name, name) from public;

comment on function realtime_sync.fleet_astray(name) is
    'Part of realtime_sync.fleet_setup(): a kit that is here and noted of another schema, or not at all.';
comment on function realtime_sync.fleet_repoint(name) is
    'Part of realtime_sync.fleet_setup(): what is on tables that were restored is the kit''s as before.';
comment on function realtime_sync.fleet_hidden(name, name) is
    'Part of realtime_sync.fleet_setup() and health(): tables of a kit whose row-level security holds for the kit''s owner.';
