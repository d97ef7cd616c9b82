-- What a table sink must know of its table, as UTF-8 JSON: $1 is its name, looked up and judged as the
-- current user, under search_path = pg_catalog.
select pg_catalog.convert_to(pg_catalog.json_build_object(
    'name', pg_catalog.format(
        '%I.%I', case when c.relpersistence = 't' then 'pg_temp' else n.nspname end, c.relname
    ),
    'kind', c.relkind,
    'temporary', c.relpersistence = 't',
    'own', n.nspname = 'realtime_sync' or n.nspname = 'pg_catalog',
    'source', exists (
        select
        from pg_catalog.pg_trigger t
        where t.tgrelid = c.oid and t.tgfoid = 'realtime_sync.capture()'::pg_catalog.regprocedure
    ),
    'columns', (
        select pg_catalog.json_agg(
            pg_catalog.json_build_object(
                'name', a.attname,
                'type', pg_catalog.format_type(b.oid, null),
                'category', b.typcategory,
                'element', e.typcategory,
                'not_null', a.attnotnull,
                'has_default', a.atthasdef or a.attidentity <> '' or y.typdefault is not null,
                'generated', a.attgenerated <> '' or a.attidentity = 'a',
                'may_insert', pg_catalog.has_column_privilege(c.oid, a.attnum, 'insert')
            )
            order by a.attnum
        )
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_type y on y.oid = a.atttypid
        join pg_catalog.pg_type b on b.oid = coalesce(nullif(y.typbasetype, 0), y.oid)
        left join pg_catalog.pg_type e on e.oid = b.typelem and b.typcategory = 'A'
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    )
)::text, 'UTF8')
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = pg_catalog.to_regclass($1)
