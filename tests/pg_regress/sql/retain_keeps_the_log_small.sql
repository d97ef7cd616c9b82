-- Promise: above realtime_sync.max_log_size the oldest events go before their time, though not the newest,
-- and though no sink has got them, or no tick has them; then they are counted as lost, a warning says so,
-- and the first tick that covers them is the floor.
\set SHOW_CONTEXT never
select current_database() as here \gset
create database small;
\c small
create extension realtime_sync;
\getenv directory PG_ABS_SRCDIR
\set retain :directory '/retain.sql'
\i :retain
create view floor as select position from realtime_sync.floor;

create view lost as select value as lost from realtime_sync.stats where name = 'lost';

-- the oldest go, until it fits
select realtime_sync.set_segment(6::smallint);
select fill(4, '6 min', 10000);
select tick('6 min', 4);
select tick('5 min 30 s', 4);
select fill(5, '5 min', 10000);
select tick('5 min', 5);
select fill(6, '4 min', 10000);
select tick('4 min', 6);
select got();
alter system set realtime_sync.max_log_size = '5MB';
select pg_reload_conf();
-- a session that begins after this has it
\c small
select * from report;
select * from floor;
select * from ring;
select * from lost;

-- the newest stay
select realtime_sync.set_segment(6::smallint);
alter system set realtime_sync.max_log_size = '1MB';
select pg_reload_conf();
\c small
select * from report;
select * from report;
select segment, count(*) from realtime_sync.event group by 1;
select * from floor;
select * from lost;

-- the sink has got the first tick of two
select realtime_sync.set_segment(0::smallint);
truncate realtime_sync.event;
select fill(2, '3 min', 6000);
select tick('3 min', 2);
select got();
select fill(2, '2 min', 4000);
select tick('2 min', 2);
select fill(0, '1 min');
select tick('1 min', 0);
select * from report;
select * from floor;
select * from lost;

-- no tick has them: one is made
select fill(3, '50 s', 10000);
select fill(0, '40 s');
select count(*) from realtime_sync.tick;
select * from report;
select count(*) from realtime_sync.tick;
select t.snapshot::text = f.snapshot::text as newest_is_floor, t.position > 70 as later
from realtime_sync.floor f, (select * from realtime_sync.tick order by position desc limit 1) t;
select * from lost;
-- the relay goes on from there, with what is left
select fill(0, '30 s', 5);
select * from realtime_sync.relay();

-- a transaction's own events are not lost to it
begin;
select fill(4, '20 s', 10000), fill(0, '10 s');
select * from report;
rollback;
alter system reset realtime_sync.max_log_size;
select pg_reload_conf();
\c :here
drop database small;
