-- Plain, not "if not exists": a schema of that name made by someone else is an error, never adopted.
create schema realtime_sync;
