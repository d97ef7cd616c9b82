-- Partitions attached and detached keep a right name, a right trigger, and never break a write.
create schema capture_attach_detach;
set search_path = capture_attach_detach;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'capture_attach_detach' order by id;
create table p (id int primary key) partition by range (id);
create table p1 partition of p for values from (0) to (10);
select count(*) from realtime_sync.enable('p');
create view leaves as
    select type, "table", leaf, key from realtime_sync.events
    where schema = 'capture_attach_detach' order by id;
create table p2 (id int primary key);
insert into p2 values (10);
alter table p attach partition p2 for values from (10) to (20);
insert into p values (1), (11);
insert into p2 values (12);
select * from leaves;
alter table p detach partition p2;
insert into p2 values (13);
select count(*) from leaves;
begin;
insert into p1 values (2);
alter table p detach partition p1;
insert into p1 values (3);
alter table p attach partition p1 for values from (0) to (10);
insert into p1 values (4);
commit;
select * from leaves offset 3;
alter table p rename to q;
insert into q values (5);
alter table p1 rename to q1;
insert into q values (6);
select * from leaves offset 5;
set client_min_messages = warning;
drop schema capture_attach_detach cascade;
