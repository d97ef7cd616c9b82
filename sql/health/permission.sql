-- Of health(): privileges that are too many, and policies that are gone.

create function realtime_sync.permission_health(out level text, out subject text, out problem text, out fix text)
returns setof record
volatile parallel restricted language sql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $function$
    with object as (
        select 'schema realtime_sync' as name, n.nspacl as acl, n.nspowner as owner, false as segment
        from pg_catalog.pg_namespace n
        where n.nspname = 'realtime_sync'
        union all
        select
            case c.relkind when 'S' then 'sequence ' else 'table ' end || c.oid::regclass, c.relacl, c.relowner,
            c.oid in (select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent = 'realtime_sync.event'::regclass)
        from pg_catalog.pg_class c
        where c.relnamespace = 'realtime_sync'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
        union all
        -- No entry at all is PostgreSQL's default, which for functions is EXECUTE for everyone.
        select 'function ' || p.oid::regprocedure, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)), p.proowner, false
        from pg_catalog.pg_proc p
        where p.pronamespace = 'realtime_sync'::regnamespace
    )
    select
        'error', o.name, 'it is granted to PUBLIC',
        pg_catalog.format('revoke all on %s from public;', o.name)
    from object o
    where exists (select from pg_catalog.aclexplode(o.acl) a where a.grantee = 0)
    union all
    select
        'error', o.name,
        pg_catalog.format('%s can reach it directly, past the policies on realtime_sync.event', a.grantee::regrole),
        pg_catalog.format('revoke all on %s from %s;', o.name, a.grantee::regrole)
    from object o,
        lateral (select distinct x.grantee from pg_catalog.aclexplode(o.acl) x) a
    where o.segment and a.grantee not in (0, o.owner)
    union all
    select
        'error', 'table realtime_sync.event', 'its row-level security is off: whoever may select it reads every topic',
        'alter table realtime_sync.event enable row level security;'
    from pg_catalog.pg_class c
    where c.oid = 'realtime_sync.event'::regclass and not c.relrowsecurity
    union all
    select
        'error', 'role ' || m.role, pg_catalog.format('the policy that lets it %s is gone', m.action),
        pg_catalog.format('select realtime_sync.allow(%L, %L, %L);', m.role, m.action, m.topics)
    from realtime_sync.permission m
    where m.policy is not null and not exists (
        select from pg_catalog.pg_policy p
        where p.polrelid = 'realtime_sync.event'::regclass and p.polname = m.policy
    )
    union all
    select
        'info', 'role ' || a.grantee::regrole, 'it may attach realtime_sync.capture() to its tables, and so write events to any topic',
        pg_catalog.format('select realtime_sync.disallow(%L, ''migrate''); -- unless that is meant', a.grantee::regrole)
    from pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a
    where p.oid = 'realtime_sync.capture()'::regprocedure and a.grantee not in (0, p.proowner)
$function$;

revoke all on function realtime_sync.permission_health() from public;

comment on function realtime_sync.permission_health() is
    'Part of realtime_sync.health(): who can reach the log past its policies.';
