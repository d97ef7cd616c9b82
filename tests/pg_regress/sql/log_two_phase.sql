-- A prepared transaction's events are in the log with it: visible when it commits, gone when it is rolled back.
create schema log_two_phase;
set search_path = log_two_phase;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'log_two_phase' order by id;
create table t (id int primary key, n int);
select count(*) from realtime_sync.enable('t');
begin;
insert into t values (1, 1);
savepoint a;
insert into t values (2, 2);
release a;
prepare transaction 'capture_two_phase';
select count(*) from feed;
insert into t values (3, 3);
commit prepared 'capture_two_phase';
select key, new from feed;
begin;
update t set n = n + 1;
prepare transaction 'capture_two_phase';
rollback prepared 'capture_two_phase';
select count(*) from feed;
-- the transaction after it starts with nothing of it
begin;
update t set n = 0 where id = 1;
commit;
select count(*) from feed;
-- one id, one transaction id
select count(distinct xid) from realtime_sync.events where schema = 'log_two_phase' and id in
    (select id from realtime_sync.events where schema = 'log_two_phase' order by id limit 2);
set client_min_messages = warning;
drop schema log_two_phase cascade;
