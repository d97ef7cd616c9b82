-- Runs before every other file, in the same database.
create extension realtime_sync;
