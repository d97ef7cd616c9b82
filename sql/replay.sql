-- Catching up: what a reader has missed, and where to begin.

create function realtime_sync.replay(since text, topics text[] default null, max_events integer default 1000)
returns json
stable parallel unsafe language c
as 'MODULE_PATHNAME', 'realtime_sync_replay';

create function realtime_sync.cursor() returns text
stable parallel unsafe language c
as 'MODULE_PATHNAME', 'cursor_wrapper';

revoke all on function realtime_sync.replay(text, text[], integer) from public;
revoke all on function realtime_sync.cursor() from public;

comment on function realtime_sync.replay(text, text[], integer) is
    'The events after a cursor, in order, that the caller may read: {"events": [...], "cursor": where to go on, "more": whether there are more already, "reset": whether what came before may have been undone}. topics takes topics and beginnings such as driver:*, 10000 at most.';
comment on function realtime_sync.cursor() is
    'A cursor to follow from, of the moment of the caller''s snapshot: what the same query or REPEATABLE READ transaction reads and what realtime_sync.replay() gives from it on have no gap and no overlap.';
