-- Promise: replay() and cursor() work READ ONLY, in REPEATABLE READ and SERIALIZABLE transactions, and give what the
-- transaction's snapshot sees; data loaded there and what replay() gives from its cursor on have no gap and no overlap.
create table rides (id int primary key, n int);
select relation from realtime_sync.enable('rides');
insert into rides values (1, 0), (2, 0);
select sent from realtime_sync.relay();
create function ids(since text) returns text[] language sql as
    $$ select array(select e->'new'->>'id' || '=' || coalesce(e->'new'->>'n', '') from json_array_elements(realtime_sync.replay(since)->'events') e) $$;

-- committed before the load and not ticked yet: the data has it, replay leaves it out
update rides set n = 1 where id = 1;
begin isolation level repeatable read, read only;
select realtime_sync.cursor() as loaded \gset
select * from rides order by id;
select ids(:'loaded');
commit;
update rides set n = 2 where id = 2;
select sent from realtime_sync.relay();
select ids(:'loaded');
-- the cursor it gives has passed the load, so it needs the load's snapshot no more
select realtime_sync.replay(:'loaded')->>'cursor' ~ '/' as carries_snapshot;
update rides set n = 3 where id = 1;
select sent from realtime_sync.relay();
select ids(:'loaded'), ids(realtime_sync.replay(:'loaded', max_events => 1)->>'cursor');

begin isolation level serializable, read only;
select ids(:'loaded');
select position('/' in realtime_sync.cursor()) > 0 as carries_snapshot;
commit;

-- another that changed what it read is in its way, as with any read
begin isolation level serializable;
select position('/' in realtime_sync.cursor()) > 0 as carries_snapshot;
select distinct regexp_replace(l.relation::regclass::text, '_[0-9]', '_n') as read, l.locktype
from pg_locks l where l.mode = 'SIReadLock' and l.pid = pg_backend_pid() order by 1, 2;
commit;

-- what a transaction writes after its own cursor comes
begin;
update rides set n = 4 where id = 1;
-- an id after its own has ended, so its own is below the snapshot's end
savepoint s;
update rides set n = 0 where id = 2;
rollback to s;
select realtime_sync.cursor() as own \gset
update rides set n = 5 where id = 2;
commit;
select sent from realtime_sync.relay();
select ids(:'own');

-- the settings its plans are made under are not left behind
select realtime_sync.cursor() as here \gset
begin;
set local enable_seqscan = on;
set local plan_cache_mode = force_custom_plan;
select ids(:'loaded');
select name, setting, source from pg_settings
where name in ('enable_seqscan', 'enable_bitmapscan', 'enable_sort', 'jit', 'enable_hashjoin') and source = 'session' order by 1;
commit;
-- nor does a session that wants plans for each call have the log read as a whole
begin;
analyze realtime_sync.event, realtime_sync.tick;
set local plan_cache_mode = force_custom_plan;
create function scans() returns numeric language sql as $$
    select sum(seq_scan) from pg_stat_xact_user_tables
    where schemaname = 'realtime_sync' and relname ~ '^(event|tick)_'
$$;
select scans() as before \gset
select ids(:'loaded');
select scans() - :before as read_as_a_whole;
-- while what it runs, such as a policy's function, has the session's
create role planner;
grant usage on schema realtime_sync to planner;
grant select on realtime_sync.event, realtime_sync.tick, realtime_sync.floor to planner;
grant execute on function realtime_sync.replay(text, text[], integer) to planner;
create function planned() returns boolean language sql volatile as $$
    select set_config('test.mode', current_setting('plan_cache_mode'), true) is not null
$$;
create policy planned on realtime_sync.event for select to planner using (planned());
set local role planner;
select ids(:'loaded');
reset role;
select current_setting('test.mode') as of_the_policy, current_setting('plan_cache_mode') as of_the_session;
rollback;
-- a hostile search_path decides nothing
create schema hostile;
create function hostile.never(xid8, xid8) returns boolean language sql as $$ select 1 / 0 = 1 $$;
create operator hostile.>= (leftarg = xid8, rightarg = xid8, function = hostile.never);
create operator hostile.< (leftarg = xid8, rightarg = xid8, function = hostile.never);
create operator hostile.= (leftarg = xid8, rightarg = xid8, function = hostile.never);
set search_path = hostile, public, pg_catalog;
select ids(:'loaded');
reset search_path;
drop schema hostile cascade;
drop table rides;
drop function ids;
truncate realtime_sync.event;
