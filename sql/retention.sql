-- Retention: a segment goes whole, by TRUNCATE, once its newest event is old enough.

create function realtime_sync.set_segment(segment smallint) returns void
volatile strict parallel unsafe language c
as 'MODULE_PATHNAME', 'set_segment_wrapper';

-- Which segment is written to is only a hint in shared memory, 0 after a restart. So everything here
-- is read from the segments themselves, and the hint mended where it disagrees.
create function realtime_sync.retain(
    out segment smallint, out action text, out oldest timestamptz, out newest timestamptz,
    out events bigint, out bytes bigint, out reason text
) returns setof record
volatile parallel unsafe language plpgsql
set search_path = ''
set lock_timeout = '200ms'
as $function$
declare
    retention interval;
    max_size bigint;
    size bigint := 0;
    sizes bigint[] := '{}';
    oldests timestamptz[] := '{}';
    newests timestamptz[] := '{}';
    held boolean[] := '{}';
    current smallint;
    written smallint;
    following smallint;
    seen pg_catalog.pg_snapshot;
    late boolean;
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
    retention := pg_catalog.current_setting('realtime_sync.retention')::interval;
    max_size := case pg_catalog.current_setting('realtime_sync.max_log_size')
        when '-1' then null
        else pg_catalog.pg_size_bytes(pg_catalog.current_setting('realtime_sync.max_log_size'))
    end;

    -- An estimate, from a segment's first pages and the end of its index: enough to tell which
    -- segments are worth a closer look.
    for n in 0..7 loop
        begin
            execute pg_catalog.format(
                'select pg_catalog.pg_total_relation_size(''realtime_sync.event_%1$s''),
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
        if held[segment + 1] then
            action := 'skipped';
            reason := 'held by another transaction';
        elsif newest is null then
            action := 'empty';
            reason := null;
        elsif segment = written then
            action := 'kept';
            reason := 'has the newest events';
        elsif newest < pg_catalog.statement_timestamp() - retention or size > max_size then
            reason := case
                when newest < pg_catalog.statement_timestamp() - retention then 'older than realtime_sync.retention'
                else 'the log is larger than realtime_sync.max_log_size'
            end;
            begin
                -- Before the lock, because it reads the whole segment.
                execute pg_catalog.format(
                    'select pg_catalog.max(e.at), pg_catalog.count(*), pg_catalog.pg_current_snapshot()
                     from realtime_sync.event_%s e',
                    segment
                ) into newest, events, seen;
                if newest >= pg_catalog.statement_timestamp() - retention and not coalesce(size > max_size, false) then
                    action := 'kept';
                    reason := 'has events younger than realtime_sync.retention';
                else
                    execute pg_catalog.format('lock table realtime_sync.event_%s in access exclusive mode', segment);
                    -- With the lock nobody can add to it: what came in since is what seen does not see.
                    execute pg_catalog.format(
                        'select exists (
                            select from realtime_sync.event_%s e
                            where e.xid >= pg_catalog.pg_snapshot_xmin($1)
                                and not pg_catalog.pg_visible_in_snapshot(e.xid, $1)
                        )',
                        segment
                    ) into late using seen;
                    if late then
                        action := 'skipped';
                        reason := 'events came in meanwhile';
                    else
                        execute pg_catalog.format('truncate realtime_sync.event_%s', segment);
                        action := 'truncated';
                        newests[segment + 1] := null;
                        size := size - bytes;
                    end if;
                end if;
            exception
                when lock_not_available then
                    action := 'skipped';
                    events := null;
                    reason := 'held by another transaction';
            end;
        else
            action := 'kept';
            reason := 'has events younger than realtime_sync.retention';
        end if;
        return next;
    end loop;

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

revoke all on function realtime_sync.set_segment(smallint) from public;
revoke all on function realtime_sync.retain() from public;

comment on function realtime_sync.set_segment(smallint) is
    'Makes new events of this database go to another segment; realtime_sync.retain() uses it.';
comment on function realtime_sync.retain() is
    'Lets events past realtime_sync.retention go, and the oldest above realtime_sync.max_log_size; moves on to the next segment after a sixth of retention. Returns what it did with each segment. Call it every few minutes.';
