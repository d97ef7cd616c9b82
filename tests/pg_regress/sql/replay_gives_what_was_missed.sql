-- Promise: replay() gives every event after a cursor once and in order, as the log has it, in parts if asked to;
-- its cursor moves on though nothing fitted.
create table trips (id int primary key, driver int, status text);
select relation from realtime_sync.enable('trips', topics => array['trip:{id}', 'driver:{driver}']);
create function replayed(since text, topics text[] default null, max_events int default 1000)
returns table (n bigint, type text, topics text, new text, payload text) language sql as $$
    select e.n, e.event->>'type', e.event->>'topics', e.event->>'new', e.event->>'payload'
    from json_array_elements(realtime_sync.replay(since, topics, max_events)->'events') with ordinality e(event, n)
    order by e.n
$$;
select realtime_sync.cursor() as start \gset
-- nothing yet
select realtime_sync.replay(:'start')->>'cursor' = :'start' as stays, r->'more' as more, r->'reset' as reset, r->'events' as events
from realtime_sync.replay(:'start') r;

insert into trips values (1, 7, 'asked'), (2, 8, 'asked');
-- not ticked yet, so not there yet
select * from replayed(:'start');
select sent, more from realtime_sync.relay();
begin;
update trips set status = 'taken' where id = 1;
select realtime_sync.send('room:1', 'typing', '{"who": "a"}') is not null as sent;
commit;
select sent, more from realtime_sync.relay();
update trips set driver = 9 where id = 2;
delete from trips where id = 1;
select sent, more from realtime_sync.relay();

select * from replayed(:'start');
-- exact topics, beginnings, everything
select * from replayed(:'start', array['driver:7', 'room:1']);
select * from replayed(:'start', array['driver:*']);
select count(*) from replayed(:'start', array['*']);
select count(*) from replayed(:'start', array['driver:', 'driver', 'x:*']);
select count(*) from replayed(:'start', '{}');

-- it is what the view events has, but for the cursor
select bool_and((r.event::jsonb - 'cursor') = (e.native::jsonb - 'cursor')), count(*)
from json_array_elements(realtime_sync.replay(:'start')->'events') r(event)
join realtime_sync.events e on e.id = (r.event->>'id')::bigint;

-- cursors grow, and from each of them on comes the rest
create temp table answer as
select e.n, e.event->>'cursor' as cursor, (e.event->>'id')::bigint as id
from json_array_elements(realtime_sync.replay(:'start')->'events') with ordinality e(event, n);
select bool_and(b.cursor collate "C" > a.cursor and b.id > a.id) from answer a join answer b on b.n = a.n + 1;
select a.n, (select count(*) from replayed(a.cursor)) as after from answer a order by a.n;

-- in parts, whatever their size; the cursor carries the snapshot of the start as long as it may matter
create function in_parts(start text, topics text[], size int, out calls int, out ids bigint[], out cursor text) language plpgsql as $$
declare
    answer json;
begin
    calls := 0;
    ids := '{}';
    cursor := start;
    loop
        answer := realtime_sync.replay(cursor, topics, size);
        ids := ids || array(select (e->>'id')::bigint from json_array_elements(answer->'events') e);
        assert json_array_length(answer->'events') <= size;
        assert answer->>'cursor' > cursor collate "C" or json_array_length(answer->'events') = 0;
        cursor := answer->>'cursor';
        calls := calls + 1;
        exit when not (answer->>'more')::boolean;
    end loop;
end
$$;
select size, p.calls, p.ids = array(select id from answer order by n) as same, p.cursor = (realtime_sync.replay(:'start')->>'cursor') as same_end
from generate_series(1, 8) size, in_parts(:'start', null, size) p order by 1;
select size, p.calls, cardinality(p.ids) from generate_series(1, 3) size, in_parts(:'start', array['driver:7'], size) p order by 1;
-- nothing fits, and yet the cursor is at the end
select p.calls, p.ids, (select count(*) from replayed(p.cursor)) as after from in_parts(:'start', array['nobody'], 1) p;
select position('/' in realtime_sync.replay(:'start')->>'cursor') > 0 as still_carries_it;

-- arrays that only an INSERT by hand makes: nulls, two dimensions
select realtime_sync.cursor() as odd \gset
insert into realtime_sync.event (topics, event, payload) values
    (array[null, 'a', null], 'nulls', '1'), (array[array['a', 'b'], array['c', 'd']], 'matrix', '2'),
    ('{}', 'none', '3'), (array[repeat('x', 300)], 'long', '4');
select sent from realtime_sync.relay();
select type, left(topics, 20) as topics, payload from replayed(:'odd');
select payload from replayed(:'odd', array['d', 'x*']);
-- kept out of line
insert into realtime_sync.event (topics, event, payload)
values (array['big'], 'big', to_json((select string_agg(md5(n::text), '') from generate_series(1, 1000) n)));
select sent from realtime_sync.relay();
select length(payload) from replayed(:'odd', array['big']);

-- no part of it reads the log as a whole
begin;
create temp view scans as select sum(seq_scan) as whole, sum(idx_scan) as by_index
from pg_stat_xact_user_tables where schemaname = 'realtime_sync' and relname ~ '^(event|tick)_\d$';
select whole as whole_before, by_index as by_index_before from scans \gset
select count(*) from replayed(:'start');
select count(*) from replayed(:'start', array['driver:7'], 1);
select whole - :whole_before as whole_scans, by_index > :by_index_before as by_index from scans;
rollback;

select realtime_sync.replay(null);
select realtime_sync.replay('yesterday');
select realtime_sync.replay(upper('00000001-000000000000000e-7fffffffffffffff'));
select realtime_sync.replay(:'start', max_events => 0);
select realtime_sync.replay(:'start', array['a*b']);
select realtime_sync.replay(:'start', array['']);

-- as many topics as are taken, and more, or longer ones; a snapshot that no server ever has
select count(*) from replayed(:'start', array(select 'driver:' || n || '*' from generate_series(10000, 1, -1) n));
select realtime_sync.replay(:'start', array(select 'driver:' || n from generate_series(1, 10001) n));
select realtime_sync.replay(:'start', array[repeat('driver', 2000000)]);
select realtime_sync.replay('00000001-0000000000000001-7fffffffffffffff/1:2000000:' || string_agg(n::text, ',' order by n))
from generate_series(1, 1500000) n;
drop table trips;
drop function replayed;
drop function in_parts;
truncate realtime_sync.event;
