-- Promise: a tick too big to be read at once comes in parts of the same order, each at the price of its own events where the
-- tick is few transactions.
create function part_of(start text, size int, topics text[] default null, out calls int, out ids bigint[], out reads bigint) language plpgsql as $$
declare
    answer json;
    before bigint := (select sum(idx_tup_fetch) from pg_stat_xact_user_tables where relname ~ '^event_\d$');
begin
    calls := 0;
    ids := '{}';
    loop
        answer := realtime_sync.replay(start, topics, size);
        ids := ids || array(select (e->>'id')::bigint from json_array_elements(answer->'events') with ordinality a(e, n) order by n);
        start := answer->>'cursor';
        calls := calls + 1;
        exit when not (answer->>'more')::boolean;
    end loop;
    reads := (select sum(idx_tup_fetch) from pg_stat_xact_user_tables where relname ~ '^event_\d$') - before;
end
$$;
create function filled(transactions int, rows int) returns void language sql as $$
    insert into realtime_sync.event (xid, topics, event, payload)
    select (1000000000 + n % transactions)::text::xid8, array['t:' || n % 10], 'e', 'null' from generate_series(1, rows) n
$$;
create function ticked(xids int4range) returns void language sql as $$
    insert into realtime_sync.tick (timeline, wal_timeline, position, events, snapshot)
    select 7, 1, 1, 0, pg_catalog.format('%1$s:%1$s:', lower(xids))::pg_snapshot;
    insert into realtime_sync.tick (timeline, wal_timeline, position, events, snapshot)
    select 7, 1, 2, null, pg_catalog.format('%1$s:%1$s:', upper(xids))::pg_snapshot
$$;
\set start '''00000007-0000000000000001-7fffffffffffffff'''

-- one transaction: twice its events are read, whatever the size of the parts, and those that tell the end
begin;
select filled(1, 20000), ticked('[1000000000,1000000001)');
select size, p.calls, cardinality(p.ids), p.ids = array(select id from realtime_sync.event where xid >= '1000000000' order by id) as same,
    p.reads < 2.2 * 20000 as linear
from (values (100), (1000), (20000)) s(size), part_of(:start, size) p order by 1;
select p.calls, p.ids = array(select id from realtime_sync.event where xid >= '1000000000' and topics = array['t:3'] order by id) as same
from part_of(:start, 500, array['t:3']) p;
rollback;
-- some, their ids mixed
begin;
select filled(20, 5000), ticked('[1000000000,1000000020)');
select size, p.calls, p.ids = array(select id from realtime_sync.event where xid >= '1000000000' order by id) as same
from (values (100), (1000), (5000)) s(size), part_of(:start, size) p order by 1;
rollback;
-- many
begin;
select filled(2500, 5000), ticked('[1000000000,1000002500)');
select size, p.calls, p.ids = array(select id from realtime_sync.event where xid >= '1000000000' order by id) as same
from (values (499), (1000), (5000)) s(size), part_of(:start, size) p order by 1;
select p.calls, cardinality(p.ids) from part_of(:start, 100, array['t:1', 't:2']) p;
rollback;
-- a count that is wrong costs nothing but memory
begin;
select filled(3, 300), ticked('[1000000000,1000000003)');
update realtime_sync.tick set events = 1 where events is null;
select p.calls, p.ids = array(select id from realtime_sync.event where xid >= '1000000000' order by id) as same from part_of(:start, 7) p;
rollback;
drop function part_of;
drop function filled;
drop function ticked;
