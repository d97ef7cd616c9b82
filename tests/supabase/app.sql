-- A project as Supabase lays it out: its three roles, an app's schema, the kit set up by a role that is no superuser.
create role anon;
create role authenticated;
create role authenticator login noinherit;
grant anon, authenticated to authenticator;
create role migrator;
create extension realtime_sync;
grant create, usage on schema public to migrator;
select realtime_sync.allow('migrator', 'migrate'), realtime_sync.allow('migrator', 'send', array['*']);
set role migrator;
select count(*) from realtime_sync.fleet_setup('public', create_missing => true);
reset role;
select count(*) from realtime_sync.fleet_allow('public', 'authenticated');
grant usage on schema public, realtime_sync to anon;
insert into drivers (user_id, name, is_online, status, lat, lng) values
    ('00000000-0000-0000-0000-00000000000a', 'Anna', true, 'available', 52.5, 13.4),
    ('00000000-0000-0000-0000-00000000000b', 'Bert', true, 'available', 52.501, 13.4);
insert into passengers (user_id, name) values ('00000000-0000-0000-0000-00000000000c', 'Paul');
insert into trips (passenger_id, pickup_lat, pickup_lng, earnings) select 1, 52.5, 13.4, 9.5 from generate_series(1, 6);
