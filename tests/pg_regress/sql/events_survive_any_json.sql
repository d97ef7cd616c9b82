-- A json column may hold what no text can ("\u0000", half a surrogate pair): the log stays readable, and tells it as it is.
\set SHOW_CONTEXT never
begin;
create schema survive;
create table survive.t (id int primary key, j json);
select relation from realtime_sync.enable('survive.t', old_row => 'full');
insert into survive.t values (1, '{"a":"\u0000"}'), (2, '["\ud800"]'), (3, '"fine"');
update survive.t set j = '{"\u0000":1}' where id = 1;
select realtime_sync.flush();
select type, key, new, old, changed, actor, partial from realtime_sync.events where schema = 'survive' order by id;
select new -> 'j' from realtime_sync.events where schema = 'survive' and key ->> 'id' = '3';
-- Who makes a change cannot spoil it for its readers either.
set local request.jwt.claims = '{"sub":"a\u0000b"}';
set local request.headers = '{"x-mutation-id":"\u0000"}';
insert into survive.t values (4, null);
select set_config('realtime_sync.actor', repeat('ö', 10000), true) <> '', set_config('realtime_sync.mutation_id', repeat('m', 10000), true) <> '',
    set_config('request.jwt.claims', '', true);
insert into survive.t values (5, null);
select realtime_sync.flush();
select key, actor = session_user as own, octet_length(actor), octet_length(mutation_id), partial
from realtime_sync.events where schema = 'survive' and key ->> 'id' in ('4', '5') order by id;
rollback;
