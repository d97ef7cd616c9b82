create function realtime_sync.counters(out name text, out value bigint) returns setof record
volatile parallel restricted language c
as 'MODULE_PATHNAME', 'counters_wrapper';

revoke all on function realtime_sync.counters() from public;
comment on function realtime_sync.counters() is
    'Counters of this database since the server started, from shared memory: name and value.';
