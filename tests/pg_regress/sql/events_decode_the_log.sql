-- Promise: realtime_sync.events shows every event of the log decoded, native is what listeners get, and
-- conditions on xid and id use the index.
\set SHOW_CONTEXT never
begin;
truncate realtime_sync.event;
alter sequence realtime_sync.event_id restart;
create table drivers (id bigint primary key, name text, online boolean);
create trigger "00_realtime_sync_insert" after insert on drivers
    for each row execute function realtime_sync.capture('{}');
create trigger "00_realtime_sync_update" after update on drivers
    for each row execute function realtime_sync.capture('{}');
create trigger "00_realtime_sync_delete" after delete on drivers
    for each row execute function realtime_sync.capture('{}');
create trigger "00_realtime_sync_truncate" after truncate on drivers
    for each statement execute function realtime_sync.capture('{}');

set local realtime_sync.actor = 'ada';
set local realtime_sync.mutation_id = 'm-1';
insert into drivers values (42, 'Ann', true);
update drivers set online = false where id = 42;
delete from drivers where id = 42;
truncate drivers;
select realtime_sync.flush();
select realtime_sync.send('drivers:42', 'honk', '{"times": [1, 2]}');

select id, type, event, schema, "table", topics, key, changed from realtime_sync.events order by id;
select id, new, old from realtime_sync.events order by id;
select id, actor, mutation_id, partial, payload, "timestamp" = at as statement_time
from realtime_sync.events order by id;

-- null where there is none, not JSON's null
select id from realtime_sync.events where old is null and new is null order by id;

-- the full event of each
select pg_catalog.replace(
    pg_catalog.regexp_replace(native::text, '"timestamp":"[^"]*"', '"timestamp":"..."'),
    xid::text, 'XID'
) from realtime_sync.events order by id;

-- its columns and its members agree
select count(*) from realtime_sync.events
where (native ->> 'id')::bigint <> id or (native ->> 'txid')::xid8 <> xid or native ->> 'type' <> type
    or native ->> 'event' <> event or (native -> 'topics')::jsonb <> to_jsonb(topics)
    or (native ->> 'timestamp')::timestamptz <> at;

set local enable_seqscan = off;
create function plan(query text) returns setof text language plpgsql as $$
begin
    return query execute 'explain (costs off) ' || query;
end
$$;
select count(*) filter (where line like '%Index Cond:%xid%id%') as index_conditions,
    count(*) filter (where line like '%Filter:%') as filters
from plan($$select native from realtime_sync.events where xid = '7' and id = 7$$) line;
rollback;
