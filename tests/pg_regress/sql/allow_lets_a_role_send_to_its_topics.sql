-- Promise: allow(role, 'send', topics) lets a role send to those topics, all of a message's, and read
-- nothing.
\set SHOW_CONTEXT never
truncate realtime_sync.event;
create role sender;
select realtime_sync.allow('sender', 'send', array['room:{jwt.room}', 'lobby', 'chat:*']);
set role sender;
set request.jwt.claims = '{"room": "1", "sub": "ada"}';
select realtime_sync.send('room:1', 'e', null) > 0 as sent;
select realtime_sync.send('lobby', 'e', '1') > 0 as sent;
select realtime_sync.send('chat:x', 'e', '1') > 0 as sent;
select realtime_sync.send('room:2', 'e', '1');
select realtime_sync.send('chat', 'e', '1');
set request.jwt.claims = '';
select realtime_sync.send('room:1', 'e', '1');
select realtime_sync.send('room:', 'e', '1');
-- by hand, every topic counts, and a message has a name and a payload
insert into realtime_sync.event (topics, event, payload) values (array['lobby', 'chat:y'], 'e', '1');
insert into realtime_sync.event (topics, event, payload) values (array['lobby', 'room:2'], 'e', '1');
insert into realtime_sync.event (topics, event, payload) values (array['lobby', null], 'e', '1');
insert into realtime_sync.event (topics, event, payload) values ('{}', 'e', '1');
insert into realtime_sync.event (topics) values (array['lobby']);
-- and no more than send() takes
\set VERBOSITY terse
insert into realtime_sync.event (topics, event, payload) values (array['lobby'], 'e', to_json(repeat('x', 65534)));
insert into realtime_sync.event (topics, event, payload) values (array['chat:' || repeat('x', 65536)], 'e', '1');
insert into realtime_sync.event (topics, event, payload) values (array['lobby'], repeat('x', 65536), '1');
insert into realtime_sync.event (topics, event, payload) values (array['lobby'], 'long', to_json(repeat('x', 65000)));
select realtime_sync.send('lobby', 'e', to_json(repeat('x', 65528))) > 0 as sent;
\set VERBOSITY default
select count(*) from realtime_sync.events;
reset role;
reset request.jwt.claims;
select topics, event, body ->> 'actor' as actor from realtime_sync.event order by id;
select realtime_sync.disallow('sender', 'send', array['lobby']);
set role sender;
select realtime_sync.send('lobby', 'e', '1');
reset role;
select realtime_sync.disallow('sender', 'send');
set role sender;
select realtime_sync.send('chat:x', 'e', '1');
reset role;
drop role sender;
truncate realtime_sync.event;
