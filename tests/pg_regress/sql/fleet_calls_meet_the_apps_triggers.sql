-- Promise: what an app has written for its own path (triggers, the functions of its policies, checks and generated
-- columns, with names that have no schema) works in the kit's calls as in the app's statements; and nothing that a
-- stranger may make is found there: not in a temporary table, nor in a schema in which others than the owner may create.
\set SHOW_CONTEXT never
set client_min_messages = warning;
delete from realtime_sync.presence;
delete from realtime_sync.presence_member;
create role regress_meet;
create role regress_meet_app;
create role regress_mallory;
create schema meet authorization regress_meet;
create schema meet_shared authorization regress_meet;
create schema "Meet Open" authorization regress_meet;
grant usage on schema meet, meet_shared, "Meet Open" to public;
grant create on schema "Meet Open" to regress_mallory;
alter role regress_meet set search_path = "$user", "Meet Open", meet_shared, meet_gone, public;
select count(realtime_sync.allow('regress_meet', 'migrate')) + count(realtime_sync.allow('regress_meet', 'send', topics => array['*'])) as allowed;

set role regress_meet;
set search_path = meet, meet_shared;
create table audit (what text, who text);
create table meet_shared.tally (what text);
create function plate(name text) returns text immutable language plpgsql as $$ begin return upper(trimmed(name)); end $$;
create function trimmed(name text) returns text immutable language sql as $$ select trim(name) $$;
create function is_driver_status(status text) returns boolean language plpgsql as $$ begin return exists (select from statuses s where s.status = $1); end $$;
create table statuses (status text);
insert into statuses values ('available'), ('busy');
create table drivers (
    id bigint primary key, user_id varchar unique, name text, label text generated always as (plate(name)) stored,
    is_online boolean not null default false, status text not null default 'available' check (is_driver_status(status)),
    lat double precision, lng double precision, location_at timestamptz, last_seen timestamptz
);
create table passengers (id bigint primary key, user_id varchar unique);
create table trips (
    id bigint primary key, driver_id bigint references drivers, passenger_id bigint references passengers,
    status text not null default 'requested', pickup_lat double precision, pickup_lng double precision, fare numeric,
    created_at timestamptz not null default now(), accepted_at timestamptz, completed_at timestamptz
);
insert into drivers (id, user_id, name, is_online, lat, lng) values (1, 'sub-anna', 'Anna ', true, 52.5, 13.4), (2, 'sub-bert', 'Bert', false, 52.5, 13.4);
insert into passengers values (1, 'sub-paul');
select status, object, why, sql from realtime_sync.fleet_setup('meet', create_missing => true) where status = 'ask';
select status, count(*) > 0 as there from realtime_sync.fleet_setup('meet', create_missing => true) where status in ('done', 'exists') group by status;
-- In each of its tables.
create function keep_audit() returns trigger language plpgsql as $$
begin
    insert into audit values (tg_op || ' ' || tg_table_name, current_user);
    insert into tally values (tg_table_name);
    return new;
end
$$;
create trigger audit before insert or update on drivers for each row execute function keep_audit();
create trigger audit after insert or update on trips for each row execute function keep_audit();
create trigger audit after insert on telemetry_logs for each row execute function keep_audit();
create trigger audit after insert or update on trip_offers for each row execute function keep_audit();
create trigger audit after insert on driver_locations for each row execute function keep_audit();
create trigger audit after insert on trip_status_changes for each row execute function keep_audit();
create function sees(driver bigint) returns boolean stable language plpgsql as $$
begin
    return driver = my_driver() or realtime_dispatcher();
end
$$;
create function my_driver() returns bigint stable security definer set search_path = meet, pg_temp language sql as $$ select realtime_driver() $$;
create function willing(driver bigint, trip bigint) returns boolean stable language plpgsql as $$ begin return exists (select from statuses); end $$;
alter table drivers enable row level security;
alter table trips enable row level security;
create policy own on drivers using (sees(id));
create policy own on trips using (sees(driver_id) or passenger_id = realtime_passenger());
grant select on drivers, passengers, trips, statuses to regress_meet_app;
grant execute on all functions in schema meet to regress_meet_app;
reset search_path;
reset role;
select count(*) > 30 as allowed from realtime_sync.fleet_allow('meet', 'regress_meet_app') where status in ('done', 'exists');
select count(*) from realtime_sync.presence_hook('drivers', 'meet.realtime_drive_online(text, text)');
set role regress_meet;
select realtime_sync.fleet_auto_offer('meet', eligible => 'meet.willing(bigint, bigint)');

-- A stranger's: names that the triggers use, and an operator that fits what pg_catalog has only after a cast.
set role regress_mallory;
create function "Meet Open".theirs() returns trigger language plpgsql as $$ begin raise exception 'mallory is %', current_user; end $$;
create function "Meet Open".trimmed(name text) returns text language plpgsql as $$ begin raise exception 'mallory is %', current_user; end $$;
create table "Meet Open".tally (what text);
create trigger theirs before insert on "Meet Open".tally for each row execute function "Meet Open".theirs();
grant insert on "Meet Open".tally to public;
create function "Meet Open".same(varchar, varchar) returns boolean language plpgsql as $$ begin raise exception 'mallory is %', current_user; end $$;
create operator "Meet Open".= (function = "Meet Open".same, leftarg = varchar, rightarg = varchar);

-- The app's users, one of whom has tables of the same names.
set role regress_meet_app;
create temporary table audit (what text, who text);
create temporary table tally (what text);
create temporary table statuses (status text);
create function pg_temp.theirs() returns trigger language plpgsql as $$ begin raise exception 'a driver is %', current_user; end $$;
create trigger theirs before insert on audit for each row execute function pg_temp.theirs();
create trigger theirs before insert on tally for each row execute function pg_temp.theirs();
grant all on audit, tally, statuses to public;
set request.jwt.claims = '{"sub": "sub-anna"}';
select meet.update_location(lat => 52.5, lng => 13.4);
select r ->> 'accepted' as accepted from jsonb_array_elements(meet.update_locations(jsonb_build_array(jsonb_build_object('lat', 52.5005, 'lng', 13.4, 'recorded_at', now() + interval '1 s')))) r;
select meet.log_telemetry(type => 'note', message => 'hello') > 0 as logged;
select meet.driver_track(), meet.driver_heartbeat();
select meet.driver_track('offline');
reset role;
select name, is_online, label from meet.drivers order by id;
set role regress_meet_app;
select meet.driver_track();
set role regress_meet;
set search_path = meet, meet_shared, pg_temp;
insert into meet.trips (id, passenger_id, pickup_lat, pickup_lng, fare) values (1, 1, 52.5, 13.4, 9);
reset search_path;
set role regress_meet_app;
select state from meet.accept_offer((select id from meet.trip_offers));
select n, meet.set_trip_status(1, s) ->> 'to' as now from (values (1, 'arriving'), (2, 'arrived'), (3, 'in_progress'), (4, 'completed')) v(n, s) order by n;
select meet.get_driver_dashboard(1) -> 'driver' ->> 'name' as name, jsonb_array_length(meet.get_driver_dashboard() -> 'telemetry') > 0 as telemetry;
set search_path = meet, pg_temp;
select count(*) as own from drivers;
reset search_path;
set request.jwt.claims = '{"sub": "sub-dora", "user_role": "dispatcher"}';
select jsonb_array_length(meet.get_fleet_overview() -> 'drivers') as on_the_map;
select driver_id from meet.nearby_drivers(52.5, 13.4);
set request.jwt.claims = '';
reset role;
select what, count(*), min(who) as as_whom from meet.audit group by what order by what;
select (select count(*) from meet_shared.tally) = (select count(*) from meet.audit) as tallied;
drop table pg_temp.audit, pg_temp.tally, pg_temp.statuses;
drop function pg_temp.theirs;

-- Whoever may create in it may make what fits better: it is said, and nothing is looked for there until it is mended.
grant create on schema meet to public;
-- at once, though nobody calls fleet_setup()
select level, subject, problem, fix from realtime_sync.health() where subject ilike 'schema %meet%' order by 2;
set role regress_meet;
select status, object, why, sql from realtime_sync.fleet_setup('meet', create_missing => true) where status = 'ask';
reset role;
select distinct s.path from realtime_sync.fleet_object o join pg_proc p on p.proname = o.actual and p.pronamespace = 'meet'::regnamespace
cross join lateral unnest(p.proconfig) s(path) where o.schema = 'meet' and s.path like 'search_path=%';
select level, subject, problem, fix from realtime_sync.health() where subject ilike 'schema %meet%' order by 2;
set role regress_mallory;
create operator meet.= (function = "Meet Open".same, leftarg = varchar, rightarg = varchar);
set role regress_meet_app;
set request.jwt.claims = '{"sub": "sub-anna"}';
select meet.realtime_driver();
set request.jwt.claims = '';
reset role;
drop operator meet.= (varchar, varchar);
revoke create on schema meet from public;
select level, subject, problem, fix from realtime_sync.health() where subject ilike 'schema %meet%' order by 2;
set role regress_meet;
select object, why from realtime_sync.fleet_setup('meet', create_missing => true) where status = 'done' and object in ('function accept_offer', 'timer realtime_status_telemetry');
select count(*) as again from realtime_sync.fleet_setup('meet', create_missing => true) where status = 'done';
-- Where they still look, whatever the path should be by now; of a table that the app follows itself too.
create table meet.vans (id bigint primary key, driver_id bigint, status text);
select realtime_sync.fleet_status_telemetry('meet.vans', array['status'], driver_column => 'driver_id') <> '' as followed;
alter role regress_meet set search_path = meet;
grant create on schema meet_shared to regress_mallory;
reset role;
select level, subject, problem, fix from realtime_sync.health() where subject ilike 'schema %meet%' order by 2;
set role regress_meet;
select object, why from realtime_sync.fleet_setup('meet', create_missing => true) where status in ('ask', 'done') and object ~ 'accept_offer|status_|schema';
reset role;
select level, subject, problem, fix from realtime_sync.health() where subject ilike 'schema %meet%' order by 2;
select proconfig from pg_proc where proname = 'realtime_status_vans';
revoke create on schema meet_shared from regress_mallory;
alter role regress_meet set search_path = "$user", "Meet Open", meet_shared, meet_gone, public;
set role regress_meet;
select count(*) > 0 as made from realtime_sync.fleet_setup('meet', create_missing => true) where status = 'done';
drop table meet.vans;
reset role;
select level, subject, problem, fix from realtime_sync.health() where subject ilike 'schema %meet%' order by 2;
select s.path, count(*) > 30 as many from pg_proc p cross join lateral unnest(p.proconfig) s(path)
where p.pronamespace = 'meet'::regnamespace and (p.proname in (select o.actual from realtime_sync.fleet_object o where o.schema = 'meet') or p.proname like 'realtime\_status%')
    and s.path like 'search_path=%' group by s.path;

select count(*) from realtime_sync.fleet_disallow('meet', 'regress_meet_app');
select realtime_sync.presence_hook('drivers');
set role regress_meet;
drop policy own on meet.trips;
select object, why from realtime_sync.fleet_remove('meet', drop_tables => true) where status <> 'done';
reset role;
drop schema meet, meet_shared, "Meet Open" cascade;
select realtime_sync.disallow('regress_meet', 'migrate'), realtime_sync.disallow('regress_meet', 'send');
drop owned by regress_meet, regress_meet_app, regress_mallory;
drop role regress_meet, regress_meet_app, regress_mallory;
truncate realtime_sync.presence, realtime_sync.presence_member;
