-- A row that leaves a topic sends it LEAVE: the key, and nothing of the new row.
create schema event_leave;
set search_path = event_leave;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'event_leave' order by id;
create table trip (id int primary key, driver int, secret text);
select count(*) from realtime_sync.enable('trip', topics => array['trip:{id}', 'driver:{driver}', 'all'], columns => array['id', 'secret']);
insert into trip values (1, 7, 'a');
update trip set driver = 8, secret = 'b';
update trip set secret = 'c';
update trip set driver = null;
update trip set driver = 9;
update trip set id = 2;
delete from trip;
select type, topics, key, new, old, changed from feed;
-- two templates that give one topic: no LEAVE while the other still names it
create table pair (id int primary key, a int, b int);
select count(*) from realtime_sync.enable('pair', topics => array['p:{a}', 'p:{b}']);
insert into pair values (1, 1, 2);
update pair set a = 2, b = 1;
update pair set a = 3;
update pair set b = 3;
select type, topics, key, new from feed where "table" = 'pair';
-- a filter: a row that no longer passes
create table shown (id int primary key, live bool, name text);
select count(*) from realtime_sync.enable('shown', filter => 'new.live');
insert into shown values (1, true, 'a'), (2, false, 'b');
update shown set live = false, name = 'hidden' where id = 1;
update shown set name = 'still hidden' where id = 1;
update shown set live = true where id = 1;
select type, topics, key, new, old, changed from feed where "table" = 'shown';
-- a row that comes to pass is told, though no watched column changed; one that passes already is not
create table watched (id int primary key, live bool, name text, n int);
select count(*) from realtime_sync.enable('watched', filter => 'new.live', watch => array['name']);
insert into watched values (1, null, 'a', 1);
update watched set live = true;
update watched set n = 2;
update watched set live = null;
select type, topics, key, new, old, changed from feed where "table" = 'watched';
select count(*) from realtime_sync.enable('watched', filter => 'new.live', watch => array['name'], coalesced => true);
begin;
update watched set live = true;
update watched set name = 'b';
update watched set name = 'a';
commit;
begin;
update watched set name = 'b';
update watched set name = 'a';
commit;
select type, topics, key, new, old, changed from feed where "table" = 'watched' offset 2;
set client_min_messages = warning;
drop schema event_leave cascade;
