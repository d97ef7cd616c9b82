-- What enable() and disable() need to know of a relation ($1: its oid), as one JSON document, in UTF-8
-- whatever the database's encoding. Locks nothing but catalogs: so partitions come from pg_inherits,
-- since pg_partition_tree() locks every one of them until the transaction ends.
with recursive
self as (
    select c.*, n.nspname
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = $1
),
member (oid, depth) as (
    select self.oid, 0
    from self
    union all
    select i.inhrelid, m.depth + 1
    from member m
    join pg_catalog.pg_class parent on parent.oid = m.oid and parent.relkind = 'p'
    join pg_catalog.pg_inherits i on i.inhparent = m.oid and not i.inhdetachpending
),
ancestor (oid, height) as (
    select i.inhparent, 1
    from self
    join pg_catalog.pg_inherits i on i.inhrelid = self.oid
    where self.relispartition
    union all
    select i.inhparent, a.height + 1
    from ancestor a
    join pg_catalog.pg_class c on c.oid = a.oid and c.relispartition
    join pg_catalog.pg_inherits i on i.inhrelid = a.oid
),
-- The table's indexes by name, and those of its partitions that stem from them.
branch (index, name) as (
    select i.indexrelid, c.relname
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    where i.indrelid = $1
    union all
    select i.inhrelid, b.name
    from branch b
    join pg_catalog.pg_inherits i on i.inhparent = b.index
),
capture as not materialized (
    select
        t.*,
        pg_catalog.convert_from(
            substring(t.tgargs from 1 for greatest(position('\x00'::pg_catalog.bytea in t.tgargs) - 1, 0)),
            pg_catalog.getdatabaseencoding()
        ) as argument
    from pg_catalog.pg_trigger t
    where t.tgfoid = 'realtime_sync.capture()'::pg_catalog.regprocedure and t.tgparentid = 0
)
select pg_catalog.convert_to(
    pg_catalog.jsonb_build_object(
        'name', pg_catalog.format('%I.%I', self.nspname, self.relname),
        'kind', self.relkind,
        'system', self.oid < 16384,
        'own', self.nspname = 'realtime_sync',
        'owned', pg_catalog.pg_has_role(self.relowner, 'usage'),
        'may_attach', pg_catalog.has_function_privilege('realtime_sync.capture()', 'execute'),
        'source_above', (
            select pg_catalog.format('%I.%I', n.nspname, c.relname)
            from ancestor a
            join pg_catalog.pg_class c on c.oid = a.oid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where exists (select from capture t where t.tgrelid = a.oid)
            -- Those in between have its TRUNCATE triggers.
            order by a.height desc
            limit 1
        ),
        'columns', array(
            select pg_catalog.jsonb_build_object(
                'name', a.attname,
                'quoted', pg_catalog.quote_ident(a.attname),
                'type', a.atttypid::pg_catalog.int8,
                'exact', coalesce(l.collisdeterministic, true)
            )
            from pg_catalog.pg_attribute a
            left join pg_catalog.pg_collation l on l.oid = a.attcollation
            where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
            order by a.attnum
        ),
        'keys', array(
            select pg_catalog.jsonb_build_object(
                'index', x.relname,
                'primary', i.indisprimary,
                'unique', i.indisunique and i.indimmediate and i.indisvalid
                    and i.indpred is null and i.indexprs is null,
                'columns', array(
                    select a.attname
                    from pg_catalog.unnest(i.indkey::pg_catalog.int2[]) with ordinality k (attnum, position)
                    join pg_catalog.pg_attribute a on a.attrelid = $1 and a.attnum = k.attnum
                    where k.position <= i.indnkeyatts
                    order by k.position
                )
            )
            from pg_catalog.pg_index i
            join pg_catalog.pg_class x on x.oid = i.indexrelid
            where i.indrelid = $1
        ),
        'members', array(
            select pg_catalog.jsonb_build_object(
                'oid', c.oid::pg_catalog.int8,
                'name', pg_catalog.format('%I.%I', n.nspname, c.relname),
                'kind', c.relkind,
                'identity', case c.relreplident
                    -- Without its index, PostgreSQL takes it for nothing.
                    when 'i' then coalesce('i:' || (
                        select x.relname
                        from pg_catalog.pg_index i
                        join pg_catalog.pg_class x on x.oid = i.indexrelid
                        where i.indrelid = c.oid and i.indisreplident
                    ), 'n')
                    else c.relreplident::pg_catalog.text
                end,
                'indexes', (
                    select pg_catalog.jsonb_object_agg(b.name, x.relname)
                    from branch b
                    join pg_catalog.pg_index i on i.indexrelid = b.index and i.indrelid = c.oid
                    join pg_catalog.pg_class x on x.oid = b.index
                ),
                'own_indexes', array(
                    select pg_catalog.jsonb_build_object('name', x.relname, 'columns', k.columns)
                    from pg_catalog.pg_index i
                    join pg_catalog.pg_class x on x.oid = i.indexrelid
                    cross join lateral (
                        select
                            pg_catalog.array_agg(a.attname order by k.position) as columns,
                            pg_catalog.bool_and(a.attnotnull) as given
                        from pg_catalog.unnest(i.indkey::pg_catalog.int2[]) with ordinality k (attnum, position)
                        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
                        where k.position <= i.indnkeyatts
                    ) as k
                    -- As ALTER TABLE ... REPLICA IDENTITY USING INDEX takes them.
                    where i.indrelid = c.oid
                        and i.indisunique
                        and i.indimmediate
                        and i.indpred is null
                        and i.indexprs is null
                        and k.given
                    order by i.indisvalid desc, x.relname
                ),
                'triggers', array(
                    select pg_catalog.jsonb_build_object(
                        'name', t.tgname,
                        'argument', t.argument,
                        'type', t.tgtype,
                        'enabled', t.tgenabled,
                        'conditional', t.tgqual is not null,
                        'columns', array(
                            select a.attname
                            from pg_catalog.pg_depend d
                            join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
                            where d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
                                and d.objid = t.oid
                                and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                and d.refobjid = t.tgrelid
                        )
                    )
                    from capture t
                    where t.tgrelid = c.oid
                    order by t.tgname
                ),
                'taken', array(
                    select t.tgname
                    from pg_catalog.pg_trigger t
                    where t.tgrelid = c.oid
                        and t.tgname::pg_catalog.text like '00\_realtime\_sync\_%'
                        and t.tgfoid <> 'realtime_sync.capture()'::pg_catalog.regprocedure
                    order by t.tgname
                )
            )
            from member m
            join pg_catalog.pg_class c on c.oid = m.oid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            order by m.depth, m.oid
        ),
        -- Those that look for names in the search_path of whoever runs DDL.
        'event_triggers', array(
            select distinct e.evtfoid::pg_catalog.regprocedure::pg_catalog.text
            from pg_catalog.pg_event_trigger e
            join pg_catalog.pg_proc p on p.oid = e.evtfoid
            where e.evtenabled <> 'D'
                and not exists (select from pg_catalog.unnest(p.proconfig) as c (setting) where c.setting like 'search_path=%')
        ),
        'publications', array(
            select pg_catalog.jsonb_build_object(
                'name', p.pubname,
                'member', exists (
                    select from pg_catalog.pg_publication_rel r where r.prpubid = p.oid and r.prrelid = $1
                ),
                'covers', p.puballtables or exists (
                    select
                    from (select self.oid union all select a.oid from ancestor a) as published
                    join pg_catalog.pg_class c on c.oid = published.oid
                    where exists (
                            select from pg_catalog.pg_publication_rel r where r.prpubid = p.oid and r.prrelid = c.oid
                        )
                        or exists (
                            select
                            from pg_catalog.pg_publication_namespace s
                            where s.pnpubid = p.oid and s.pnnspid = c.relnamespace
                        )
                ),
                'others', p.puballtables or exists (
                    select from pg_catalog.pg_publication_rel r where r.prpubid = p.oid and r.prrelid <> $1
                ) or exists (
                    select from pg_catalog.pg_publication_namespace s where s.pnpubid = p.oid
                ),
                'comment', pg_catalog.obj_description(p.oid, 'pg_publication')
            )
            from pg_catalog.pg_publication p
            order by p.pubname
        )
    )::pg_catalog.text,
    -- SQL_ASCII may hold anything: what is no UTF-8 in it, of whatever table, is not to be in anybody's way.
    case pg_catalog.getdatabaseencoding() when 'SQL_ASCII' then 'SQL_ASCII' else 'UTF8' end
)
from self
