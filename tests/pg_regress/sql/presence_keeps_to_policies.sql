-- Promise: a role with claims says of itself alone that it is here, only where it may send, and sees who is
-- where it may read; neither its functions nor the tables let it do more.
\set SHOW_CONTEXT never
\set VERBOSITY terse
truncate realtime_sync.event;
create role rider;
create role stranger;
create role gateway bypassrls;
create role idle;
grant usage on schema realtime_sync to stranger;
select realtime_sync.allow('rider', 'read', array['room:{jwt.room}']);
select realtime_sync.allow('rider', 'send', array['room:{jwt.room}']);
select realtime_sync.allow('stranger', 'read', array['other']);
select realtime_sync.allow('gateway', 'send', array['*']);
select realtime_sync.allow('gateway', 'read', array['*']);
grant select, insert, delete, update (state, meta, since, seen, expires, ttl, due) on realtime_sync.presence to rider, stranger, gateway;
grant select, insert, update on realtime_sync.presence_shift to rider, gateway;
grant select on realtime_sync.presence_state to rider, stranger, gateway;
grant execute on function realtime_sync.presence_track, realtime_sync.presence_heartbeat, realtime_sync.presence_heartbeats,
    realtime_sync.presence_untrack, realtime_sync.presence_shift, realtime_sync.presence_state(text, text[])
    to rider, stranger, gateway;

-- the back end, for everyone
set role gateway;
select realtime_sync.presence_heartbeats('[{"member": "ada"}, {"member": "bob"}]', 'room:1');
select realtime_sync.presence_track('room:2', 'eve');
select member, state from realtime_sync.presence_state('room:1');
reset role;

-- a rider, for itself, in its room
set role rider;
set request.jwt.claims = '{"sub": "ada", "room": "1"}';
select realtime_sync.presence_track('room:1', state => 'away', device => 'phone');
select realtime_sync.presence_heartbeat('room:1', device => 'phone');
select realtime_sync.presence_track('room:1', 'ada', 'busy', device => 'tablet');
select member, state, jsonb_array_length(devices) from realtime_sync.presence_state('room:1');
select realtime_sync.presence_shift('room:1', 'shift.start') ->> 'member' as member;
-- not for another, not elsewhere
select realtime_sync.presence_track('room:1', 'bob', 'away');
\echo :SQLSTATE
select realtime_sync.presence_heartbeat('room:1', 'bob');
\echo :SQLSTATE
select realtime_sync.presence_heartbeats('[{"member": "ada"}, {"member": "bob"}]', 'room:1');
\echo :SQLSTATE
select realtime_sync.presence_untrack('room:1', 'bob');
select realtime_sync.presence_track('room:2');
\echo :SQLSTATE
select realtime_sync.presence_heartbeat('room:2', 'eve');
\echo :SQLSTATE
select realtime_sync.presence_shift('room:1', 'shift.start', 'bob');
\echo :SQLSTATE
select realtime_sync.presence_shift('room:2', 'shift.start');
\echo :SQLSTATE
select * from realtime_sync.presence_state('room:2');
\echo :SQLSTATE
-- nor by the tables
select member, device from realtime_sync.presence order by device;
insert into realtime_sync.presence (topic, member, expires, due) values ('room:2', 'ada', now(), now());
\echo :SQLSTATE
insert into realtime_sync.presence (topic, member, expires, due) values ('room:1', 'bob', now(), now());
\echo :SQLSTATE
update realtime_sync.presence set state = 'x' where member <> 'ada';
delete from realtime_sync.presence where member <> 'ada';
update realtime_sync.presence set member = 'bob', device = 'stolen';
\echo :SQLSTATE
update realtime_sync.presence set topic = 'room:3';
\echo :SQLSTATE
update realtime_sync.presence set seen = now() + interval '10 years', expires = now() + interval '10 years';
\echo :SQLSTATE
update realtime_sync.presence set expires = 'infinity';
\echo :SQLSTATE
update realtime_sync.presence set due = 'infinity';
\echo :SQLSTATE
update realtime_sync.presence set state = '';
\echo :SQLSTATE
-- a day is one of 25 hours where the clocks go back
begin;
set local timezone = 'Europe/Berlin';
insert into realtime_sync.presence (topic, member, device, ttl, seen, expires, due)
select 'room:1', 'ada', 'clock', '1 day', t.at, t.at + interval '1 day', t.at + interval '1 day'
from (values (timestamptz '2025-10-26 00:00 Europe/Berlin')) t(at)
returning expires - seen as kept_for;
set local timezone = 'UTC';
update realtime_sync.presence set due = expires where device = 'clock' returning member;
rollback;
select * from realtime_sync.presence_member;
\echo :SQLSTATE
-- nobody leaves in silence
update realtime_sync.presence set due = '-infinity', expires = '-infinity';
\echo :SQLSTATE
select realtime_sync.presence_expire();
\echo :SQLSTATE
select realtime_sync.presence_hook('room:1', 'lower(text)');
\echo :SQLSTATE
select count(*) from realtime_sync.presence_state;
begin;
set local realtime_presence.topic = 'room:2';
select * from realtime_sync.presence_state;
rollback;
select realtime_sync.presence_untrack('room:1');

-- who may send nowhere
set role stranger;
set request.jwt.claims = '{"sub": "eve", "room": "1"}';
select realtime_sync.presence_track('room:1');
\echo :SQLSTATE
select * from realtime_sync.presence_state('room:1');
\echo :SQLSTATE
select * from realtime_sync.presence_state('other');
begin;
set local realtime_presence.topic = 'room:1';
select * from realtime_sync.presence_state;
rollback;
set role idle;
select realtime_sync.presence_track('room:1');
\echo :SQLSTATE
reset role;
reset request.jwt.claims;

-- An app's own permissive policy is ORed with ours, whichever comes first by its name; who is refused by all hears of it from
-- PostgreSQL, and who has no such policy as before.
begin;
create policy aa on realtime_sync.presence to rider using (topic like 'lobby%') with check (topic like 'lobby%');
create policy zz on realtime_sync.presence to rider using (topic like 'hall%') with check (topic like 'hall%');
create policy aa on realtime_sync.presence_shift to rider using (true);
select realtime_sync.allow('stranger', 'send', array['other']);
set local role rider;
set local request.jwt.claims = '{"sub": "ada", "room": "1"}';
select realtime_sync.presence_track(t.topic, 'bob') from unnest(array['lobby', 'hall']) t(topic);
select realtime_sync.presence_heartbeat(t.topic, 'bob', state => 'away') from unnest(array['lobby', 'hall']) t(topic);
select realtime_sync.presence_heartbeats('[{"member": "bob"}, {"member": "eve"}]', 'lobby');
select realtime_sync.presence_shift('room:1', 'shift.start', 'bob') ->> 'member' as member;
savepoint refused;
select realtime_sync.presence_track('cellar');
\echo :SQLSTATE
rollback to refused;
set local role stranger;
select realtime_sync.presence_track('cellar');
rollback;

select topics, event, payload ->> 'member' as member, payload ->> 'state' as state
from realtime_sync.events order by id;
select topic, member, device, state from realtime_sync.presence order by 1, 2, 3;

drop owned by rider, stranger, gateway;
drop role rider, stranger, gateway, idle;
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.presence_shift, realtime_sync.event;
