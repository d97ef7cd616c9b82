-- realtime_sync.capture = off stops capture for a transaction, a role or a database, and is counted.
create schema capture_kill_switch;
set search_path = capture_kill_switch;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'capture_kill_switch' order by id;
create table t (id int primary key);
select count(*) from realtime_sync.enable('t');
create function switched() returns bigint language sql as
    $$ select value from realtime_sync.counters() where name = 'switched_off' $$;
select switched() as before \gset
begin;
insert into t values (1);
set local realtime_sync.capture = off;
insert into t values (2), (3);
truncate t;
set local realtime_sync.capture = on;
insert into t values (4);
commit;
insert into t values (5);
select type, key from feed;
select switched() - :before as counted;
create role capture_kill_switch login superuser;
alter role capture_kill_switch set realtime_sync.capture = off;
select current_database() as db \gset
\c - capture_kill_switch
insert into capture_kill_switch.t values (6);
show realtime_sync.capture;
\c - postgres
set search_path = capture_kill_switch;
alter role capture_kill_switch reset realtime_sync.capture;
alter database :"db" set realtime_sync.capture = off;
\c
insert into capture_kill_switch.t values (7);
alter database :"db" reset realtime_sync.capture;
\c
set search_path = capture_kill_switch;
insert into t values (8);
select key from feed offset 3;
-- not for everyone
create role capture_kill_switch_user;
set role capture_kill_switch_user;
set realtime_sync.capture = off;
reset role;
drop role capture_kill_switch_user;
drop role capture_kill_switch;
set client_min_messages = warning;
drop schema capture_kill_switch cascade;
