-- Promise: replay() gives a role the events its policies let it read and no others, big ticks and parts included; it needs
-- allow(role, 'read') and nothing more, and disallow() takes that back.
\set VERBOSITY terse
create role rider;
create table stops (id int primary key, rider int);
select relation from realtime_sync.enable('stops', topics => array['rider:{rider}']);
-- who may call cursor() and not read the tables behind it gets nothing out of them
select realtime_sync.send('other', 'before', null) > 0 as sent;
select sent from realtime_sync.relay();
select split_part(realtime_sync.cursor(), '/', 1) as newest \gset
grant usage on schema realtime_sync to rider;
grant execute on function realtime_sync.cursor() to rider;
set role rider;
select realtime_sync.cursor();
reset role;
grant select on realtime_sync.tick to rider;
set role rider;
select realtime_sync.cursor();
reset role;
-- some columns are enough; rows that a policy hides are not there
grant select (timeline, wal_timeline, position, snapshot) on realtime_sync.floor to rider;
set role rider;
select split_part(realtime_sync.cursor(), '/', 1) = :'newest' as newest;
reset role;
begin;
alter table realtime_sync.tick enable row level security;
set local role rider;
select split_part(realtime_sync.cursor(), '/', 1) < :'newest' as older;
rollback;
revoke select (timeline, wal_timeline, position, snapshot) on realtime_sync.floor from rider;
revoke select on realtime_sync.tick from rider;
revoke execute on function realtime_sync.cursor() from rider;
revoke usage on schema realtime_sync from rider;

select realtime_sync.cursor() as start \gset
set role rider;
select realtime_sync.cursor();
select realtime_sync.replay(:'start');
reset role;
select realtime_sync.allow('rider', 'read', array['rider:{jwt.sub}', 'news']);

create function seen(since text, topics text[] default null, max_events int default 1000) returns text language plpgsql as $$
declare
    answer json;
    seen text := '';
begin
    loop
        answer := realtime_sync.replay(since, topics, max_events);
        seen := seen || coalesce((select string_agg(coalesce(e->'new'->>'id', e->>'payload'), ' ') from json_array_elements(answer->'events') e), '') || '|';
        exit when not (answer->>'more')::boolean;
        since := answer->>'cursor';
    end loop;
    return seen;
end
$$;
insert into stops select n, n % 3 from generate_series(1, 12) n;
select realtime_sync.send('news', 'n', '"hello"') > 0 as sent;
insert into stops select n, n % 3 from generate_series(13, 15) n;
select sent from realtime_sync.relay();
insert into stops values (16, 1), (17, 2);
select sent from realtime_sync.relay();
update realtime_sync.tick set events = null where events = 16;

set role rider;
set request.jwt.claims = '{"sub": "1"}';
select seen(:'start');
select seen(:'start', max_events => 2);
select seen(:'start', array['rider:*'], 2);
select seen(:'start', array['rider:2', 'news']);
set request.jwt.claims = '{"sub": "2"}';
select seen(:'start'), seen(:'start', max_events => 2);
reset request.jwt.claims;
select seen(:'start');
reset role;
select seen(:'start'), seen(:'start', max_events => 5);
-- the plan that is kept is not the one of another role
set role rider;
select seen(:'start');
reset role;
select realtime_sync.disallow('rider', 'read');
select realtime_sync.disallow('rider', 'read', array['rider:{jwt.sub}', 'news']);
set role rider;
select realtime_sync.replay(:'start');
reset role;
select has_table_privilege('rider', 'realtime_sync.tick', 'select') or has_table_privilege('rider', 'realtime_sync.floor', 'select')
    or has_function_privilege('rider', 'realtime_sync.cursor()', 'execute') as left_behind;
drop table stops;
drop function seen;
drop owned by rider;
drop role rider;
truncate realtime_sync.event;
