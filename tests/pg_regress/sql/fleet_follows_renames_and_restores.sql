-- Promise: after tables of the kit's were renamed fleet_setup() follows them; after a schema was renamed, or restored without the
-- kit's notes, it asks before it makes another kit beside the one that is there; tables that were restored have one kit.
\set SHOW_CONTEXT never
set client_min_messages = warning;
create role regress_moved;
create schema moved;
create table moved.drivers (id bigint primary key, user_id text unique, is_online boolean, status text default 'free', lat float8, lng float8);
create table moved.trips (
    id bigint primary key, driver_id bigint, customer_id text, status text not null default 'requested', pickup_lat float8, pickup_lng float8, completed_at timestamptz
);
insert into moved.drivers (id, user_id) values (1, 'ada');
insert into moved.trips (id) values (1), (2);
select count(*) > 50 as made from realtime_sync.fleet_setup('moved', create_missing => true);
select count(*) > 30 as allowed from realtime_sync.fleet_allow('moved', 'regress_moved');

-- a table that views are made of
alter table moved.telemetry_logs rename to lines;
alter table moved.trip_offers rename to bids;
select status, object, why from realtime_sync.fleet_setup('moved', create_missing => true) where status in ('ask', 'create') or object ~ '^view';
update moved.drivers set status = 'busy';
select driver_id, state from moved.driver_states where status_column = 'status';
select has_table_privilege('regress_moved', 'moved.driver_states', 'select') as may_read;
-- or a column of it that the kit cannot do without
alter table moved.lines rename driver_id to who;
select status, object, why, sql from realtime_sync.fleet_setup('moved', create_missing => true) where status = 'ask' or object ~ '^(view|source)';
select realtime_sync.fleet_map('moved', 'telemetry', columns => '{"driver": "who"}') is not null as mapped;
select status, object, why from realtime_sync.fleet_setup('moved', create_missing => true) where status = 'ask' or object ~ '^(view|source)';
update moved.drivers set status = 'free';
select driver_id, state from moved.driver_states where status_column = 'status' order by since desc limit 1;
select status, object from realtime_sync.fleet_setup('moved', create_missing => true) where status not in ('exists', 'found', 'skip');
-- or of whose other columns they would be, which a view of the app's keeps
create table moved.notes (id bigint generated always as identity primary key, driver integer, type text, message text, meta jsonb, created_at timestamptz);
select realtime_sync.fleet_map('moved', 'telemetry', 'moved.notes', '{"driver": "driver"}') is not null as mapped;
create view moved.report as select * from moved.driver_states;
select status, object, why from realtime_sync.fleet_setup('moved') where status = 'ask' or object ~ '^view';
drop view moved.report;
select status, object, why from realtime_sync.fleet_setup('moved') where status = 'ask' or object ~ '^view';
select column_name, data_type from information_schema.columns where table_schema = 'moved' and table_name = 'driver_state_times' and ordinal_position = 1;
select has_table_privilege('regress_moved', 'moved.driver_state_times', 'select') as may_read;
select status, object from realtime_sync.fleet_remove('moved', drop_tables => true) where status not in ('done', 'exists');
drop schema moved cascade;
delete from realtime_sync.fleet_map where schema = 'moved';

-- tables that were dropped and made again with all that was on them, as by pg_restore --clean: the notes have the numbers of before
create schema moved;
create table moved.drivers (id bigint primary key, user_id text unique, is_online boolean, lat float8, lng float8);
create table moved.trips (id bigint primary key, driver_id bigint, status text not null default 'requested', pickup_lat float8, pickup_lng float8, completed_at timestamptz);
select count(*) > 50 as made from realtime_sync.fleet_setup('moved', create_missing => true);
select count(*) > 30 as allowed from realtime_sync.fleet_allow('moved', 'regress_moved');
update realtime_sync.fleet_object set relation = 1 where schema = 'moved' and relation is not null;
update realtime_sync.fleet_map set relation = 1 where schema = 'moved';
\set objects 'select count(*) from (select tgrelid from pg_trigger where not tgisinternal union all select polrelid from pg_policy union all select indrelid from pg_index) x(relation) join pg_class c on c.oid = x.relation where c.relnamespace = \'moved\'::regnamespace'
:objects \gset before_
select level, subject, problem, fix from realtime_sync.health() where subject ~ 'moved';
select status, object, why from realtime_sync.fleet_setup('moved', create_missing => true) where status not in ('exists', 'found', 'skip');
:objects \gset after_
select :before_count = :after_count as nothing_twice;
select count(*) as unknown from realtime_sync.fleet_object o where o.schema = 'moved' and o.relation is not null and to_regclass(o.relation::text) is null;
select entity, relation from realtime_sync.fleet_map where schema = 'moved' order by 1;
insert into moved.trips (id) values (1);
update moved.trips set status = 'accepted' where id = 1;
select topics, payload ->> 'to' as to from realtime_sync.events where event = 'trip.status';
select status, object from realtime_sync.fleet_remove('moved', drop_tables => true) where status not in ('done');
drop schema moved cascade;
delete from realtime_sync.fleet_map where schema = 'moved';
truncate realtime_sync.event;

-- the schema itself
create schema moved;
create table moved.drivers (id bigint primary key, user_id text unique, is_online boolean, lat float8, lng float8);
create table moved.trips (id bigint primary key, driver_id bigint, status text not null default 'requested', pickup_lat float8, pickup_lng float8);
insert into moved.trips values (1);
select count(*) > 50 as made from realtime_sync.fleet_setup('moved', create_missing => true);
select realtime_sync.fleet_check_status('moved');
alter schema moved rename to moved_on;
select status, object, why, sql from realtime_sync.fleet_setup('moved_on', create_missing => true);
select level, subject, problem, fix from realtime_sync.health() where subject ~ 'moved' and subject !~ 'timer';
begin;
alter schema moved_on rename to moved;
select status, object, why from realtime_sync.fleet_remove('moved') where status not in ('done', 'keep');
alter schema moved rename to moved_on;
select status, object, why from realtime_sync.fleet_setup('moved_on', create_missing => true) where status in ('ask', 'drop');
commit;
select relname from pg_class where relnamespace = 'moved_on'::regnamespace and relkind = 'r' order by 1;
update moved_on.trips set status = 'accepted' where id = 1;
select topics, payload ->> 'to' as to from realtime_sync.events where event = 'trip.status';
select level, problem from realtime_sync.health() where subject ~ 'moved';

-- a dump of it alone has all of the kit but its notes
delete from realtime_sync.fleet_object where schema = 'moved_on';
delete from realtime_sync.fleet_map where schema = 'moved_on';
select status, object, why, pg_catalog.left(sql, 200) as sql from realtime_sync.fleet_setup('moved_on', create_missing => true) where status not in ('found', 'skip');
select realtime_sync.drop_timer(name) is not null as dropped from realtime_sync.timer where name ~ 'fleet';
drop schema moved_on cascade;
truncate realtime_sync.event;
drop role regress_moved;
