-- Of inherited tables each is its own source: a parent's trigger does not fire for its children.
create schema capture_inherited;
set search_path = capture_inherited;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'capture_inherited' order by id;
create table parent (id int primary key, n int);
create table child (extra text, primary key (id)) inherits (parent);
select count(*) from realtime_sync.enable('parent');
insert into parent values (1, 1);
insert into child values (2, 2, 'x');
update parent set n = n + 1;
delete from parent;
select type, "table", key, new from feed;
select count(*) from realtime_sync.enable('child');
insert into child values (3, 3, 'y');
update parent set n = n + 1;
select type, "table", key, new from feed offset 3;
set client_min_messages = warning;
drop schema capture_inherited cascade;
