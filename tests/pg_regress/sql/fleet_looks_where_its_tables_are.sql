-- Promise: of a table that is mapped from another schema, what it sets off by names of its own schema is found in the kit's
-- calls; not if strangers may create there, which is asked about, and said by health().
\set SHOW_CONTEXT never
set client_min_messages = warning;
create role regress_where;
create role regress_where_stranger;
create schema where_app authorization regress_where;
create schema "Where Booked" authorization regress_where;
select count(realtime_sync.allow('regress_where', 'migrate')) + count(realtime_sync.allow('regress_where', 'send', topics => array['*'])) as allowed;
set role regress_where;
create table where_app.drivers (id bigint primary key, user_id text unique, is_online boolean not null default true, lat double precision, lng double precision);
insert into where_app.drivers values (1, 'anna', true, 52.5, 13.4);
set search_path = "Where Booked";
create table trips (
    id bigint primary key, driver_id bigint, passenger_id text, status text not null default 'requested', fare numeric,
    pickup_lat double precision, pickup_lng double precision, created_at timestamptz not null default now(), completed_at timestamptz
);
create table notes (trip_id bigint, status text);
create function note() returns trigger language plpgsql as $$
begin
    insert into notes values (new.id, new.status);
    return new;
end
$$;
create trigger note before update on trips for each row execute function note();
insert into trips (id, passenger_id, pickup_lat, pickup_lng) select n, 'rita', 52.5, 13.4 from generate_series(1, 2) n;
reset search_path;
select (realtime_sync.fleet_map('where_app', 'trip', '"Where Booked".trips')).relation;
select status, object, why from realtime_sync.fleet_setup('where_app', create_missing => true) where status = 'ask';
select distinct s.path
from realtime_sync.fleet_object o
join realtime_sync.fleet_template t on t.kind = o.kind and t.name = o.name and t.template like '%{{path}}%'
join pg_proc p on p.proname = o.actual and p.pronamespace = 'where_app'::regnamespace
cross join lateral unnest(p.proconfig) s(path) where o.schema = 'where_app' and s.path like 'search_path=%';
select count(*) from where_app.offer_trip(1, array[1]);
select state from where_app.accept_offer(1);
select * from "Where Booked".notes order by status;

reset role;
grant create on schema "Where Booked" to regress_where_stranger;
set role regress_where;
select status, object, why, sql from realtime_sync.fleet_setup('where_app', create_missing => true) where status = 'ask';
reset role;
select level, subject, problem, fix from realtime_sync.health() where subject like 'schema%';
set role regress_where;
select where_app.set_trip_status(1, 'arrived');
reset role;
revoke create on schema "Where Booked" from regress_where_stranger;
set role regress_where;
select count(*) > 0 as again from realtime_sync.fleet_setup('where_app', create_missing => true) where status = 'done';
select where_app.set_trip_status(1, 'arrived') ->> 'to' as now;
select count(*) > 0 as removed from realtime_sync.fleet_remove('where_app', drop_tables => true);
reset role;
drop schema where_app, "Where Booked" cascade;
delete from realtime_sync.fleet_map where schema = 'where_app';
select realtime_sync.disallow('regress_where', 'migrate'), realtime_sync.disallow('regress_where', 'send');
drop owned by regress_where, regress_where_stranger;
drop role regress_where, regress_where_stranger;
truncate realtime_sync.event;
