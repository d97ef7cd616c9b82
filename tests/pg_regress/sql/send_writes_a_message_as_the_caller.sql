-- Promise: send() is an INSERT by the caller into the same log, in the order of its changes; who may is
-- PostgreSQL's own decision; nothing of what it refuses is written.
\set SHOW_CONTEXT never
truncate realtime_sync.event;
alter sequence realtime_sync.event_id restart;
create table rooms (id int primary key);
create trigger "00_realtime_sync_insert" after insert on rooms
    for each row execute function realtime_sync.capture('{}');

-- ids follow the transaction's own order
begin;
insert into rooms values (1);
select realtime_sync.send('room:1', 'opened', '{"by": "ada"}');
insert into rooms values (2);
select realtime_sync.send('room:2', 'opened', null);
commit;
select id, type, event, topics, payload::text, xid = min(xid) over () as one_transaction
from realtime_sync.events order by id;

-- taken back with its transaction, and with its savepoint
begin;
savepoint s;
select realtime_sync.send('room:1', 'typing', '1') > 0 as sent;
rollback to s;
commit;
select count(*) from realtime_sync.events where event = 'typing';

-- payloads of every kind come through as they are
select realtime_sync.send('room:1', 'p', p::json) > 0 as sent
from unnest(array['null', 'true', '1.50', '"ü \u00e9"', '[]', ' { "a" : 1 } ']) p;
select payload::text, native -> 'payload' from realtime_sync.events where event = 'p' order by id;
select native from realtime_sync.events where event = 'p' and native::jsonb is null;

-- refused
select realtime_sync.send(null, 'e', '1');
\echo :SQLSTATE
select realtime_sync.send('', 'e', '1');
\echo :SQLSTATE
select realtime_sync.send('t', null, '1');
\echo :SQLSTATE
set realtime_sync.max_event_size = '1kB';
select realtime_sync.send('t', 'e', to_json(repeat('x', 1100)));
\echo :SQLSTATE
select realtime_sync.send('t', 'e', to_json(repeat('x', 1000))) > 0 as sent;
reset realtime_sync.max_event_size;
begin read only;
select realtime_sync.send('t', 'e', '1');
\echo :SQLSTATE
rollback;

-- as whom
create role sender;
grant usage on schema realtime_sync to sender;
grant execute on function realtime_sync.send, realtime_sync.next_event_id, realtime_sync.current_segment,
    realtime_sync.message_context, realtime_sync.within_max_event_size to sender;
set role sender;
select realtime_sync.send('room:1', 'e', '1');
\echo :SQLSTATE
reset role;
grant insert (topics, event, payload) on realtime_sync.event to sender;
set role sender;
select realtime_sync.send('room:1', 'e', '1');
\echo :SQLSTATE
reset role;
create policy sender_in_room_1 on realtime_sync.event for insert to sender with check (topics = array['room:1']);
set role sender;
select realtime_sync.send('room:1', 'e', '1') > 0 as sent;
select realtime_sync.send('room:2', 'e', '1');
\echo :SQLSTATE
-- and never as someone else, at another time, or as a captured change
insert into realtime_sync.event (topics, event, payload, body) values (array['room:1'], 'e', '1', '{"actor":"root"}');
insert into realtime_sync.event (topics, event, payload, xid) values (array['room:1'], 'e', '1', '5');
-- nor does it let the sender read
select * from realtime_sync.event;
reset role;
select topics, event, (body ->> 'actor') = session_user as by_session_user from realtime_sync.event where event = 'e' and topics = array['room:1'];
drop policy sender_in_room_1 on realtime_sync.event;
drop owned by sender;
drop role sender;
drop table rooms;
truncate realtime_sync.event;
