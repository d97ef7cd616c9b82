-- What the caller may do, as UTF-8 JSON. Everything may be read by whom PostgreSQL lets past the
-- policies on the log.
select pg_catalog.convert_to(pg_catalog.json_build_object(
    'role', pg_catalog.quote_ident(r.rolname),
    'log_owner', c.relowner::pg_catalog.int8,
    'id', r.oid::pg_catalog.int8,
    'reads_everything',
        r.rolsuper
        or pg_catalog.pg_has_role(r.oid, c.relowner, 'usage')
        or (r.rolbypassrls and pg_catalog.has_table_privilege(r.oid, c.oid, 'select')),
    'wal_level', pg_catalog.current_setting('wal_level')
)::text, 'UTF8')
from pg_catalog.pg_roles r, pg_catalog.pg_class c
where r.rolname = current_user and c.oid = 'realtime_sync.event'::pg_catalog.regclass
