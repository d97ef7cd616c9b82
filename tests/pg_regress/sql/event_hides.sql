-- A column that is not in columns, or in exclude, never shows: not in a row, not in changed, not by an event.
create schema event_hides;
set search_path = event_hides;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'event_hides' order by id;
create table t (id int primary key, open text, secret text);
select count(*) from realtime_sync.enable('t', columns => array['id', 'open'], old_row => 'full');
create table u (id int primary key, open text, secret text);
select count(*) from realtime_sync.enable('u', exclude => array['secret'], old_row => 'full', new_row => 'changed');
insert into t values (1, 'a', 'hunter2');
insert into u table t;
update t set secret = 'hunter3';
update u set secret = 'hunter3';
update t set open = 'b', secret = 'hunter4';
update u set open = 'b', secret = 'hunter4';
update t set open = open;
delete from t;
delete from u;
select type, "table", new, old, changed from feed;
-- degraded too
set realtime_sync.max_event_size = '1kB';
insert into t values (2, repeat('x', 2000), 'hunter5');
update t set open = repeat('y', 2000), secret = 'hunter6';
update t set open = 'z', secret = repeat('hunter', 1000);
reset realtime_sync.max_event_size;
select type, key, new, old, changed from feed offset 7;
-- a column added later is hidden by columns, shown with exclude
alter table t add column later text;
alter table u add column later text;
insert into t values (3, 'c', 'hunter7', 'later');
insert into u values (3, 'c', 'hunter7', 'later');
select new from feed offset 10;
-- but a row that comes into the feed by a hidden column is told, as one that leaves by it is
create table w (id int primary key, open text, public bool);
select count(*) from realtime_sync.enable('w', exclude => array['public'], filter => 'new.public');
insert into w values (1, 'a', false);
update w set public = true;
update w set public = false;
select type, key, new, old, changed from feed where "table" = 'w';
select count(*) from realtime_sync.enable('w', exclude => array['public'], filter => 'new.public', watch => array['open'], coalesced => true);
begin;
update w set public = true, open = 'b';
update w set open = 'a';
commit;
select type, key, new, old, changed from feed where "table" = 'w' offset 2;
select count(*) as leaks from realtime_sync.event e where e.body ->> 'schema' = 'event_hides' and e.body::text ~ 'hunter|secret';
set client_min_messages = warning;
drop schema event_hides cascade;
