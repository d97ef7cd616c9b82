-- Savepoints released keep their events; rolled back, once or twice, they leave none.
create schema capture_savepoints;
set search_path = capture_savepoints;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'capture_savepoints' order by id;
create table t (id int primary key, n int);
select count(*) from realtime_sync.enable('t');
begin;
insert into t values (1, 0);
savepoint a;
update t set n = 1;
savepoint b;
update t set n = 2;
release b;
rollback to a;
update t set n = 3;
rollback to a;
update t set n = 4;
savepoint c;
update t set n = 5;
savepoint d;
update t set n = 6;
rollback to d;
update t set n = 7;
release c;
update t set n = 8;
commit;
select array_agg(new ->> 'n') from feed;
-- a savepoint of the same name over another, and events only inside of it
begin;
savepoint a;
savepoint a;
update t set n = 11;
rollback to a;
release a;
update t set n = 12;
rollback to a;
update t set n = 13;
commit;
-- a release followed by a rollback of the outer one, then work outside
begin;
savepoint a;
savepoint b;
update t set n = 21;
release b;
update t set n = 22;
rollback to a;
release a;
update t set n = 23;
savepoint e;
update t set n = 24;
commit;
-- a whole transaction rolled back
begin;
update t set n = 31;
savepoint a;
update t set n = 32;
rollback;
select array_agg(new ->> 'n') from feed;
-- over a megabyte inside a savepoint: through the temporary file, cut where it is rolled back
set realtime_sync.delivery = manual;
create table big (id int primary key, x text);
select count(*) from realtime_sync.enable('big');
begin;
insert into big values (0, 'before');
savepoint a;
insert into big select g, repeat('a', 1000) from generate_series(1, 3000) g;
savepoint b;
insert into big select g, repeat('b', 1000) from generate_series(3001, 6000) g;
rollback to b;
insert into big select g, repeat('c', 1000) from generate_series(6001, 9000) g;
release a;
insert into big select g, repeat('d', 1000) from generate_series(9001, 10000) g;
commit;
select left(new ->> 'x', 1) as x, count(*), min((key ->> 'id')::int), max((key ->> 'id')::int)
from feed where "table" = 'big' group by 1 order by 3;
select bool_and(id > coalesce(before, -1)) as in_order from (
    select (key ->> 'id')::int as id, lag((key ->> 'id')::int) over () as before from feed where "table" = 'big'
) f;
select value > 0 as spilled from realtime_sync.counters() where name = 'spilled_bytes';
-- all of the file rolled back
begin;
savepoint a;
update big set x = x || 'y';
rollback to a;
update big set x = 'z' where id = 0;
commit;
select count(*) filter (where type = 'UPDATE'), count(*) from feed where "table" = 'big';
reset realtime_sync.delivery;
set client_min_messages = warning;
drop schema capture_savepoints cascade;
