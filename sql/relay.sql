create function realtime_sync.relay(max_events bigint default 10000, out sent bigint, out more boolean)
returns setof record
volatile strict parallel unsafe security definer language c
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'relay_wrapper';

revoke all on function realtime_sync.relay(bigint) from public;

comment on function realtime_sync.relay(bigint) is
    'Does the relay''s work by hand: a tick, and what the sinks have not got yet, about max_events of them at most. Returns how many were sent, and whether there are more. For delivery manual, called by a scheduler; harmless beside a worker. 25001 above READ COMMITTED, and in a transaction that captured or sent something itself.';
