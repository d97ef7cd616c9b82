-- The functions a dialect may mean, as UTF-8 JSON: $1 is a name as its caller wrote it, with "(json)"
-- behind it, $2 the same without.
select pg_catalog.convert_to(pg_catalog.json_build_object(
    'function', (
        select pg_catalog.json_build_object(
            'signature', pg_catalog.format('%I.%I(json)', n.nspname, p.proname),
            'name', pg_catalog.format(
                '%s(%s)', p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)
            ),
            'kind', p.prokind,
            'set', p.proretset,
            'takes_json', p.proargtypes::text = 'pg_catalog.json'::pg_catalog.regtype::pg_catalog.oid::text,
            'result', pg_catalog.format_type(p.prorettype, null),
            'is_text', p.prorettype = 'pg_catalog.text'::pg_catalog.regtype,
            'temporary', pg_catalog.pg_my_temp_schema() = n.oid,
            'executable', pg_catalog.has_function_privilege(p.oid, 'execute')
                and pg_catalog.has_schema_privilege(n.oid, 'usage')
        )
        from pg_catalog.pg_proc p
        join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        where p.oid = pg_catalog.to_regprocedure($1)
    ),
    'others', (
        select pg_catalog.string_agg(p.oid::pg_catalog.regprocedure::text, ', ' order by p.oid)
        from pg_catalog.pg_proc p
        where p.proname = (pg_catalog.parse_ident($2))[pg_catalog.array_upper(pg_catalog.parse_ident($2), 1)]
            and pg_catalog.has_schema_privilege(p.pronamespace, 'usage')
    )
)::text, 'UTF8')
