-- Promise: what an app did with its drivers before fleet_setup() made tables beside them it does after: DELETE, UPDATE of
-- the key, upsert and TRUNCATE; and neither history nor money goes with a driver.
\set SHOW_CONTEXT never
set client_min_messages = warning;
create schema corner;
set search_path = corner, public;
create table drivers (
    id text primary key, name text, is_online boolean not null default false, status text default 'free', lat float8, lng float8
);
create table cars (plate text primary key, driver_id text references drivers on update cascade on delete cascade);
insert into drivers (id, name) values ('a', 'Anna'), ('b', 'Bert'), ('c', 'Cleo');
insert into cars values ('B-AR 1', 'a'), ('B-ER 2', 'b');
select count(*) filter (where object like 'table%') as tables, count(*) filter (where status = 'ask' and sql !~ 'login') as asked
from realtime_sync.fleet_setup('corner', create_missing => true) where status in ('done', 'ask');
insert into drivers (id, name, status) values ('d', 'Dora', 'free');
update drivers set is_online = true;
insert into driver_wallets (driver_id, balance) values ('a', 12.50), ('b', 7);
select update_location('b', 52.5, 13.4) ->> 'accepted' as moved;
insert into trips (driver_id, status) values ('a', 'completed'), ('b', 'accepted'), ('c', 'completed');

delete from drivers where id = 'a';
update drivers set id = 'bert' where id = 'b';
insert into drivers (id, status) values ('c', 'pause') on conflict (id) do update set status = excluded.status;
select plate, driver_id from cars;
truncate cars, drivers;
insert into drivers (id, name) values ('e', 'Emil');
select driver_id, count(*) from telemetry_logs where type = 'status_change' group by 1 order by 1;
select driver_id, balance from driver_wallets order by 1;
select driver_id, status from trips order by id;
select driver_id from driver_locations;
select conrelid::regclass, confrelid::regclass, conname from pg_constraint where contype = 'f' and connamespace = 'corner'::regnamespace order by 3;
select count(*) as left from realtime_sync.fleet_remove('corner', drop_tables => true) where status <> 'done';
set client_min_messages = warning;
drop schema corner cascade;
delete from realtime_sync.fleet_map where schema = 'corner';

-- An app that has no drivers yet: those it is given go with their history standing, unless there are trips or money.
create schema corner;
select count(*) from realtime_sync.fleet_setup('corner', create_missing => true) where status = 'ask';
insert into drivers (name) values ('Anna'), ('Bert');
update drivers set is_online = true;
insert into trips (driver_id) values (2);
delete from drivers where id = 1;
delete from drivers where id = 2;
select driver_id, count(*) from telemetry_logs group by 1 order by 1;
select conrelid::regclass, confrelid::regclass from pg_constraint where contype = 'f' and connamespace = 'corner'::regnamespace order by conname;
select count(*) as left from realtime_sync.fleet_remove('corner', drop_tables => true) where status <> 'done';
drop schema corner cascade;
delete from realtime_sync.fleet_map where schema = 'corner';
truncate realtime_sync.event;
