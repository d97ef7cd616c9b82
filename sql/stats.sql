-- What shared memory, the log and PostgreSQL's own statistics tell of the feed.

create function realtime_sync.counters(out name text, out value bigint) returns setof record
volatile parallel restricted language c
as 'MODULE_PATHNAME', 'counters_wrapper';

create function realtime_sync.relay_state(
    out running boolean, out pending boolean, out paused boolean, out own_memory boolean, out "position" bigint,
    out launched timestamptz, out refused timestamptz, out since timestamptz, out looked timestamptz
) returns setof record
volatile parallel restricted language c
as 'MODULE_PATHNAME', 'relay_state_wrapper';

create function realtime_sync.latencies(out bound double precision, out ticks bigint, out seconds double precision) returns setof record
volatile parallel restricted language c
as 'MODULE_PATHNAME', 'latencies_wrapper';

-- Bounded counts: a sink may be millions of ticks behind, and this is looked at every few seconds.
create view realtime_sync.sink_state as
select
    s.id, s.name, p.timeline, p.position, p.event, p.at, p.retries, p.error, f.since as failing_since,
    b.ticks as behind_ticks, b.events as behind_events, b.since as behind_since, p.sent, p.refused
from realtime_sync.sink_definition s
left join lateral (
    select g.timeline, g.position, g.id as event, g.at, g.retries, g.sent, g.refused, g.error
    from realtime_sync.progress g
    where g.sink = s.id
    order by g.timeline desc, g.position desc, g.id desc, g.retries desc
    limit 1
) p on true
left join lateral (
    select pg_catalog.min(g.at) as since
    from realtime_sync.progress g
    where g.sink = s.id and g.timeline = p.timeline and g.position = p.position and g.id = p.event
        and g.retries > 0 and p.retries > 0
) f on true
left join lateral (
    select pg_catalog.count(*) as ticks, pg_catalog.sum(t.events) as events, pg_catalog.min(t.at) as since
    from (
        select t.events, t.at
        from realtime_sync.tick t
        where (t.timeline, t.position) >= (p.timeline, p.position)
            and ((t.timeline, t.position) > (p.timeline, p.position) or p.event < 9223372036854775807)
        order by t.timeline, t.position
        limit 10000
    ) t
) b on true
where s.dropped is null;

-- Committed events that no tick has yet, 100,000 of them at most.
create view realtime_sync.unticked as
with base as materialized (
    select b.snapshot
    from (
        (select t.timeline, t.position, t.snapshot from realtime_sync.tick t order by t.timeline desc, t.position desc limit 1)
        union all
        select f.timeline, f.position, f.snapshot from realtime_sync.floor f
    ) b
    order by b.timeline desc, b.position desc
    limit 1
)
select pg_catalog.count(*) as events, pg_catalog.min(e.at) as oldest
from (
    (
        select e.at
        from realtime_sync.event e
        where e.xid >= (select pg_catalog.pg_snapshot_xmax(b.snapshot) from base b)
        order by e.xid
        limit 100000
    )
    union all
    select e.at
    from realtime_sync.event e
    where e.xid = any (array(select pg_catalog.pg_snapshot_xip(b.snapshot) from base b))
) e;

create view realtime_sync.stats as
with
relay as materialized (
    select r.* from realtime_sync.relay_state() r
),
sink as materialized (
    select s.* from realtime_sync.sink_state s
),
lag as materialized (
    select
        u.events + coalesce((select pg_catalog.max(s.behind_events) from sink s), 0) as events,
        greatest(
            case when u.events > 0 then extract(epoch from pg_catalog.clock_timestamp() - coalesce(r.since, u.oldest)) end,
            (select extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.min(s.behind_since)) from sink s),
            0
        ) as seconds
    from realtime_sync.unticked u, relay r
)
select c.name, 'counter' as kind, null::text as subject, c.value::numeric as value, d.description
from realtime_sync.counters() c
left join (
    values
        ('written', 'Events written to the log; some of them by transactions that rolled back.'),
        ('notified', 'Events delivered by the transaction that wrote them (delivery inline).'),
        ('partial', 'Events over realtime_sync.max_event_size, written without some of their columns.'),
        ('switched_off', 'Changes that were not captured because realtime_sync.capture was off.'),
        ('unresolved_names', 'Topics left out because a column they name is gone.'),
        ('unencodable_values', 'Values whose own output function failed; their event is partial.'),
        ('left_to_relay', 'Events that delivery inline left to the relay: their transaction was prepared, took more than 8 MB, called flush(), or found the NOTIFY queue half full.'),
        ('dropped', 'Changes that could not be recorded because the log was not there or not the library''s.'),
        ('spilled_bytes', 'Bytes of events kept in temporary files during long subtransactions.'),
        ('ticks', 'Steps of the relay that had events.'),
        ('sent', 'Events the relay has given to sinks, each sink counted.'),
        ('suppressed', 'Events that a throttle held back and a later one made superfluous.'),
        ('lost', 'Events that realtime_sync.max_log_size let go before every sink had them.')
) d(name, description) using (name)
union all
select g.name, 'gauge', null, g.value, g.description
from (
    select 'relay_running' as name, r.running::integer::numeric as value, 'Whether this database has a relay.' as description
    from relay r
    union all
    select 'relay_pid', pg_catalog.min(a.pid), 'The process of the relay.'
    from pg_catalog.pg_stat_activity a
    where a.backend_type = 'realtime_sync relay' and a.datname = pg_catalog.current_database()
    union all
    select 'relay_idle_seconds', extract(epoch from pg_catalog.clock_timestamp() - r.looked), 'Time since the relay has looked for events.'
    from relay r
    union all
    select 'notify_paused', r.paused::integer, 'Whether sinks that notify wait for room in the NOTIFY queue.'
    from relay r
    union all
    select 'notify_queue_ratio', pg_catalog.pg_notification_queue_usage()::numeric, 'Share of the cluster''s NOTIFY queue in use.'
    union all
    select 'position', r.position, 'Position of the newest tick since the server started.'
    from relay r
    union all
    select 'lag_events', l.events, 'Committed events that a sink has not got; counting stops at about 100,000.'
    from lag l
    union all
    select 'lag_seconds', l.seconds, 'Age of the oldest of these.'
    from lag l
    union all
    select
        'oldest_transaction_seconds',
        coalesce(pg_catalog.max(extract(epoch from pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared))), 0),
        'Age of the oldest transaction that was open at the newest tick and still is; its events come in a later one.'
    from (select t.snapshot from realtime_sync.tick t order by t.timeline desc, t.position desc limit 1) t,
        pg_catalog.pg_snapshot_xip(t.snapshot) as x(xid)
        left join pg_catalog.pg_stat_activity a on a.backend_xid = x.xid::xid
        left join pg_catalog.pg_prepared_xacts p on p.transaction = x.xid::xid
    union all
    select 'replayable_seconds', extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.max(f.at)), 'How far back replay() reaches.'
    from realtime_sync.floor f
    union all
    select 'log_bytes', pg_catalog.sum(pg_catalog.pg_total_relation_size(i.inhrelid)), 'Size of the log with its ticks and progress.'
    from pg_catalog.pg_inherits i
    where i.inhparent in ('realtime_sync.event'::regclass, 'realtime_sync.tick'::regclass, 'realtime_sync.progress'::regclass)
    union all
    select 'shared_memory_bytes', coalesce(pg_catalog.sum(m.allocated_size), 0), 'Shared memory in use, for all databases.'
    from pg_catalog.pg_shmem_allocations m
    where m.name like 'realtime_sync layout %'
) g
union all
select
    'latency_ticks', 'histogram', coalesce('<= ' || l.bound || ' s', 'any'), pg_catalog.sum(l.ticks) over (order by l.bound),
    'Ticks by the time from the oldest commit in them until NOTIFY sinks had them.'
from realtime_sync.latencies() l
union all
select g.name, 'gauge', s.name, g.value, g.description
from sink s,
    lateral (
        values
            ('sink_behind_ticks', coalesce(s.behind_ticks, 0), 'Ticks that the sink has not got, 10,000 at most.'),
            ('sink_behind_events', coalesce(s.behind_events, 0), 'Events of those of these ticks that were counted.'),
            ('sink_behind_seconds', coalesce(extract(epoch from pg_catalog.clock_timestamp() - s.behind_since), 0), 'Age of the oldest tick that the sink has not got.'),
            ('sink_retries', coalesce(s.retries, 0), 'How often the sink''s next batch has failed.'),
            ('sink_failing_seconds', coalesce(extract(epoch from pg_catalog.clock_timestamp() - s.failing_since), 0), 'Time since it first failed.')
    ) g(name, value, description)
union all
select g.name, 'counter', s.name, coalesce(g.value, 0), g.description
from sink s,
    lateral (
        values
            ('sink_sent', s.sent, 'Events the relay has given to the sink since it was added; those of inline delivery are not among them.'),
            ('sink_refused', s.refused, 'Of these, the ones it got the reference of, since it failed on a json value that jsonb does not take.')
    ) g(name, value, description)
union all
select
    'source_changes', 'counter', pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.sum(t.n_tup_ins + t.n_tup_upd + t.n_tup_del),
    'Rows changed in the source, from PostgreSQL''s statistics of the table: rolled-back and filtered ones too.'
from realtime_sync.source s
    join pg_catalog.pg_class c on c.oid = s.relation
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace,
    lateral (
        select s.relation as leaf
        union
        select l.relid from pg_catalog.pg_partition_tree(s.relation) l where l.isleaf
    ) l
    join pg_catalog.pg_stat_all_tables t on t.relid = l.leaf
group by n.nspname, c.relname;

revoke all on function realtime_sync.counters() from public;
revoke all on function realtime_sync.relay_state() from public;
revoke all on function realtime_sync.latencies() from public;
revoke all on table realtime_sync.sink_state from public;
revoke all on table realtime_sync.unticked from public;
revoke all on table realtime_sync.stats from public;

comment on function realtime_sync.counters() is
    'Counters of this database since the server started, from shared memory: name and value.';
comment on function realtime_sync.relay_state() is
    'What writers and the relay of this database have told each other in shared memory.';
comment on function realtime_sync.latencies() is
    'Ticks by the time from the oldest commit in them until NOTIFY sinks had them: upper bound in seconds, null for any; there, how many seconds all of them took together.';
comment on view realtime_sync.sink_state is
    'How far each sink has come: its place, what it last failed with, and how much it has not got (10,000 ticks at most).';
comment on view realtime_sync.unticked is
    'How many committed events no tick has yet, 100,000 at most, and the time of the oldest.';
comment on view realtime_sync.stats is
    'Counters since the server started, gauges of the relay, the log and the sinks, and what each tells. realtime_sync.metrics() has the same for Prometheus.';
