-- After fleet_auto_offer(), a booking is offered as it is made, and never fails because of it.
set client_min_messages = warning;
\set SHOW_CONTEXT never
create schema auto;
select realtime_sync.fleet_auto_offer('auto');
select count(*) > 0 as made from realtime_sync.fleet_setup('auto', create_missing => true);
set search_path = auto;
insert into drivers (id, user_id, is_online, status, lat, lng) overriding system value
select n, 'u' || n, true, 'available', 52.5 + n * 0.001, 13.4 from generate_series(1, 3) n;
create view offers as select trip_id, driver_id, state, strategy, timeout from trip_offers order by id;

insert into trips (id, pickup_lat, pickup_lng) overriding system value values (1, 52.5, 13.4);
select * from offers;
select realtime_sync.fleet_auto_offer('auto', max_drivers => 2, timeout => '10 s', strategy => 'one_by_one');
select tgname, pg_get_triggerdef(oid) from pg_trigger where tgrelid = 'trips'::regclass and tgname = 'zz_realtime_auto_offer';
insert into trips (id, pickup_lat, pickup_lng) overriding system value values (2, 52.5, 13.4);
-- Not one that has a driver, or is over.
insert into trips (id, driver_id, status, pickup_lat, pickup_lng) overriding system value
values (3, 1, 'requested', 52.5, 13.4), (4, null, 'completed', 52.5, 13.4);
select * from offers;
select id, status from trips order by id;
-- One that cannot be offered is booked all the same.
set client_min_messages = error;
insert into trips (id) overriding system value values (5) returning id;
alter table trips rename id to "Id";
insert into trips ("Id", pickup_lat, pickup_lng) overriding system value values (8, 52.5, 13.4) returning "Id";
alter table trips rename "Id" to id;
set client_min_messages = warning;
insert into trips (id, driver_id, pickup_lat, pickup_lng) overriding system value values (7, 1, 52.5, 13.4);
update trips set driver_id = null where id = 7;
-- What no booking could be offered with is refused at once, as offer_trip() does.
create function not_so(bigint) returns boolean language sql as 'select true';
create function somebodys(bigint, bigint) returns boolean language sql as 'select true';
create role regress_somebody;
alter function somebodys owner to regress_somebody;
\set VERBOSITY terse
do $$
declare
    arguments text;
    told text;
begin
    foreach arguments in array array[
        'strategy => ''best''', 'strategy => null', 'timeout => ''-1 s''', 'timeout => null', 'max_drivers => -3', 'max_drivers => null',
        'hold => ''0''', 'eligible => ''now()''', 'eligible => ''not_so(bigint)''', 'eligible => ''somebodys(bigint, bigint)''', 'radius_m => -1'
    ] loop
        told := '';
        begin
            execute format('select count(*) from offer_trip(7, %s)', arguments);
        exception when others then
            told := format('%s %s', sqlstate, sqlerrm);
        end;
        begin
            execute format('select realtime_sync.fleet_auto_offer(''auto'', %s)', arguments);
            raise warning '%: taken', arguments;
        exception when others then
            raise warning '%: %, as offer_trip(): %', arguments, sqlstate || ' ' || sqlerrm, told = format('%s %s', sqlstate, sqlerrm);
        end;
    end loop;
end
$$;
\set VERBOSITY default

select realtime_sync.fleet_auto_offer('auto', false);
insert into trips (id, pickup_lat, pickup_lng) overriding system value values (6, 52.5, 13.4);
select count(*) from offers where trip_id > 2;
select count(*) from pg_trigger where tgrelid = 'trips'::regclass and tgname like '%realtime%offer';
-- A trigger of the app's own is left alone.
create trigger zz_realtime_auto_offer after insert on trips for each row execute function realtime_auto_offer('{}');
select realtime_sync.fleet_auto_offer('auto');
reset search_path;
drop schema auto cascade;
drop role regress_somebody;
select count(*) > 0 as removed from realtime_sync.fleet_remove('auto');
