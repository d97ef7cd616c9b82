-- A savepoint that hits temp_file_limit can be rolled back, and the transaction commits.
create schema log_temp_file_limit;
set search_path = log_temp_file_limit;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'log_temp_file_limit' order by id;
set realtime_sync.delivery = manual;
create table t (id int primary key, x text);
select count(*) from realtime_sync.enable('t');
insert into t select g, repeat('x', 1000) from generate_series(1, 8000) g;
\set VERBOSITY sqlstate
set temp_file_limit = '4MB';
begin;
update t set x = 'before' where id = 1;
savepoint a;
update t set x = x || 'y';
rollback to a;
update t set x = 'after' where id = 1;
commit;
begin;
savepoint a;
update t set x = x || 'b' where id <= 600;
savepoint b;
update t set x = x || 'y';
rollback to b;
update t set x = x || 'c' where id between 2 and 600;
commit;
select right(new ->> 'x', 1), count(*) from feed where type = 'UPDATE' group by 1 order by 1;
reset temp_file_limit;
reset realtime_sync.delivery;
set client_min_messages = warning;
drop schema log_temp_file_limit cascade;
