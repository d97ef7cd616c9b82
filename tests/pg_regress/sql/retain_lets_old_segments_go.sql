-- Promise: retain() lets a segment go once its newest event is past realtime_sync.retention, or the log
-- past realtime_sync.max_log_size, never the newest events, never one somebody holds; it moves on to the
-- next segment in time, and mends the hint a restart has lost.
\set SHOW_CONTEXT never
truncate realtime_sync.event;
select realtime_sync.set_segment(0::smallint);
create view report as
select segment, action, events, reason from realtime_sync.retain();
create function fill(segment int, age interval, n int default 1) returns void language sql as $$
    insert into realtime_sync.event (segment, at, topics, event, payload)
    select segment, now() - age, array['t'], 'e', 'null' from generate_series(1, n);
$$;

-- an empty log
select * from report;

-- young: nothing happens
select fill(0, '1 min');
select * from report;

-- current for longer than a sixth of a day: on to the next
truncate realtime_sync.event;
select fill(0, '5 h');
select * from report;
select realtime_sync.current_segment();
select fill(1, '1 min');

-- one old segment and one with a young event among the old: the index's end says old, the rows do not
select fill(3, '30 h', 10);
select fill(4, '1 h');
select fill(4, '30 h', 10);
select * from report;
select tableoid::regclass::text as segment, count(*) from realtime_sync.event group by 1 order by 1;

-- after a restart the hint is 0, whatever has the newest events
select fill(5, '0');
select realtime_sync.set_segment(0::smallint);
select * from report;
select realtime_sync.current_segment();

-- however old, the newest events stay
truncate realtime_sync.event;
select realtime_sync.set_segment(2::smallint);
select fill(2, '40 h');
select * from report;
select realtime_sync.current_segment();
select * from report;
-- until there are newer ones
select fill(3, '1 min');
select * from report;

-- no segment left to go on to
truncate realtime_sync.event;
select fill(n, '5 h') from generate_series(0, 7) n;
select realtime_sync.set_segment(7::smallint);
select fill(7, '4 h 30 min');
select * from report;
select realtime_sync.current_segment();

-- above the size the log may have, the oldest go first, until it fits, and the newest events stay
truncate realtime_sync.event;
select realtime_sync.set_segment(6::smallint);
select fill(n, make_interval(mins => 10 - n), 10000) from generate_series(4, 6) n;
alter system set realtime_sync.max_log_size = '4MB';
select pg_reload_conf();
select pg_sleep(0.5);
select * from report;
select realtime_sync.set_segment(6::smallint);
alter system set realtime_sync.max_log_size = '1MB';
select pg_reload_conf();
select pg_sleep(0.5);
select * from report;
alter system reset realtime_sync.max_log_size;
select pg_reload_conf();
select pg_sleep(0.5);

-- not in an older snapshot
begin isolation level repeatable read;
select * from report;
\echo :SQLSTATE
rollback;
-- nor by anyone
create role someone;
grant usage on schema realtime_sync to someone;
grant execute on function realtime_sync.retain, realtime_sync.check_permission to someone;
set role someone;
select * from realtime_sync.retain();
\echo :SQLSTATE
reset role;
drop owned by someone;
drop role someone;
truncate realtime_sync.event;
select realtime_sync.set_segment(0::smallint);
drop view report;
drop function fill;
