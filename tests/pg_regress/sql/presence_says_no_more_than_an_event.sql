-- Promise: what a member says of itself keeps nobody from leaving, nor itself: names and meta have a bound, and a
-- meta that no event takes is left out of the event of another device's end.
\set SHOW_CONTEXT never
\set VERBOSITY terse
truncate realtime_sync.event;
create role app;
select realtime_sync.allow('app', 'send', array['room:*']);
create view said as
select topics, event, payload ->> 'member' as member, payload ->> 'state' as state, payload ->> 'device' as device,
    payload ->> 'meta' as meta
from realtime_sync.events order by id;
set role app;
set request.jwt.claims = '{"sub": "ada"}';
select realtime_sync.presence_track('room:1', state => 'away', device => 'watch', ttl => '1 day');
select realtime_sync.presence_heartbeat('room:1', device => 'watch', meta => '{"signal": 4}', ttl => '1 day');
-- 16,000 control characters of a byte are 96,000 in JSON
select realtime_sync.presence_heartbeat(
    'room:1', device => 'watch', meta => jsonb_build_object('note', repeat(chr(1), 16000)), ttl => '1 day'
);
select realtime_sync.presence_track('room:1', device => 'phone', ttl => '1 s');
set request.jwt.claims = '{"sub": "bob"}';
select realtime_sync.presence_track('room:1', ttl => '1 s');
reset role;
reset request.jwt.claims;
select pg_sleep(1.1);
select realtime_sync.presence_expire() > now() as again;
select * from said;
-- one's own change is refused, and so is what could only be hidden
set role app;
set request.jwt.claims = '{"sub": "ada"}';
select realtime_sync.presence_track('room:1', meta => jsonb_build_object('note', repeat(chr(1), 16000)));
select realtime_sync.presence_heartbeat('room:1', device => 'watch', meta => jsonb_build_object('note', repeat('x', 70000)));
select realtime_sync.presence_heartbeat('room:1', device => repeat('x', 1025));
select realtime_sync.presence_heartbeat('room:1', device => 'phone', state => repeat('x', 1025));
select realtime_sync.presence_heartbeat('room:' || repeat('x', 1020));
reset role;
reset request.jwt.claims;
-- the longest names that there may be fit an event of the default size
select realtime_sync.presence_track(repeat(chr(1), 1024), repeat(chr(1), 1024), repeat(chr(1), 1024), device => repeat(chr(1), 1024));
select realtime_sync.presence_track(repeat(chr(1), 1024), repeat(chr(1), 1024), repeat(chr(2), 1024), device => repeat(chr(1), 1024));
select octet_length(payload::text) < 32768 as fits from realtime_sync.event order by id desc limit 1;
truncate realtime_sync.presence, realtime_sync.presence_member;
select realtime_sync.disallow('app', 'send');
drop role app;
drop view said;
truncate realtime_sync.event;
