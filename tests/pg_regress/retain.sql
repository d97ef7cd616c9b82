-- What the tests of retain() look at, and fill the log with.
create view report as
select segment, action, reason from realtime_sync.retain() where action <> 'empty';
create function fill(segment int, age interval, n int default 1) returns void language sql as $$
    insert into realtime_sync.event (segment, at, topics, event, payload)
    select segment, now() - age, array['t'], 'e', 'null' from generate_series(1, n);
$$;
create sequence place;
create function tick(age interval, segment int default realtime_sync.current_segment()) returns void language sql as $$
    insert into realtime_sync.tick (timeline, wal_timeline, position, at, events, segment, snapshot)
    values (1, 1, 10 * nextval('place'), now() - age, 1, segment, pg_current_snapshot());
$$;
-- every sink has got all ticks
create function got(age interval default '0') returns void language sql as $$
    insert into realtime_sync.progress (sink, timeline, position, id, at)
    select d.id, 1, 10 * (select last_value from place), 9223372036854775807, now() - age
    from realtime_sync.sink_definition d;
$$;
create view ring as
select coalesce(t.n, g.n) as segment, t.ticks, g.rows as progress
from (select segment as n, count(*) as ticks from realtime_sync.tick group by 1) t
full join (select segment as n, count(*) as rows from realtime_sync.progress group by 1) g on g.n = t.n
order by 1;
