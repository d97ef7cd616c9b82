-- The last of the script: what ALTER DEFAULT PRIVILEGES gives a role of all that is new, the role that may read every
-- table say, it has been given of this too, and the segments of the log have no policies.
do $script$
declare
    given record;
begin
    for given in
        select 'schema realtime_sync' as object, a.grantee
        from pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
        where n.nspname = 'realtime_sync' and a.grantee <> n.nspowner
        union
        select case c.relkind when 'S' then 'sequence ' else 'table ' end || c.oid::pg_catalog.regclass, a.grantee
        from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
        where c.relnamespace = 'realtime_sync'::pg_catalog.regnamespace and a.grantee <> c.relowner
        union
        select 'function ' || p.oid::pg_catalog.regprocedure, a.grantee
        from pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a
        where p.pronamespace = 'realtime_sync'::pg_catalog.regnamespace and a.grantee <> p.proowner
    loop
        execute pg_catalog.format(
            'revoke all on %s from %s', given.object,
            case given.grantee when 0 then 'public' else given.grantee::pg_catalog.regrole::pg_catalog.text end
        );
    end loop;
end
$script$;
