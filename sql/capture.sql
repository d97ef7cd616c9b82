create function realtime_sync.capture() returns trigger
language c
as 'MODULE_PATHNAME', 'capture';

create function realtime_sync.flush() returns bigint
volatile parallel unsafe language c
as 'MODULE_PATHNAME', 'flush_now_wrapper';

revoke all on function realtime_sync.capture() from public;
revoke all on function realtime_sync.flush() from public;

comment on function realtime_sync.capture() is
    'Trigger function: records the change as an event. Its one argument is the source''s options as JSON; realtime_sync.enable() writes it. Whoever may execute it may write to any topic.';
comment on function realtime_sync.flush() is
    'Writes the events this transaction has captured so far to the log, so that the transaction itself can read them, and returns how many. Raises 25001 inside a savepoint.';
