-- Promise: allow(role, 'read', topics) shows a role the events of those topics and no other; claims are
-- the caller's own and never act as wildcards; disallow() takes back exactly what allow() gave.
\set SHOW_CONTEXT never
truncate realtime_sync.event;
create role reader;
insert into realtime_sync.event (topics, event, payload)
select array[t], 'e', 'null'
from unnest(array[
    'drivers', 'drivers:7', 'drivers:*', 'drivers:', 'drivers:70', 'trip:1', 'trips', 'org:9:jobs', 'org:90:jobs', 'inbox:reader', '{a}', 'it''s \'
]) t;
insert into realtime_sync.event (topics, event, payload) values (array['drivers:7', 'trip:2'], 'two', 'null');

-- what the reader sees, with which claims
create function seen(claims text) returns text
language plpgsql as $$
begin
    perform set_config('request.jwt.claims', claims, true);
    set local role reader;
    begin
        return (select coalesce(string_agg(array_to_string(topics, '+'), ', ' order by id), 'nothing') from realtime_sync.events);
    exception when insufficient_privilege then
        return 'permission denied';
    end;
end
$$;

select seen('{}');
select realtime_sync.allow('reader', 'read', array['drivers']);
select seen('{}');
select realtime_sync.allow('reader', 'read', array['drivers:{jwt.sub}']);
select seen('{}');
select seen('{"sub": "7"}');
select seen('{"sub": 7}');
select seen('{"sub": "*"}');
select seen('{"sub": ""}');
select seen('{"sub": null}');
select seen('{"sub": ["7"]}');
select seen('');
select seen('no JSON');
select seen('{"sub": "7'' or true --"}');
select realtime_sync.disallow('reader', 'read', array['drivers', 'drivers:{jwt.sub}', 'never given']);
select seen('{"sub": "7"}');

-- beginnings, nested claims, names with dots, the role itself, literal signs
select realtime_sync.allow('reader', 'read', array['trip:*']);
select seen('{}');
select realtime_sync.allow('reader', 'read', array['org:{jwt.app.org}:*']);
select seen('{"app": {"org": "9"}}');
select seen('{"app.org": "9"}');
select seen('{"app": {"org": ""}}');
select seen('{"app": {"org": "9:jobs"}}');
select seen('{"app": {"org": "%"}}');
select realtime_sync.disallow('reader', 'read');
select realtime_sync.allow('reader', 'read', array['inbox:{user}', '{{a}}', 'it''s \']);
select seen('{}');
select realtime_sync.allow('reader', 'read', array['*']);
select seen('{}') like '%drivers:70%' as everything;
select realtime_sync.disallow('reader', 'read');
select seen('{}');

-- twice is once; the order stays
select realtime_sync.allow('reader', 'read', array['b', 'a', 'b']);
select realtime_sync.allow('reader', 'read', array['a', 'c']);
select policyname, roles, cmd, permissive from pg_policies where tablename = 'event' and permissive = 'PERMISSIVE';
select * from realtime_sync.permission;
-- unchanged: no lock on the log
begin;
select realtime_sync.allow('reader', 'read', array['a']);
select count(*) from pg_locks
where pid = pg_backend_pid() and relation = 'realtime_sync.event'::regclass and mode = 'AccessExclusiveLock';
rollback;
-- a renamed role keeps its topics
alter role reader rename to "Reader ""2""";
select realtime_sync.allow('"Reader ""2"""', 'read', array['d']);
-- and a new role of the old name has its own
create role reader;
select realtime_sync.allow('reader', 'read', array['e']);
select role, topics, policy ~ '^read [0-9a-f]{32}$' as other_name from realtime_sync.permission order by role::text;
select realtime_sync.disallow('reader', 'read');
drop role reader;
alter role "Reader ""2""" rename to reader;
select realtime_sync.disallow('reader', 'read', array['a', 'b', 'c', 'd']);
select count(*) from pg_policies where tablename = 'event' and permissive = 'PERMISSIVE';

-- what DROP OWNED or a careless hand has taken is given again
select realtime_sync.allow('reader', 'read', array['drivers']);
drop policy "read reader" on realtime_sync.event;
select seen('{}');
select level, subject, problem, fix from realtime_sync.health() where subject = 'role reader';
select realtime_sync.allow('reader', 'read', array['drivers']);
select seen('{}');
drop owned by reader;
select realtime_sync.allow('reader', 'read', array['drivers']);
select seen('{}');
select realtime_sync.disallow('reader', 'read');

-- claims are read once a query, not once a row; a literal is no subquery at all
select realtime_sync.allow('reader', 'read', array['drivers:{jwt.sub}', 'org:{jwt.org}:*']);
create function plan(query text) returns setof text language plpgsql as $$
begin
    return query execute 'explain (verbose, costs off) ' || query;
end
$$;
set role reader;
select count(*) filter (where line like '%InitPlan%') > 0 as init_plans,
    count(*) filter (where line like '%Filter:%claim%') as filters_with_claims,
    count(*) filter (where line like '%Index Cond:%xid%id%') as index_conditions
from plan($$select native from realtime_sync.events where xid = '7' and id = 7$$) line;
reset role;
drop function plan;

-- nothing is left behind, and another action keeps what it needs
select realtime_sync.allow('reader', 'send', array['a']);
select realtime_sync.disallow('reader', 'read');
select has_schema_privilege('reader', 'realtime_sync', 'usage') as usage,
    has_function_privilege('reader', 'realtime_sync.claim(text)', 'execute') as claim,
    has_table_privilege('reader', 'realtime_sync.event', 'select') as event,
    has_table_privilege('reader', 'realtime_sync.events', 'select') as events;
select realtime_sync.disallow('reader', 'send');
select realtime_sync.allow('reader', 'migrate');
select realtime_sync.disallow('reader', 'migrate');
select realtime_sync.disallow('reader', 'migrate');
drop role reader;
drop function seen;
truncate realtime_sync.event;
