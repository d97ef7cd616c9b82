-- The statistics as OpenMetrics text. Names are those of realtime_sync.stats, so there is one list of them.

-- A backslash, a quote and a line's end are all that a text may not have as they are.
create function realtime_sync.metric_text(value text) returns text
immutable strict parallel safe language sql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $function$
    select pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(value, '\', '\\'), '"', '\"'), E'\n', '\n')
$function$;

-- With its owner's rights, so that whoever collects them needs this function alone.
create function realtime_sync.metrics() returns text
volatile parallel restricted security definer language sql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $function$
    with
    stat as materialized (
        select s.name, s.kind, s.subject, s.value, s.description
        from realtime_sync.stats s
        where s.value is not null and s.kind in ('counter', 'gauge') and s.name <> 'relay_pid'
    ),
    -- once, or the count is not that of the buckets
    tick as materialized (
        select h.bound, h.ticks, h.seconds from realtime_sync.latencies() h
    ),
    label(database) as (
        select pg_catalog.format('database="%s"', realtime_sync.metric_text(pg_catalog.current_database()))
    ),
    sample(family, type, help, place, suffix, labels, value) as (
        select
            'realtime_sync_' || s.name, s.kind, s.description, pg_catalog.row_number() over (order by s.subject),
            case s.kind when 'counter' then '_total' else '' end,
            l.database || coalesce(',' || pg_catalog.split_part(s.name, '_', 1) || '="' || realtime_sync.metric_text(s.subject) || '"', ''),
            s.value::text
        from stat s, label l
        union all
        select
            'realtime_sync_latency_seconds', 'histogram',
            'Ticks by the time from the oldest commit in them until NOTIFY sinks had them.',
            h.place, h.suffix, l.database || h.labels, h.value::text
        from (
            select
                pg_catalog.row_number() over (order by t.bound), '_bucket',
                pg_catalog.format(',le="%s"', coalesce(t.bound::text, '+Inf')),
                pg_catalog.sum(t.ticks) over (order by t.bound)
            from tick t
            union all
            select 100, '_count', '', pg_catalog.sum(t.ticks) from tick t
            union all
            select 101, '_sum', '', t.seconds::numeric from tick t where t.bound is null
        ) h(place, suffix, labels, value), label l
        union all
        -- OpenMetrics has a type for this, which readers of the older text format do not know.
        select
            'realtime_sync_build', 'gauge', 'Always 1; its label says which version is installed.', 1, '',
            pg_catalog.format('%s,version="%s"', l.database, realtime_sync.metric_text(e.extversion)), '1'
        from pg_catalog.pg_extension e, label l
        where e.extname = 'realtime_sync'
    ),
    family as (
        select
            s.family,
            pg_catalog.format(E'# TYPE %s %s\n', s.family, s.type)
                || coalesce('# UNIT ' || s.family || ' ' || u.unit || E'\n', '')
                || pg_catalog.format(E'# HELP %s %s\n', s.family, realtime_sync.metric_text(s.help))
                || pg_catalog.string_agg(
                    pg_catalog.format(E'%s%s{%s} %s\n', s.family, s.suffix, s.labels, s.value), '' order by s.place
                ) as text
        from sample s, pg_catalog.substring(s.family, '_(seconds|bytes|ratio)$') as u(unit)
        group by s.family, s.type, s.help, u.unit
    )
    select pg_catalog.string_agg(f.text, '' order by f.family) || '# EOF' from family f
$function$;

revoke all on function realtime_sync.metric_text(text) from public;
revoke all on function realtime_sync.metrics() from public;

comment on function realtime_sync.metric_text(text) is
    'A text as OpenMetrics writes it between quotes.';
comment on function realtime_sync.metrics() is
    'realtime_sync.stats as OpenMetrics text, for Prometheus.';
