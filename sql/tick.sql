-- Ticks: the steps of the relay. What is visible in a tick's snapshot and was not in the one before is
-- the tick's; (timeline, position, id) is the order of everything.

-- Its last value is as far as positions are reserved: always ahead of every position handed out, so
-- that none comes twice, whatever a crash undoes.
create sequence realtime_sync.position;

-- From the microseconds of the clock on, which no relay has kept up with: after DROP EXTENSION and CREATE EXTENSION, or
-- in a database restored from a dump, a cursor of the former log is older than the first tick, and has expired.
select pg_catalog.setval(
    'realtime_sync.position', (extract(epoch from pg_catalog.clock_timestamp()) * 1000000)::bigint
);

create table realtime_sync.tick (
    timeline integer not null,
    wal_timeline integer not null,
    position bigint not null,
    at timestamptz not null default pg_catalog.clock_timestamp(),
    events integer,
    segment smallint not null default realtime_sync.current_segment(),
    snapshot pg_snapshot not null
) partition by list (segment);

create table realtime_sync.progress (
    sink integer not null,
    timeline integer not null,
    position bigint not null,
    id bigint not null,
    retries integer not null default 0,
    at timestamptz not null default pg_catalog.clock_timestamp(),
    sent bigint not null default 0,
    refused bigint not null default 0,
    segment smallint not null default realtime_sync.current_segment(),
    error text
) partition by list (segment);

-- Rings like the log's own, truncated with it.
do $make$
begin
    for n in 0..7 loop
        execute pg_catalog.format(
            'create table realtime_sync.tick_%1$s partition of realtime_sync.tick for values in (%1$s)
                 with (autovacuum_vacuum_insert_threshold = -1);
             create table realtime_sync.progress_%1$s partition of realtime_sync.progress for values in (%1$s)
                 with (autovacuum_vacuum_insert_threshold = -1)',
            n
        );
    end loop;
end
$make$;

create index tick_position on realtime_sync.tick (timeline, position);
create index progress_position on realtime_sync.progress (sink, timeline, position, id, retries);

-- The tick up to which the log has been truncated. Older cursors have expired.
create table realtime_sync.floor (
    timeline integer not null,
    wal_timeline integer not null,
    position bigint not null,
    at timestamptz not null default pg_catalog.clock_timestamp(),
    snapshot pg_snapshot not null
);

-- Without a key: its rows could not go under a publication of all tables, as Debezium makes one.
alter table realtime_sync.floor replica identity full;

-- Before the first tick there is this floor: it saw nothing, and nothing has been truncated.
insert into realtime_sync.floor (timeline, wal_timeline, position, snapshot) values (0, 0, 0, '1:1:');

revoke all on sequence realtime_sync.position from public;

comment on table realtime_sync.tick is
    'The steps of the relay. Events visible in a tick''s snapshot and not in the one before are the tick''s.';
comment on column realtime_sync.tick.timeline is
    'Grows with the server''s WAL timeline, across pg_upgrade too, which starts that over.';
comment on column realtime_sync.tick.wal_timeline is
    'The server''s WAL timeline.';
comment on column realtime_sync.tick.position is
    'Grows from tick to tick, with gaps.';
comment on column realtime_sync.tick.events is
    'How many events it has; null of a tick too big to count at once.';
comment on column realtime_sync.tick.segment is
    'The ring''s segment that was written to.';
comment on table realtime_sync.progress is
    'How far each sink has come: its newest row counts. Only ever added to.';
comment on column realtime_sync.progress.id is
    'The last event sent of the tick at position; 9223372036854775807 when all were.';
comment on column realtime_sync.progress.retries is
    'How often the next batch has failed since.';
comment on column realtime_sync.progress.sent is
    'Events the sink has been given, all its rows together.';
comment on column realtime_sync.progress.refused is
    'Of these, the ones it got the reference of, since it failed on a json value that jsonb does not take.';
comment on column realtime_sync.progress.error is
    'What the last try failed with.';
comment on table realtime_sync.floor is
    'The tick up to which the log has been truncated; older cursors have expired.';
