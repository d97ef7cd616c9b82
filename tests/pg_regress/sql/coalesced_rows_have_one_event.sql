-- coalesced: a transaction's changes of a row are one event, the first old row to the last new one.
\set SHOW_CONTEXT never
create schema coalesced;
set search_path = coalesced;
create view feed as
    select type, event, topics, key, new, old, changed, status, partial from realtime_sync.events
    where schema = 'coalesced' order by id;
create table driver (id int primary key, org int, status text, lat float8, note text, doc jsonb);
select coalesced, options from realtime_sync.enable('driver', coalesced => true, old_row => 'full');
insert into driver values (1, 1, 'free', 0, 'n', '{"a": 1}'), (2, 1, 'free', 0, 'n', null);
truncate realtime_sync.event;
\echo -- insert, update: an insert of the last row
begin;
insert into driver values (3, 1, 'free', 0, 'n', null);
update driver set lat = 1 where id = 3;
update driver set lat = 2, note = null where id = 3;
commit;
select type, event, topics, key, new, old, changed from feed;
truncate realtime_sync.event;
\echo -- update, update: one, with what differs between the first old row and the last new one
begin;
update driver set lat = 1, note = 'x' where id = 1;
update driver set lat = 2, status = 'busy' where id = 1;
update driver set note = 'n' where id = 1;
commit;
select type, topics, key, new, old, changed from feed;
truncate realtime_sync.event;
\echo -- back to where it was: told, as PostgreSQL tells an update that changes nothing
begin;
update driver set lat = 9 where id = 1;
update driver set lat = 2 where id = 1;
commit;
select type, key, new, old, changed from feed;
truncate realtime_sync.event;
\echo -- update, delete: a delete of the first old row; insert, delete: nothing; delete, insert: an update
begin;
update driver set lat = 5 where id = 1;
delete from driver where id = 1;
insert into driver values (8, 1, 'free', 0, 'n', null);
delete from driver where id = 8;
update driver set lat = 6 where id = 2;
delete from driver where id = 2;
insert into driver values (2, 1, 'free', 7, 'n', null);
commit;
select type, key, new, old, changed from feed;
truncate realtime_sync.event;
\echo -- delete, insert, delete; insert, delete, insert
begin;
delete from driver where id = 2;
insert into driver values (2, 2, 'a', 1, 'a', null);
delete from driver where id = 2;
insert into driver values (4, 1, 'b', 1, 'b', null);
delete from driver where id = 4;
insert into driver values (4, 2, 'c', 2, 'c', null);
commit;
select type, key, new, old from feed;
truncate realtime_sync.event;
\echo -- what a savepoint rolls back does not count
begin;
update driver set lat = 10 where id = 3;
savepoint s;
update driver set lat = 11 where id = 3;
delete from driver where id = 3;
rollback to s;
update driver set note = 'kept' where id = 3;
savepoint t;
insert into driver values (5, 1, 'free', 0, 'n', null);
release t;
update driver set lat = 1 where id = 5;
commit;
select type, key, new, old, changed from feed;
truncate realtime_sync.event;
\echo -- a new row comes where it was made, a changed one where it was changed last; a message keeps its place
begin;
insert into driver values (6, 1, 'free', 0, 'n', null);
update driver set lat = 20 where id = 3;
select realtime_sync.send('driver:3', 'hello', '1') > 0 as sent;
insert into driver values (7, 1, 'free', 0, 'n', null);
update driver set lat = 21 where id = 3;
update driver set lat = 1 where id = 6;
commit;
select type, key from realtime_sync.events order by id;
truncate realtime_sync.event;
\echo -- a TRUNCATE, or a change of the key, ends what can be one row
begin;
update driver set lat = 1 where id = 3;
update driver set lat = 2 where id = 3;
update driver set id = 30 where id = 3;
update driver set lat = 3 where id = 30;
update driver set lat = 4 where id = 30;
truncate driver;
insert into driver values (30, 1, 'free', 0, 'n', null);
commit;
select type, key, new, old, changed from feed;
truncate realtime_sync.event;
\echo -- topics: the topics of the first old row that the last new one has not get LEAVE, those in between nothing
select 1 from realtime_sync.enable('driver', coalesced => true, topics => array['org:{org}'], status_columns => array['status']);
begin;
update driver set org = 2, status = 'busy' where id = 30;
update driver set org = 3, status = 'away' where id = 30;
commit;
select type, event, topics, key, new, old, changed, status from feed;
truncate realtime_sync.event;
begin;
update driver set org = 4 where id = 30;
update driver set org = 3, note = 'back' where id = 30;
commit;
begin;
update driver set org = null where id = 30;
update driver set org = 5 where id = 30;
delete from driver where id = 30;
commit;
begin;
insert into driver values (31, 1, 'free', 0, 'n', null);
update driver set org = 2 where id = 31;
update driver set org = null where id = 31;
commit;
begin;
update driver set lat = 1 where id = 31;
update driver set org = 6 where id = 31;
commit;
begin;
delete from driver where id = 31;
insert into driver values (31, 7, 'free', 0, 'n', null);
commit;
select type, topics, key, changed from feed;
truncate realtime_sync.event;
\echo -- images: cut when the event is made, so every combination has the first and the last value
create table images (id int primary key, a int, b int, hidden int);
select 1 from realtime_sync.enable('images', coalesced => true, new_row => 'changed', exclude => array['hidden']);
insert into images values (1, 1, 1, 1);
truncate realtime_sync.event;
begin; update images set a = 2, hidden = 2; update images set b = 2; update images set a = 3; commit;
begin; update images set hidden = 3; update images set hidden = 4; commit;
select 1 from realtime_sync.enable('images', coalesced => true, new_row => 'key', old_row => 'key');
begin; update images set a = 4; update images set b = 4; commit;
begin; delete from images; insert into images values (1, 4, 5, 4); commit;
select 1 from realtime_sync.enable('images', coalesced => true, old_row => 'none', columns => array['a']);
begin; update images set a = 5; update images set b = 6; commit;
begin; update images set a = 6; delete from images; commit;
select type, key, new, old, changed from feed;
truncate realtime_sync.event;
\echo -- a watched column that ends where it began: as one update, no event
select 1 from realtime_sync.enable('images', coalesced => true, watch => array['a']);
insert into images values (1, 1, 1, 1);
begin; update images set a = 2, b = 2; update images set a = 1, b = 3; commit;
begin; update images set a = 2, b = 4; update images set a = 3; commit;
select type, key, new, old, changed from feed;
truncate realtime_sync.event;
\echo -- a filter: LEAVE goes to those of the first old row; gone and back is an update
create table shown (id int primary key, live bool, name text);
select 1 from realtime_sync.enable('shown', coalesced => true, filter => 'new.live');
insert into shown values (1, true, 'a'), (2, false, 'b'), (3, true, 'c');
truncate realtime_sync.event;
begin; update shown set name = 'x' where id = 1; update shown set live = false where id = 1; commit;
begin; update shown set live = true, name = 'secret' where id = 2; update shown set name = 'public' where id = 2; commit;
begin; update shown set live = false where id = 3; update shown set name = 'hidden' where id = 3; update shown set live = true where id = 3; commit;
begin; insert into shown values (4, true, 'd'); update shown set live = false where id = 4; commit;
begin; update shown set live = false where id = 3; delete from shown where id = 3; insert into shown values (3, true, 'again'); commit;
select type, topics, key, new, old, changed from feed;
truncate realtime_sync.event;
\echo -- throttle: by what changed in all
select 1 from realtime_sync.enable('driver', coalesced => true, throttle => '5 s', throttle_columns => array['lat']);
begin; update driver set lat = 1; update driver set lat = 2; commit;
begin; update driver set lat = 3, note = 'x'; update driver set lat = 4, note = 'n'; commit;
begin; update driver set lat = 5; update driver set note = 'other'; commit;
select v.type, v.changed, e.throttle from realtime_sync.events v join realtime_sync.event e using (xid, id) where v."table" = 'driver' order by id;
truncate realtime_sync.event;
\echo -- partitions: rows that move, columns in another order
create table part (id int, place int, n int, primary key (id, place)) partition by list (place);
create table part_1 partition of part for values in (1);
create table part_2 (n int, junk int, place int not null, id int not null);
alter table part_2 drop column junk;
alter table part attach partition part_2 for values in (2);
select 1 from realtime_sync.enable('part', coalesced => true);
insert into part values (1, 1, 1), (2, 2, 2);
truncate realtime_sync.event;
begin; update part set n = 2 where id = 1; update part set n = 3 where id = 1; update part set place = 2 where id = 1; update part set n = 4 where id = 1; commit;
begin; update part set n = 3 where id = 2; update part set n = 4 where id = 2; commit;
select type, key, new, old, changed from feed;
truncate realtime_sync.event;
\echo -- too large for its form: partial, with the key, and what changed
set realtime_sync.max_event_size = 1;
begin; update driver set note = repeat('x', 2000); update driver set lat = 7, note = 'short'; commit;
begin; update driver set note = repeat('x', 3000); update driver set lat = 8; commit;
begin; update driver set note = repeat('y', 900); update driver set note = 'short'; commit;
select type, key, length(new::text), length(old::text), changed, partial from feed;
reset realtime_sync.max_event_size;
truncate realtime_sync.event;
\echo -- prepared, flushed by hand, deferred
begin;
update driver set lat = 1;
update driver set lat = 2;
select realtime_sync.flush();
update driver set lat = 3;
update driver set lat = 4;
commit;
select type, new, old, changed from feed;
truncate realtime_sync.event;
\echo -- a column added in between
begin;
update driver set lat = 5;
alter table driver add column extra int default 7;
update driver set lat = 6;
commit;
select type, new, changed from feed;
\echo -- keys that do not name one row are refused
create table many (id int, org int not null, at int, unique (org, at) deferrable);
create index on many (org);
create unique index on many (org) where at > 100;
select realtime_sync.enable('many', key_columns => array['org'], coalesced => true);
select realtime_sync.enable('many', key_columns => array['org', 'at'], coalesced => true);
select realtime_sync.enable('many', key_columns => array['org'], throttle => '1 s', throttle_columns => array['at']);
create unique index on many (org, id);
select coalesced from realtime_sync.enable('many', key_columns => array['org', 'id'], coalesced => true);
\echo -- a null in the key names no row either
truncate realtime_sync.event;
begin; insert into many values (null, 1, 1), (null, 1, 2), (3, 1, 3); update many set at = at + 10; commit;
select type, key, new from feed;
set client_min_messages = warning;
drop schema coalesced cascade;
