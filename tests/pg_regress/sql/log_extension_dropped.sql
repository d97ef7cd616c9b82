-- Dropping the extension in the transaction that captured is no error at the commit, and tells nobody of anything.
create database log_extension_dropped;
\c log_extension_dropped
create extension realtime_sync;
create table t (id int primary key);
select count(*) from realtime_sync.enable('t');
listen realtime_sync;
begin;
insert into t values (1);
set client_min_messages = warning;
drop extension realtime_sync cascade;
insert into t values (2);
commit;
select * from t;
-- and made again in the same transaction that dropped it
create extension realtime_sync;
select count(*) from realtime_sync.enable('t');
set realtime_sync.delivery = manual;
begin;
insert into t values (3);
drop extension realtime_sync cascade;
create extension realtime_sync;
select count(*) from realtime_sync.enable('t');
insert into t values (4);
commit;
select key from realtime_sync.events order by id;
begin;
insert into t values (5);
drop extension realtime_sync cascade;
rollback;
insert into t values (6);
select key from realtime_sync.events order by id;
\c regression
drop database log_extension_dropped;
