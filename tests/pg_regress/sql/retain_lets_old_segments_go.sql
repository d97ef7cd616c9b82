-- Promise: retain() lets a segment go once a tick older than realtime_sync.retention covers every event in
-- it, or, oldest first, once the log is past realtime_sync.max_log_size; it moves on to the next segment in
-- time, and mends the hint a restart has lost. The tick becomes the floor, older ticks and progress go too.
\set SHOW_CONTEXT never
select current_database() as here \gset
create database retained;
\c retained
create extension realtime_sync;
\getenv directory PG_ABS_SRCDIR
\set retain :directory '/retain.sql'
\i :retain
create view floor as select position from realtime_sync.floor;

-- an empty log
select segment, action, reason from realtime_sync.retain();

-- young: nothing happens
select fill(0, '1 min'), tick('1 min');
select got();
select * from report;

-- current for longer than a sixth of a day: on to the next
truncate realtime_sync.event;
select fill(0, '5 h');
select tick('5 h');
select * from report;
select realtime_sync.current_segment();
select fill(1, '1 min');
select tick('1 min');
select got();

-- an old segment; one with a young event among the old; one whose old events were committed, and so ticked,
-- a minute ago
truncate realtime_sync.event, realtime_sync.tick;
select fill(3, '30 h', 10), fill(4, '30 h', 10);
select tick('29 h', 3);
select fill(4, '1 h');
select fill(4, '30 h');
select fill(5, '30 h');
select tick('1 min');
select got();
select fill(1, '0');
select tick('0');
select got();
select * from report;
select segment, count(*) from realtime_sync.event group by 1 order by 1;
-- readers from before it have expired, and the relay goes on from a tick
select * from floor;
select * from ring;

-- after a restart the hint is 0, whatever has the newest events
select fill(6, '-1 s');
select realtime_sync.set_segment(0::smallint);
select fill(0, '20 h');
select * from report;
select realtime_sync.current_segment();

-- what a throttle longer than retention holds back is read from the log when its window ends
truncate realtime_sync.event, realtime_sync.tick, realtime_sync.progress;
select fill(3, '24 h 30 s');
select tick('24 h 5 s');
select fill(2, '0');
select tick('0');
select got();
create table places (id int primary key, lat int);
begin;
\o /dev/null
select realtime_sync.enable('places', throttle => '1 day', throttle_columns => array['lat']);
\o
select * from report;
rollback;
\o /dev/null
select realtime_sync.enable('places', throttle => '1 day', throttle_columns => array['lat'], throttle_log => 'last');
\o
select * from report;

-- without a tick nothing goes, however old
truncate realtime_sync.event, realtime_sync.tick, realtime_sync.progress;
select realtime_sync.set_segment(2::smallint);
select fill(1, '40 h'), fill(2, '1 min');
select * from report;
-- with a young one neither
select tick('1 h');
select got();
select * from report;
-- with an old one it does, the newest event of all too
update realtime_sync.tick set at = now() - interval '25 h';
truncate realtime_sync.event_2;
select * from report;
select count(*) from realtime_sync.event;
select * from ring;
-- the newest tick stays, wherever it is: the relay goes on from it
select realtime_sync.set_segment(5::smallint);
select * from report;
select * from ring;
select fill(5, '0');
select sent from realtime_sync.relay();

-- a transaction that was open at the tick is not covered by it, though it has a lower number
truncate realtime_sync.event, realtime_sync.tick, realtime_sync.progress;
begin;
select fill(1, '40 h');
prepare transaction 'open';
select fill(2, '39 h');
select tick('38 h', 5);
commit prepared 'open';
select got();
select fill(5, '0');
select * from report;
select tick('30 h', 5);
select got();
select * from report;

-- the right one of many ticks is found, on several timelines
truncate realtime_sync.event, realtime_sync.tick, realtime_sync.progress;
delete from realtime_sync.floor;
insert into realtime_sync.floor (timeline, wal_timeline, position, snapshot) values (0, 0, 0, '1:1:');
insert into realtime_sync.tick (timeline, wal_timeline, position, at, segment, snapshot)
select 1 + n / 400, 1, n * n, now() - interval '48 h' + n * interval '3 min', n % 8, '1:1:' from generate_series(1, 900) n;
select count(*) as wrong
from realtime_sync.tick t
where t.position % 7 = 0 and (realtime_sync.first_tick(t.at, null)).position is distinct from t.position;
select (realtime_sync.first_tick(now() - interval '100 h', null)).position as first, realtime_sync.first_tick(now(), null) is null as none;
select fill(0, '30 h');
select * from report;
truncate realtime_sync.tick;

-- no segment left to go on to
truncate realtime_sync.event;
select fill(n, '5 h') from generate_series(0, 7) n;
select realtime_sync.set_segment(7::smallint);
select fill(7, '4 h 30 min');
select tick('4 h');
select * from report;
select realtime_sync.current_segment();

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
\c :here
drop database retained;
