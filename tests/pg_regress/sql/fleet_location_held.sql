-- Promise: where fleet_limit says so, events of places are as far apart as place_seconds, and a fix nearer than place_distance
-- to the place last written waits; the last that does is written when the time is over, once, unless a newer one was.
\set SHOW_CONTEXT never
\set VERBOSITY terse
create schema city;
create table city.drivers (
    id bigint primary key, user_id text unique, is_online boolean not null default true,
    lat double precision, lng double precision, heading real, speed real, location_at timestamptz
);
insert into city.drivers (id, user_id) values (1, 'ada'), (2, 'bob'), (3, 'eve');
select count(*) > 30 as made from realtime_sync.fleet_setup('city', create_missing => true) where status = 'done';
create view throttle as
select substring(pg_get_triggerdef(t.oid) from '"throttle":(\d+)') as throttle
from pg_trigger t where t.tgrelid = 'city.drivers'::regclass and t.tgname = '00_realtime_sync_update';
select throttle from throttle;

-- how far apart the events of places are
insert into realtime_sync.fleet_limit (schema, place_seconds) values ('city', 0.5);
select object, why, sql from realtime_sync.fleet_setup('city', dry_run => true) where status in ('done', 'create');
select throttle from throttle;
select status, object, why from realtime_sync.fleet_setup('city') where status in ('done', 'create');
select status, object, why from realtime_sync.fleet_setup('city') where status in ('done', 'create');
select throttle from throttle;
update realtime_sync.fleet_limit set place_seconds = 0;
select status, object, why from realtime_sync.fleet_setup('city') where status in ('done', 'create');
select throttle from throttle;
update realtime_sync.fleet_limit set place_seconds = 1e9;
update realtime_sync.fleet_limit set place_distance = -1;

-- what is near waits, for an hour
update realtime_sync.fleet_limit set place_seconds = 3600, place_distance = 20;
select status, object, why from realtime_sync.fleet_setup('city') where status in ('done', 'create');
select status, object, why from realtime_sync.fleet_setup('city') where status in ('done', 'create');
create function t(seconds double precision) returns timestamptz language sql immutable as
    $$ select timestamptz '2026-01-31 12:00:00+00' + seconds * interval '1 s' $$;
create view place as
select id, lat, lng, heading, extract(epoch from location_at - t(0))::int as t from city.drivers where lat is not null order by id;
create view held as
select driver_id as id, noted, lat, lng, heading, extract(epoch from recorded_at - t(0))::int as t from city.realtime_held_places order by 1;
select city.update_location(1, 52.52, 13.405, 90, recorded_at => t(0));
select city.update_location(1, 52.5201, 13.405, 91, recorded_at => t(1));
select city.update_location(1, 52.5199, 13.405, 92, recorded_at => t(2));
select * from place;
select * from held;
-- 20 metres from what is written, and not from what waits
select city.update_location(1, 52.52015, 13.405, 93, recorded_at => t(3));
-- older than what waits, but not than what is written
select city.update_location(1, 52.52, 13.405, recorded_at => t(2));
-- 149 metres from what waits, and a second after: within reach, though what is written is 166 metres off; 12 more are not
begin;
select city.update_location(1, 52.52149, 13.405, recorded_at => t(4)) ->> 'reason' as reason;
select * from held;
rollback;
select city.update_location(1, 52.5216, 13.405, recorded_at => t(4)) ->> 'reason' as reason;
-- what is kept by the phone's own id is kept
select city.update_location(1, 52.52, 13.405, recorded_at => t(5), client_id => 'a');
select * from place;
select * from held;
-- a batch's newest too
select city.update_locations('[{"lat": 52.52, "lng": 13.405, "recorded_at": "2026-01-31T12:00:06Z"}, {"lat": 52.52001, "lng": 13.405, "recorded_at": "2026-01-31T12:00:07Z"}]', 1);
select * from held;
-- and one between what is written and what waits is late, and in the trail
select city.update_locations('[{"lat": 52.52, "lng": 13.405, "recorded_at": "2026-01-31T12:00:06.5Z"}]', 1);
select flag from city.driver_locations where recorded_at = t(6.5);
-- nothing is due, and then the last is written, once
select city.realtime_places_due() > now() + interval '50 min' as later;
select * from place;
update city.realtime_held_places set until = now();
select city.realtime_places_due() > now() + interval '50 min' as later;
select * from place;
select * from held;
select city.realtime_places_due() > now() + interval '50 min' as later;
-- of what does not wait nothing is left, nor of a driver who is gone
update city.realtime_held_places set until = now();
select city.realtime_places_due() is null as never;
select city.update_location(2, 1, 1, recorded_at => t(0)) ->> 'reason' as reason;
select city.update_location(3, 1, 1, recorded_at => t(0)) ->> 'reason' as reason;
select city.update_location(3, 1, 1, recorded_at => t(1)) ->> 'reason' as reason;
delete from city.driver_locations where driver_id = 3;
delete from city.drivers where id = 3;
select city.realtime_places_due() > now() + interval '50 min' as later;
update city.realtime_held_places set until = now();
select city.realtime_places_due() is null as never;
-- the time is over and nothing was called: the next is written
select city.update_location(2, 1, 1, recorded_at => t(1)) ->> 'reason' as reason;
select city.update_location(2, 1, 1, recorded_at => t(2)) ->> 'reason' as reason;
update city.realtime_held_places set until = now();
select city.update_location(2, 1, 1.00001, recorded_at => t(3)) ->> 'reason' as reason;
select * from held where id = 2;
select * from place where id = 2;
-- a trigger of the app's that fails for one driver does not stop another
select city.update_location(1, 52.52, 13.405, recorded_at => t(20)) ->> 'reason' as reason;
select city.update_location(1, 52.52, 13.405, recorded_at => t(21)) ->> 'reason' as reason;
select city.update_location(2, 1, 1, recorded_at => t(4)) ->> 'reason' as reason;
update city.realtime_held_places set until = now();
create function refuse() returns trigger language plpgsql as 'begin raise exception ''not %'', new.id; end';
create trigger refuse before update on city.drivers for each row when (new.id = 1) execute function refuse();
select city.realtime_places_due() < now() + interval '1 min' as soon;
select * from place;
-- and is asked again until it does not, unless a newer place has come
drop trigger refuse on city.drivers;
update city.realtime_held_places set until = now() where driver_id = 1;
select city.realtime_places_due() > now() + interval '50 min' as later;
select * from place;
-- also where relay() is called by a role that is nobody to the app
select city.update_location(1, 52.52001, 13.405, recorded_at => t(22)) ->> 'reason' as reason;
update city.realtime_held_places set until = now() where driver_id = 1;
create role regress_cron;
grant usage on schema realtime_sync to regress_cron;
grant execute on function realtime_sync.relay(bigint) to regress_cron;
set role regress_cron;
select sent >= 0 as called from realtime_sync.relay();
reset role;
drop owned by regress_cron;
drop role regress_cron;
select * from place where id = 1;
-- the table is nobody's but the owner's
select relpersistence, relrowsecurity, relacl from pg_class where oid = 'city.realtime_held_places'::regclass;
-- and off again
update realtime_sync.fleet_limit set place_distance = 0;
select status, object, why from realtime_sync.fleet_setup('city') where status in ('done', 'create', 'drop');
select city.update_location(1, 52.52, 13.405, recorded_at => t(30)), city.update_location(1, 52.52, 13.405, recorded_at => t(31));
select * from place where id = 1;
drop view throttle, place, held;
select status, object from realtime_sync.fleet_remove('city', drop_tables => true) where status <> 'done';
select name from realtime_sync.timer;
delete from realtime_sync.fleet_limit;
set client_min_messages = warning;
drop schema city cascade;
drop function t, refuse;
truncate realtime_sync.event;
