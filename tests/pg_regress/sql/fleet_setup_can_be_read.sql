-- Promise: select * from fleet_setup() and fleet_remove() reads at 120 columns: statements only where they are asked
-- for, lists in lines, what a missing table takes away told once.
\set SHOW_CONTEXT never
create schema fleet_read;
create table fleet_read."Driver" ("Id" text primary key, "userId" text, "isOnline" bool, "currentLat" float8, "currentLng" float8, "vehicleType" text);
create temporary view width as
select 'step | status | ' as before, max(length(object)) as object, max(line) as why
from realtime_sync.fleet_setup('fleet_read', create_missing => true)
cross join lateral (select length(l) as line from regexp_split_to_table(why, '\n') l) l;
select * from realtime_sync.fleet_setup('fleet_read') where status <> 'done';
-- What is asked of a kit without trips says what is missing, and how it is had.
select realtime_sync.fleet_auto_offer('fleet_read');
select realtime_sync.fleet_check_status('fleet_read');
select realtime_sync.fleet_check_status('fleet_read', enabled => false);
select realtime_sync.fleet_retain('fleet_read', 'telemetry', '1 day');
select count(*) as done, count(sql) as with_sql from realtime_sync.fleet_setup('fleet_read', create_missing => true) where status = 'done';
select length(before) + object + 3 + why + length(' | sql') <= 120 as fits from width;
select count(*) > 50 as all_of_it, count(*) = count(sql) as with_sql
from realtime_sync.fleet_remove('fleet_read', drop_tables => true, dry_run => true);
select count(*) > 50 as done, count(sql) as with_sql from realtime_sync.fleet_remove('fleet_read', drop_tables => true) where status = 'done';
-- Of a trip's status that nothing limits, the default says how the app writes its words.
create table fleet_read."Trip" ("Id" text primary key, "driverId" text references fleet_read."Driver", status text default 'PENDING');
select * from realtime_sync.fleet_transitions('fleet_read."Trip"', 'status') where who @> '{passenger}' order by 1;
-- Half a place of which there are two is asked about once.
alter table fleet_read."Driver" add lat float8;
select * from realtime_sync.fleet_setup('fleet_read', create_missing => true) where status = 'ask';
set client_min_messages = warning;
select count(*) > 50 as removed from realtime_sync.fleet_remove('fleet_read', drop_tables => true);
drop schema fleet_read cascade;
drop view width;
