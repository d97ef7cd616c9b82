-- fleet_map() takes what is there, says what is there, and adds to what is known.
\set SHOW_CONTEXT never
create schema fleet_map;
set search_path = fleet_map, public;
create table drivers (id int primary key, on_duty bool, working bool, "Rated" numeric);
create table captains (id int primary key);
create view people as select * from drivers;
select realtime_sync.fleet_map('no such', 'driver', 'drivers');
select realtime_sync.fleet_map(null, 'driver', 'drivers');
select realtime_sync.fleet_map('fleet_map', 'car', 'drivers');
select realtime_sync.fleet_map('fleet_map', null, 'drivers');
select realtime_sync.fleet_map('fleet_map', 'driver');
select realtime_sync.fleet_map('fleet_map', 'driver', 'people');
select realtime_sync.fleet_map('fleet_map', 'driver', 'drivers', '["id"]');
select realtime_sync.fleet_map('fleet_map', 'driver', 'drivers', '{"hat": "id"}');
select realtime_sync.fleet_map('fleet_map', 'driver', 'drivers', '{"online": "is_online"}');
select realtime_sync.fleet_map('fleet_map', 'driver', 'drivers', '{"online": 1}');
-- Of a kind that the kit's functions could only fail over, which the app would hear of at its first call.
create table odd (id int primary key, who text, code uuid, lat text, lng numeric, at date, spot box, fare money, started text);
select realtime_sync.fleet_map('fleet_map', 'driver', 'odd', '{"lng": "lng", "lat": "lat"}');
select realtime_sync.fleet_map('fleet_map', 'driver', 'odd', '{"point": "spot"}');
select realtime_sync.fleet_map('fleet_map', 'driver', 'odd', '{"geography": "spot"}');
select realtime_sync.fleet_map('fleet_map', 'driver', 'odd', '{"online": "who"}');
select realtime_sync.fleet_map('fleet_map', 'driver', 'odd', '{"last_seen": "started"}');
select (realtime_sync.fleet_map('fleet_map', 'driver', 'drivers', '{"id": "id"}')).columns;
select realtime_sync.fleet_map('fleet_map', 'trip', 'odd', '{"driver": "who"}');
select realtime_sync.fleet_map('fleet_map', 'wallet', 'odd', '{"driver": "code"}');
select (realtime_sync.fleet_map('fleet_map', 'trip', 'odd', '{"driver": "lng", "created_at": "at", "fare": "fare", "pickup_lng": "lng"}')).columns;
delete from realtime_sync.fleet_map where schema = 'fleet_map';
select * from realtime_sync.fleet_map('fleet_map', 'driver', 'drivers', '{"id": "id", "online": "working"}');
-- Columns are added, a null takes one out, and stays.
select * from realtime_sync.fleet_map('fleet_map', 'driver', columns => '{"online": null, "rating": "Rated"}');
select realtime_sync.fleet_expand('fleet_map', '{{driver}} {{driver.id}} {{driver.id:type}} {{d.rating}} {{d.online}} {{#driver.online}}online{{/driver.online}}{{^driver.online}}never{{/driver.online}}');
select status, object, why from realtime_sync.fleet_setup('fleet_map', dry_run => true) where object ~ '^driver';
-- Another table has other columns.
select * from realtime_sync.fleet_map('fleet_map', 'driver', 'captains');
select realtime_sync.fleet_expand('fleet_map', '{{trip}}');
create role regress_fleet_map;
grant usage, create on schema fleet_map to regress_fleet_map;
select realtime_sync.allow('regress_fleet_map', 'migrate');
set role regress_fleet_map;
select realtime_sync.fleet_map('fleet_map', 'driver', 'drivers');
-- Nor past the function.
update realtime_sync.fleet_map set relation = 'pg_class';
insert into realtime_sync.fleet_map values ('fleet_map', 'trip', 'drivers');
insert into realtime_sync.fleet_object (schema, place, kind, name, actual, made) values ('fleet_map', 1, 'table', 'x', 'drivers', '');
select realtime_sync.fleet_note('fleet_map', 'table', 'x', 'drivers');
insert into realtime_sync.fleet_template values ('x', 'function', 0, null, '{}', 'drop table drivers', null);
insert into realtime_sync.fleet_who values ('fleet_map', 'x()');
insert into realtime_sync.fleet_permission values ('fleet_map', 'regress_fleet_map', 'x', 'x', 'x', false);
create table fleet_map.mine ();
select realtime_sync.fleet_note('fleet_map', 'table fleet_map.drivers; --', 'x', 'mine');
drop table fleet_map.mine;
reset role;
select realtime_sync.fleet_note('fleet_map', 'function', 'x', 'x');
select realtime_sync.disallow('regress_fleet_map', 'migrate');
drop owned by regress_fleet_map;
drop role regress_fleet_map;
set client_min_messages = warning;
drop schema fleet_map cascade;
delete from realtime_sync.fleet_map where schema = 'fleet_map';
