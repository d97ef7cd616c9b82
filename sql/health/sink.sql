-- Of health(): what the relay gives events to, and what it calls.

create function realtime_sync.sink_health(out level text, out subject text, out problem text, out fix text)
returns setof record
volatile parallel restricted language sql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $function$
    with
    setting as materialized (
        select
            pg_catalog.current_setting('realtime_sync.channel', true) as channel,
            pg_catalog.current_setting('realtime_sync.max_notify_queue', true)::integer as max_notify_queue
    ),
    -- An error's text may have what was written in it: for those who may read it where it stands.
    asking as materialized (
        select pg_catalog.has_table_privilege(
            coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user::text)::name, 'realtime_sync.sink_state', 'select'
        ) as reads
    ),
    sink as materialized (
        select s.name, s.retries, s.refused, s.error, s.failing_since, s.behind_ticks, s.behind_since from realtime_sync.sink_state s
    )
    select
        'error', 'sink ' || s.name,
        pg_catalog.format(
            'it has failed %s, the first time at %s: %s', case s.retries when 1 then 'once' else s.retries || ' times' end,
            pg_catalog.to_char(s.failing_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'),
            case when a.reads then s.error else 'see realtime_sync.sink_state' end
        ),
        pg_catalog.format('Mend what that says: the sink goes on by itself within a minute, nothing lost. Or do without it: select realtime_sync.drop_sink(%L);', s.name)
    from sink s, asking a
    where s.retries > 0
    union all
    select
        'error', 'timer ' || t.name,
        case
            when p.oid is null then 'its function is gone'
            when r.oid is null then 'its owner is gone'
            else pg_catalog.format(
                'it fails since %s: %s',
                pg_catalog.to_char(t.failing_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'),
                case when a.reads then t.error else 'see realtime_sync.timer' end
            )
        end,
        case
            when p.oid is null or r.oid is null then pg_catalog.format('select realtime_sync.drop_timer(%L);', t.name)
            else 'Mend what that says: the relay calls it again within a minute.'
        end
    from realtime_sync.timer t
    left join pg_catalog.pg_proc p on p.oid = pg_catalog.to_regprocedure(t.function)
    left join pg_catalog.pg_roles r on r.oid = t.owner
    cross join asking a
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
        'info', 'sink ' || s.name,
        pg_catalog.format(
            'since it was added it got only the reference of %s: it failed on a json value that jsonb does not take, such as "\u0000"',
            case s.refused when 1 then '1 event' else s.refused || ' events' end
        ),
        'Its readers find them whole in realtime_sync.events by id. Or have it write json or text and read no such value; or leave the column out: realtime_sync.enable(..., exclude => ...).'
    from sink s
    where s.refused > 0
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
$function$;

revoke all on function realtime_sync.sink_health() from public;

comment on function realtime_sync.sink_health() is
    'Part of realtime_sync.health(): sinks, timers, and the NOTIFY queue.';
