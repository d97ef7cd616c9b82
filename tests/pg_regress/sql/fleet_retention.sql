-- Promise: what is older than its table is told to keep goes, in batches of bounded time that read no whole table,
-- without an event of any, and nothing else goes.
\set SHOW_CONTEXT never
set client_min_messages = warning;
create schema attic;
set search_path = attic;
create table drivers (id bigint primary key, is_online boolean);
create table trips (id bigint primary key, driver_id bigint, status text);
create table telemetry_logs (
    id bigint generated always as identity, driver_id bigint not null, type text not null, message text, meta jsonb,
    created_at timestamptz not null, primary key (id, created_at)
) partition by range (created_at);
create table telemetry_old partition of telemetry_logs for values from (minvalue) to ('2020-01-01');
create table telemetry_new partition of telemetry_logs for values from ('2020-01-01') to (maxvalue);
select count(*) > 0 as set_up from realtime_sync.fleet_setup('attic', create_missing => true);
insert into drivers values (43, true);
truncate telemetry_logs;

-- 1,000 are a batch, and each partition has places of the same numbers
insert into telemetry_logs (driver_id, type, created_at) select 43, 'old', '2019-01-01' from generate_series(1, 2500);
insert into telemetry_logs (driver_id, type, created_at) select 43, 'young', now() from generate_series(1, 2500);
insert into driver_locations (driver_id, lat, lng, recorded_at, client_id)
select 43, 1, 1, now() - interval '1 s' * n, 'n' || n from generate_series(1, 20000) n;
insert into trip_offers (trip_id, driver_id, round, state, strategy, timeout, created_at)
select n, 43, 1, 'declined', 'all', '15 s', now() - interval '1 s' * n from generate_series(1, 20000) n;
-- however old, one that can still be answered or opened is no history
insert into trip_offers (trip_id, driver_id, round, state, strategy, timeout, created_at, expires_at)
select n, 43, 1, state, 'all', '1 day', now() - interval '1 day', now() + interval '1 day'
from unnest(array['queued', 'waiting', 'open']) with ordinality s(state, n);
analyze telemetry_logs, driver_locations, trip_offers;
truncate realtime_sync.event;
select realtime_sync.fleet_retain('attic', 'telemetry', '30 days'), realtime_sync.fleet_retain('attic', 'location', '18000 s'), realtime_sync.fleet_retain('attic', 'offer', '18000 s');
select pg_stat_force_next_flush();
begin;
select realtime_retention_due() <= clock_timestamp() + '1 min' as due;
select relname as whole from pg_stat_xact_user_tables where schemaname = 'attic' and seq_scan > 0;
commit;
-- again until all is done
do $$
declare
    calls integer := 0;
begin
    while realtime_retention_due() < clock_timestamp() + interval '30 s' loop
        calls := calls + 1;
        if calls > 100 then
            raise 'retention comes to no end';
        end if;
        update realtime_sync.fleet_retention set due = now() where due < now() + interval '30 s';
    end loop;
end $$;
select type, count(*) from telemetry_logs group by type;
-- the test's own seconds go by
select count(*) between 17000 and 18000 as kept, count(*) filter (where recorded_at < now() - interval '18060 s') as old from driver_locations;
select count(*) between 17000 and 18000 as kept, count(*) filter (where created_at < now() - interval '18060 s') as old from trip_offers where state = 'declined';
select state from trip_offers where state <> 'declined' order by 1;
select "table", type, count(*) from realtime_sync.events group by 1, 2;

-- a call that comes upon very much ends in time, and the next goes on where it was
insert into telemetry_logs (driver_id, type, created_at) select 43, 'old', '2019-01-01'::timestamptz + interval '1 s' * n from generate_series(1, 150000) n;
truncate realtime_sync.event;
update realtime_sync.fleet_retention set due = now();
create temporary table call as select clock_timestamp() as began;
select realtime_retention_due() < clock_timestamp() + '1 s' as again;
select clock_timestamp() - began < '1 s' as in_time from call;
select count(*) between 1000 and 149000 as begun from telemetry_logs where type = 'old';
select reached > '2019-01-01' as reached from realtime_sync.fleet_retention where entity = 'telemetry';

-- late ones are of the next turn, a minute later; of what is kept for ever none
truncate telemetry_logs;
update realtime_sync.fleet_retention set due = now();
select realtime_retention_due() > clock_timestamp() + '50 s' as later;
insert into telemetry_logs (driver_id, type, created_at) values (43, 'late', '2018-01-01');
update realtime_sync.fleet_retention set due = now();
select realtime_retention_due() > clock_timestamp() + '50 s' as later;
select count(*) from telemetry_logs;
-- longer than there is time
select realtime_sync.fleet_retain('attic', 'telemetry', '9999 years');
\echo :SQLSTATE
select count(realtime_sync.fleet_retain('attic', e, null)) from unnest(array['telemetry', 'location', 'offer']) e;
select realtime_retention_due();
select realtime_sync.fleet_retain('attic', 'wallet', '1 day');
\echo :SQLSTATE

reset search_path;
select count(*) > 0 as removed from realtime_sync.fleet_remove('attic', drop_tables => true);
drop schema attic cascade;
truncate realtime_sync.event;
