-- A sink by its name $1, as UTF-8 JSON, and whether role $2 may drop it.
select pg_catalog.convert_to(pg_catalog.json_build_object(
    'sink', (
        select pg_catalog.json_build_object(
            'id', d.id,
            'owner', d.owner,
            'may_drop', m.may or coalesce((
                select pg_catalog.pg_has_role($2, r.oid, 'usage') from pg_catalog.pg_roles r where r.oid = d.owner
            ), false)
        )
        from realtime_sync.sink_definition d
        where d.name = $1 and d.dropped is null
    ),
    'names', (
        select pg_catalog.string_agg(d.name, ', ' order by d.id)
        from realtime_sync.sink_definition d
        where d.dropped is null
    )
)::text, 'UTF8')
from (
    select pg_catalog.pg_has_role($2, c.relowner, 'usage') as may
    from pg_catalog.pg_class c
    where c.oid = 'realtime_sync.event'::pg_catalog.regclass
) m
