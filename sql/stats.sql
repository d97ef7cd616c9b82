create function realtime_sync.counters(out name text, out value bigint) returns setof record
volatile parallel restricted language c
as 'MODULE_PATHNAME', 'counters_wrapper';

create view realtime_sync.stats as
select c.name, c.value, d.description
from realtime_sync.counters() c
left join (
    values
        ('written', 'Events written to the log; some of them by transactions that rolled back.'),
        ('notified', 'Events delivered by the transaction that wrote them (delivery inline).'),
        ('partial', 'Events over realtime_sync.max_event_size, written without some of their columns.'),
        ('switched_off', 'Changes that were not captured because realtime_sync.capture was off.'),
        ('unresolved_names', 'Topics left out because a column they name is gone.'),
        ('unencodable_values', 'Values whose own output function failed; their event is partial.'),
        ('left_to_relay', 'Events the writing transaction could not deliver itself: it was prepared, took more than 8 MB, called flush(), or found the NOTIFY queue half full.'),
        ('dropped', 'Changes that could not be recorded because the log was not there or not the library''s.'),
        ('spilled_bytes', 'Bytes of events kept in temporary files during long subtransactions.')
) d(name, description) using (name);

revoke all on function realtime_sync.counters() from public;
revoke all on table realtime_sync.stats from public;

comment on function realtime_sync.counters() is
    'Counters of this database since the server started, from shared memory: name and value.';
comment on view realtime_sync.stats is
    'Counters of this database since the server started, and what each counts.';
