-- throttle: an UPDATE that changed nothing but throttle_columns says how long it may be held back; capture
-- itself holds nothing back, the log has every event.
-- (in a database of its own: inline delivery starts a worker, which would call the timers of the tests after this one)
select current_database() as here \gset
create database throttle_marks;
\c throttle_marks
create extension realtime_sync;
set realtime_sync.delivery = inline;
create schema throttle_marks;
set search_path = throttle_marks;
create view feed as
    select v.type, v.key, v.changed, e.throttle
    from realtime_sync.events v join realtime_sync.event e using (xid, id)
    where v.schema = 'throttle_marks' order by id;
create table driver (id int primary key, org int, status text, lat float8, lng float8, secret text, note text);
select throttle, throttle_columns, coalesced, options ->> 'throttle' as milliseconds, drift
from realtime_sync.enable('driver', topics => array['org:{org}'], exclude => array['secret'], status_columns => array['status'],
    throttle => '30 s', throttle_columns => array['lat', 'lng']);
insert into driver values (1, 7, 'free', 0, 0, 'a', 'n');
update driver set lat = 1;
update driver set lat = 2, lng = 2;
-- a hidden column as well, which nobody is to know of
update driver set lat = 3, secret = 'b';
-- nothing at all changed
update driver set lat = lat;
update driver set lat = 4, note = 'other';
update driver set lat = 5, status = 'busy';
-- to another topic: LEAVE and the update at once
update driver set lat = 6, org = 8;
update driver set lat = 7, id = 2;
delete from driver;
select * from feed;
-- part of the trigger, so a dump has it and the same call changes nothing
select ddl ~ '"throttle":30000,"throttle_columns":\["lat","lng"\]' as in_the_trigger from realtime_sync.source where relation = 'driver'::regclass;
select throttle, throttle_columns from realtime_sync.source where relation = 'driver'::regclass;
select throttle, ddl from realtime_sync.enable('driver', throttle => '1.5 ms', throttle_columns => array['lat'], dry_run => true);
-- a column that is gone holds nothing back, and is told and counted
truncate realtime_sync.event;
select value as unresolved from realtime_sync.stats where name = 'unresolved_names' \gset
alter table driver rename column lng to longitude;
insert into driver values (1, 7, 'free', 0, 0, 'a', 'n');
update driver set lat = 1;
update driver set longitude = 1;
select changed, throttle from feed where type = 'UPDATE';
select drift from realtime_sync.source where relation = 'driver'::regclass;
select value > :unresolved as counted from realtime_sync.stats where name = 'unresolved_names';
-- a trigger written by hand cannot throttle who is concerned
create table by_hand (id int primary key, org int, lat float8);
create trigger t after insert or update on by_hand for each row
    execute function realtime_sync.capture('{"topics":["org:{org}"],"throttle":1000,"throttle_columns":["id","org","lat"]}');
insert into by_hand values (1, 1, 1);
update by_hand set lat = 2;
update by_hand set org = 2, lat = 3;
select v.type, v.changed, e.throttle from realtime_sync.events v join realtime_sync.event e using (xid, id) where v.table = 'by_hand' order by id;
-- nor is a row held back that comes into the feed, by a column nobody sees
create table hidden (id int primary key, lat float8, public bool);
select throttle from realtime_sync.enable('hidden', exclude => array['public'], filter => 'new.public', throttle => '1 s', throttle_columns => array['lat']);
insert into hidden values (1, 1, false);
update hidden set lat = 2, public = true;
update hidden set lat = 3;
select v.changed, e.throttle from realtime_sync.events v join realtime_sync.event e using (xid, id) where v.table = 'hidden' order by id;
-- nor is a row held back that shares its key with others, having a null in it
create table part_key (a int, b int, lat float8, unique (a, b));
select throttle from realtime_sync.enable('part_key', key_columns => array['a', 'b'], throttle => '1 s', throttle_columns => array['lat']);
insert into part_key values (1, 1, 1), (1, null, 1);
update part_key set lat = 2;
select v.key, e.throttle from realtime_sync.events v join realtime_sync.event e using (xid, id) where v.type = 'UPDATE' and v.table = 'part_key' order by id;
-- inline delivery throttles nothing: there is nobody to send the last one later
select notified, count(*) from realtime_sync.event where throttle is not null group by notified;
\c :here
drop database throttle_marks with (force);
