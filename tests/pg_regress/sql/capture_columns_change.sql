-- Columns may be added, dropped, renamed and retyped at any time, and the next event is right.
create schema capture_columns_change;
set search_path = capture_columns_change;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'capture_columns_change' order by id;
create table t (id int primary key, a text, b int, c int);
select count(*) from realtime_sync.enable('t', topics => array['t', 't:{a}'], old_row => 'full');
insert into t values (1, 'x', 1, 1);
alter table t add column d int default 7;
update t set b = 2;
alter table t drop column c;
update t set b = 3;
alter table t rename column b to bb;
update t set bb = 4;
alter table t alter column bb type text using 'n' || bb;
update t set bb = 'm';
select new, old, changed from feed;
-- inside one transaction, between statements, and rolled back
begin;
update t set bb = 'in';
alter table t add column e text;
update t set e = 'new';
savepoint s;
alter table t drop column e;
update t set bb = 'dropped';
rollback to s;
update t set e = 'kept';
commit;
select new, changed from feed offset 5;
-- a name in the options that no longer resolves leaves its topic out and is counted
alter table t rename column a to aa;
update t set bb = 'renamed';
select topics from feed offset 8;
select value > 0 as counted from realtime_sync.counters() where name = 'unresolved_names';
-- composite types and enums that change
create type pair as (x int, y int);
create type mood as enum ('sad', 'ok');
create table u (id int primary key, p pair, m mood);
select count(*) from realtime_sync.enable('u');
insert into u values (1, (1, 2), 'ok');
alter type pair add attribute z int;
alter type pair rename attribute x to xx;
alter type mood rename value 'ok' to 'fine';
alter type mood add value 'great';
update u set p.y = 3;
select new from feed where "table" = 'u';
-- a table moved to another schema and renamed
create schema capture_columns_change_2;
alter table u set schema capture_columns_change_2;
alter table capture_columns_change_2.u rename to v;
update capture_columns_change_2.v set m = 'sad';
select schema, "table", topics from realtime_sync.events where schema = 'capture_columns_change_2';
alter schema capture_columns_change_2 rename to capture_columns_change_3;
update capture_columns_change_3.v set m = 'fine';
select schema, "table", topics from realtime_sync.events where schema = 'capture_columns_change_3';
drop schema capture_columns_change_3 cascade;
set client_min_messages = warning;
drop schema capture_columns_change cascade;
