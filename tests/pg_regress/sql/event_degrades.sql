-- An event over max_event_size shrinks to the changed columns, then to the key, and says partial.
create schema event_degrades;
set search_path = event_degrades;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'event_degrades' order by id;
set realtime_sync.max_event_size = '4kB';
create table t (id int primary key, n int, a text, b text);
select count(*) from realtime_sync.enable('t', old_row => 'full');
create function partials() returns bigint language sql as
    $$ select value from realtime_sync.counters() where name = 'partial' $$;
select partials() as before \gset
-- incompressible, so that no size is a matter of compression
create function noise(n int) returns text language sql as
    $$ select left(string_agg(md5(g::text), ''), n) from generate_series(1, n / 32 + 1) g $$;
insert into t values (1, 1, 'small', 'small');
insert into t values (2, 1, noise(5000), 'x');
insert into t values (3, 1, noise(3000), 'x');
update t set n = 2 where id = 3;
update t set a = reverse(a) where id = 3;
update t set n = 2 where id = 2;
update t set n = n where id = 2;
delete from t where id = 2;
delete from t where id = 3;
select type, key, new ->> 'n' as n, length(new ->> 'a') as a, old ->> 'n' as old_n, length(old ->> 'a') as old_a,
    (select array_agg(name) from json_object_keys(new) as name) as new_has,
    (select array_agg(name) from json_object_keys(old) as name) as old_has, changed, partial
from feed;
select partials() - :before as counted;
-- escapes make the text longer than what is stored
insert into t values (4, 1, repeat(chr(1), 1000), null);
select new, partial from feed offset 9;
-- a value of many megabytes is not fetched to find out
insert into t values (5, 1, repeat('x', 20000000), null);
select new, partial from feed offset 10;
-- nor is one of the key, the status or a topic, which are in every form of an event
create table w (id int primary key, k text, s text, room text);
select count(*) from realtime_sync.enable('w', key_columns => array['id', 'k'], status_columns => array['s'], topics => array['w', 'room:{room}']);
insert into w values (1, repeat('x', 20000000), 's', 'a');
update w set s = repeat('y', 20000000);
update w set k = 'k', s = 't', room = repeat('z', 20000000);
update w set room = repeat('y', 20000000);
update w set room = 'b';
select type, key, new, old, changed, topics, partial from feed offset 11;
select status, octet_length(native::text) < 4096 as small from realtime_sync.events where schema = 'event_degrades' order by id offset 11;
-- who has no other topic is told nothing, and it is counted
select partials() as before \gset
select count(*) from realtime_sync.enable('w', key_columns => array['id'], topics => array['room:{room}']);
update w set room = repeat('z', 20000000);
update w set room = repeat('y', 20000000);
select type, key, topics, partial from feed offset 17;
select partials() - :before as counted;
-- rows whose keys are too large for an event share no throttle
create table x (k text primary key, lat float8);
select count(*) from realtime_sync.enable('x', throttle => '1 min', throttle_columns => array['lat']);
insert into x values (repeat('a', 5000), 1), (repeat('b', 5000), 1), ('c', 1);
update x set lat = 2;
select key, throttle, partial from realtime_sync.event e join realtime_sync.events v using (id, xid)
where v.schema = 'event_degrades' and v."table" = 'x' and v.type = 'UPDATE' order by id;
reset realtime_sync.max_event_size;
set client_min_messages = warning;
drop schema event_degrades cascade;
