-- Promise: a partition that is attached later is followed; where the drivers or the trips themselves become one, no write fails, health()
-- and fleet_setup() say that what is in others is not told, and what they say mends it.
\set SHOW_CONTEXT never
\pset format unaligned
set client_min_messages = warning;
create schema parts;
set search_path = parts;
create table drivers (id bigint not null, user_id text, is_online boolean, region text not null default 'north', primary key (id, region));
create table trips (
    id bigint not null, driver_id bigint, passenger_id text, status text not null default 'requested', region text not null default 'north',
    pickup_lat float8, pickup_lng float8, created_at timestamptz not null default now(), primary key (id, region)
);
insert into drivers values (1, 'anna');
insert into trips (id) values (1);
reset search_path;
select (realtime_sync.fleet_map('parts', 'driver', 'parts.drivers', '{"id": "id", "login": "user_id"}')).relation,
    (realtime_sync.fleet_map('parts', 'trip', 'parts.trips', '{"id": "id"}')).relation;
select count(*) > 0 as set_up from realtime_sync.fleet_setup('parts', create_missing => true);
set search_path = parts;
select realtime_sync.fleet_auto_offer('parts');
create view told as
select (select jsonb_object_agg(payload ->> 'trip_id', payload ->> 'to') from realtime_sync.event where event = 'trip.status') as trips,
    (select jsonb_object_agg(driver_id, meta -> 'new_status') from telemetry_logs) as drivers;

alter table drivers rename to drivers_north;
alter table trips rename to trips_north;
create table drivers (like drivers_north including all) partition by list (region);
create table trips (like trips_north including all) partition by list (region);
alter table drivers attach partition drivers_north for values in ('north');
alter table trips attach partition trips_north for values in ('north');
create table drivers_south partition of drivers for values in ('south');
create table trips_south partition of trips for values in ('south');
insert into drivers values (2, 'bert', null, 'south');
insert into trips (id, region) values (2, 'south');
reset search_path;
update parts.drivers set is_online = true;
update parts.trips set status = 'canceled';
table parts.told;
select level, subject, problem, fix from realtime_sync.health() where subject ~ '^parts.(drivers|trips)' and problem ~ 'partition';
select status, object, why, sql from realtime_sync.fleet_setup('parts') where status = 'ask' and object in ('driver', 'trip');
-- as health() says
do $$
declare
    fix text;
begin
    for fix in select h.fix from realtime_sync.health() h where h.subject ~ '^parts.(drivers|trips)' and h.problem ~ 'partition' loop
        execute fix;
    end loop;
end
$$;
select realtime_sync.fleet_auto_offer('parts');
select count(*) as ill from realtime_sync.health() where subject ~ '^parts.(drivers|trips)' and problem ~ 'partition';
select count(*) as again from realtime_sync.fleet_setup('parts', create_missing => true) where status = 'done';
truncate parts.telemetry_logs, realtime_sync.event;
update parts.drivers set is_online = false;
update parts.trips set status = 'requested';
table parts.told;
-- one more
set search_path = parts;
create table drivers_west (like drivers including all);
insert into drivers_west values (3, 'cora', true, 'west');
alter table drivers attach partition drivers_west for values in ('west');
create table trips_west (like trips including all);
insert into trips_west (id, region) values (3, 'west');
alter table trips attach partition trips_west for values in ('west');
reset search_path;
update parts.drivers set is_online = false where id = 3;
update parts.trips set status = 'canceled' where id = 3;
table parts.told;
select tgrelid::regclass as relation, tgname from pg_trigger where tgrelid::regclass::text ~ '^parts' and tgname ~ '_tell_|_offer' and tgparentid = 0 order by 1, 2;
drop view parts.told;
select count(*) > 0 as removed from realtime_sync.fleet_remove('parts', drop_tables => true);
select count(*) as left_over from pg_trigger where tgrelid::regclass::text ~ '^parts' and not tgisinternal;
drop schema parts cascade;
delete from realtime_sync.fleet_map where schema = 'parts';
truncate realtime_sync.event;
