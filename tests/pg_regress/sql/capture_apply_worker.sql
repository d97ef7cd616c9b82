-- Triggers fire for what session_replication_role and replica_mode say.
create schema capture_apply_worker;
set search_path = capture_apply_worker;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'capture_apply_worker' order by id;
create table t (id int primary key);
select replica_mode from realtime_sync.enable('t');
set session_replication_role = replica;
insert into t values (1);
reset session_replication_role;
insert into t values (2);
select count(*) from realtime_sync.enable('t', replica_mode => 'always');
set session_replication_role = replica;
insert into t values (3);
reset session_replication_role;
insert into t values (4);
select count(*) from realtime_sync.enable('t', replica_mode => 'replica');
set session_replication_role = replica;
insert into t values (5);
reset session_replication_role;
insert into t values (6);
select key from feed;
set client_min_messages = warning;
drop schema capture_apply_worker cascade;
