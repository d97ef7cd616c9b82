-- A SERIALIZABLE transaction is captured like any other.
create schema capture_serializable;
set search_path = capture_serializable;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'capture_serializable' order by id;
create table t (id int primary key, n int);
select count(*) from realtime_sync.enable('t');
begin isolation level serializable;
insert into t values (1, 1);
savepoint a;
update t set n = 2;
release a;
commit;
begin isolation level repeatable read;
update t set n = 3;
select count(*) from feed;
commit;
select new from feed;
set client_min_messages = warning;
drop schema capture_serializable cascade;
