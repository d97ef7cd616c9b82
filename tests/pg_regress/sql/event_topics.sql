-- Topics: columns, schema, table, key, literal braces; a NULL leaves its topic out, the same one comes once.
create schema event_topics;
set search_path = event_topics;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'event_topics' order by id;
create table t (id int, part text, n int, primary key (id, part));
select count(*) from realtime_sync.enable('t', topics => array['n:{n}', '{{{table}}}', '{schema}.{table}:{key}', '{table}', '{part}', '{part}']);
insert into t values (1, 'a', null), (2, 'b "x"', 5);
insert into t values (3, 'é{}', 0), (4, '', 6);
select topics from feed;
-- every topic of a row NULL: nothing to tell, nobody to tell it
create table quiet (id int primary key, n int);
select count(*) from realtime_sync.enable('quiet', topics => array['q:{n}']);
insert into quiet values (1, null);
update quiet set n = 1;
update quiet set n = null;
delete from quiet;
select type, topics, key, new from feed where "table" = 'quiet';
-- values of other types, as their text
create table u (id uuid primary key, at timestamptz, b bool, d numeric, r int4range, j jsonb, x bytea, a int[]);
select count(*) from realtime_sync.enable('u', topics => array['{id}', '{at}', '{b}', '{d}', '{r}', '{j}', '{x}', '{a}']);
set timezone = 'Asia/Tokyo';
insert into u values ('6b1d2a4e-0000-4000-8000-000000000001', '2026-01-02 03:04:05+09', true, 1.50, '[1,3)', '{"a": "b"}', '\xff00', '{1,2}');
reset timezone;
select unnest(topics) from feed where "table" = 'u';
set client_min_messages = warning;
drop schema event_topics cascade;
