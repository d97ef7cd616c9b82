-- Up to which tick the log may go: ticks looked for by time, by place, and by what they cover.

create function realtime_sync.make_tick(newest_xid bigint) returns void
volatile strict parallel unsafe language c
as 'MODULE_PATHNAME', 'make_tick_wrapper';

-- Two looks at the end of the segment's index.
create function realtime_sync.covers(snapshot pg_snapshot, segment smallint) returns boolean
volatile strict parallel unsafe language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    missed boolean;
begin
    execute pg_catalog.format(
        'select exists (select from realtime_sync.event_%1$s e where e.xid >= $1)
            or exists (select from realtime_sync.event_%1$s e where e.xid = any ($2))',
        segment
    ) into missed
    using pg_catalog.pg_snapshot_xmax(snapshot), array(select pg_catalog.pg_snapshot_xip(snapshot));
    return not missed;
end
$function$;

-- Ticks are looked for by bisection: there may be millions, and another index would cost every tick.
create function realtime_sync.first_tick(since timestamptz, covering smallint) returns realtime_sync.tick
volatile parallel unsafe language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    line integer := -1;
    low bigint;
    high bigint;
    probe realtime_sync.tick;
    found_tick realtime_sync.tick;
begin
    loop
        select t.* into probe
        from realtime_sync.tick t
        where t.timeline > line
        order by t.timeline, t.position
        limit 1;
        if not found then
            return null;
        end if;
        line := probe.timeline;
        low := probe.position - 1;
        select t.* into probe from realtime_sync.tick t where t.timeline = line order by t.position desc limit 1;
        exit when coalesce(probe.at >= since, realtime_sync.covers(probe.snapshot, covering));
    end loop;
    found_tick := probe;
    high := probe.position;
    -- The one at high is such a tick; none up to low is.
    while low < high - 1 loop
        select t.* into probe
        from realtime_sync.tick t
        where t.timeline = line and t.position > low and t.position <= low + (high - low) / 2
        order by t.position desc
        limit 1;
        if not found then
            low := low + (high - low) / 2;
        elsif coalesce(probe.at >= since, realtime_sync.covers(probe.snapshot, covering)) then
            found_tick := probe;
            high := probe.position;
        else
            low := low + (high - low) / 2;
        end if;
    end loop;
    return found_tick;
end
$function$;

-- The newest tick at or before a place, were it the one the log was truncated up to.
create function realtime_sync.tick_up_to(
    inout timeline integer, inout "position" bigint, out wal_timeline integer, out at timestamptz, out snapshot pg_snapshot
)
volatile parallel unsafe language sql
set search_path = pg_catalog, pg_temp
as $function$
    select b.timeline, b.position, b.wal_timeline, b.at, b.snapshot
    from (
        (
            select t.timeline, t.position, t.wal_timeline, t.at, t.snapshot
            from realtime_sync.tick t
            where (t.timeline, t.position) <= (tick_up_to.timeline, tick_up_to.position)
            order by t.timeline desc, t.position desc
            limit 1
        )
        union all
        select f.timeline, f.position, f.wal_timeline, f.at, f.snapshot
        from realtime_sync.floor f
        where (f.timeline, f.position) <= (tick_up_to.timeline, tick_up_to.position)
    ) b
    order by b.timeline desc, b.position desc
    limit 1
$function$;

revoke all on function realtime_sync.make_tick(bigint) from public;
revoke all on function realtime_sync.covers(pg_snapshot, smallint) from public;
revoke all on function realtime_sync.first_tick(timestamptz, smallint) from public;
revoke all on function realtime_sync.tick_up_to(integer, bigint) from public;

comment on function realtime_sync.make_tick(bigint) is
    'Makes a tick of what is committed, up to a transaction, without sending it; realtime_sync.retain() uses it where realtime_sync.max_log_size is ahead of the relay.';
comment on function realtime_sync.covers(pg_snapshot, smallint) is
    'Whether a tick''s snapshot sees every event of a segment.';
comment on function realtime_sync.first_tick(timestamptz, smallint) is
    'The oldest tick not before a time, or, without one, the oldest that covers a segment; null if none.';
comment on function realtime_sync.tick_up_to(integer, bigint) is
    'The newest tick, or the floor, at or before a place.';
