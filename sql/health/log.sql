-- Of health(): what the log holds, and what keeps it from growing less.

create function realtime_sync.log_health(out level text, out subject text, out problem text, out fix text)
returns setof record
volatile parallel restricted language sql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $function$
    with
    setting as materialized (
        select
            realtime_sync.kept_for() as retention,
            case pg_catalog.current_setting('realtime_sync.max_log_size', true)
                when '-1' then null
                else pg_catalog.pg_size_bytes(pg_catalog.current_setting('realtime_sync.max_log_size', true))
            end as max_log_size
    ),
    segment as materialized (
        select i.inhrelid as relation, pg_catalog.pg_total_relation_size(i.inhrelid) as bytes
        from pg_catalog.pg_inherits i
        where i.inhparent = 'realtime_sync.event'::regclass
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
        select l.relation, l.pid, p.gid, p.prepared, coalesce(a.backend_type = 'autovacuum worker', false) as vacuums
        from pg_catalog.pg_locks l
        left join pg_catalog.pg_stat_activity a on a.pid = l.pid
        -- Of a prepared transaction no process is known, but that it holds its own number.
        left join pg_catalog.pg_locks x
            on x.locktype = 'transactionid' and x.virtualtransaction = l.virtualtransaction and x.granted and l.pid is null
        left join pg_catalog.pg_prepared_xacts p on p.transaction = x.transactionid
        where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_catalog.pg_backend_pid()
            and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
            and l.relation in (select s.relation from segment s)
    )
    select
        case when l.bytes > s.max_log_size then 'error' else 'warning' end, 'log',
        pg_catalog.format(
            'it has %s of the %s that realtime_sync.max_log_size allows',
            pg_catalog.pg_size_pretty(l.bytes), pg_catalog.pg_size_pretty(s.max_log_size)
        ),
        'select * from realtime_sync.retain();'
    from (select pg_catalog.sum(g.bytes) as bytes from segment g) l, setting s
    where l.bytes > s.max_log_size * 0.8
    union all
    select 'warning', 'log', pg_catalog.format(
            'its oldest event is of %s, though realtime_sync.retention is %s: %s',
            pg_catalog.to_char(o.at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'),
            pg_catalog.current_setting('realtime_sync.retention', true), c.cause
        ), c.fix
    from overdue o, realtime_sync.unticked u,
        lateral (
            select c.cause, c.fix
            from (
                select 1 as rank, 'no tick has it yet' as cause,
                    'select realtime_sync.relay(); -- if nothing else is said here of the relay' as fix
                where u.oldest <= o.at
                union all
                select 2, pg_catalog.format('sink %s has not got what came after it', s.name),
                    pg_catalog.format('select realtime_sync.drop_sink(%L); -- unless it can be mended', s.name)
                from realtime_sync.sink_state s
                where s.behind_since < pg_catalog.statement_timestamp() - (select s.retention from setting s)
                union all
                select 3, 'prepared transaction ' || h.gid || ' holds its segment',
                    pg_catalog.format('commit prepared %L; -- or: rollback prepared %1$L', h.gid)
                from holder h
                where h.relation = o.segment and h.gid is not null
                union all
                select 4, 'process ' || h.pid || ' holds its segment', pg_catalog.format('select pg_terminate_backend(%s);', h.pid)
                from holder h
                where h.relation = o.segment and h.pid is not null and not h.vacuums
                union all
                -- It would give way to who waits for deadlock_timeout, a second, as retain() does not.
                select 5, pg_catalog.format('autovacuum (process %s) is at work on its segment', h.pid), pg_catalog.format(
                    'select * from pg_stat_progress_vacuum where pid = %s; -- nothing needs to be done: it ends by itself, and realtime_sync.retain() tries again every minute',
                    h.pid
                )
                from holder h
                where h.relation = o.segment and h.vacuums
                union all
                select 6, 'realtime_sync.retain() is not being called',
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
$function$;

revoke all on function realtime_sync.log_health() from public;

comment on function realtime_sync.log_health() is
    'Part of realtime_sync.health(): the size and age of the log, and who holds it.';
