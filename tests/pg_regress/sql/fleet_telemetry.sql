-- Promise: a change of a status column, whatever statement made it, is a telemetry row of the same
-- transaction, and no telemetry table refuses the app's own write.
\set SHOW_CONTEXT never
\set VERBOSITY terse
create schema shift;
create table shift.drivers (id bigint primary key, user_id uuid unique, is_online boolean, status text, lat float8, lng float8);
create table shift.telemetry_logs (
    id bigint generated always as identity primary key, driver_id bigint not null references shift.drivers,
    type text not null, message text, meta jsonb, created_at timestamptz not null default now()
);
select count(*) > 0 as set_up from realtime_sync.fleet_setup('shift');
create view shift.log as select driver_id as driver, type, message, meta from shift.telemetry_logs order by id;

-- insert, update, upsert, and null on either side
insert into shift.drivers (id, is_online, status) values (42, false, null), (43, null, null);
update shift.drivers set is_online = true where id = 42;
update shift.drivers set is_online = null, status = 'busy' where id = 42;
insert into shift.drivers (id, is_online) values (42, true), (44, true)
on conflict (id) do update set is_online = excluded.is_online;
-- no status changed: no row
update shift.drivers set is_online = is_online, lat = 1 where id = 42;
update shift.drivers set lat = 2;
table shift.log;
-- of the same transaction
begin;
update shift.drivers set is_online = not is_online;
rollback;
select count(*) from shift.log;

-- a driver who may change his status and cannot write telemetry
create role shift_driver;
grant usage on schema shift to shift_driver;
grant select, update on shift.drivers to shift_driver;
set role shift_driver;
update shift.drivers set status = 'free' where id = 44;
insert into shift.telemetry_logs (driver_id, type) values (44, 'forged');
reset role;
select * from shift.log offset 6;

-- a telemetry table that refuses, or is gone, warns and lets the write through
alter table shift.telemetry_logs add constraint quiet check (driver_id <> 43);
update shift.drivers set is_online = true where id in (42, 43, 44);
select id, is_online from shift.drivers order by id;
select count(*) from shift.log where driver = 43;
alter table shift.telemetry_logs rename column message to words;
update shift.drivers set is_online = false where id = 44 returning id, is_online;
alter table shift.telemetry_logs rename column words to message;
alter table shift.telemetry_logs drop constraint quiet;

-- again, nothing is done; taken away, nothing is left
select realtime_sync.fleet_status_telemetry('shift.drivers') = '' as unchanged;
select realtime_sync.fleet_status_telemetry('shift.drivers', array['status'], dry_run => true) like '%new.status%' as would;
select realtime_sync.fleet_drop_status_telemetry('shift.drivers'), realtime_sync.fleet_drop_status_telemetry('shift.drivers');
select count(*) from pg_trigger where tgrelid = 'shift.drivers'::regclass and tgname like '00_realtime_tell_status%';
select count(*) from pg_proc where pronamespace = 'shift'::regnamespace and proname = 'realtime_status_drivers';

-- any table, an enum, names that need quotes, and a telemetry table with keys and columns of its own
create type shift.kind as enum ('login', 'status_change');
create type shift.state as enum ('Open', 'On the way', 'it''s "done"');
create table shift."Job's" ("jobId" text primary key, "driverRef" text, "State" shift.state);
create table shift."Log" (
    "logId" uuid primary key, "who" text not null, "kind" shift.kind not null, "data" json, "source" text not null default 'db', "at" timestamp
);
select realtime_sync.fleet_status_telemetry('shift."Job''s"', array['State'], 'shift."Log"',
    '{"driver": "who", "type": "kind", "meta": "data", "created_at": "at"}', driver_column => 'driverRef', label => '100 %s') <> '' as made;
insert into shift."Job's" values ('a''1', 'd"1', 'Open'), ('b', null, 'Open');
update shift."Job's" set "State" = 'it''s "done"';
select who, kind, data, source, at is not null as dated from shift."Log" order by at;

-- nor does a label fail what cannot be told of
alter table shift."Log" add constraint shut check (who <> 'd"1') not valid;
update shift."Job's" set "State" = 'Open' where "jobId" = 'a''1';
alter table shift."Log" drop constraint shut;

-- what cannot be meant is an error here and not at the next write
create table shift.bad (id int generated always as identity, driver int not null, severity text not null);
select realtime_sync.fleet_status_telemetry('shift."Job''s"', array['State'], 'shift.bad', '{"driver": "driver"}');
\echo :SQLSTATE
select realtime_sync.fleet_status_telemetry('shift."Job''s"', array['Status'], 'shift."Log"', '{"driver": "who"}');
\echo :SQLSTATE
select realtime_sync.fleet_status_telemetry('shift."Job''s"', array['State'], 'shift."Log"', '{"driver": "nobody"}');
\echo :SQLSTATE
select realtime_sync.fleet_status_telemetry('shift."Job''s"', '{}', 'shift."Log"', '{"driver": "who"}');
\echo :SQLSTATE
select realtime_sync.fleet_status_telemetry('shift.bad', array['driver'], 'shift."Log"', '{"driver": "who"}');
\echo :SQLSTATE
alter type shift.kind rename value 'status_change' to 'change';
select realtime_sync.fleet_status_telemetry('shift."Job''s"', array['State'], 'shift."Log"', '{"driver": "who", "type": "kind"}');
\echo :SQLSTATE
create function shift.realtime_status_drivers() returns int language sql as 'select 1';
select realtime_sync.fleet_status_telemetry('shift.drivers');
\echo :SQLSTATE
drop function shift.realtime_status_drivers();

-- log_telemetry: the driver himself, a dispatcher, nobody else
update shift.drivers set user_id = '00000000-0000-0000-0000-000000000042' where id = 42;
grant execute on function shift.log_telemetry to shift_driver;
truncate shift.telemetry_logs;
set role shift_driver;
set request.jwt.claims = '{"sub": "00000000-0000-0000-0000-000000000042"}';
select shift.log_telemetry(type => 'battery', message => 'low', meta => '{"percent": 7}') > 0 as logged;
select shift.log_telemetry(42, 'battery', 'lower') > 0 as logged;
select shift.log_telemetry(43, 'battery', 'not his');
\echo :SQLSTATE
select shift.log_telemetry(type => null);
\echo :SQLSTATE
set request.jwt.claims = '{"sub": "00000000-0000-0000-0000-00000000000d", "user_role": "dispatcher"}';
select shift.log_telemetry(43, 'note', 'called') > 0 as logged;
select shift.log_telemetry(type => 'note');
\echo :SQLSTATE
set request.jwt.claims = '{}';
select shift.log_telemetry(42, 'note', 'a stranger''s');
\echo :SQLSTATE
reset request.jwt.claims;
reset role;
table shift.log;

-- keys that the app makes in its client
create schema client;
create table client."Driver" ("id" text primary key, "isOnline" boolean);
create table client."TelemetryLog" ("id" text primary key, "driverId" text not null, "type" varchar(30) not null, "message" text not null, "createdAt" timestamp not null);
select realtime_sync.fleet_map('client', 'telemetry', 'client."TelemetryLog"') is not null as mapped;
select count(*) > 0 as set_up from realtime_sync.fleet_setup('client');
insert into client."Driver" values ('d"1', true);
select length(client.log_telemetry('d"1', 'note', 'it''s')) as key;
select "driverId", type, message from client."TelemetryLog" order by "createdAt";
select client.log_telemetry('d"1', 'note', null);
\echo :SQLSTATE
select count(*) > 0 as removed from realtime_sync.fleet_remove('client');
delete from realtime_sync.fleet_map where schema = 'client';

-- time in each state
truncate shift.telemetry_logs;
insert into shift.telemetry_logs (driver_id, type, meta, created_at)
select 42, 'status_change', jsonb_build_object('column', 'status', 'old_status', o, 'new_status', n), '2026-01-01 00:00+0'::timestamptz + at::interval
from (values (null, 'free', '0'), ('free', 'busy', '1 hour'), ('busy', 'free', '90 min'), ('free', null, '2 hours'), (null, 'busy', '3 hours')) v(o, n, at);
select driver_id, status_column, state, since at time zone 'UTC' as since, until at time zone 'UTC' as until, case when until is not null then seconds end as seconds
from shift.driver_states order by since;
select driver_id, status_column, state, times, since at time zone 'UTC' as since, case when since is null then seconds end as seconds
from shift.driver_state_times order by state;
-- another table's words are told with its name, and are no states of a driver, though its column is called the same
truncate shift.telemetry_logs;
create table shift.settings (driver_id bigint primary key, status text);
create table shift.jobs (id int primary key, driver_id bigint, status text);
select realtime_sync.fleet_status_telemetry('shift.drivers') <> '' as drivers,
    realtime_sync.fleet_status_telemetry('shift.settings', array['status']) <> '' as settings,
    realtime_sync.fleet_status_telemetry('shift.jobs', array['status'], driver_column => 'driver_id') <> '' as jobs;
update shift.drivers set status = 'ready' where id = 42;
insert into shift.settings values (42, 'silent');
insert into shift.jobs values (7, 42, 'late');
table shift.log;
select driver_id, status_column, state, until from shift.driver_states;
drop table shift.settings, shift.jobs;

-- an app's own AFTER trigger that changes the row again: the last told is what the row says
create function shift.bump() returns trigger language plpgsql as $$
begin
    update shift.drivers set status = 'available' where id = new.id;
    return null;
end
$$;
create trigger bump after update on shift.drivers for each row when (new.status = 'online') execute function shift.bump();
create trigger bumped after insert on shift.drivers for each row when (new.status = 'online') execute function shift.bump();
truncate shift.telemetry_logs;
update shift.drivers set status = 'online' where id = 42;
insert into shift.drivers (id, status) values (45, 'online');
select driver, meta ->> 'old_status' as old, meta ->> 'new_status' as new from shift.log where driver in (42, 45);
select driver_id, state from shift.driver_states where until is null order by driver_id;
drop trigger bump on shift.drivers;
drop trigger bumped on shift.drivers;

-- of a kit that was set up under the names of before: told once, and nothing is left
alter trigger "00_realtime_tell_status_insert" on shift.drivers rename to realtime_status_insert;
alter trigger "00_realtime_tell_status_update" on shift.drivers rename to realtime_status_update;
update realtime_sync.fleet_object set made = 'before' where schema = 'shift' and name = 'realtime_status_telemetry';
select status, object from realtime_sync.fleet_setup('shift') where status = 'done';
select tgname from pg_trigger where tgrelid = 'shift.drivers'::regclass and not tgisinternal and tgname ~ 'status' order by tgname;
alter trigger "00_realtime_tell_status_insert" on shift.drivers rename to realtime_status_insert;
alter trigger "00_realtime_tell_status_update" on shift.drivers rename to realtime_status_update;

select count(*) > 0 as removed from realtime_sync.fleet_remove('shift');
select tgname from pg_trigger where tgrelid = 'shift.drivers'::regclass and not tgisinternal;
-- Of drivers partitioned by what changes, a row that moves is told as one that stays: of what has changed, with what it was. Of
-- those by id it is row by row, before the app's own triggers.
create schema moves;
create table moves.drivers (id bigint, user_id text, gone int, is_online boolean, status text, region text) partition by list (status);
create table moves.drivers_idle (status text, id bigint, user_id text, gone int, is_online boolean, region text);
create table moves.drivers_else partition of moves.drivers default;
alter table moves.drivers attach partition moves.drivers_idle for values in ('idle');
alter table moves.drivers drop column gone;
create index on moves.drivers (id);
select realtime_sync.fleet_map('moves', 'driver', 'moves.drivers', '{"id": "id", "login": "user_id"}') is not null as mapped;
select count(*) > 0 as set_up from realtime_sync.fleet_setup('moves', create_missing => true);
create view moves.log as select driver_id as driver, meta from moves.telemetry_logs order by driver_id, id;
insert into moves.drivers (id, is_online, status) values (1, true, 'idle'), (2, false, null), (3, null, null);
update moves.drivers set status = 'busy' where id < 3;
update moves.drivers set status = 'pause', is_online = true;
update moves.drivers set region = 'north';
table moves.log;
-- By the plan of one, whoever updates many would wait for minutes: each row looked at each.
insert into moves.drivers (id) select generate_series(10, 30000);
discard plans;
update moves.drivers set region = 'west' where id = 1;
set statement_timeout = '20s';
update moves.drivers set region = 'south';
reset statement_timeout;
delete from moves.drivers where id > 9;
truncate moves.telemetry_logs;
alter table moves.telemetry_logs add constraint quiet check (driver_id <> 2);
update moves.drivers set status = 'idle';
table moves.log;
alter table moves.drivers rename status to state;
update moves.drivers set state = 'busy' where id = 1;
alter table moves.drivers rename state to status;
select count(*) as again from realtime_sync.fleet_setup('moves', create_missing => true) where status = 'done';
select status, why from realtime_sync.fleet_setup('moves', create_missing => true) where object = 'table moves.drivers';
select realtime_sync.fleet_status_telemetry('moves.drivers') = '' as unchanged;
select count(*) > 0 as removed from realtime_sync.fleet_remove('moves', drop_tables => true);
select tgname from pg_trigger where tgrelid = 'moves.drivers'::regclass and not tgisinternal;
drop table moves.drivers;
create table moves.drivers (id bigint primary key, user_id text, is_online boolean, status text) partition by range (id);
select count(*) > 0 as set_up from realtime_sync.fleet_setup('moves', create_missing => true);
select count(*) as each_row from pg_trigger where tgrelid = 'moves.drivers'::regclass and tgname ~ 'tell_status' and tgtype & 1 = 1;

set client_min_messages = warning;
drop schema shift cascade;
drop schema client cascade;
drop schema moves cascade;
drop owned by shift_driver;
drop role shift_driver;
delete from realtime_sync.fleet_object where schema in ('shift', 'moves');
delete from realtime_sync.fleet_map where schema = 'moves';
truncate realtime_sync.event;
