-- Of health(): whether events are moved from the log, and whether there is anybody to do it.

create function realtime_sync.relay_health(out level text, out subject text, out problem text, out fix text)
returns setof record
volatile parallel restricted language sql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $function$
    with relay as materialized (
        select
            r.running, r.own_memory, r.looked, r.launched, r.refused, u.events, u.oldest,
            coalesce(r.since, u.oldest) as since,
            -- A refusal is of its moment: what took the last process may have ended since.
            r.refused >= r.launched and (
                select pg_catalog.count(*) >= pg_catalog.current_setting('max_worker_processes')::integer
                from pg_catalog.pg_stat_activity p
                where p.backend_type not in (
                    'client backend', 'autovacuum launcher', 'autovacuum worker', 'background writer', 'checkpointer', 'walwriter',
                    'walsummarizer', 'archiver', 'startup', 'walsender', 'walreceiver', 'slotsync worker', 'io worker', 'logger'
                )
            ) as crowded,
            case u.events when 1 then '1 event waits' else u.events || ' events wait' end as waits, a.pid
        from realtime_sync.relay_state() r
        cross join realtime_sync.unticked u
        left join pg_catalog.pg_stat_activity a
            on a.backend_type = 'realtime_sync relay' and a.datname = pg_catalog.current_database()
        limit 1
    )
    select
        'error', 'relay', 'the server has no shared memory left for it: none can run in this database',
        pg_catalog.format('alter database %I set realtime_sync.delivery = manual; -- and call realtime_sync.relay() every second. Memory is for 30 databases, given to the first that use realtime_sync after a restart', pg_catalog.current_database())
    from relay r
    where not r.own_memory and pg_catalog.current_setting('realtime_sync.delivery', true) <> 'manual'
    union all
    select
        'error', 'relay',
        case
            when r.crowded then pg_catalog.format('it could not be started, all of max_worker_processes (%s) are in use: ', pg_catalog.current_setting('max_worker_processes'))
            else 'it is not running: '
        end || r.waits,
        case
            when r.crowded then pg_catalog.format(
                'alter system set max_worker_processes = %s; -- and restart the server; until then: select realtime_sync.relay();',
                pg_catalog.current_setting('max_worker_processes')::integer + 8
            )
            else 'select realtime_sync.relay(); -- the next change or replay() starts it; should it end again, the server''s log says why'
        end
    from relay r
    where pg_catalog.current_setting('realtime_sync.delivery', true) in ('worker', 'inline') and not r.running and r.own_memory and r.events > 0
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
    from relay r
    where pg_catalog.current_setting('realtime_sync.delivery', true) = 'manual' and not r.running and r.events > 0 and r.since < pg_catalog.statement_timestamp() - interval '5 min'
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
$function$;

revoke all on function realtime_sync.relay_health() from public;

comment on function realtime_sync.relay_health() is
    'Part of realtime_sync.health(): the relay and what waits for it.';
