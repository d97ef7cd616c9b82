-- Promise: what is wrong with a call of presence is said with the SQLSTATE that is right, in its own words and with a hint that
-- mends it, to the back end, to who may send, to who may only read; limits of names, meta and ttl in those of PostgreSQL.
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.presence_shift, realtime_sync.event;
create role regress_gate;
create role regress_rider;
create role regress_watcher;
select realtime_sync.allow('regress_gate', 'migrate'), realtime_sync.allow('regress_gate', 'send', array['*']),
    realtime_sync.allow('regress_gate', 'read', array['*']),
    realtime_sync.allow('regress_rider', 'read', array['room:1']), realtime_sync.allow('regress_rider', 'send', array['room:1']),
    realtime_sync.allow('regress_watcher', 'read', array['room:1']);

-- who may all
set role regress_gate;
select said(c) from unnest(array[
    $$realtime_sync.presence_track(null)$$,
    $$realtime_sync.presence_track('')$$,
    $$realtime_sync.presence_track('room:1', '')$$,
    $$realtime_sync.presence_track('room:1', state => null)$$,
    $$realtime_sync.presence_track('room:1', state => '')$$,
    $$realtime_sync.presence_track('room:1', device => null)$$,
    $$realtime_sync.presence_track('room:1', device => repeat('x', 2000))$$,
    $$realtime_sync.presence_track('room:1', repeat('x', 2000))$$,
    $$realtime_sync.presence_track('room:1', ttl => null)$$,
    $$realtime_sync.presence_track('room:1', ttl => '0.9 s')$$,
    $$realtime_sync.presence_track('room:1', ttl => '1 day 1 s')$$,
    $$realtime_sync.presence_track('room:1', ttl => '170000000 years')$$,
    $$realtime_sync.presence_track('room:1', meta => jsonb_build_object('note', repeat(md5('1') || md5('2'), 20000)))$$,
    $$realtime_sync.presence_heartbeat(null)$$,
    $$realtime_sync.presence_heartbeat('room:1', device => null)$$,
    $$realtime_sync.presence_heartbeat('room:1', state => null)$$,
    $$realtime_sync.presence_heartbeat('room:1', ttl => '-1 s')$$,
    $$realtime_sync.presence_heartbeat('room:1', ttl => '170000000 years')$$,
    $$realtime_sync.presence_heartbeats('{"member": "42"}', 'room:1')$$,
    $$realtime_sync.presence_heartbeats('"42"', 'room:1')$$,
    $$realtime_sync.presence_heartbeats('[42]', 'room:1')$$,
    $$realtime_sync.presence_heartbeats('[{"member": "42"}]')$$,
    $$realtime_sync.presence_heartbeats('[{"topic": "room:1"}]')$$,
    $$realtime_sync.presence_heartbeats('[{"member": "42", "ttl": "soon"}]', 'room:1')$$,
    $$realtime_sync.presence_heartbeats('[{"member": "42", "ttl": "2 days"}]', 'room:1')$$,
    $$realtime_sync.presence_heartbeats('[{"member": "42"}]', 'room:1', '170000000 years')$$,
    $$realtime_sync.presence_untrack(null)$$,
    $$realtime_sync.presence_shift(null, 'shift.start')$$,
    $$realtime_sync.presence_shift('', 'shift.start')$$,
    $$realtime_sync.presence_shift('room:1', null)$$,
    $$realtime_sync.presence_shift('room:1', 'start')$$,
    $$realtime_sync.presence_shift('room:1', 'break.start')$$,
    $$realtime_sync.presence_state(null)$$,
    $$realtime_sync.presence_hook('room:1')$$
]) c;
reset role;
select said($$realtime_sync.presence_hook(null, 'lower(text)')$$);

-- who may send, as himself
set role regress_rider;
set request.jwt.claims = '{"sub": "ada"}';
select said(c) from unnest(array[
    $$realtime_sync.presence_track(null)$$,
    $$realtime_sync.presence_track('room:1', 'bob')$$,
    $$realtime_sync.presence_track('room:2')$$,
    $$realtime_sync.presence_track('room:2', 'bob')$$,
    $$realtime_sync.presence_track('room:1', state => null)$$,
    $$realtime_sync.presence_track('room:1', ttl => '2 days')$$,
    $$realtime_sync.presence_heartbeat('room:1', 'bob')$$,
    $$realtime_sync.presence_heartbeat('room:2')$$,
    $$realtime_sync.presence_heartbeats('[{"member": "ada"}, {"member": "bob"}]', 'room:1')$$,
    $$realtime_sync.presence_untrack('room:2')$$,
    $$realtime_sync.presence_shift('room:1', 'shift.start', 'bob')$$,
    $$realtime_sync.presence_shift('room:2', 'shift.start')$$,
    $$realtime_sync.presence_state('room:2')$$,
    $$realtime_sync.presence_track('room:1')$$
]) c;

-- who may only read
set role regress_watcher;
select said(c) from unnest(array[
    $$realtime_sync.presence_track('room:1')$$,
    $$realtime_sync.presence_state(null)$$,
    $$realtime_sync.presence_state('room:2')$$,
    $$count(*) from realtime_sync.presence_state('room:1')$$
]) c;
reset role;
reset request.jwt.claims;

select realtime_sync.disallow('regress_gate', 'migrate'), realtime_sync.disallow('regress_gate', 'send');
drop owned by regress_gate, regress_rider, regress_watcher;
drop role regress_gate, regress_rider, regress_watcher;
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.presence_shift, realtime_sync.event;
