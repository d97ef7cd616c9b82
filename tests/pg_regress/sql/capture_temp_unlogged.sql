-- Temporary and unlogged tables are sources like any other.
create schema capture_temp_unlogged;
set search_path = capture_temp_unlogged;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'capture_temp_unlogged' order by id;
create unlogged table u (id int primary key, n int);
create temp table tt (id int primary key, n int) on commit delete rows;
create temp table td (id int primary key) on commit drop;
select count(*) from realtime_sync.enable('u') as s1, realtime_sync.enable('tt') as s2;
insert into u values (1, 1);
update u set n = 2;
begin;
insert into tt values (1, 1);
update tt set n = 2;
commit;
select count(*) from tt;
begin;
create temp table td (id int primary key) on commit drop;
select count(*) from realtime_sync.enable('td');
insert into td values (1);
commit;
select type, "table", key, new from realtime_sync.events
where schema = 'capture_temp_unlogged' or schema like 'pg_temp%' order by id;
drop table tt;
set client_min_messages = warning;
drop schema capture_temp_unlogged cascade;
