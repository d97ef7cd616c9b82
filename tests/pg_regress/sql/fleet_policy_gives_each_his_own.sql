-- Two drivers, two passengers, a dispatcher and strangers: each hears and reads his own, and nothing else.
create role regress_fleet_reader;
create role regress_fleet_nobody;
create schema fleet_own;
set search_path = fleet_own, public;
select realtime_sync.fleet_allow('fleet_own', 'regress_fleet_reader');
select realtime_sync.fleet_allow('fleet_own');
select count(*) from realtime_sync.fleet_setup('fleet_own', create_missing => true) where status = 'ask';
select realtime_sync.cursor() as start \gset
insert into drivers (user_id, name) values ('d1', 'Dina'), ('d2', 'Dan');
insert into passengers (user_id, name) values ('p1', 'Pat'), ('p2', 'Pia');
insert into trips (driver_id, passenger_id) values (1, 1), (2, 2), (null, 1);
insert into driver_wallets (driver_id, balance) values (1, 10), (2, 20);
insert into telemetry_logs (driver_id, type) values (1, 'x'), (2, 'x');
select realtime_sync.send('user:d1', 'hi', null) > 0 as a, realtime_sync.send('user:p2', 'hi', null) > 0 as b,
    realtime_sync.send('secret', 'hi', null) > 0 as c, realtime_sync.send('driverless', 'hi', null) > 0 as d;
select count(*) from realtime_sync.relay();
select status, object, why from realtime_sync.fleet_allow('fleet_own', 'regress_fleet_reader') where object !~ '^(function|view)' and object !~ 'driver_locations|trip_';
select status, count(*) > 0 as some from realtime_sync.fleet_allow('fleet_own', 'regress_fleet_reader') group by 1;
create temporary table login (place int, who text, claims text);
insert into login values
    (1, 'driver 1', '{"sub": "d1"}'), (2, 'driver 2', '{"sub": "d2"}'), (3, 'passenger 1', '{"sub": "p1"}'), (4, 'passenger 2', '{"sub": "p2"}'),
    (5, 'dispatcher', '{"sub": "x", "user_role": "dispatcher"}'), (6, 'dispatcher', '{"sub": "x", "app_metadata": {"role": "dispatcher"}}'),
    (7, 'stranger', '{"sub": "x"}'), (8, 'stranger', '{"sub": "x", "user_metadata": {"role": "dispatcher"}}'), (9, 'stranger', '{}'),
    (10, 'stranger', ''), (11, 'stranger', '{"sub": ""}'), (12, 'stranger', '{"sub": "1"}'), (13, 'stranger', '{"sub": ["d1"]}'), (14, 'stranger', 'no json');
grant select on login to regress_fleet_reader;
-- Each in a statement of its own, as requests are.
create function pg_temp.each(question text) returns table (place int, who text, answer json) language plpgsql as $$
begin
    for place, who in select l.place, l.who from login l order by 1 loop
        perform set_config('request.jwt.claims', (select l.claims from login l where l.place = each.place), false);
        execute question into answer;
        return next;
    end loop;
end
$$;
set role regress_fleet_reader;
select * from pg_temp.each($$ select json_agg(distinct t order by t) from realtime_sync.events e, unnest(e.topics) t where e.schema = 'fleet_own' or e.schema is null $$);
\set replay 'select count(*) from json_array_elements(realtime_sync.replay(\'' :start '\') -> \'events\') e where e #>> \'{new,type}\' is distinct from \'status_change\''
select * from pg_temp.each(:'replay');
select * from pg_temp.each($$ select json_agg(t) from unnest('{drivers,driver:1,driver:2,trip:1,trip:2,passenger:1,passenger:2,user:d1,user:p2,secret,driverless}'::text[]) t where realtime_sync.may_read(t) $$);
select * from pg_temp.each($$ select json_build_array(
    (select json_agg(name order by id) from drivers), (select json_agg(name order by id) from passengers), (select json_agg(id order by id) from trips),
    (select sum(balance) from driver_wallets), (select count(*) from telemetry_logs where type = 'x')) $$);
reset role;
-- No scan of a table to know who is calling.
begin;
insert into drivers (user_id) select 'more' || n from generate_series(1, 5000) n;
insert into passengers (user_id) select 'more' || n from generate_series(1, 5000) n;
analyze drivers, passengers;
set local request.jwt.claims = '{"sub": "d1"}';
create temporary table scans as select relname, seq_scan, idx_scan from pg_stat_xact_user_tables where schemaname = 'fleet_own';
select realtime_driver(), realtime_passenger(), realtime_topics();
select relname, s.seq_scan - b.seq_scan as seq_scan, s.idx_scan > b.idx_scan as by_index from scans b join pg_stat_xact_user_tables s using (relname)
where s.schemaname = 'fleet_own' and relname in ('drivers', 'passengers') order by 1;
rollback;
set role regress_fleet_reader;
-- Reading is all: nothing is written.
select set_config('request.jwt.claims', '{"sub": "d1"}', false);
insert into trips (driver_id) values (1);
update drivers set name = 'me';
select * from realtime_sync.fleet_permission;
select realtime_sync.fleet_allow('fleet_own', 'regress_fleet_nobody');
select realtime_sync.fleet_disallow('fleet_own', 'regress_fleet_reader');
reset role;
set role regress_fleet_nobody;
select count(*) from realtime_sync.events;
select fleet_own.realtime_driver();
reset role;
-- The app's own word on who is calling.
create function identity() returns jsonb language sql stable as
    $$ select jsonb_build_object('driver', realtime_sync.claim('driver_no'), 'dispatcher', realtime_sync.claim('boss') = 'yes') $$;
create function not_identity() returns int language sql as $$ select 1 $$;
select realtime_sync.fleet_allow('fleet_own', 'regress_fleet_reader', who => 'fleet_own.nobody()');
select realtime_sync.fleet_allow('fleet_own', 'regress_fleet_reader', who => 'fleet_own.not_identity');
select status, object from realtime_sync.fleet_allow('fleet_own', 'regress_fleet_reader', who => 'fleet_own.identity') where status = 'done';
select status, object from realtime_sync.fleet_setup('fleet_own', create_missing => true) where status = 'done';
set role regress_fleet_reader;
select set_config('request.jwt.claims', '{"sub": "d1", "driver_no": "2"}', false);
select realtime_driver(), realtime_passenger(), realtime_dispatcher(), (select string_agg(name, ' ') from drivers), realtime_sync.may_read('driver:2'), realtime_sync.may_read('driver:1');
select set_config('request.jwt.claims', '{"sub": "d1", "driver_no": "two", "boss": "yes"}', false);
select realtime_driver(), realtime_passenger(), realtime_dispatcher(), realtime_sync.may_read('drivers');
reset role;
-- A policy outlives the functions it asks, and lets nothing through.
select status, object from realtime_sync.fleet_allow('fleet_own', 'regress_fleet_reader', who => '') where status = 'done';
select set_config('request.jwt.claims', '{"sub": "d1"}', false);
alter function realtime_topics() rename to elsewhere;
set role regress_fleet_reader;
select realtime_sync.may_read('driver:1'), (select count(*) from realtime_sync.events);
reset role;
alter function elsewhere() rename to realtime_topics;
-- What is taken back is gone.
select realtime_sync.fleet_disallow('fleet_own', 'regress_fleet_reader');
select realtime_sync.fleet_disallow('fleet_own', 'regress_fleet_reader');
select realtime_sync.fleet_disallow('fleet_own');
select count(*) from pg_policy where polname ~ '^fleet ';
set role regress_fleet_reader;
select count(*) from realtime_sync.events;
select count(*) from drivers;
reset role;
select has_schema_privilege('regress_fleet_reader', 'fleet_own', 'usage'), has_table_privilege('regress_fleet_reader', 'realtime_sync.event', 'select');
-- Removing the kit takes it back as well.
select count(*) > 0 as allowed from realtime_sync.fleet_allow('fleet_own', 'regress_fleet_reader');
select status, object, sql from realtime_sync.fleet_remove('fleet_own', drop_tables => true, dry_run => true) where object ~ '^role';
select count(*) from realtime_sync.fleet_remove('fleet_own', drop_tables => true) where status <> 'done';
select count(*) from pg_policy where polname ~ '^fleet ';
-- The app's own tables are not opened, and that is said.
create table drivers (id uuid primary key, user_id uuid);
create table trips (id uuid primary key, driver_id uuid references drivers);
create table wallets (id uuid primary key, driver_id uuid references drivers, balance numeric);
alter table trips enable row level security;
grant select on trips, wallets to regress_fleet_reader;
select count(*) from realtime_sync.fleet_setup('fleet_own') where status = 'ask';
select status, object, why, sql from realtime_sync.fleet_allow('fleet_own', 'regress_fleet_reader') where object ~ '^table';
select count(*) from realtime_sync.fleet_remove('fleet_own') where status <> 'done';
select relacl from pg_class where oid = 'drivers'::regclass;
set client_min_messages = warning;
drop schema fleet_own cascade;
drop owned by regress_fleet_reader, regress_fleet_nobody;
drop role regress_fleet_reader, regress_fleet_nobody;
delete from realtime_sync.fleet_map where schema = 'fleet_own';
