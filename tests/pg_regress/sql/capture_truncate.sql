-- TRUNCATE is one event a table, CASCADE reaches those behind, a partitioned table says it once.
create schema capture_truncate;
set search_path = capture_truncate;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'capture_truncate' order by id;
create table a (id int primary key);
create table b (id int primary key, a int references a);
create table c (id int primary key);
select count(*) from (values ('a'), ('b'), ('c')) as v(name), realtime_sync.enable(v.name::regclass);
truncate a cascade;
truncate c;
select type, "table", key, new, old, changed, topics from feed;
begin;
truncate c;
rollback;
select count(*) from feed;
begin;
insert into c values (1);
truncate c;
insert into c values (2);
commit;
select type, key from feed offset 3;
create table p (id int primary key) partition by range (id);
create table p_low partition of p for values from (0) to (10);
create table p_high partition of p for values from (10) to (30) partition by range (id);
create table p_high_1 partition of p_high for values from (10) to (20);
select count(*) from realtime_sync.enable('p');
truncate p;
truncate p_low;
truncate p, c;
truncate p_high;
select type, "table", leaf, topics from realtime_sync.events where schema = 'capture_truncate' order by id offset 6;
-- every writer of the transaction sees its own
begin;
truncate p;
insert into p values (1);
truncate p;
commit;
select type, "table", leaf from realtime_sync.events where schema = 'capture_truncate' order by id offset 11;
set client_min_messages = warning;
drop schema capture_truncate cascade;
