-- What is wrong, and what mends it. A row here is a check that failed.

create function realtime_sync.health(out level text, out subject text, out problem text, out fix text)
returns setof record
volatile parallel restricted language sql
set search_path = ''
set standard_conforming_strings = on
as $function$
    with
    -- Null in a session that has not loaded the library when this is planned; the calls below load it
    -- before anything is run.
    setting as materialized (
        select
            pg_catalog.current_setting('realtime_sync.delivery', true) as delivery,
            pg_catalog.current_setting('realtime_sync.channel', true) as channel,
            pg_catalog.current_setting('realtime_sync.max_notify_queue', true)::integer as max_notify_queue,
            pg_catalog.current_setting('realtime_sync.retention', true)::interval as retention,
            case pg_catalog.current_setting('realtime_sync.max_log_size', true)
                when '-1' then null
                else pg_catalog.pg_size_bytes(pg_catalog.current_setting('realtime_sync.max_log_size', true))
            end as max_log_size
    ),
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
            pg_catalog.substring(p.problem, '^trigger (.*) (?:is disabled|fires earlier.*)$') as trigger_name,
            pg_catalog.substring(p.problem, '^partition (.*) has no TRUNCATE trigger$') as leaf,
            -- enable() leaves triggers of other names alone
            coalesce(
                pg_catalog.substring(p.problem, '^trigger (.*) makes another event of the same change$'),
                pg_catalog.substring(p.problem, '^options of trigger (?!"00_realtime_sync_)(.*) cannot be read')
            ) as by_hand
        from source s, pg_catalog.unnest(s.drift) as p(problem)
    ),
    segment as materialized (
        select i.inhrelid as relation, pg_catalog.pg_total_relation_size(i.inhrelid) as bytes
        from pg_catalog.pg_inherits i
        where i.inhparent = 'realtime_sync.event'::regclass
    ),
    log as (
        select pg_catalog.sum(s.bytes) as bytes from segment s
    ),
    relay as materialized (
        select
            r.running, r.own_memory, r.looked, r.launched, r.refused, u.events, u.oldest,
            case when r.pending then r.since else u.oldest end as since,
            case u.events when 1 then '1 event waits' else u.events || ' events wait' end as waits, a.pid
        from realtime_sync.relay_state() r
        cross join realtime_sync.unticked u
        left join pg_catalog.pg_stat_activity a
            on a.backend_type = 'realtime_sync relay' and a.datname = pg_catalog.current_database()
        limit 1
    ),
    sink as materialized (
        select s.id, s.name, s.retries, s.error, s.failing_since, s.behind_ticks, s.behind_since from realtime_sync.sink_state s
    ),
    -- A segment is filled from its beginning, so its first pages have its oldest events. In a database
    -- where nothing happens nobody is there to let old events go, nor is it urgent.
    overdue as materialized (
        select o.at, o.tableoid as segment
        from (
            select e.at, e.tableoid from realtime_sync.event e where e.ctid < '(8,0)' order by e.at limit 1
        ) o,
            (select e.at from realtime_sync.event e order by e.xid desc, e.id desc limit 1) n,
            setting s
        where o.at < n.at - s.retention * 1.5
    ),
    holder as materialized (
        select l.relation, l.pid, p.gid, p.prepared
        from pg_catalog.pg_locks l
        -- Of a prepared transaction no process is known, but that it holds its own number.
        left join pg_catalog.pg_locks x
            on x.locktype = 'transactionid' and x.virtualtransaction = l.virtualtransaction and x.granted and l.pid is null
        left join pg_catalog.pg_prepared_xacts p on p.transaction = x.transactionid
        where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_catalog.pg_backend_pid()
            and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
            and l.relation in (select s.relation from segment s)
    ),
    -- What may be read by policy, each topic pattern cut to what is certain of it; of a policy written
    -- by hand nothing is.
    readable as (
        select pg_catalog.split_part(pg_catalog.split_part(t.pattern, '{', 1), '*', 1) as beginning
        from pg_catalog.pg_policy p
        left join realtime_sync.permission m on m.policy = p.polname,
            pg_catalog.unnest(coalesce(m.topics, array[''])) as t(pattern)
        where p.polrelid = 'realtime_sync.event'::regclass and p.polcmd in ('r', '*')
    ),
    object as (
        select 'schema realtime_sync' as name, n.nspacl as acl, n.nspowner as owner, false as segment
        from pg_catalog.pg_namespace n
        where n.nspname = 'realtime_sync'
        union all
        select
            case c.relkind when 'S' then 'sequence ' else 'table ' end || c.oid::regclass, c.relacl, c.relowner,
            c.oid in (select s.relation from segment s)
        from pg_catalog.pg_class c
        where c.relnamespace = 'realtime_sync'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
        union all
        -- No entry at all is PostgreSQL's default, which for functions is EXECUTE for everyone.
        select 'function ' || p.oid::regprocedure, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)), p.proowner, false
        from pg_catalog.pg_proc p
        where p.pronamespace = 'realtime_sync'::regnamespace
    ),
    problem(level, subject, problem, fix) as (
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
            case when d.problem ~ '(is disabled|is missing|cannot be read.*)$' then 'error' else 'warning' end,
            d.relation::text, d.problem,
            case
                when d.problem like '% is disabled' then pg_catalog.format('alter table %s enable trigger %s;', d.relation, d.trigger_name)
                when d.trigger_name is not null then pg_catalog.format(
                    'alter trigger %s on %s rename to %I;', d.trigger_name, d.relation,
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
                from realtime_sync.sink_definition d, setting s
                where d.dropped is null and d.payload = 'full'
                    and case when d.target is null then s.channel <> '' else d.target like 'notify:%' end
            )
            and exists (select from source s where not pg_catalog.has_table_privilege(r.oid, s.relation, 'select'))
        having pg_catalog.count(*) > 0

        union all
        select
            case when l.bytes > s.max_log_size then 'error' else 'warning' end, 'log',
            pg_catalog.format(
                'it has %s of the %s that realtime_sync.max_log_size allows',
                pg_catalog.pg_size_pretty(l.bytes), pg_catalog.pg_size_pretty(s.max_log_size)
            ),
            'select * from realtime_sync.retain();'
        from log l, setting s
        where l.bytes > s.max_log_size * 0.8
        union all
        select 'warning', 'log', pg_catalog.format(
                'its oldest event is of %s, though realtime_sync.retention is %s: %s',
                pg_catalog.to_char(o.at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'),
                pg_catalog.current_setting('realtime_sync.retention', true), c.cause
            ), c.fix
        from overdue o, relay r,
            lateral (
                select c.cause, c.fix
                from (
                    select 1 as rank, 'no tick has it yet' as cause,
                        'select realtime_sync.relay(); -- if nothing else is said here of the relay' as fix
                    where r.oldest <= o.at
                    union all
                    select 2, pg_catalog.format('sink %s has not got what came after it', s.name),
                        pg_catalog.format('select realtime_sync.drop_sink(%L); -- unless it can be mended', s.name)
                    from sink s
                    where s.behind_since < pg_catalog.statement_timestamp() - (select s.retention from setting s)
                    union all
                    select 3, 'prepared transaction ' || h.gid || ' holds its segment',
                        pg_catalog.format('commit prepared %L; -- or: rollback prepared %1$L', h.gid)
                    from holder h
                    where h.relation = o.segment and h.gid is not null
                    union all
                    select 4, 'process ' || h.pid || ' holds its segment', pg_catalog.format('select pg_terminate_backend(%s);', h.pid)
                    from holder h
                    where h.relation = o.segment and h.pid is not null
                    union all
                    select 5, 'realtime_sync.retain() is not being called',
                        'select * from realtime_sync.retain(); -- the relay does so every minute; without one, as with pg_cron: select cron.schedule(''realtime_sync_retain'', ''* * * * *'', ''select realtime_sync.retain()'');'
                ) c
                order by c.rank
                limit 1
            ) c
        union all
        select
            'warning', 'prepared transaction ' || h.gid,
            pg_catalog.format('its events wait since %s, and their segment of the log cannot go', pg_catalog.to_char(h.prepared at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')),
            pg_catalog.format('commit prepared %L; -- or: rollback prepared %1$L', h.gid)
        from (select distinct h.gid, h.prepared from holder h where h.gid is not null) h, setting s
        where h.prepared < pg_catalog.statement_timestamp() - s.retention / 24

        union all
        select
            'error', 'relay', 'the server has no shared memory left for it: none can run in this database',
            pg_catalog.format('alter database %I set realtime_sync.delivery = manual; -- and call realtime_sync.relay() every second. Memory is for 30 databases, given to the first that use realtime_sync after a restart', pg_catalog.current_database())
        from relay r
        where not r.own_memory
        union all
        select
            'error', 'relay',
            case
                when r.refused >= r.launched then pg_catalog.format('it could not be started, all of max_worker_processes (%s) are in use: ', pg_catalog.current_setting('max_worker_processes'))
                else 'it is not running: '
            end || r.waits,
            case
                when r.refused >= r.launched then pg_catalog.format(
                    'alter system set max_worker_processes = %s; -- and restart the server; until then: select realtime_sync.relay();',
                    pg_catalog.current_setting('max_worker_processes')::integer + 8
                )
                else 'select realtime_sync.relay(); -- the next change starts it; should it end again, the server''s log says why'
            end
        from relay r, setting s
        where s.delivery in ('worker', 'inline') and not r.running and r.own_memory and r.events > 0
            and r.since < pg_catalog.statement_timestamp() - interval '10 s'
            and not pg_catalog.pg_is_in_recovery()
        union all
        select
            'error', 'relay', pg_catalog.format('it has not looked for events since %s', pg_catalog.to_char(r.looked at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')),
            pg_catalog.format('select pg_terminate_backend(%s); -- it starts again by itself', coalesce(r.pid::text, '...'))
        from relay r
        where r.running and r.looked < pg_catalog.statement_timestamp() - interval '30 s'
        union all
        select
            'warning', 'relay', pg_catalog.format('%s, the oldest since %s', r.waits, pg_catalog.to_char(r.since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')),
            'select l.pid, a.state, a.wait_event, a.query from pg_locks l join pg_stat_activity a using (pid) where l.relation = ''realtime_sync.tick''::regclass and l.mode in (''ShareUpdateExclusiveLock'', ''ExclusiveLock''); -- whoever holds this lock in a long transaction keeps the relay waiting'
        from relay r
        where r.running and r.events > 0 and r.since < pg_catalog.statement_timestamp() - interval '30 s'
        union all
        select
            'warning', 'relay',
            pg_catalog.format('realtime_sync.delivery is manual and nobody calls realtime_sync.relay(): %s, and the log only grows', r.waits),
            'select realtime_sync.relay(); -- and every second, as with pg_cron: select cron.schedule(''realtime_sync_relay'', ''1 second'', ''select realtime_sync.relay()''); or: alter system set realtime_sync.delivery = worker; select pg_reload_conf();'
        from relay r, setting s
        where s.delivery = 'manual' and not r.running and r.events > 0 and r.since < pg_catalog.statement_timestamp() - interval '5 min'
            and not pg_catalog.pg_is_in_recovery()
        union all
        select
            'warning', 'throttle',
            pg_catalog.format(
                'what was kept out of the log has not come into it: %s, the first since %s',
                case h.events when 1 then '1 update' else h.events || ' updates' end,
                pg_catalog.to_char(h.since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
            ),
            case when r.running then 'select pid, xact_start, query from pg_stat_activity where xact_start is not null order by xact_start; -- a relay leaves alone what a transaction that has not ended, or a prepared one (pg_prepared_xacts), has changed'
                else 'select realtime_sync.relay(); -- outside a transaction block'
            end
        from realtime_sync.overdue_held() h, relay r
        where h.events > 0
        union all
        select
            'error', 'sink ' || s.name,
            pg_catalog.format(
                'it has failed %s, the first time at %s: %s', case s.retries when 1 then 'once' else s.retries || ' times' end,
                pg_catalog.to_char(s.failing_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), s.error
            ),
            pg_catalog.format('Mend what that says: the sink goes on by itself within a minute, nothing lost. Or do without it: select realtime_sync.drop_sink(%L);', s.name)
        from sink s
        where s.retries > 0
        union all
        select
            'error', 'timer ' || t.name,
            case
                when p.oid is null then 'its function is gone'
                when r.oid is null then 'its owner is gone'
                else pg_catalog.format(
                    'it fails since %s: %s',
                    pg_catalog.to_char(t.failing_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), t.error
                )
            end,
            case
                when p.oid is null or r.oid is null then pg_catalog.format('select realtime_sync.drop_timer(%L);', t.name)
                else 'Mend what that says: the relay calls it again within a minute.'
            end
        from realtime_sync.timer t
        left join pg_catalog.pg_proc p on p.oid = pg_catalog.to_regprocedure(t.function)
        left join pg_catalog.pg_roles r on r.oid = t.owner
        where t.error is not null or p.oid is null or r.oid is null
        union all
        select
            'warning', 'sink ' || s.name,
            pg_catalog.format(
                'it has not got %s, the oldest of %s',
                case s.behind_ticks when 1 then '1 tick' when 10000 then '10000 ticks or more' else s.behind_ticks || ' ticks' end,
                pg_catalog.to_char(s.behind_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
            ),
            'select realtime_sync.relay(); -- where a relay runs it is at it: see sink_behind_ticks in realtime_sync.stats grow less'
        from sink s
        where s.retries = 0 and s.behind_since < pg_catalog.statement_timestamp() - interval '1 min'

        union all
        select
            'error', 'NOTIFY',
            pg_catalog.format(
                'the queue of the cluster is %s %% full: above %s %%, realtime_sync.max_notify_queue, sinks that notify wait; when it is full, every COMMIT that notifies fails',
                pg_catalog.round((q.usage * 100)::numeric), s.max_notify_queue
            ),
            'select pid, xact_start, query from pg_stat_activity where xact_start is not null order by xact_start; -- then end the oldest that listens: select pg_terminate_backend(pid)'
        from pg_catalog.pg_notification_queue_usage() as q(usage), setting s
        where q.usage * 100 > s.max_notify_queue
        union all
        select
            'warning', 'NOTIFY',
            pg_catalog.format('realtime_sync.channel is "%s", of which only {topic} would be replaced: every event goes to one channel of that name', s.channel),
            'Set realtime_sync.channel to a name, or to a template with {topic} in it.'
        from setting s
        where s.channel like '%{%' and s.channel not like '%{topic}%'

        union all
        select k.level, 'stats', pg_catalog.format('%s since the server started: %s', c.value, pg_catalog.lower(pg_catalog.left(c.description, 1)) || pg_catalog.substr(c.description, 2)), k.fix
        from realtime_sync.stats c
        join (
            values
                ('dropped', 'error', 'Update the library or the extension, so that both have one version: alter extension realtime_sync update;'),
                ('lost', 'error', 'Readers that are behind get an expired cursor and load anew. Raise realtime_sync.max_log_size, and mend or drop the sink that is behind.'),
                ('unresolved_names', 'warning', 'select relation, drift from realtime_sync.source where drift is not null; then enable() those with names that exist.'),
                ('unencodable_values', 'warning', 'Leave the column out with realtime_sync.enable(..., exclude => ...), or mend its type''s output function.'),
                ('partial', 'info', 'Raise realtime_sync.max_event_size, or leave wide columns out with realtime_sync.enable(..., exclude => ...).'),
                ('switched_off', 'info', 'realtime_sync.capture was off on purpose, or see above.')
        ) k(name, level, fix) on k.name = c.name
        where c.value > 0
            -- the count stays until the server restarts; what it tells of is mended once nothing has drifted
            and (c.name <> 'unresolved_names' or exists (select from drift d where d.problem like 'column % does not exist'))

        union all
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
        join pg_catalog.pg_roles r on r.oid = m.role
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
    ),
    verdict as (
        select p.level, p.subject, p.problem, p.fix from problem p
        union all
        select 'ok', 'realtime_sync', 'nothing is wrong', null
        where not exists (select from problem p where p.level in ('error', 'warning'))
    )
    select v.level, v.subject, v.problem, v.fix
    from verdict v
    order by pg_catalog.array_position(array['error', 'warning', 'info', 'ok'], v.level), v.subject, v.problem
$function$;

revoke all on function realtime_sync.health() from public;

comment on function realtime_sync.health() is
    'What is wrong, the worst first, and the SQL or sentence that mends it; one row of level ok when nothing is.';
