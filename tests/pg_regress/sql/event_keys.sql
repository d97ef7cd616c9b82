-- The key: the primary key's columns in its order, or key_columns, or the replica identity's index.
create schema event_keys;
set search_path = event_keys;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'event_keys' order by id;
create table a (x int, y text, z int, primary key (z, x));
create table b (x int not null, y text not null unique);
create table c (x int, y text);
create table d (x int primary key, y text);
alter table b replica identity using index b_y_key;
select count(*) from realtime_sync.enable('a') as s1, realtime_sync.enable('b') as s2, realtime_sync.enable('c', key_columns => array['y', 'x']) as s3,
    realtime_sync.enable('d', key_columns => array['y']) as s4;
insert into a values (1, 'y', 2);
insert into b values (1, 'y');
insert into c values (1, 'y'), (null, null);
insert into d values (1, 'y');
update a set z = 3;
update d set x = 2, y = 'w';
select type, "table", key, topics from feed;
-- a trigger written by hand on a table without any key
create table e (x int);
create trigger "00_realtime_sync_insert" after insert on e for each row execute function realtime_sync.capture('{}');
insert into e values (1);
-- a primary key dropped, and another made
alter table a drop constraint a_pkey;
insert into a values (4, 'n', 5);
alter table a add primary key (y);
insert into a values (5, 'o', 6);
select type, "table", key, topics from feed offset 8;
-- of a partition, the partitioned table's: a replica identity does not pass down
create table f (x int not null, y int not null, z int, unique (x, y)) partition by list (y);
create table f1 partition of f for values in (1);
create table f2 (z int primary key, y int not null, x int not null);
alter table f attach partition f2 for values in (2);
alter table f replica identity using index f_x_y_key;
select key_columns from realtime_sync.enable('f');
insert into f values (1, 1, 3), (1, 2, 4);
select type, "table", key, topics from feed where "table" = 'f';
set client_min_messages = warning;
drop schema event_keys cascade;
