-- Sources: tables with capture triggers on them. The triggers are the configuration, so there is no
-- table here; the view reads pg_trigger.

create function realtime_sync.read_options(argument bytea) returns bytea
immutable strict parallel safe language c
as 'MODULE_PATHNAME', 'read_options_wrapper';

create view realtime_sync.source with (security_invoker = true) as
with
-- Read anew for each source, by the index on the table: what is read once for all is searched once for each, which
-- took 6 seconds of health() with 1,000 sources.
capture as not materialized (
    select
        t.oid,
        t.tgrelid,
        t.tgname,
        t.tgtype,
        t.tgenabled,
        t.tgnargs,
        t.tgname::text like '00\_realtime\_sync\_%' as ours,
        pg_catalog.convert_from(realtime_sync.read_options(a.argument), 'UTF8')::jsonb as options
    from pg_catalog.pg_trigger t
    cross join lateral (
        select substring(t.tgargs from 1 for greatest(position('\x00'::bytea in t.tgargs) - 1, 0))
    ) as w (written)
    cross join lateral (
        -- SQL_ASCII may hold anything, which the conversion would raise for whoever looks.
        select case pg_catalog.getdatabaseencoding()
            when 'SQL_ASCII' then w.written
            else pg_catalog.convert_to(pg_catalog.convert_from(w.written, pg_catalog.getdatabaseencoding()), 'UTF8')
        end
    ) as a (argument)
    where t.tgfoid = 'realtime_sync.capture()'::regprocedure and t.tgparentid = 0
),
-- A partition's TRUNCATE trigger is part of the source it is a partition of, not one of its own.
firing as not materialized (
    select k.*
    from capture k
    join pg_catalog.pg_class c on c.oid = k.tgrelid
    where not c.relispartition
        or not exists (
            -- Not pg_partition_ancestors(): it is volatile, and what is volatile PostgreSQL reads once for all.
            with recursive above (oid) as (
                select i.inhparent
                from pg_catalog.pg_inherits i
                where i.inhrelid = k.tgrelid and not i.inhdetachpending
                union all
                select i.inhparent
                from above a
                join pg_catalog.pg_class p on p.oid = a.oid and p.relispartition
                join pg_catalog.pg_inherits i on i.inhrelid = a.oid and not i.inhdetachpending
            )
            select
            from above
            join pg_catalog.pg_trigger t on t.tgrelid = above.oid
            where t.tgfoid = 'realtime_sync.capture()'::regprocedure and t.tgparentid = 0
        )
),
source as (
    select
        f.tgrelid as oid,
        (pg_catalog.array_agg(f.options order by f.ours desc, f.tgname)
            filter (where f.options -> 'leave' = 'false'))[1] as options,
        pg_catalog.bit_or(f.tgtype) filter (where f.options -> 'leave' is distinct from 'true') as types,
        (pg_catalog.array_agg(f.tgenabled order by f.ours desc, f.tgname))[1] as enabled
    from firing f
    group by f.tgrelid
)
select
    s.oid::regclass as relation,
    -- More triggers may stand than operations were asked for, and a detached partition has lost some.
    array(
        select e.operation
        from (values (1, 'insert', 4), (2, 'update', 16), (3, 'delete', 8), (4, 'truncate', 32)) as e (place, operation, type)
        where s.types & e.type <> 0 and coalesce(e.operation = any (o.operations), true)
        order by e.place
    ) as operations,
    o.topics,
    o.columns,
    o.exclude,
    o.watch,
    o.filter,
    o.new_row,
    o.old_row,
    coalesce(o.key_columns, key.columns) as key_columns,
    o.event_name,
    o.status_columns,
    o.numbers,
    o.throttle,
    o.throttle_columns,
    o.throttle_log,
    coalesce(o.coalesced, false) as coalesced,
    case s.enabled
        when 'O' then 'origin' when 'R' then 'replica' when 'A' then 'always' else 'disabled'
    end as replica_mode,
    coalesce(identity.index, case c.relreplident when 'd' then 'default' when 'f' then 'full' else 'nothing' end)
        as replica_identity,
    publications.names as publication,
    s.options -> 'written' as options,
    (
        select pg_catalog.string_agg(d.statement || E';\n', '' order by d.step, d.place, d.name)
        from (
            select 1 as step, m.oid <> s.oid as place, k.tgname::text as name, pg_catalog.pg_get_triggerdef(k.oid) as statement
            from pg_catalog.unnest(member.oids) as m (oid)
            join capture k on k.tgrelid = m.oid
            union all
            select
                2,
                m.oid <> s.oid,
                k.tgname::text,
                pg_catalog.format(
                    'ALTER TABLE %I.%I ENABLE %s TRIGGER %I',
                    n.nspname,
                    t.relname,
                    case k.tgenabled when 'R' then 'REPLICA' else 'ALWAYS' end,
                    k.tgname
                )
            from pg_catalog.unnest(member.oids) as m (oid)
            join capture k on k.tgrelid = m.oid and k.tgenabled in ('R', 'A')
            join pg_catalog.pg_class t on t.oid = m.oid
            join pg_catalog.pg_namespace n on n.oid = t.relnamespace
            union all
            select
                3,
                m.oid <> s.oid,
                t.relname::text,
                pg_catalog.format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY ', n.nspname, t.relname)
                    || case t.relreplident
                        when 'i' then coalesce(
                            'USING INDEX ' || (
                                select pg_catalog.quote_ident(x.relname)
                                from pg_catalog.pg_index i
                                join pg_catalog.pg_class x on x.oid = i.indexrelid
                                where i.indrelid = m.oid and i.indisreplident
                            ),
                            -- Without its index, PostgreSQL takes it for nothing.
                            'NOTHING'
                        )
                        when 'f' then 'FULL'
                        when 'n' then 'NOTHING'
                        else 'DEFAULT'
                    end
            from pg_catalog.unnest(member.oids) as m (oid)
            join pg_catalog.pg_class t on t.oid = m.oid
            join pg_catalog.pg_namespace n on n.oid = t.relnamespace
            where exists (
                    select from capture k where k.tgrelid = m.oid and k.options -> 'restore' ? 'replica_identity'
                )
            union all
            select
                4,
                false,
                '',
                pg_catalog.format(
                    'ALTER PUBLICATION %I ADD TABLE %I.%I',
                    s.options #>> '{restore,publication,name}',
                    n.nspname,
                    c.relname
                )
            where s.options -> 'restore' ? 'publication'
        ) as d
    ) as ddl,
    nullif(
        array(
            select p.problem
            from (
                select pg_catalog.format('options of trigger %I cannot be read: %s', f.tgname, f.options ->> 'error') as problem
                from firing f
                where f.tgrelid = s.oid and f.options ? 'error'
                union all
                select pg_catalog.format('trigger %I has %s arguments, of which one is read', f.tgname, f.tgnargs)
                from firing f
                where f.tgrelid = s.oid and f.tgnargs > 1
                union all
                select pg_catalog.format('trigger %I is disabled', f.tgname)
                from firing f
                where f.tgrelid = s.oid and f.tgenabled = 'D'
                union all
                select pg_catalog.format('trigger %I has other options than the rest', f.tgname)
                from firing f
                where f.tgrelid = s.oid
                    and f.ours
                    and f.options ? 'written'
                    and f.options -> 'written' <> s.options -> 'written'
                union all
                select pg_catalog.format('trigger %I makes another event of the same change', f.tgname)
                from firing f
                where f.tgrelid = s.oid
                    and not f.ours
                    and exists (
                        select from firing g where g.tgrelid = s.oid and g.ours and g.tgtype & f.tgtype & 60 <> 0
                    )
                union all
                select pg_catalog.format('trigger %I fires earlier and may change the row', t.tgname)
                from pg_catalog.pg_trigger t
                where t.tgrelid = s.oid
                    and not t.tgisinternal
                    and t.tgfoid <> 'realtime_sync.capture()'::regprocedure
                    and t.tgtype & 67 = 1
                    and exists (
                        select
                        from firing f
                        where f.tgrelid = s.oid and f.tgtype & t.tgtype & 28 <> 0 and f.tgname > t.tgname
                    )
                union all
                -- A partition's copies can be disabled, and its own triggers fire earlier, for themselves.
                select pg_catalog.format(
                    'trigger %I of partition %I.%I %s', t.tgname, n2.nspname, p.relname,
                    case when t.tgfoid = 'realtime_sync.capture()'::regprocedure then 'is disabled'
                        else 'fires earlier and may change the row' end
                )
                from pg_catalog.unnest(member.oids) as m (oid)
                join pg_catalog.pg_class p on p.oid = m.oid
                join pg_catalog.pg_namespace n2 on n2.oid = p.relnamespace
                join pg_catalog.pg_trigger t on t.tgrelid = m.oid
                where m.oid <> s.oid
                    and case when t.tgfoid = 'realtime_sync.capture()'::regprocedure
                        then t.tgenabled = 'D' and not exists (
                            select from firing f where f.tgrelid = s.oid and f.tgname = t.tgname and f.tgenabled = 'D'
                        )
                        else t.tgparentid = 0 and not t.tgisinternal and t.tgtype & 67 = 1 and exists (
                            select from firing f where f.tgrelid = s.oid and f.tgtype & t.tgtype & 28 <> 0 and f.tgname > t.tgname
                        ) end
                union all
                select pg_catalog.format('trigger %I is missing', e.name)
                from (
                    values
                        ('00_realtime_sync_insert', c.relkind = 'p' and s.types & 28 <> 0, 4),
                        ('00_realtime_sync_update', c.relkind = 'p' and s.types & 28 <> 0, 16),
                        ('00_realtime_sync_delete', c.relkind = 'p' and s.types & 28 <> 0, 8)
                ) as e (name, expected, type)
                where e.expected and s.types & e.type = 0
                union all
                select pg_catalog.format('trigger %I is missing', '00_realtime_sync_update')
                where c.relkind <> 'p'
                    and s.types & 16 = 0
                    and (
                        o.watch is not null
                        or o.status_columns is not null
                        or exists (select from firing f where f.tgrelid = s.oid and f.options -> 'leave' = 'true')
                    )
                union all
                select pg_catalog.format('trigger %I is missing', '00_realtime_sync_leave')
                where s.options -> 'leaves' = 'true'
                    and s.types & 16 <> 0
                    and not exists (select from firing f where f.tgrelid = s.oid and f.options -> 'leave' = 'true')
                union all
                select pg_catalog.format('column %I named in %s does not exist', r.column, r.option)
                from pg_catalog.jsonb_to_recordset(s.options -> 'names') as r (option text, "column" text)
                where not exists (
                    select
                    from pg_catalog.pg_attribute a
                    -- A filter may name tableoid and its like.
                    where a.attrelid = s.oid and a.attname = r.column and (a.attnum > 0 or r.option = 'filter') and not a.attisdropped
                )
                union all
                -- A column was renamed, which its WHEN followed, and another has the name.
                select pg_catalog.format('trigger %I does not look at column %I named in %s', f.tgname, r.column, r.option)
                from firing f
                join pg_catalog.jsonb_to_recordset(s.options -> 'names') as r (option text, "column" text)
                    on r.option = 'filter' and f.tgtype & 28 <> 0
                    or r.option = 'watch' and f.tgtype & 16 <> 0 and f.options -> 'leave' = 'false'
                join pg_catalog.pg_attribute a on a.attrelid = s.oid and a.attname = r.column
                where f.tgrelid = s.oid
                    and f.ours
                    and f.options -> 'written' = s.options -> 'written'
                    and not exists (
                        select
                        from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_trigger'::regclass
                            and d.objid = f.oid
                            and d.refclassid = 'pg_catalog.pg_class'::regclass
                            and d.refobjid = s.oid
                            and d.refobjsubid = a.attnum
                    )
                union all
                select 'no key: no primary key, no key_columns, no index as replica identity'
                where o.key_columns is null and key.columns is null and s.options is not null
                union all
                select pg_catalog.format('partition %I.%I has no TRUNCATE trigger', n2.nspname, t.relname)
                from pg_catalog.unnest(member.oids) as m (oid)
                join pg_catalog.pg_class t on t.oid = m.oid and t.relkind <> 'f'
                join pg_catalog.pg_namespace n2 on n2.oid = t.relnamespace
                where s.types & 32 <> 0
                    and not exists (select from capture k where k.tgrelid = m.oid and k.tgtype & 32 <> 0)
                union all
                select pg_catalog.format('partition %I.%I has another replica identity', n2.nspname, t.relname)
                from pg_catalog.unnest(member.oids) as m (oid)
                join pg_catalog.pg_class t on t.oid = m.oid and t.relkind <> 'f'
                join pg_catalog.pg_namespace n2 on n2.oid = t.relnamespace
                where s.options -> 'restore' ? 'replica_identity'
                    and t.relreplident <> c.relreplident
                union all
                select pg_catalog.format('publication %I no longer has the table', s.options #>> '{restore,publication,name}')
                where s.options -> 'restore' ? 'publication'
                    and not exists (
                        select
                        from pg_catalog.pg_publication_rel pr
                        join pg_catalog.pg_publication pub on pub.oid = pr.prpubid
                        where pr.prrelid = s.oid and pub.pubname = s.options #>> '{restore,publication,name}'
                    )
            ) as p
            order by p.problem
        ),
        '{}'
    ) as drift
from source s
join pg_catalog.pg_class c on c.oid = s.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    -- pg_partition_tree() would lock every partition until the transaction ends.
    with recursive tree (oid) as (
        select s.oid
        union all
        select i.inhrelid
        from tree t
        join pg_catalog.pg_class p on p.oid = t.oid and p.relkind = 'p'
        cross join lateral (
            select i.inhrelid
            from pg_catalog.pg_inherits i
            where i.inhparent = p.oid and not i.inhdetachpending
            -- Looked for by its index: the planner takes a source for ten partitioned tables.
            offset 0
        ) as i
    )
    select pg_catalog.array_agg(tree.oid) as oids from tree
) as member
left join lateral pg_catalog.jsonb_to_record(s.options) as o (
    operations text[],
    topics text[],
    columns text[],
    exclude text[],
    watch text[],
    filter text,
    new_row text,
    old_row text,
    key_columns text[],
    event_name text,
    status_columns text[],
    numbers text,
    throttle interval,
    throttle_columns text[],
    throttle_log text,
    coalesced boolean
) on true
left join lateral (
    select
        array(
            select a.attname::text
            from pg_catalog.unnest(i.indkey::int2[]) with ordinality as k (attnum, position)
            join pg_catalog.pg_attribute a on a.attrelid = s.oid and a.attnum = k.attnum
            where k.position <= i.indnkeyatts
            order by k.position
        ) as columns
    from pg_catalog.pg_index i
    where i.indrelid = s.oid and (i.indisprimary or i.indisreplident)
    order by i.indisprimary desc
    limit 1
) as key on true
left join lateral (
    select x.relname::text as index
    from pg_catalog.pg_index i
    join pg_catalog.pg_class x on x.oid = i.indexrelid
    where i.indrelid = s.oid and i.indisreplident and c.relreplident = 'i'
) as identity on true
left join lateral (
    select pg_catalog.string_agg(p.pubname, ', ' order by p.pubname) as names
    from pg_catalog.pg_publication p
    where p.puballtables
        or exists (
            select
            from (
                select s.oid
                union
                select a.relid from pg_catalog.pg_partition_ancestors(s.oid) as a (relid)
            ) as published
            join pg_catalog.pg_class t on t.oid = published.oid
            where exists (select from pg_catalog.pg_publication_rel r where r.prpubid = p.oid and r.prrelid = t.oid)
                or exists (
                    select
                    from pg_catalog.pg_publication_namespace ns
                    where ns.pnpubid = p.oid and ns.pnnspid = t.relnamespace
                )
        )
) as publications on true;

revoke all on function realtime_sync.read_options(bytea) from public;

comment on function realtime_sync.read_options(bytea) is
    'The argument of a capture trigger, defaults filled in; or, under "error", what is wrong with it.';
comment on view realtime_sync.source is
    'The tables that have capture triggers, with their options as they act, the DDL that makes them, and what has drifted since.';
comment on column realtime_sync.source.operations is
    'The changes that become events: insert, update, delete, truncate.';
comment on column realtime_sync.source.topics is
    'Templates of the topics each event goes to.';
comment on column realtime_sync.source.columns is
    'What events carry, besides the key; null: all columns.';
comment on column realtime_sync.source.exclude is
    'What events do not carry.';
comment on column realtime_sync.source.watch is
    'An UPDATE is an event only if one of these changed; null: any.';
comment on column realtime_sync.source.filter is
    'The condition over new and old; null: every row.';
comment on column realtime_sync.source.new_row is
    'full, changed or key.';
comment on column realtime_sync.source.old_row is
    'full, changed, key or none.';
comment on column realtime_sync.source.key_columns is
    'What names the row in events: as given, else the primary key, else the index of the replica identity.';
comment on column realtime_sync.source.event_name is
    'What event says; null: the type.';
comment on column realtime_sync.source.status_columns is
    'An UPDATE that changes one of these is a status_change.';
comment on column realtime_sync.source.numbers is
    'json, or text: bigint and numeric as JSON strings.';
comment on column realtime_sync.source.throttle is
    'How long updates of nothing but throttle_columns are held back, per row; null: not at all.';
comment on column realtime_sync.source.throttle_columns is
    'The columns whose updates throttle holds back.';
comment on column realtime_sync.source.throttle_log is
    'all, or last: what throttle suppresses is not logged; null without a throttle.';
comment on column realtime_sync.source.coalesced is
    'Whether a transaction''s changes of a row are one event.';
comment on column realtime_sync.source.replica_mode is
    'origin, replica, always, or disabled where a trigger is.';
comment on column realtime_sync.source.replica_identity is
    'The table''s, whoever set it: default, full, nothing or an index.';
comment on column realtime_sync.source.publication is
    'Those the table is in, whoever put it there.';
comment on column realtime_sync.source.ddl is
    'The statements that make the source.';
comment on column realtime_sync.source.options is
    'The argument of its triggers: only what differs from the default, and what disable() gives back.';
comment on column realtime_sync.source.drift is
    'What no longer holds: names that do not resolve, triggers disabled, missing or fired after others. Null if nothing.';
