create extension realtime_sync;
