-- Promise: every counter and gauge has a name, a value, a kind and a description, and counts what it says;
-- metrics() has them all.
select name, kind, subject from realtime_sync.stats
where description is null or kind is null or value < 0 or value is null and name not in ('relay_pid', 'relay_idle_seconds', 'position');
select count(*) > 5 as counters, count(*) = count(distinct (name, subject)) as names_differ from realtime_sync.stats;
create table counted (id int primary key);
create trigger "00_realtime_sync_insert" after insert on counted
    for each row execute function realtime_sync.capture('{}');
create temporary table before as select * from realtime_sync.stats;
insert into counted select generate_series(1, 10);
begin;
set local realtime_sync.capture = off;
insert into counted values (11);
commit;
select name, now.value - before.value as more
from realtime_sync.stats now join before using (name)
where name in ('written', 'switched_off') order by name;

-- in a database of its own, where nothing else happens
select current_database() as here \gset
create database counting;
\c counting
create extension realtime_sync;
create table "a b" (id int primary key, n int) partition by range (id);
create table p1 partition of "a b" for values from (0) to (5);
create table p2 partition of "a b" for values from (5) to (100);
select relation from realtime_sync.enable('"a b"');
insert into "a b" select generate_series(1, 10);
update "a b" set n = 1 where id > 8;
select name, case name when 'lag_seconds' then (value > 0)::integer else value end as value
from realtime_sync.stats where name like 'lag%' or name in ('ticks', 'sent', 'relay_running') order by name;
select * from realtime_sync.relay();
select name, kind, subject, value from realtime_sync.stats
where name in ('ticks', 'sent', 'sink_sent', 'lag_events', 'lag_seconds', 'latency_ticks', 'notify_paused', 'shared_memory_bytes')
    and not (name = 'latency_ticks' and subject <> 'any')
order by name, subject;
-- the histogram is cumulative
select bool_and(value >= before) from (
    select value, lag(value, 1, 0::numeric) over (order by substring(subject, '[0-9.]+')::numeric nulls last) as before
    from realtime_sync.stats where name = 'latency_ticks'
) b;

-- a sink that is behind, and fails
insert into realtime_sync.tick (timeline, wal_timeline, position, at, events, snapshot)
select timeline, wal_timeline, position + n, at - interval '1 h', nullif(n, 2), snapshot from realtime_sync.tick, generate_series(1, 3) n;
insert into realtime_sync.progress (sink, timeline, position, id, at, retries, error)
select sink, timeline, position, id, now() - interval '2 h', 7, 'why' from realtime_sync.progress order by timeline desc, position desc limit 1;
select name, subject, case when name like '%seconds' then round(value / 3600) else value end as value
from realtime_sync.stats where name like 'sink%' or name like 'lag%' order by name;

-- a transaction that is open at the tick
begin;
insert into "a b" values (50);
prepare transaction 'open';
insert into "a b" values (51);
select from realtime_sync.relay();
select value > 0 as old from realtime_sync.stats where name = 'oldest_transaction_seconds';
rollback prepared 'open';
select value > 0 as old from realtime_sync.stats where name = 'oldest_transaction_seconds';

-- PostgreSQL's statistics are told at the end of a transaction
select from pg_stat_force_next_flush();
select subject, value >= 13 as counted from realtime_sync.stats where name = 'source_changes';

-- the names are those of metrics()
select string_agg(line, e'\n') from string_to_table(realtime_sync.metrics(), e'\n') line where line ~ '# .*source|sink_retries|spilled|EOF';
select s.name from realtime_sync.stats s
where s.value is not null and s.name not in ('relay_pid', 'latency_ticks')
    and realtime_sync.metrics() not like '%' || e'\nrealtime_sync_' || s.name || case s.kind when 'counter' then '_total' else '' end || '{%';
select realtime_sync.metric_text(e'a\\b"c\nd');
-- one grant is all that a collector needs
create role collector;
grant usage on schema realtime_sync to collector;
set role collector;
select realtime_sync.metrics();
reset role;
grant execute on function realtime_sync.metrics() to collector;
set role collector;
select realtime_sync.metrics() like '%realtime_sync_sent_total{%' as collected;
reset role;
drop owned by collector;
drop role collector;
set standard_conforming_strings = off;
select realtime_sync.metric_text(e'a\\b"c\nd');
set search_path = pg_catalog;
select length(realtime_sync.metrics()) > 5000;
\c :here
drop database counting;
drop table counted;
truncate realtime_sync.event;
