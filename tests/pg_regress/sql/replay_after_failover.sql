-- Promise: a cursor that retention has passed is an error that says so; one of a history that failover or recovery left
-- behind says reset; one whose tick a crash has taken repeats, and loses nothing.
-- Ticks written by hand stand for those of other servers.
begin;
delete from realtime_sync.tick;
delete from realtime_sync.floor;
insert into realtime_sync.floor (timeline, wal_timeline, position, snapshot) values (0, 0, 0, '1:1:');
create function event(xid int, name text) returns bigint language sql as
    $$ insert into realtime_sync.event (xid, topics, event, payload) values (xid::text::xid8, array['t'], name, 'null') returning id $$;
create function tick(timeline int, tick int, events int, seen text) returns void language sql as
    $$ insert into realtime_sync.tick (timeline, wal_timeline, position, events, snapshot) values (timeline, timeline, tick, events, seen::pg_snapshot) $$;
create function place(timeline int, tick int, id bigint default 9223372036854775807) returns text language sql as
    $$ select concat_ws('-', lpad(to_hex(timeline), 8, '0'), lpad(to_hex(tick), 16, '0'), lpad(to_hex(id), 16, '0')) $$;
create function got(since text, max_events int default 1000) returns text language plpgsql as $$
declare
    answer json;
    detail text;
begin
    answer := realtime_sync.replay(since, null, max_events);
    return concat_ws(' ', (select string_agg(e->>'event', ' ' order by n) from json_array_elements(answer->'events') with ordinality a(e, n)),
        answer->>'cursor', case when (answer->>'more')::boolean then 'more' end, case when (answer->>'reset')::boolean then 'RESET' end);
exception when object_not_in_prerequisite_state then
    get stacked diagnostics detail = pg_exception_detail;
    return sqlerrm || ': ' || detail;
end
$$;
-- no tick yet: the beginning, and a cursor of some other log
select got(place(0, 0)), got(place(0, 0, 0)), got(place(1, 5)) \gx

-- timeline 1; position 4 was lost in a crash, its events are of tick 5
select event(100, 'a') > 0, event(101, 'b') > 0, event(103, 'c') > 0, event(102, 'd') > 0, event(105, 'e') > 0;
select tick(1, 2, 2, '103:103:'), tick(1, 3, 1, '102:104:102'), tick(1, 5, 2, '106:106:');
select since, got(place(1, since)) from generate_series(0, 6) since order by 1;
select got(place(0, 0)), got(place(0, 0, 0)) \gx
-- in the middle of a tick, and of one that is gone
select got(place(1, 2, (select min(id) from realtime_sync.event where event = 'a'))) as after_a,
    got(place(1, 5, (select id from realtime_sync.event where event = 'd'))) as after_d,
    got(place(1, 4, (select id from realtime_sync.event where event = 'd'))) as after_d_of_a_lost_tick \gx

-- timeline 2 begins: what the old server ticked after 5 is not ours
select event(107, 'f') > 0;
select tick(2, 40, 1, '108:108:');
select got(place(1, 5)) as at_its_end, got(place(1, 6)) as beyond_it, got(place(2, 39)) as before_ours, got(place(2, 40)), got(place(2, 41)) as ahead,
    got(place(3, 7)) as of_a_later_one, got(place(4294967295::bigint::bit(32)::int, 7)) as of_the_last_one \gx
-- a load that saw what the old server had after tick 5, and one that did not
select got(place(1, 5) || '/106:106:') as known, got(place(1, 5) || '/106:108:106') as beyond, got(place(1, 3) || '/104:106:104') as part \gx
-- a snapshot of the load goes along until a tick has passed it
select regexp_replace(got, '-0000[0-9a-f]{12}/', '-id/') as got
from (
    values (got(place(1, 0) || '/100:106:100,102,103', 1)), (got(place(1, 2) || '/102:106:102,105', 1)), (got(place(0, 0) || '/101:101:', 1))
) g(got);

-- retention has passed tick 3
update realtime_sync.floor set timeline = 1, wal_timeline = 1, position = 3, snapshot = '102:104:102';
select since, got(place(1, since)) from generate_series(0, 5) since order by 1;
select got(place(1, 3, 0)) \gx
delete from realtime_sync.tick where position <= 3;
select since, got(place(1, since)) from generate_series(2, 4) since order by 1;
select got(place(1, 3, 0)), got(place(0, 0)) \gx
delete from realtime_sync.tick;
select got(place(1, 3)), got(place(1, 9)), realtime_sync.cursor() like place(1, 3) || '/%' as cursor_is_the_floor \gx
-- the error in full
savepoint expired;
select realtime_sync.replay(place(1, 2));
rollback to expired;
\set VERBOSITY sqlstate
select realtime_sync.replay(place(1, 2));
\set VERBOSITY default
rollback;
