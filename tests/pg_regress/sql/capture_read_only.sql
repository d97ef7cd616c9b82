-- READ ONLY transactions are respected; what was written before one became so is not lost.
create schema capture_read_only;
set search_path = capture_read_only;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'capture_read_only' order by id;
create table t (id int primary key);
create temp table scratch (id int primary key);
select count(*) from realtime_sync.enable('t') as s1, realtime_sync.enable('scratch') as s2;
create function dropped() returns bigint language sql as
    $$ select value from realtime_sync.counters() where name = 'dropped' $$;
select dropped() as before \gset
begin read only;
insert into scratch values (1);
insert into t values (1);
rollback;
begin read only;
insert into scratch values (2);
commit;
select dropped() - :before as dropped, (select count(*) from feed) as events;
select * from scratch;
begin;
insert into t values (2);
set transaction read only;
insert into scratch values (3);
commit;
begin;
savepoint a;
set transaction read only;
rollback to a;
insert into t values (3);
commit;
select key from feed;
-- a READ ONLY transaction of a backend that captures takes no transaction id
begin read only;
select count(*) from t;
select pg_current_xact_id_if_assigned() is null as none;
commit;
select pg_current_xact_id_if_assigned() is null as none;
set client_min_messages = warning;
drop schema capture_read_only cascade;
