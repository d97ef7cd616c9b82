-- Promise: retain() lets nothing go that a sink has not got, however old, and says which sink it waits for;
-- what each sink has got, and since when it fails, survives the ring.
\set SHOW_CONTEXT never
select current_database() as here \gset
create database waits;
\c waits
create extension realtime_sync;
\getenv directory PG_ABS_SRCDIR
\set retain :directory '/retain.sql'
\i :retain
create view state as
select name, position, event, retries, error, now() - failing_since > '27 h' as long, behind_ticks, behind_events, sent
from realtime_sync.sink_state order by name;

insert into realtime_sync.sink_definition (id, name) values (77, 'slow');
select fill(1, '30 h', 3);
select tick('29 h', 1);
select fill(2, '28 h');
select tick('27 h 30 min', 2);
select fill(0, '0');
select tick('0', 0);

-- before any sink has begun: each will begin at the newest tick
begin;
select * from report;
rollback;

-- one has got everything, the other nothing, then half a tick, then a whole one, the second failing
insert into realtime_sync.progress (sink, timeline, position, id, segment) values (1, 1, 30, 9223372036854775807, 3);
insert into realtime_sync.progress (sink, timeline, position, id, segment) values (77, 0, 0, 0, 3);
select * from report;
insert into realtime_sync.progress (sink, timeline, position, id, segment) values (77, 1, 10, 2, 3);
select * from report;
insert into realtime_sync.progress (sink, timeline, position, id, segment) values (77, 1, 10, 9223372036854775807, 3);
insert into realtime_sync.progress (sink, timeline, position, id, segment, at, retries, sent, error)
select 77, 1, 10, 9223372036854775807, 4, now() - interval '28 h' + r * interval '1 min', r, 42, 'no room ' || r from generate_series(1, 20) r;
select * from state;
-- what throttle holds back for it counts as well
insert into realtime_sync.progress (sink, timeline, position, id, segment) values (-77, 1, 10, 1, 5), (-77, 1, 10, 2, 5), (-78, 1, 10, 2, 5);
select * from report;
select sink, position, id, segment from realtime_sync.progress where sink < 0;
delete from realtime_sync.progress where sink = -77;
select * from report;
select * from ring;
select * from state;

-- it is dropped
update realtime_sync.sink_definition set dropped = now() where name = 'slow';
select * from report;
select * from ring;
\c :here
drop database waits;
