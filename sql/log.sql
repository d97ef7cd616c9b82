-- The event log: durable, bounded, replayable. A ring of segments made once, here; none is added or
-- dropped at run time.

create sequence realtime_sync.event_id;

create function realtime_sync.next_event_id() returns bigint
volatile parallel unsafe language c
as 'MODULE_PATHNAME', 'next_event_id_wrapper';

create function realtime_sync.current_segment() returns smallint
volatile parallel unsafe language c
as 'MODULE_PATHNAME', 'current_segment_wrapper';

create function realtime_sync.message_context() returns json
stable parallel unsafe language c
as 'MODULE_PATHNAME', 'message_context';

create function realtime_sync.within_max_event_size(topics text[], event text, payload json) returns boolean
stable parallel safe language c
as 'MODULE_PATHNAME', 'within_max_event_size';

create table realtime_sync.event (
    id bigint not null default realtime_sync.next_event_id(),
    xid xid8 not null default pg_catalog.pg_current_xact_id(),
    at timestamptz not null default pg_catalog.statement_timestamp(),
    segment smallint not null default realtime_sync.current_segment(),
    notified boolean not null default false,
    topics text[] not null,
    event text,
    payload json,
    throttle integer,
    body json not null default realtime_sync.message_context()
) partition by list (segment);

-- Compressing costs the writer more than the bytes are worth for a day; a value over 2 kB stays in
-- its row up to toast_tuple_target, beyond that it is cut into chunks as it is.
alter table realtime_sync.event
    alter column payload set storage external,
    alter column body set storage external;

-- Segments are written at their end and truncated whole, so vacuum has nothing to gain from inserts.
do $make$
begin
    for n in 0..7 loop
        execute pg_catalog.format(
            'create table realtime_sync.event_%1$s partition of realtime_sync.event for values in (%1$s)
                 with (toast_tuple_target = 8160, autovacuum_vacuum_insert_threshold = -1)',
            n
        );
    end loop;
end
$make$;

create index event_xid_id on realtime_sync.event (xid, id);

alter sequence realtime_sync.event_id owned by realtime_sync.event.id;
alter table realtime_sync.event enable row level security;

-- As send() has it, which a role that may send can go past by an INSERT of its own. No CHECK, whose text PostgreSQL
-- parses anew in every statement: it made a message cost 21 microseconds for 10.
create policy within_max_event_size on realtime_sync.event as restrictive for insert
    with check (realtime_sync.within_max_event_size(topics, event, payload));

-- The log itself is not dumped: its transaction ids mean nothing in another cluster. The sequence is,
-- so that ids go on growing after a restore.
select pg_catalog.pg_extension_config_dump('realtime_sync.event_id', '');

revoke all on function realtime_sync.next_event_id() from public;
revoke all on function realtime_sync.current_segment() from public;
revoke all on function realtime_sync.message_context() from public;
revoke all on function realtime_sync.within_max_event_size(text[], text, json) from public;

comment on table realtime_sync.event is
    'The event log. A captured change has its whole event in body; a message has topics, event and payload, and its context in body. Read it through the view realtime_sync.events.';
comment on column realtime_sync.event.id is
    'Grows in the order of capture within a transaction; unique.';
comment on column realtime_sync.event.at is
    'The time of the statement.';
comment on column realtime_sync.event.segment is
    'The partition, 0 to 7: a ring that realtime_sync.retain() moves through.';
comment on column realtime_sync.event.topics is
    'Who it is for: the policies of realtime_sync.allow() ask these.';
comment on column realtime_sync.event.event is
    'The name given to realtime_sync.send(); null of a captured change.';
comment on column realtime_sync.event.payload is
    'The payload given to realtime_sync.send(); null of a captured change.';
comment on column realtime_sync.event.body is
    'Of a captured change, the whole event without v, id, txid, cursor; of a message, timestamp, actor and mutation_id.';
comment on column realtime_sync.event.throttle is
    'Of an update that changed only throttle_columns of its source, their window in milliseconds; null of everything else.';
comment on column realtime_sync.event.xid is
    'The top-level transaction that wrote the event; with id it finds an event by the index.';
comment on column realtime_sync.event.notified is
    'Whether inline delivery has sent it already, so that no relay sends it again.';
comment on function realtime_sync.next_event_id() is
    'The next id of the log, in capture order; a default of realtime_sync.event.id.';
comment on function realtime_sync.current_segment() is
    'The segment new events go to: 0 to 7; a default of realtime_sync.event.segment.';
comment on function realtime_sync.within_max_event_size(text[], text, json) is
    'Whether a message is no larger than realtime_sync.max_event_size; a policy of realtime_sync.event.';
comment on function realtime_sync.message_context() is
    'timestamp, actor and mutation_id of a message as JSON; a default of realtime_sync.event.body.';
