-- Promise: a trip's step that the app itself takes, by an update of its own, is told as those of the kit's calls are; and
-- an update is never refused because of it.
set client_min_messages = warning;
\set SHOW_CONTEXT never
create role regress_backend;
create schema told;
set search_path = told;
create table drivers (id bigint primary key, user_id text, is_online boolean default true, status text default 'available', lat float8, lng float8);
create table passengers (id bigint primary key, user_id text);
create table trips (
    id bigint primary key, driver_id bigint references drivers, passenger_id bigint references passengers, status text default 'requested',
    pickup_lat float8, pickup_lng float8, fare numeric, created_at timestamptz
);
reset search_path;
select status, object, why from realtime_sync.fleet_setup('told', create_missing => true, dry_run => true) where object ~ 'tell_trip|trigger' order by step;
select count(*) > 0 as made from realtime_sync.fleet_setup('told', create_missing => true);
select status, count(*) from realtime_sync.fleet_setup('told', create_missing => true) where status not in ('found', 'skip') group by status;
set search_path = told;
select pg_get_triggerdef(oid) from pg_trigger where tgrelid = 'trips'::regclass and tgname !~ '^(RI|00_realtime_sync)';
insert into drivers select n, 'u' || n from generate_series(1, 5) n;
insert into passengers select n, 'p' || n from generate_series(1, 3) n;
insert into trips (id, passenger_id, created_at) select n, 1 + n % 3, now() - interval '1 minute' from generate_series(1, 40) n;
-- What the app sees of its own updates: the oracle.
create table seen (
    n bigint generated always as identity, was bigint, trip bigint, from_status text, to_status text, old_driver bigint, driver bigint, old_passenger bigint,
    passenger bigint, created_at timestamptz
);
create function see() returns trigger language plpgsql security definer as $$
begin
    insert into told.seen (was, trip, from_status, to_status, old_driver, driver, old_passenger, passenger, created_at)
    values (old.id, new.id, old.status, new.status, old.driver_id, new.driver_id, old.passenger_id, new.passenger_id, old.created_at);
    return null;
end
$$;
create trigger see after update on trips for each row when (old.status is distinct from new.status) execute function see();
create view events as
select topics[1] as topic, payload ->> 'trip_id' as trip, payload ->> 'from' as "from", payload ->> 'to' as "to", payload ->> 'state' as state,
    payload ->> 'driver_id' as driver, payload ->> 'passenger_id' as passenger
from realtime_sync.event where event = 'trip.status' order by id;
create view offers as
select trip_id as trip, driver_id as driver, state, reason, answered_by from trip_offers order by id;

-- By a role that may update the trips and nothing else.
grant usage on schema told to regress_backend;
grant select, update on trips to regress_backend;
truncate realtime_sync.event;
set role regress_backend;
set request.jwt.claims = '{"sub": "u1"}';
update trips set status = 'accepted', driver_id = 1 where id = 1;
reset role;
reset request.jwt.claims;
select * from events;
select trip_id, from_status, to_status, actor, duration between '60 s' and '120 s' as duration from trip_status_changes;
select distinct (e.payload ->> 'duration_s')::numeric = round(extract(epoch from c.duration), 3) as duration, (e.payload ->> 'at')::timestamptz = c.at as at
from realtime_sync.event e, trip_status_changes c where e.event = 'trip.status';
-- The change itself comes first.
select type, event, topics from realtime_sync.events where schema = 'told' or event = 'trip.status' order by id limit 2;

-- Another driver with the step: both hear. No step: nothing.
truncate realtime_sync.event;
update trips set status = 'arriving', driver_id = 2 where id = 1;
update trips set fare = 1, status = status where id = 1;
update trips set driver_id = 2 where id = 1;
insert into trips values (1, 1, 1, 'arriving') on conflict (id) do update set status = excluded.status;
insert into trips values (1, 1, 1, 'arrived') on conflict (id) do update set status = excluded.status;
select * from events;
-- No status, a word that trip_transitions does not know, another id, another passenger.
truncate realtime_sync.event;
update trips set status = null where id = 1;
update trips set status = 'lost' where id = 1;
update trips set status = 'requested', id = 101, driver_id = null, passenger_id = 2 where id = 1;
select * from events;
select trip_id, from_status, to_status, duration is not null as duration from trip_status_changes order by id desc limit 3;

-- Several steps in one transaction; what is rolled back was not.
truncate realtime_sync.event;
begin;
update trips set status = 'accepted', driver_id = 1 where id = 2;
savepoint a;
update trips set status = 'canceled' where id = 2;
rollback to a;
update trips set status = 'arriving' where id = 2;
commit;
begin;
update trips set status = 'arrived' where id = 2;
rollback;
select "from", "to" from events where topic = 'trip:2';

-- Its offers: taken if somebody has it, canceled if nobody can accept it, open as long as one can.
select count(*) as offers from generate_series(3, 6) n, offer_trip(n, array[3, 4]);
truncate realtime_sync.event;
update trips set status = 'accepted', driver_id = 5 where id = 3;
update trips set status = 'canceled' where id = 4;
update trips set status = 'lost' where id = 5;
update trips set status = 'requested' where id = 6;
select * from offers;
select topics[1] as topic, event, payload ->> 'trip_id' as trip from realtime_sync.event where event ~ '^trip' and topics[1] ~ 'driver|trip' order by id;
select accept_offer(id) from trip_offers where trip_id = 3 and driver_id = 3;
select (accept_offer(id)).state from trip_offers where trip_id = 6 and driver_id = 3;
select * from offers where trip = 6;

-- The app's own AFTER trigger goes on with the row, whatever its name: told in the order of the steps.
create function bump() returns trigger language plpgsql as $$
begin
    update told.trips set status = 'arriving' where id = new.id;
    return null;
end
$$;
create trigger bump after update on trips for each row when (old.status = 'requested' and new.status = 'accepted') execute function bump();
insert into trips (id, passenger_id, status) values (300, 1, 'requested');
truncate realtime_sync.event;
update trips set status = 'accepted', driver_id = 4 where id = 300;
select "from", "to" from events where topic = 'trip:300';
select from_status, to_status, duration >= '0' as after_the_one_before from trip_status_changes where trip_id = 300 order by id;
drop trigger bump on trips;
delete from trips where id = 300;

-- The guard refuses, and nothing is told.
truncate realtime_sync.event;
select realtime_sync.fleet_check_status('told');
update trips set status = 'completed' where id = 7;
update trips set status = 'canceled' where id = 7;
select topic, "from", "to" from events where topic ~ 'trip';
-- It judges what the app's own BEFORE triggers make of the row.
create function leap() returns trigger language plpgsql as $$
begin
    new.status := 'completed';
    return new;
end
$$;
create trigger z_leap before update of fare on trips for each row execute function leap();
insert into trips (id, passenger_id, status) values (301, 1, 'requested');
update trips set fare = 1 where id = 301;
update trips set status = 'canceled', fare = 1 where id = 301;
drop trigger z_leap on trips;
delete from trips where id = 301;
select realtime_sync.fleet_check_status('told', false);

-- By itself offered as it is booked.
update drivers set lat = 52.5, lng = 13.4;
truncate realtime_sync.event;
select realtime_sync.fleet_auto_offer('told', max_drivers => 1);
insert into trips (id, passenger_id, pickup_lat, pickup_lng) values (200, 1, 52.5, 13.4);
select topic, "from", "to" from events where topic ~ 'trip';
select realtime_sync.fleet_auto_offer('told', false);

-- Many steps of many trips, one statement or one by one, by hand and by the kit: what the app saw, and nothing else.
update trips set status = 'canceled' where id between 8 and 40;
truncate realtime_sync.event, seen restart identity;
truncate trip_status_changes;
update trips set status = 'requested', driver_id = null where id between 8 and 40;
update trips set status = 'accepted', driver_id = 1 + id % 3, passenger_id = case when id % 4 <> 0 then passenger_id end where id between 8 and 40;
update trips set status = (array['arriving', 'lost', null])[1 + id % 3] where id between 8 and 40;
update trips set driver_id = case when id % 3 = 0 then 5 end, status = case when id % 5 = 0 then status else 'arrived' end where id between 8 and 40;
update trips set status = 'completed' where id between 8 and 40;
select count(*) as offers from offer_trip(101, array[4]);
select (accept_offer(id)).state from trip_offers where trip_id = 101;
select set_trip_status(101, 'canceled') ->> 'to' as status;
select count(*) as steps from seen;
create view expected as
select s.n, r.topic
from seen s
left join drivers d on d.id = s.driver
left join drivers o on o.id = s.old_driver
left join passengers p on p.id = s.passenger
left join passengers q on q.id = s.old_passenger
cross join lateral (
    values ('trip:' || s.trip), ('trip:' || s.was), ('driver:' || s.driver), ('driver:' || s.old_driver), ('passenger:' || s.passenger),
        ('passenger:' || s.old_passenger), ('user:' || d.user_id), ('user:' || o.user_id), ('user:' || p.user_id), ('user:' || q.user_id)
) r(topic)
where r.topic is not null
group by s.n, r.topic;
create view steps as
select row_number() over (order by c.id) as n, c.*, lag(c.at) over (partition by c.trip_id order by c.id) as before from trip_status_changes c;
-- In the order of the steps: the trigger see comes after, in each statement row by row as well.
select count(*) as history_differs
from (select n, trip, from_status, to_status from seen) s full join (select n, trip_id as trip, from_status, to_status from steps) h using (n)
where (s.trip, s.from_status, s.to_status) is distinct from (h.trip, h.from_status, h.to_status);
select count(*) as durations_differ from steps h join seen s using (n)
where h.duration is distinct from h.at - coalesce(h.before, s.created_at);
-- An event knows its step by the trip and the time.
select count(*) as events_differ
from (select n, topic from expected) x
full join (
    select h.n, e.topics[1] as topic
    from realtime_sync.event e
    left join steps h on h.trip_id = (e.payload ->> 'trip_id')::bigint and h.at = (e.payload ->> 'at')::timestamptz
        and h.from_status is not distinct from e.payload ->> 'from' and h.to_status is not distinct from e.payload ->> 'to'
        and round(extract(epoch from h.duration), 3) is not distinct from (e.payload ->> 'duration_s')::numeric
    left join seen s on s.n = h.n and s.driver is not distinct from (e.payload ->> 'driver_id')::bigint
        and s.passenger is not distinct from (e.payload ->> 'passenger_id')::bigint
    where e.event = 'trip.status' and s.n is not null
) e using (n, topic)
where x.n is null or e.n is null;
select count(*) = (select count(*) from expected) as no_more from realtime_sync.event where event = 'trip.status';

-- What cannot be told is a warning, and the app's step is taken; the kit's own fails, and nothing is changed.
truncate realtime_sync.event;
truncate trip_status_changes;
alter table trip_status_changes add room text not null;
update trips set status = 'requested', driver_id = null where id = 8;
\set VERBOSITY terse
select count(*) as offers from offer_trip(8, array[2]);
select set_trip_status(8, 'accepted');
\set VERBOSITY default
select id, status, driver_id from trips where id = 8;
select state from trip_offers where trip_id = 8;
select count(*) as told from events;
alter table trip_status_changes drop room;
drop table trip_status_changes cascade;
update trips set status = 'in_progress' where id = 8;
select status, object from realtime_sync.fleet_setup('told', create_missing => true) where status in ('done', 'ask');
update trips set status = 'completed' where id = 8;
select topic, "from", "to" from events where topic ~ 'trip';

-- The history is read by its index, however small it was when the session began.
vacuum analyze trip_status_changes;
select pg_stat_force_next_flush();
begin;
update trips set status = 'canceled' where id between 9 and 40;
select seq_scan as whole_history_read from pg_stat_xact_user_tables where relid = 'trip_status_changes'::regclass;
commit;
truncate realtime_sync.event;

-- As is that of a table which has another name since; the trips themselves may.
alter table drivers rename to chauffeurs;
update trips set status = 'requested', driver_id = null where id = 9;
select count(*) > 0 as made_again from realtime_sync.fleet_setup('told', create_missing => true) where status = 'done';
alter table trips rename to rides;
update rides set status = 'canceled' where id = 9;
select topic, "from", "to" from events where topic = 'trip:9';
select count(*) > 0 as made_again from realtime_sync.fleet_setup('told', create_missing => true) where status = 'done';

drop trigger see on rides;
alter table rides rename status to state;
alter table rides rename id to "Id";
update rides set state = 'requested' where "Id" = 9;
alter table rides rename "Id" to id;
alter table rides rename state to status;
update rides set status = 'canceled' where id = 9;

-- Off: for a load, for a while, and row events alone.
truncate realtime_sync.event;
set session_replication_role = replica;
update rides set status = 'requested' where id = 9;
reset session_replication_role;
alter table rides disable trigger "00_realtime_tell_trip";
update rides set status = 'canceled' where id = 9;
select set_trip_status(200, 'canceled') is null as untold;
select count(*) > 0 as made_again from realtime_sync.fleet_setup('told', create_missing => true) where status = 'done' and object ~ 'trigger';
select count(*) as told from events;
alter table rides enable trigger "00_realtime_tell_trip";
select realtime_sync.disable('rides') as disabled;
update rides set status = 'requested' where id = 9;
select topics[1] as topic, event from realtime_sync.event order by id;
-- Of a kit without it, as an app's own hand leaves it.
drop trigger "00_realtime_tell_trip" on rides;
select status, object, why from realtime_sync.fleet_setup('told', create_missing => true) where status = 'done' and object ~ 'trigger';
-- Of a kit that was set up under the names of before: each step is told once.
update realtime_sync.fleet_object set name = 'realtime_trip_status', actual = 'realtime_trip_status'
where schema = 'told' and name = '00_realtime_tell_trip';
alter trigger "00_realtime_tell_trip" on rides rename to realtime_trip_status;
select status, object, why from realtime_sync.fleet_setup('told', create_missing => true, dry_run => true) where object ~ 'trigger' and status <> 'exists';
select status, object, why from realtime_sync.fleet_setup('told', create_missing => true) where object ~ 'trigger' and status <> 'exists';
truncate realtime_sync.event;
update rides set status = 'canceled' where id = 9;
select topic, "from", "to" from events where topic = 'trip:9';
select realtime_sync.fleet_check_status('told');
select realtime_sync.fleet_auto_offer('told');
update realtime_sync.fleet_object set actual = name where schema = 'told' and actual ~ '^zz_';
alter trigger zz_realtime_check_trip_status on rides rename to realtime_check_trip_status;
alter trigger zz_realtime_auto_offer on rides rename to realtime_auto_offer;
select realtime_sync.fleet_check_status('told');
select tgname from pg_trigger where tgrelid = 'told.rides'::regclass and tgname ~ 'realtime' order by tgname;
select count(*) > 0 as removed from realtime_sync.fleet_remove('told', drop_tables => true);
select tgname from pg_trigger where tgrelid = 'told.rides'::regclass and tgname !~ '^RI' order by tgname;
update rides set status = 'canceled' where id = 9;
reset search_path;
drop schema told cascade;
truncate realtime_sync.event;

-- An enum, text ids in camel case, no passengers at all; the app has a trigger of that name.
create schema told;
set search_path = told;
create type "RideStatus" as enum ('REQUESTED', 'ACCEPTED', 'DONE', 'CANCELLED');
create table "Driver" (id text primary key, "userId" text, "isOnline" boolean not null default true);
create table "Ride" (
    id text primary key, "driverId" text references "Driver", status "RideStatus", "createdAt" timestamp(3) default now()
);
create function mine() returns trigger language plpgsql as 'begin return null; end';
create trigger "00_realtime_tell_trip" after insert on "Ride" for each row execute function mine();
reset search_path;
select object, why from realtime_sync.fleet_setup('told', create_missing => true) where object ~ 'trigger';
set search_path = told;
insert into "Driver" values ('ann', 'a'), ('bob', 'b');
insert into "Ride" values ('r-1', null, 'REQUESTED');
truncate realtime_sync.event;
update "Ride" set status = 'ACCEPTED', "driverId" = 'bob';
update "Ride" set status = 'DONE', "driverId" = 'ann';
select topics[1] as topic, payload::jsonb - '{at,duration_s}'::text[] as payload from realtime_sync.event where event = 'trip.status' order by id;
reset search_path;
select count(*) > 0 as removed from realtime_sync.fleet_remove('told', drop_tables => true);
select tgname from pg_trigger where tgrelid = 'told."Ride"'::regclass and tgname !~ '^RI';
drop schema told cascade;
truncate realtime_sync.event;

-- Partitioned, of uuids, riders who are their logins.
create schema told;
set search_path = told;
create table drivers (id uuid primary key, user_id uuid, is_online boolean);
create table trips (
    id uuid primary key, driver_id uuid, rider_id uuid, status varchar(20), created_at timestamptz
) partition by hash (id);
create table trips_a (status varchar(20), created_at timestamptz, rider_id uuid, driver_id uuid, id uuid not null);
alter table trips attach partition trips_a for values with (modulus 2, remainder 0);
create table trips_b partition of trips for values with (modulus 2, remainder 1);
reset search_path;
select (realtime_sync.fleet_map('told', 'trip', 'told.trips', '{"passenger": "rider_id"}')).relation;
select object, why from realtime_sync.fleet_setup('told', create_missing => true) where object ~ 'trigger' or status = 'ask';
set search_path = told;
insert into drivers values ('00000000-0000-0000-0000-00000000000d', '00000000-0000-0000-0000-00000000000e', true);
insert into trips (id, rider_id, status) select ('00000000-0000-0000-0000-00000000000' || n)::uuid, '00000000-0000-0000-0000-00000000000f', 'requested' from generate_series(1, 4) n;
select count(distinct tableoid) as partitions from trips;
truncate realtime_sync.event;
update trips set status = 'accepted', driver_id = '00000000-0000-0000-0000-00000000000d';
select topics[1] as topic, payload ->> 'trip_id' as trip, payload ->> 'from' as "from" from realtime_sync.event where event = 'trip.status' order by 2, 1;
reset search_path;
select count(*) > 0 as removed from realtime_sync.fleet_remove('told', drop_tables => true);
drop schema told cascade;
truncate realtime_sync.event;
drop role regress_backend;
