-- Promise: a cursor is right wherever shared memory says the ring stands, which is a hint: what the same
-- snapshot read does not come again, and all that came later does.
create function pg_temp.place(cursor text) returns text language sql as $$ select split_part(cursor, '/', 1) $$;
create function pg_temp.follows(cursor text) returns text language sql as $$
    select coalesce(string_agg(e ->> 'event', ' '), 'nothing') from json_array_elements(realtime_sync.replay(cursor) -> 'events') e
$$;
select realtime_sync.current_segment() as here \gset
select realtime_sync.send('ring', 'first', null) > 0 as sent;
select count(*) from realtime_sync.relay();
select realtime_sync.cursor() as first \gset
select pg_temp.place(:'first') = (
    select lpad(to_hex(t.timeline), 8, '0') || '-' || lpad(to_hex(t.position), 16, '0') || '-7fffffffffffffff'
    from realtime_sync.tick t order by t.timeline desc, t.position desc limit 1
) as newest;
-- the hint moves on to a segment without a tick
select realtime_sync.set_segment(((:here + 1) % 8)::smallint);
select pg_temp.place(realtime_sync.cursor()) = pg_temp.place(:'first') as still_the_newest;
-- and back, when the newest tick is elsewhere: one before it will do
select realtime_sync.send('ring', 'second', null) > 0 as sent;
select count(*) from realtime_sync.relay();
select realtime_sync.set_segment(:here::smallint);
select realtime_sync.cursor() as before \gset
select pg_temp.place(:'before') = pg_temp.place(:'first') as one_before, pg_temp.follows(:'before') as follows;
select realtime_sync.send('ring', 'third', null) > 0 as sent;
select count(*) from realtime_sync.relay();
select pg_temp.follows(:'before') as follows, pg_temp.follows(:'first') as follows_the_first, pg_temp.follows(realtime_sync.cursor()) as follows_now;
-- but not one that retention has passed, nor one of before a failover
create function pg_temp.newest() returns text language sql as $$
    select lpad(to_hex(t.timeline), 8, '0') || '-' || lpad(to_hex(t.position), 16, '0') || '-7fffffffffffffff'
    from realtime_sync.tick t order by t.timeline desc, t.position desc limit 1
$$;
select realtime_sync.set_segment(((:here + 1) % 8)::smallint);
select realtime_sync.send('ring', 'elsewhere', null) > 0 as sent;
select count(*) from realtime_sync.relay();
select realtime_sync.set_segment(:here::smallint);
select pg_temp.place(realtime_sync.cursor()) = pg_temp.newest() as newest;
begin;
update realtime_sync.floor f set (timeline, wal_timeline, position, snapshot) = (
    select t.timeline, t.wal_timeline, t.position, t.snapshot from realtime_sync.tick t order by t.timeline desc, t.position desc limit 1
);
select pg_temp.place(realtime_sync.cursor()) = pg_temp.newest() as newest;
rollback;
-- what a floor was, or would have been, does not count; of several the greatest does
select pg_temp.place(realtime_sync.cursor()) = pg_temp.newest() as newest;
begin;
update realtime_sync.floor set at = at;
select pg_temp.place(realtime_sync.cursor()) = pg_temp.newest() as newest;
insert into realtime_sync.floor (timeline, wal_timeline, position, snapshot)
select t.timeline, t.wal_timeline, t.position, t.snapshot from realtime_sync.tick t order by t.timeline desc, t.position desc limit 1;
insert into realtime_sync.floor (timeline, wal_timeline, position, snapshot) values (0, 0, 1, '1:1:');
select pg_temp.place(realtime_sync.cursor()) = pg_temp.newest() as newest;
rollback;
begin;
update realtime_sync.tick set wal_timeline = wal_timeline + 1 where segment = :here;
select pg_temp.place(realtime_sync.cursor()) = pg_temp.newest() as newest;
rollback;
-- the index may be a new one, of another shape, or gone
select pg_temp.place(realtime_sync.cursor()) as stands \gset
reindex index concurrently realtime_sync.tick_position;
select pg_temp.place(realtime_sync.cursor()) = :'stands' as as_before;
begin;
drop index realtime_sync.tick_position;
select pg_temp.place(realtime_sync.cursor()) = pg_temp.newest() as newest;
create index on realtime_sync.tick (timeline desc, position desc);
create index on realtime_sync.tick (wal_timeline, position);
create index on realtime_sync.tick (timeline) include (position);
create index on realtime_sync.tick (timeline, position) where position > 0;
select pg_temp.place(realtime_sync.cursor()) = pg_temp.newest() as newest;
rollback;
-- and not one a thousand before, which would expire that much sooner
select realtime_sync.set_segment(((:here + 1) % 8)::smallint);
\set ECHO none
\o /dev/null
select $$select realtime_sync.send('ring', 'filler', null)$$, 'select realtime_sync.relay()' from generate_series(1, 1001) \gexec
\o
\set ECHO all
select realtime_sync.set_segment(:here::smallint);
select realtime_sync.cursor() as last \gset
select pg_temp.place(:'last') = (
    select lpad(to_hex(t.timeline), 8, '0') || '-' || lpad(to_hex(t.position), 16, '0') || '-7fffffffffffffff'
    from realtime_sync.tick t order by t.timeline desc, t.position desc limit 1
) as newest, pg_temp.follows(:'last') as follows;
