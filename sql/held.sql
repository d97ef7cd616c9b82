-- Updates that sources with throttle_log 'last' keep out of the log: of each row the last, until the relay
-- moves it there.

-- Unlogged: what a crash takes with it, the row's next change brings. A row stands for a window; it is
-- replaced at every update, and stays on its page if there is room: it begins with 100 bytes and grows to the
-- size of an event.
create unlogged table realtime_sync.held (
    relation oid not null,
    key text collate "C" not null,
    until timestamptz not null,
    throttle integer not null,
    at timestamptz,
    topics text[],
    body json
) with (fillfactor = 10, toast_tuple_target = 8160, vacuum_truncate = off);

alter table realtime_sync.held alter column body set storage external;

-- Not unique: a trigger written by hand may name a key that several rows share, and their writers are not
-- to fail.
create index held_row on realtime_sync.held (relation, key);
create index held_until on realtime_sync.held (until);

-- Without statistics the planner would read the whole table.
create function realtime_sync.move_held(max_events integer, out moved bigint, out ended bigint)
volatile strict parallel unsafe language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $function$
    with due as materialized (
        select h.ctid
        from realtime_sync.held h
        where h.until <= (
            -- All, where the last was opened by a clock that has been set back since.
            select case
                when l.until <= pg_catalog.clock_timestamp() + l.throttle * interval '1 millisecond' then pg_catalog.clock_timestamp()
                else 'infinity'
            end
            from realtime_sync.held l
            order by l.until desc
            limit 1
        )
        order by h.until
        limit max_events
        for update skip locked
    ),
    -- A version newer than this statement's snapshot is left to the next call.
    gone as materialized (
        delete from realtime_sync.held h
        where h.ctid = any (array(select d.ctid from due d))
        returning h.relation, h.key, h.throttle, h.at, h.topics, h.body
    ),
    moved as (
        insert into realtime_sync.event (at, topics, body)
        select g.at, g.topics, g.body
        from gone g
        where g.body is not null and exists (select from pg_catalog.pg_class c where c.oid = g.relation)
        returning 1
    ),
    reopened as (
        insert into realtime_sync.held (relation, key, until, throttle)
        select g.relation, g.key, pg_catalog.clock_timestamp() + g.throttle * interval '1 millisecond', g.throttle
        from gone g
        where g.body is not null and exists (select from pg_catalog.pg_class c where c.oid = g.relation)
    )
    select (select pg_catalog.count(*) from moved), (select pg_catalog.count(*) from gone)
$function$;

-- Of a source whose options change: what comes next may not ask what is held.
create function realtime_sync.release_held(relation oid) returns void
volatile strict parallel unsafe language sql
set search_path = pg_catalog, pg_temp
as $function$
    with gone as (
        delete from realtime_sync.held h
        where h.relation = release_held.relation
        returning h.at, h.topics, h.body
    )
    insert into realtime_sync.event (at, topics, body)
    select g.at, g.topics, g.body
    from gone g
    where g.body is not null
    order by g.at
$function$;

-- Not in SQL, whose every statement names its tables at once: a standby cannot read an unlogged one.
create function realtime_sync.overdue_held(out events bigint, out since timestamptz)
volatile parallel unsafe language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    if pg_catalog.pg_is_in_recovery() then
        return;
    end if;
    select pg_catalog.count(*), min(h.until) into events, since
    from realtime_sync.held h
    where h.until < pg_catalog.clock_timestamp() - interval '10 s' and h.body is not null;
end
$function$;

revoke all on function realtime_sync.move_held(integer) from public;
revoke all on function realtime_sync.release_held(oid) from public;
revoke all on function realtime_sync.overdue_held() from public;

comment on table realtime_sync.held is
    'Of sources with throttle_log ''last'': the rows whose window is open, and the last update of each that is not in the log yet. Emptied by a crash.';
comment on column realtime_sync.held.key is
    'key of its events, as JSON.';
comment on column realtime_sync.held.until is
    'When the window ends.';
comment on column realtime_sync.held.throttle is
    'The window in milliseconds.';
comment on column realtime_sync.held.body is
    'As in realtime_sync.event; null when nothing is held back.';
comment on function realtime_sync.move_held(integer) is
    'Moves updates whose window has ended into the log and opens their next; a relay calls it. Gives how many, and how many windows have ended.';
comment on function realtime_sync.release_held(oid) is
    'Moves all that is held back of a table into the log; enable() and disable() call it.';
comment on function realtime_sync.overdue_held() is
    'How many updates should have been moved into the log 10 seconds ago, and since when the first waits.';
