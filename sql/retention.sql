-- Retention: a segment of the ring goes whole, by TRUNCATE, once a tick that is old enough covers every
-- event in it and every sink has got that tick. The tick becomes the floor in the same transaction: a
-- reader either still reads the segment, which then cannot go, or finds that its cursor has expired.

create function realtime_sync.set_segment(segment smallint) returns void
volatile strict parallel unsafe language c
as 'MODULE_PATHNAME', 'set_segment_wrapper';

create function realtime_sync.count_lost(events bigint) returns void
volatile strict parallel unsafe language c
as 'MODULE_PATHNAME', 'count_lost_wrapper';

-- What throttle holds back is read from the log when its window ends, and the relay may be a minute late.
create function realtime_sync.kept_for() returns interval
stable parallel restricted language sql
set search_path = pg_catalog, pg_temp
as $function$
    select greatest(
        pg_catalog.current_setting('realtime_sync.retention', true)::interval,
        case when exists (
            -- With 1,000 sources the view takes a tenth of a second, which the relay should not wait for nothing.
            select from pg_catalog.pg_trigger t
            where t.tgfoid = 'realtime_sync.capture()'::regprocedure and position('"throttle"'::bytea in t.tgargs) > 0
        ) then (
            select pg_catalog.max(s.throttle) from realtime_sync.source s where s.throttle_log = 'all'
        ) + interval '1 min' end
    )
$function$;

-- Which segment is written to is only a hint in shared memory, 0 after a restart. So everything here
-- is read from the segments themselves, and the hint mended where it disagrees.
create function realtime_sync.retain(
    out segment smallint, out action text, out oldest timestamptz, out newest timestamptz,
    out events bigint, out bytes bigint, out reason text
) returns setof record
volatile parallel unsafe language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $function$
declare
    horizon timestamptz;
    retention interval;
    young text := 'has events younger than realtime_sync.retention';
    max_size bigint;
    size bigint := 0;
    sizes bigint[] := '{}';
    oldests timestamptz[] := '{}';
    newests timestamptz[] := '{}';
    held boolean[] := '{}';
    current smallint;
    written smallint;
    following smallint;
    last_tick record;
    expired record;
    slowest record;
    got record;
    passed record;
    free record;
    forced boolean;
    going boolean;
    lost bigint;
begin
    perform realtime_sync.check_permission('retain');
    if pg_catalog.current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise active_sql_transaction using
            message = 'realtime_sync.retain() needs a READ COMMITTED transaction',
            detail = 'An older snapshot does not see the newest events.',
            hint = 'Call it outside a transaction block, or after set transaction isolation level read committed.';
    end if;

    -- This call also loads the library, without which the session knows no realtime_sync setting.
    current := realtime_sync.current_segment();
    retention := realtime_sync.kept_for();
    if retention > pg_catalog.current_setting('realtime_sync.retention')::interval then
        young := 'has events that a throttle may hold back';
    end if;
    horizon := pg_catalog.statement_timestamp() - retention;
    max_size := case pg_catalog.current_setting('realtime_sync.max_log_size')
        when '-1' then null
        else pg_catalog.pg_size_bytes(pg_catalog.current_setting('realtime_sync.max_log_size'))
    end;

    -- An estimate, from a segment's first pages and the end of its index: enough to tell which
    -- segments are worth a closer look.
    for n in 0..7 loop
        begin
            execute pg_catalog.format(
                'select pg_catalog.pg_total_relation_size(''realtime_sync.event_%1$s'')
                        + pg_catalog.pg_total_relation_size(''realtime_sync.tick_%1$s'')
                        + pg_catalog.pg_total_relation_size(''realtime_sync.progress_%1$s''),
                    (select pg_catalog.min(e.at) from realtime_sync.event_%1$s e where e.ctid < ''(8,0)''),
                    (select e.at from realtime_sync.event_%1$s e order by e.xid desc, e.id desc limit 1)',
                n
            ) into bytes, oldest, newest;
            held[n + 1] := false;
        exception
            when lock_not_available then
                bytes := 0;
                oldest := null;
                newest := null;
                held[n + 1] := true;
        end;
        size := size + bytes;
        sizes[n + 1] := bytes;
        oldests[n + 1] := coalesce(oldest, newest);
        newests[n + 1] := newest;
    end loop;

    select u.n - 1 into written
    from pg_catalog.unnest(newests) with ordinality as u(newest, n)
    where u.newest is not null
    order by u.newest desc
    limit 1;
    if written <> current and newests[current + 1] is not null then
        current := written;
        perform realtime_sync.set_segment(current);
    end if;

    -- Up to which tick the log may go: the newest of those past retention, but none that a sink has not
    -- got. A sink that has not begun begins at the newest.
    select t.* into last_tick from realtime_sync.tick_up_to(2147483647, 9223372036854775807) t;
    -- What throttle holds back is gone from the sink's view before retention, unless the sink fails; where
    -- it begins is noted under the sink's number with a minus.
    select
        s.name, p.timeline, case when p.event < 9223372036854775807 then p.position - 1 else p.position end as position,
        p.event, h.snapshot as half
    into slowest
    from realtime_sync.sink_state s,
        lateral (
            select s.timeline, s.position, s.event
            where s.position is not null
            union all
            (
                select g.timeline, g.position, g.id
                from realtime_sync.progress g
                where g.sink = -s.id and s.retries > 0
                order by g.timeline desc, g.position desc, g.id desc
                limit 1
            )
        ) p
        left join realtime_sync.tick h on (h.timeline, h.position) = (p.timeline, p.position)
    order by p.timeline, 3, p.event
    limit 1;
    got := last_tick;
    if (slowest.timeline, slowest.position) < (last_tick.timeline, last_tick.position) then
        select t.* into got from realtime_sync.tick_up_to(slowest.timeline, slowest.position) t;
    end if;
    -- A sink goes on at the floor; what it lost to that was counted then.
    select f.* into passed from realtime_sync.floor f where f.position > 0 order by f.timeline desc, f.position desc limit 1;
    expired := last_tick;
    if last_tick.at >= horizon then
        select t.* into expired
        from realtime_sync.first_tick(horizon, null) f,
            realtime_sync.tick_up_to(f.timeline, f.position - 1) t
        where exists (select from pg_catalog.unnest(newests) as u(newest) where u.newest < horizon);
    end if;

    for segment in
        select u.n - 1
        from pg_catalog.unnest(newests) with ordinality as u(newest, n)
        where u.n - 1 <> current
        order by u.newest nulls last, u.n
    loop
        oldest := oldests[segment + 1];
        newest := newests[segment + 1];
        bytes := sizes[segment + 1];
        events := null;
        reason := null;
        going := false;
        if held[segment + 1] then
            action := 'skipped';
            reason := 'held by another transaction';
        elsif newest is null then
            action := 'empty';
        else
            action := 'kept';
            if newest >= horizon then
                reason := young;
            elsif expired.position > 0 and realtime_sync.covers(expired.snapshot, segment) then
                free := expired;
                if got.position is null or (got.timeline, got.position) < (expired.timeline, expired.position) then
                    free := got;
                end if;
                going := coalesce(free.position > 0 and realtime_sync.covers(free.snapshot, segment), false);
                reason := case
                    when going then 'older than realtime_sync.retention'
                    else pg_catalog.format('sink %s has not got it yet', slowest.name)
                end;
            elsif last_tick.position > 0 and realtime_sync.covers(last_tick.snapshot, segment) then
                reason := young;
            else
                reason := 'has events that realtime_sync.relay() has not come to';
            end if;
            forced := not going and size > max_size and segment <> written;
            if forced then
                going := true;
                reason := 'the log is larger than realtime_sync.max_log_size';
                select t.* into free from realtime_sync.first_tick(null, segment) t;
            end if;
        end if;
        if going then
            begin
                -- The relay's lock first, in the relay's own order.
                lock table only realtime_sync.tick in exclusive mode;
                execute pg_catalog.format('lock table realtime_sync.event_%s in access exclusive mode', segment);
                -- With the lock nobody can add to it.
                if forced and (free.position is null or not realtime_sync.covers(free.snapshot, segment)) then
                    execute pg_catalog.format(
                        'select realtime_sync.make_tick((select e.xid::text::bigint from realtime_sync.event_%s e order by e.xid desc limit 1))',
                        segment
                    );
                    select t.* into free from realtime_sync.tick_up_to(2147483647, 9223372036854775807) t;
                end if;
                if not realtime_sync.covers(free.snapshot, segment) then
                    action := 'skipped';
                    reason := 'events came in meanwhile';
                else
                    lost := 0;
                    if forced then
                        if passed.position is null or (got.timeline, got.position) > (passed.timeline, passed.position) then
                            passed := got;
                        end if;
                        -- What that tick has in other segments sinks do not get either; of the tick that the
                        -- slowest is in the middle of it has the beginning.
                        select pg_catalog.count(*) into lost
                        from realtime_sync.event e
                        where (
                                e.xid >= coalesce(pg_catalog.pg_snapshot_xmax(passed.snapshot), '0'::xid8)
                                or e.xid = any (array(select pg_catalog.pg_snapshot_xip(passed.snapshot)))
                            )
                            and e.xid < pg_catalog.pg_snapshot_xmax(free.snapshot)
                            and e.xid <> all (array(select pg_catalog.pg_snapshot_xip(free.snapshot)))
                            and not coalesce(
                                e.id <= slowest.event and pg_catalog.pg_visible_in_snapshot(e.xid, slowest.half), false
                            );
                    end if;
                    events := pg_catalog.pg_stat_get_live_tuples(('realtime_sync.event_' || segment)::regclass);
                    execute pg_catalog.format('truncate realtime_sync.event_%s', segment);
                    delete from realtime_sync.floor f where (f.timeline, f.position) <= (free.timeline, free.position);
                    insert into realtime_sync.floor (timeline, wal_timeline, position, at, snapshot)
                    select free.timeline, free.wal_timeline, free.position, free.at, free.snapshot
                    where not exists (select from realtime_sync.floor);
                    if forced then
                        passed := free;
                    end if;
                    if lost > 0 then
                        perform realtime_sync.count_lost(lost);
                        raise warning using
                            message = pg_catalog.format('%s events of realtime_sync are lost to readers that had not got them', lost),
                            detail = 'The log is larger than realtime_sync.max_log_size, and they were its oldest.',
                            hint = 'Raise realtime_sync.max_log_size, and look at realtime_sync.health() for what holds the relay or a sink up.';
                    end if;
                    action := 'truncated';
                    newests[segment + 1] := null;
                    size := size - bytes;
                end if;
            exception
                when lock_not_available or object_in_use then
                    action := 'skipped';
                    events := null;
                    reason := 'held by another transaction';
            end;
        end if;
        return next;
    end loop;

    perform realtime_sync.clear_ring(current);

    segment := current;
    oldest := oldests[current + 1];
    newest := newests[current + 1];
    bytes := sizes[current + 1];
    events := null;
    action := case when held[current + 1] then 'skipped' else 'current' end;
    reason := case when held[current + 1] then 'held by another transaction' end;
    if oldest < pg_catalog.statement_timestamp() - retention / 6 or (newest is not null and bytes > max_size / 8) then
        select n into following
        from (select (current + step) % 8 as n, step from pg_catalog.generate_series(1, 7) step) s
        where newests[n + 1] is null and not held[n + 1]
        order by step
        limit 1;
        if following is null then
            reason := 'no empty segment to go on to';
        else
            perform realtime_sync.set_segment(following);
            action := 'rotated';
            reason := pg_catalog.format('new events go to segment %s', following);
        end if;
    end if;
    return next;
end
$function$;

-- Of progress only each sink's newest row counts, when it began to fail, and the newest note of what
-- throttle holds back, under the sink's number with a minus. Ticks up to the floor have
-- it in their place; the newest stays, so that the relay goes on from it.
create function realtime_sync.clear_ring(current smallint) returns void
volatile strict parallel unsafe language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $function$
declare
    has_progress boolean;
    last_place record;
    newest_place record;
begin
    select t.timeline, t.position into newest_place
    from realtime_sync.tick t
    order by t.timeline desc, t.position desc
    limit 1;
    for n in 0..7 loop
        continue when n = current;
        begin
            execute pg_catalog.format('select exists (select from realtime_sync.progress_%s)', n) into has_progress;
            if has_progress then
                lock table only realtime_sync.tick in exclusive mode;
                execute pg_catalog.format('lock table realtime_sync.progress_%s in access exclusive mode', n);
                execute pg_catalog.format(
                    'insert into realtime_sync.progress (sink, timeline, position, id, retries, at, sent, refused, segment, error)
                     select g.sink, g.timeline, g.position, g.id, g.retries, g.at, g.sent, g.refused, $1, g.error
                     from realtime_sync.sink_definition d
                     cross join (values (1), (-1)) as s(sign)
                     cross join lateral (
                         select p.sink, p.timeline, p.position, p.id, p.retries
                         from realtime_sync.progress p
                         where p.sink = d.id * s.sign
                         order by p.timeline desc, p.position desc, p.id desc, p.retries desc
                         limit 1
                     ) p
                     join realtime_sync.progress_%s g
                        on (g.sink, g.timeline, g.position, g.id) = (p.sink, p.timeline, p.position, p.id)
                     where d.dropped is null and g.retries in (1, p.retries)',
                    n
                ) using current;
                execute pg_catalog.format('truncate realtime_sync.progress_%s', n);
            end if;
            execute pg_catalog.format(
                'select t.timeline, t.position from realtime_sync.tick_%s t order by t.timeline desc, t.position desc limit 1', n
            ) into last_place;
            if (last_place.timeline, last_place.position) < (newest_place.timeline, newest_place.position)
                and exists (
                    select from realtime_sync.floor f
                    where (last_place.timeline, last_place.position) <= (f.timeline, f.position)
                )
            then
                lock table only realtime_sync.tick in exclusive mode;
                execute pg_catalog.format('truncate realtime_sync.tick_%s', n);
            end if;
        exception
            -- whoever reads it; next time
            when lock_not_available or object_in_use then
                null;
        end;
    end loop;
end
$function$;

revoke all on function realtime_sync.kept_for() from public;
revoke all on function realtime_sync.set_segment(smallint) from public;
revoke all on function realtime_sync.count_lost(bigint) from public;
revoke all on function realtime_sync.clear_ring(smallint) from public;
revoke all on function realtime_sync.retain() from public;

comment on function realtime_sync.kept_for() is
    'How long events are kept: realtime_sync.retention, or a minute longer than the longest throttle that holds back events of the log, whichever is more.';
comment on function realtime_sync.set_segment(smallint) is
    'Makes new events of this database go to another segment; realtime_sync.retain() uses it.';
comment on function realtime_sync.count_lost(bigint) is
    'Counts events that went before every sink had got them; realtime_sync.retain() uses it.';
comment on function realtime_sync.clear_ring(smallint) is
    'Lets ticks up to the floor go and progress that is not the newest, but for those in the current segment.';
comment on function realtime_sync.retain() is
    'Lets events past realtime_sync.retention go, or past the longest throttle where that is longer, and the oldest above realtime_sync.max_log_size; moves on to the next segment after a sixth of retention. Returns what it did with each segment. The relay calls it every minute.';
