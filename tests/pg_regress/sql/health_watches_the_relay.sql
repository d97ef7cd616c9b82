-- Promise: health() tells when events wait and nobody sends them, when a sink fails or is behind, and what
-- keeps old events from going, each with what mends it.
\set SHOW_CONTEXT never
select current_database() as here \gset
create database watched;
\c watched
create extension realtime_sync;
create view wrong as select level, subject, problem, fix from realtime_sync.health() where level <> 'ok';
create function fill(age interval, segment int default 0) returns void language sql as $$
    -- an id of one's own is what nobody is told of, as after a crash
    insert into realtime_sync.event (id, segment, at, topics, event, payload)
    values (nextval('realtime_sync.event_id'), segment, now() - age, array['t'], 'e', 'null');
$$;

-- an event that just came may wait
select fill('0');
select * from wrong;
-- delivery manual, which nobody does
select fill('6 min');
select * from wrong;
select sent, more from realtime_sync.relay();
select * from wrong;

-- delivery worker, which does not run
select fill('11 s');
set realtime_sync.delivery = worker;
select * from wrong;
set realtime_sync.delivery = inline;
select level, subject, problem from wrong;
reset realtime_sync.delivery;
select sent, more from realtime_sync.relay();
select * from wrong;

-- a sink that fails
insert into realtime_sync.progress (sink, timeline, position, id, at, retries, error)
select sink, timeline, position, id, '2026-01-02 03:04:05+00'::timestamptz + r * interval '1 s', r, 'relation "x" does not exist'
from (select * from realtime_sync.progress order by timeline desc, position desc limit 1) p, generate_series(1, 3) r;
select * from wrong;
-- the error's text, which may have data in it, is for those who may read it where it stands
create role regress_watcher;
grant usage on schema realtime_sync to regress_watcher;
grant execute on function realtime_sync.health() to regress_watcher;
set role regress_watcher;
select subject, problem from realtime_sync.health() where subject like 'sink %';
reset role;
drop owned by regress_watcher;
drop role regress_watcher;
select fill('0');
-- it gets what came next, and fails no more
select sent, more from realtime_sync.relay();
select * from wrong;

-- a sink that is behind; of events it does not want it says so only every ten seconds
update realtime_sync.progress set at = at - interval '1 min';
insert into realtime_sync.tick (timeline, wal_timeline, position, at, events, snapshot)
select t.timeline, t.wal_timeline, t.position + 1000 + n, '2026-01-02 03:04:05+00', 1, t.snapshot
from (select * from realtime_sync.tick order by timeline desc, position desc limit 1) t, generate_series(1, 7) n;
select * from wrong;
select sent, more from realtime_sync.relay();
select * from wrong;

-- old events that do not go: without a tick
insert into realtime_sync.event (id, at, topics, event, payload) values (nextval('realtime_sync.event_id'), '2026-01-02 03:04:05+00', array['t'], 'e', 'null');
select fill('0', 1);
select level, subject, problem, fix from wrong;
select sent, more from realtime_sync.relay();
-- because nobody calls retain()
select * from wrong;
-- because a sink has not got what is next
insert into realtime_sync.tick (timeline, wal_timeline, position, at, events, snapshot)
select t.timeline, t.wal_timeline, t.position + 1000, now() - interval '30 h', 1, t.snapshot
from (select * from realtime_sync.tick order by timeline desc, position desc limit 1) t;
select subject, problem, fix from wrong where subject = 'log';
update realtime_sync.progress set at = at - interval '1 min';
select sent, more from realtime_sync.relay();
-- because of a prepared transaction
begin;
select fill('0');
prepare transaction 'it''s held';
select * from wrong;
rollback prepared 'it''s held';
select subject, problem from wrong;
-- in a database where nothing happens that is no fault
delete from realtime_sync.event where segment = 1 or at > '2026-01-03';
select * from wrong;

-- a timer whose owner is gone
create function due() returns timestamptz language sql as $$ select null::timestamptz $$;
select realtime_sync.add_timer('hers', 'due()');
create role regress_gone;
update realtime_sync.timer set owner = 'regress_gone' where name = 'hers';
select * from wrong;
drop role regress_gone;
select * from wrong;
select fix from wrong \gexec
select * from wrong;

-- events lost to readers
select realtime_sync.count_lost(3);
select * from wrong;
\c :here
drop database watched;
