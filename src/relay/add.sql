-- Adds a sink and gives its id. It starts with what no tick has had yet.
with added as (
    insert into realtime_sync.sink_definition (name, dialect, target, topics, payload, owner)
    values ($1, $2, $3, $4, $5, $6)
    returning id
), start as (
    insert into realtime_sync.progress (sink, timeline, position, id)
    select a.id, p.timeline, p.position, 9223372036854775807
    from added a, (
        select t.timeline, t.position from realtime_sync.tick t
        union all
        select f.timeline, f.position from realtime_sync.floor f
        order by timeline desc, position desc
        limit 1
    ) p
)
select a.id from added a
