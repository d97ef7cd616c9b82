-- A change of a status column is a status_change; event_name renames the rest.
create schema event_status;
set search_path = event_status;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'event_status' order by id;
create table t (id int primary key, online bool, phase text, n int);
select count(*) from realtime_sync.enable('t', status_columns => array['online', 'phase'], event_name => 'driver');
insert into t values (1, false, 'new', 0);
update t set n = 1;
update t set online = true;
update t set phase = null;
update t set online = false, phase = 'old';
update t set online = false;
delete from t;
truncate t;
select type, event, status, changed from realtime_sync.events where schema = 'event_status' order by id;
set client_min_messages = warning;
drop schema event_status cascade;
