-- Drops a sink by its id. The one out of the box leaves its row behind, which pg_dump keeps: else a
-- restored dump would have it again.
with gone as (
    delete from realtime_sync.sink_definition d where d.id = $1 and d.id <> 1
)
update realtime_sync.sink_definition d set dropped = pg_catalog.now() where d.id = $1 and d.id = 1
