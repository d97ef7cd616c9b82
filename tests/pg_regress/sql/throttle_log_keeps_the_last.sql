-- throttle_log => 'last': of the updates that a throttle holds back the log has those sent at once and the
-- last of each window; everything else is logged at once and takes their place.
create schema throttle_log;
set search_path = throttle_log;
create view feed as
    select v.type, v.key, v.new ->> 'lat' as lat, v.new ->> 'status' as status, e.throttle
    from realtime_sync.events v join realtime_sync.event e using (xid, id)
    where v.schema = 'throttle_log' order by id;
create view held as
    select relation::regclass, key, until > now() as open, throttle, body -> 'new' ->> 'lat' as lat from realtime_sync.held order by relation::regclass::text, key collate "C";
create view suppressed as select value from realtime_sync.stats where name = 'suppressed';
create table driver (id int primary key, org int, status text, lat float8, lng float8);
select throttle, throttle_columns, throttle_log, options, drift
from realtime_sync.enable('driver', topics => array['{table}', 'driver:{id}', 'org:{org}'], throttle => '1 h', throttle_columns => array['lat', 'lng'], throttle_log => 'last');
select ddl from realtime_sync.enable('driver', topics => array['{table}', 'driver:{id}', 'org:{org}'], throttle => '1 h', throttle_columns => array['lat', 'lng'], throttle_log => 'LAST');
insert into driver select g, 1, 'free', 0, 0 from generate_series(1, 6) g;
truncate realtime_sync.event;
select value as before from suppressed \gset

-- the first at once, the next ones not
update driver set lat = 1 where id < 4;
update driver set lat = 2 where id < 4;
update driver set lat = 3 where id = 1;
select * from feed;
select * from held;
select value - :before as suppressed from suppressed;

-- of a transaction the last; what a savepoint takes back is nothing
begin;
update driver set lat = 10 where id in (1, 4);
update driver set lat = 11 where id in (1, 4);
savepoint a;
update driver set lat = 12 where id in (1, 2, 4);
rollback to a;
commit;
begin; update driver set lat = 99 where id = 1; rollback;
begin; update driver set lat = 13 where id = 2; prepare transaction 'p'; rollback prepared 'p';
begin; update driver set lat = 14 where id = 3; prepare transaction 'p'; commit prepared 'p';
select * from feed offset 3;
select * from held;

-- another change of the row says it all, before or after in its transaction
truncate realtime_sync.event;
update driver set status = 'busy' where id = 1;
delete from driver where id = 2;
update driver set id = 33 where id = 3;
begin;
update driver set lat = 20 where id in (1, 4);
update driver set status = 'off' where id in (1, 4);
commit;
begin;
update driver set status = 'on' where id = 1;
update driver set lat = 21 where id = 1;
commit;
-- to another topic
update driver set lat = 22 where id = 5;
update driver set lat = 23 where id = 5;
update driver set org = 2 where id = 5;
select * from feed;
select * from held;
update driver set lat = 30, status = 's';
update driver set lat = 31;
truncate driver;
select * from held;

-- relay() moves what is due and opens the next window; not in a transaction block, where a writer would wait
truncate realtime_sync.event;
select count(*) from realtime_sync.relay();
select realtime_sync.cursor() as cursor \gset
insert into driver values (1, 1, 'free', 0, 0), (2, 1, 'free', 0, 0);
update driver set lat = 1;
update driver set lat = 2;
select count(*) from realtime_sync.relay();
select * from held;
update realtime_sync.held set until = now() where key = '{"id":1}';
begin;
select more from realtime_sync.relay();
commit;
select * from held;
select more from realtime_sync.relay();
select more from realtime_sync.relay();
select * from feed;
select * from held;
-- replay() gives it like any other
select e ->> 'type' as type, e #>> '{new,lat}' as lat
from json_array_elements(realtime_sync.replay(:'cursor', array['driver:1']) -> 'events') e;

-- other options: what is held is logged, since later events will not ask for it; the same when nothing is left
select throttle_log from realtime_sync.enable('driver', throttle => '1 h', throttle_columns => array['lat', 'lng']);
select * from held;
select lat from feed where key ->> 'id' = '2';
select throttle_log from realtime_sync.enable('driver', throttle => '1 h', throttle_columns => array['lat', 'lng'], throttle_log => 'last');
update driver set lat = 5;
update driver set lat = 6;
select realtime_sync.disable('driver');
select * from held;
select lat from feed where key ->> 'id' = '2';
-- of a table that is gone nothing comes
select count(*) from realtime_sync.enable('driver', throttle => '1 h', throttle_columns => array['lat'], throttle_log => 'last');
update driver set lat = 7;
update driver set lat = 8;
truncate realtime_sync.event;
drop table driver cascade;
update realtime_sync.held set until = now();
select * from realtime_sync.move_held(10);
select count(*) from realtime_sync.held;
select count(*) from realtime_sync.event;

-- coalesced as well: the transaction's one event
create table merged (id int primary key, status text, lat float8);
select coalesced, throttle_log from realtime_sync.enable('merged', coalesced => true, throttle => '1 h', throttle_columns => array['lat'], throttle_log => 'last');
insert into merged values (1, 'a', 0), (2, 'a', 0);
begin; update merged set lat = 1; update merged set lat = 2; commit;
begin; update merged set lat = 3; update merged set lat = 4; commit;
begin; update merged set lat = 5 where id = 2; update merged set status = 'b', lat = 6 where id = 2; commit;
select type, key, lat, status from feed;
select * from held;

-- partitions: one row, wherever it is
create table parted (id int, part int, lat float8, primary key (id, part)) partition by list (part);
create table parted_1 partition of parted for values in (1);
create table parted_2 partition of parted for values in (2);
select throttle_log from realtime_sync.enable('parted', throttle => '1 h', throttle_columns => array['lat'], throttle_log => 'last');
insert into parted values (1, 1, 0);
update parted set lat = 1;
update parted_1 set lat = 2;
select * from held where relation = 'parted'::regclass;
update parted set part = 2;
select * from held where relation = 'parted'::regclass;

-- more than fits into memory, inside a savepoint: through a file
truncate realtime_sync.event, realtime_sync.held;
create table many (id int primary key, lat float8, note text);
select throttle_log from realtime_sync.enable('many', throttle => '1 h', throttle_columns => array['lat'], throttle_log => 'last');
begin;
insert into many select g, 0, repeat('x', 500) from generate_series(1, 2000) g;
savepoint a;
update many set lat = 1;
update many set lat = 2;
update many set lat = 3;
release a;
update many set note = 'y' where id = 1;
commit;
-- (how much of it one look at the events saw is not to be relied on)
select count(*) >= 2000 and count(*) < 6000 as some, max(lat) filter (where key ->> 'id' = '1') as last_logged from feed where type = 'UPDATE';
select count(*) from held where relation = 'many'::regclass;
-- and without a savepoint
truncate realtime_sync.event, realtime_sync.held;
update many set lat = 1;
update many set lat = 2;
select lat, count(*) from feed group by lat;
select lat, count(*) from held group by lat;

-- a key too long for the index is logged
create table long_key (id text primary key, lat float8);
select throttle_log from realtime_sync.enable('long_key', throttle => '1 h', throttle_columns => array['lat'], throttle_log => 'last');
insert into long_key values (repeat('k', 2500), 0);
update long_key set lat = 1;
update long_key set lat = 2;
select type, lat, throttle from feed where length(key ->> 'id') > 2000;

-- an event that is stored in chunks
create table large (id int primary key, lat float8, note text);
select throttle_log from realtime_sync.enable('large', throttle => '1 h', throttle_columns => array['lat'], throttle_log => 'last');
insert into large values (1, 0, repeat('0123456789', 3000));
update large set lat = 1;
update large set lat = 2;
update large set lat = 3;
update large set note = note || 'x';
update large set lat = 4;
update large set lat = 5;
update realtime_sync.held set until = now() where relation = 'large'::regclass;
select * from realtime_sync.move_held(10);
select v.type, v.new ->> 'lat' as lat, length(v.new ->> 'note') as length from realtime_sync.events v where v.table = 'large' order by id;
select * from held where relation = 'large'::regclass;

-- what cannot be meant
select throttle_log from realtime_sync.enable('long_key', throttle_log => 'last');
select throttle_log from realtime_sync.enable('long_key', throttle => '1 s', throttle_columns => array['lat'], throttle_log => 'first');
select throttle_log from realtime_sync.enable('long_key', throttle => '1 s', throttle_columns => array['lat'], throttle_log => 'last', old_row => 'none');

-- what waits for too long is told
truncate realtime_sync.held;
update merged set lat = 100 where id = 1;
update merged set lat = 101 where id = 1;
update realtime_sync.held set until = now() - interval '1 minute';
select level, pg_catalog.regexp_replace(problem, ' since .*', '') as problem, fix from realtime_sync.health() where subject = 'throttle';
truncate realtime_sync.event, realtime_sync.held;
set client_min_messages = warning;
drop schema throttle_log cascade;
