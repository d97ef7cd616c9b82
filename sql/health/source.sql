-- Of health(): changes that are not captured, and events whom nobody, or anybody, may read.

create function realtime_sync.source_health(out level text, out subject text, out problem text, out fix text)
returns setof record
volatile parallel restricted language sql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $function$
    with
    source as materialized (
        select s.relation, c.relrowsecurity, s.options, d.drift, array(
            select pg_catalog.replace(pg_catalog.replace(t.template, '{schema}', n.nspname), '{table}', c.relname)
            from pg_catalog.unnest(coalesce(s.topics, array['{table}', '{table}:{key}'])) as t(template)
        ) as topics
        from realtime_sync.source s
        join pg_catalog.pg_class c on c.oid = s.relation
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace,
        lateral (select coalesce(s.drift, '{}') as drift) d
    ),
    drift as (
        select s.relation, s.options, p.problem,
            coalesce(
                pg_catalog.substring(p.problem, '^trigger .* of partition (.*) (?:is disabled|fires earlier.*)$'), s.relation::text
            ) as place,
            coalesce(
                pg_catalog.substring(p.problem, '^trigger (.*) of partition .* (?:is disabled|fires earlier.*)$'),
                pg_catalog.substring(p.problem, '^trigger (.*) (?:is disabled|fires earlier.*)$')
            ) as trigger_name,
            pg_catalog.substring(p.problem, '^partition (.*) has no TRUNCATE trigger$') as leaf,
            -- enable() leaves triggers of other names alone
            coalesce(
                pg_catalog.substring(p.problem, '^trigger (.*) makes another event of the same change$'),
                pg_catalog.substring(p.problem, '^options of trigger (?!"00_realtime_sync_)(.*) cannot be read')
            ) as by_hand
        from source s, pg_catalog.unnest(s.drift) as p(problem)
    ),
    -- What may be read by policy, each topic pattern cut to what is certain of it; of a policy written
    -- by hand nothing is.
    readable as (
        select pg_catalog.split_part(pg_catalog.split_part(t.pattern, '{', 1), '*', 1) as beginning
        from pg_catalog.pg_policy p
        left join realtime_sync.permission m on m.policy = p.polname,
            pg_catalog.unnest(coalesce(m.topics, array[''])) as t(pattern)
        where p.polrelid = 'realtime_sync.event'::regclass and p.polcmd in ('r', '*')
    )
    select
        'error', 'capture', 'realtime_sync.capture is off here: changes are not recorded',
        case
            when s.source = 'database' then pg_catalog.format('alter database %I reset realtime_sync.capture;', pg_catalog.current_database())
            when s.source like '%user' then pg_catalog.format('alter role %I reset realtime_sync.capture;', session_user)
            when s.source = 'session' then 'reset realtime_sync.capture;'
            else 'alter system reset realtime_sync.capture; select pg_reload_conf();'
        end
    from pg_catalog.pg_settings s
    where s.name = 'realtime_sync.capture' and s.setting = 'off'
    union all
    select
        'warning', coalesce('role ' || nullif(r.setrole, 0)::regrole, 'database ' || pg_catalog.quote_ident(pg_catalog.current_database())),
        'realtime_sync.capture is off for its sessions: their changes are not recorded',
        case
            when r.setrole = 0 then pg_catalog.format('alter database %I reset realtime_sync.capture;', pg_catalog.current_database())
            when r.setdatabase = 0 then pg_catalog.format('alter role %s reset realtime_sync.capture;', r.setrole::regrole)
            else pg_catalog.format('alter role %s in database %I reset realtime_sync.capture;', r.setrole::regrole, pg_catalog.current_database())
        end
    from pg_catalog.pg_db_role_setting r
    where r.setdatabase in (0, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
        and exists (
            select from pg_catalog.unnest(r.setconfig) as c(entry)
            where c.entry in ('realtime_sync.capture=off', 'realtime_sync.capture=false', 'realtime_sync.capture=0', 'realtime_sync.capture=no')
        )
    union all
    select
        case when d.problem ~ '(is disabled|is missing|cannot be read.*|does not look at column .*)$' then 'error' else 'warning' end,
        d.relation::text, d.problem,
        case
            when d.problem like '% is disabled' then pg_catalog.format('alter table %s enable trigger %s;', d.place, d.trigger_name)
            when d.trigger_name is not null then pg_catalog.format(
                'alter trigger %s on %s rename to %I;', d.trigger_name, d.place,
                'zz_' || (pg_catalog.parse_ident(d.trigger_name))[1]
            )
            when d.by_hand is not null then pg_catalog.format(
                'drop trigger %s on %s; -- it was written by hand; realtime_sync.enable() writes its own', d.by_hand, d.relation
            )
            when d.leaf is not null then pg_catalog.format(
                'create trigger "00_realtime_sync_truncate" after truncate on %s for each statement execute function realtime_sync.capture(%L);',
                d.leaf, coalesce(d.options::text, '{}')
            )
            else pg_catalog.format(
                'Call realtime_sync.enable(%L, ...) again with the options it should have; select options from realtime_sync.source where relation = %1$L::regclass shows those it has.',
                d.relation
            )
        end
    from drift d
    union all
    select
        'warning', s.relation::text,
        pg_catalog.format(
            'its row-level security does not apply to its events, and no policy says who may read %s',
            pg_catalog.array_to_string(s.topics, ', ')
        ),
        pg_catalog.format(
            'select realtime_sync.allow(''authenticated'', ''read'', array[%s]); -- with the role and the topics that are right',
            (
                select pg_catalog.string_agg(pg_catalog.quote_literal(
                    case when t.topic like '%{%' then pg_catalog.split_part(t.topic, '{', 1) || '*' else t.topic end
                ), ', ')
                from pg_catalog.unnest(s.topics) as t(topic)
            )
        )
    from source s
    where s.relrowsecurity and not exists (
        select
        from pg_catalog.unnest(s.topics) as t(topic), pg_catalog.split_part(t.topic, '{', 1) as b(beginning), readable r
        where pg_catalog.starts_with(b.beginning, r.beginning) or pg_catalog.starts_with(r.beginning, b.beginning)
    )
    union all
    select
        'warning', 'LISTEN',
        pg_catalog.format(
            '%s listen to changes of tables %s may not select: %s%s',
            case when pg_catalog.count(*) = 1 then '1 login role can' else pg_catalog.count(*) || ' login roles can' end,
            case when pg_catalog.count(*) = 1 then 'it' else 'they' end,
            pg_catalog.array_to_string((pg_catalog.array_agg(r.oid::regrole::text order by r.rolname))[:5], ', '),
            case when pg_catalog.count(*) > 5 then ' ...' else '' end
        ),
        pg_catalog.format(
            'PostgreSQL has no permissions on channels. revoke connect on database %I from public; and grant it to those that may, or drop the sink and add it again with payload => ''reference'', or leave columns out of events with realtime_sync.enable(..., columns => ...).',
            pg_catalog.current_database()
        )
    from pg_catalog.pg_roles r
    where r.rolcanlogin and not r.rolsuper
        and pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'connect')
        and exists (
            select
            from realtime_sync.sink_definition d
            where d.dropped is null and d.payload = 'full'
                and case when d.target is null then pg_catalog.current_setting('realtime_sync.channel', true) <> '' else d.target like 'notify:%' end
        )
        and exists (select from source s where not pg_catalog.has_table_privilege(r.oid, s.relation, 'select'))
    having pg_catalog.count(*) > 0
$function$;

revoke all on function realtime_sync.source_health() from public;

comment on function realtime_sync.source_health() is
    'Part of realtime_sync.health(): capture, sources, and who may hear of them.';
