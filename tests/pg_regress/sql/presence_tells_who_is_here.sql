-- Promise: a member of several devices joins, changes and leaves once each as others see it; heartbeats
-- send nothing, write no index and fill an empty table again; who has gone was last seen.
\set SHOW_CONTEXT never
\set VERBOSITY terse
truncate realtime_sync.event;
create view said as
select row_number() over (order by id) as n, topics, event, payload ->> 'member' as member, payload ->> 'state' as state,
    payload ->> 'previous' as previous, payload ->> 'device' as device, payload ->> 'meta' as meta
from realtime_sync.events;

-- one device
select realtime_sync.presence_track('drivers', '42', meta => '{"signal": 4}');
select realtime_sync.presence_track('drivers', '42');
select realtime_sync.presence_track('drivers', '42', 'away');
select realtime_sync.presence_track('drivers', '42', 'away', '{"signal": 1}');
select realtime_sync.presence_track('drivers', '42', 'on_break');
select realtime_sync.presence_track('drivers', '42', 'offline');
select realtime_sync.presence_track('drivers', '42', 'washing the car');
select realtime_sync.presence_untrack('drivers', '42'), realtime_sync.presence_untrack('drivers', '42');
select * from said;
select member, state, seen <= now() as seen, devices from realtime_sync.presence_state('drivers');
truncate realtime_sync.event;

-- several: the best counts, and nothing is said of the others
select realtime_sync.presence_track('drivers', '42', 'away', device => 'phone');
select realtime_sync.presence_track('drivers', '42', 'on_break', device => 'watch');
select realtime_sync.presence_track('drivers', '42', 'busy', device => 'tablet');
select realtime_sync.presence_track('drivers', '42', 'online', device => 'phone');
select realtime_sync.presence_untrack('drivers', '42', 'tablet');
select realtime_sync.presence_untrack('drivers', '42', 'phone');
select member, state, (select jsonb_agg(d - 'since' - 'seen') from jsonb_array_elements(devices) d) as devices
from realtime_sync.presence_state('drivers');
select realtime_sync.presence_untrack('drivers', '42');
select * from said;
truncate realtime_sync.event;

-- heartbeats join who is not known, and of the others change no state and send nothing
select realtime_sync.presence_heartbeat('drivers', '42', meta => '{"latency_ms": 80}');
select realtime_sync.presence_track('drivers', '42', 'away');
select realtime_sync.presence_heartbeat('drivers', '42', meta => '{"latency_ms": 90}');
select realtime_sync.presence_heartbeats(
    '[{"member": "42"}, {"member": "43", "state": "away"}, {"member": "42", "ttl": "10 s"}, {"member": "43", "device": "b", "state": "away"},
      {"topic": "riders", "member": "7", "meta": {"signal": 2}}]',
    topic => 'drivers');
select realtime_sync.presence_heartbeats('[{"member": "42"}, {"member": "43"}]', 'drivers');
select * from said;
select member, state, (select jsonb_agg(d - 'since' - 'seen') from jsonb_array_elements(devices) d) as devices
from realtime_sync.presence_state('drivers', array['away']);
truncate realtime_sync.event;

-- no index entry for them: each is a HOT update
create table hot as select 0::bigint as before;
select pg_stat_force_next_flush();
truncate hot;
insert into hot select n_tup_upd - n_tup_hot_upd from pg_stat_user_tables where relid = 'realtime_sync.presence'::regclass;
\o /dev/null
\set ECHO none
select format('select realtime_sync.presence_heartbeat(%L, %L, meta => %L)', 'drivers', '42', i) from generate_series(1, 100) i \gexec
\set ECHO all
\o
select pg_stat_force_next_flush();
select n_tup_upd - n_tup_hot_upd - before <= 10 as hot from pg_stat_user_tables, hot where relid = 'realtime_sync.presence'::regclass;
drop table hot;

-- its time ends: it leaves; a heartbeat in time keeps it, and its look-up moves
truncate realtime_sync.presence, realtime_sync.presence_member;
select realtime_sync.presence_heartbeats('[{"member": "gone"}, {"member": "here"}, {"member": "two"}, {"member": "two", "device": "b"}]', 'drivers');
truncate realtime_sync.event;
update realtime_sync.presence set seen = seen - interval '1 min', expires = expires - interval '1 min', due = due - interval '1 min';
update realtime_sync.presence_member set seen = seen - interval '1 min';
select realtime_sync.presence_heartbeats('[{"member": "here"}, {"member": "two", "device": "b"}]', 'drivers');
select realtime_sync.presence_expire() between now() and clock_timestamp() + interval '1 s' as soon;
select realtime_sync.presence_expire() > now() as soon;
select * from said;
select member, device, due = expires as looked_up, expires > now() as lives from realtime_sync.presence order by 1, 2;
select member, state, seen < now() - interval '30 s' as long_ago from realtime_sync.presence_state('drivers');
truncate realtime_sync.event;

-- nothing is due: nothing is written
begin read only;
select realtime_sync.presence_expire() > now() as soon, pg_current_xact_id_if_assigned() is null as nothing;
rollback;

-- more than one look holds
insert into realtime_sync.presence (topic, member, expires, due, seen)
select 'many', i::text, now() - interval '1 s', now() - interval '1 s', now() - interval '31 s' from generate_series(1, 2500) i;
truncate realtime_sync.event;
select realtime_sync.presence_expire() <= clock_timestamp() as at_once from generate_series(1, 3);
select event, count(*), count(distinct payload ->> 'member') from realtime_sync.events group by 1;
select count(*) from realtime_sync.presence where topic = 'many';

-- nobody here: nothing due; and in the end nobody is known
delete from realtime_sync.presence;
select realtime_sync.presence_expire();
update realtime_sync.presence_member set seen = now() - interval '31 days' where member <> 'here';
select realtime_sync.presence_expire() from generate_series(1, 3);
select member, state from realtime_sync.presence_member;
truncate realtime_sync.event;

-- a heartbeat that says nothing of the time keeps what was said
select realtime_sync.presence_track('kept', '1', ttl => '10 min');
select realtime_sync.presence_heartbeat('kept', '1'), realtime_sync.presence_heartbeats('[{"member": "1"}, {"member": "2"}]', 'kept');
select member, ttl, expires - seen as lives, due <= expires as due from realtime_sync.presence where topic = 'kept' order by member;
select realtime_sync.presence_heartbeat('kept', '1', ttl => '20 s'), realtime_sync.presence_heartbeats('[{"member": "2", "ttl": "5 min"}]', 'kept');
select realtime_sync.presence_heartbeats('[{"member": "1"}, {"member": "2"}]', 'kept');
select member, ttl, expires - seen as lives, due <= expires as due from realtime_sync.presence where topic = 'kept' order by member;
select realtime_sync.presence_untrack('kept', '1') + realtime_sync.presence_untrack('kept', '2') as gone;
delete from realtime_sync.presence_member where topic = 'kept';
truncate realtime_sync.event;

-- of several of one device in a call the last counts
select realtime_sync.presence_heartbeats(jsonb_agg(jsonb_build_object('member', '1', 'meta', n)), 'kept') from generate_series(1, 50) n;
select meta from realtime_sync.presence where topic = 'kept' and member = '1';

-- after a crash the table is empty, and heartbeats fill it: who comes back never left, who does not leaves
-- after a minute
truncate realtime_sync.presence, realtime_sync.presence_member;
select realtime_sync.presence_heartbeats('[{"member": "42"}, {"member": "43"}, {"topic": "riders", "member": "7"}]', 'drivers');
truncate realtime_sync.event, realtime_sync.presence, realtime_sync.presence_sweep;
select realtime_sync.presence_expire() between now() + interval '55 s' and now() + interval '65 s' as in_a_minute;
select realtime_sync.presence_heartbeat('drivers', '42', ttl => '5 s');
select realtime_sync.presence_heartbeat('drivers', '44', ttl => '5 s', state => 'away');
select realtime_sync.presence_expire() is not null as due;
select ttl, expires - seen as lives from realtime_sync.presence;
select event, member, state from said;
update realtime_sync.presence_sweep set at = now();
update realtime_sync.presence_member set seen = seen - interval '1 min';
select realtime_sync.presence_expire() < now() + interval '2 s' as soon;
select event, member, state, previous from said order by event, member;
select topic, member, state, seen < now() - interval '30 s' as long_ago from realtime_sync.presence_member order by 1, 2;
select realtime_sync.presence_untrack('drivers', m) from unnest(array['42', '44']) m;
select realtime_sync.presence_expire();
truncate realtime_sync.event;

-- an app's own function is told, in the same transaction
create table drivers (id bigint primary key, is_online boolean);
insert into drivers values (42, false);
create function drive(member text, state text) returns void language sql set search_path = '' as
    $$ update public.drivers set is_online = state <> 'offline' where id = member::bigint $$;
select realtime_sync.presence_hook('drivers', 'drive(text, text)');
select realtime_sync.presence_track('drivers', '42', 'online');
select * from drivers;
select realtime_sync.presence_untrack('drivers', '42');
select * from drivers;
select realtime_sync.presence_hook('drivers');
select realtime_sync.presence_track('drivers', '42', 'online');
select * from drivers;
select realtime_sync.presence_hook('drivers', 'lower(text)');
\echo :SQLSTATE

-- refused
select realtime_sync.presence_track('', '42');
\echo :SQLSTATE
select realtime_sync.presence_track('drivers', '42', null);
\echo :SQLSTATE
select realtime_sync.presence_track('drivers', '42', ttl => '0.5 s');
\echo :SQLSTATE
select realtime_sync.presence_track('drivers', '42', ttl => '2 days');
\echo :SQLSTATE
select realtime_sync.presence_heartbeats('{"member": "42"}', 'drivers');
\echo :SQLSTATE
select realtime_sync.presence_heartbeats('[{"member": "42"}]');
\echo :SQLSTATE

-- shifts
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.presence_shift, realtime_sync.event;
select realtime_sync.presence_shift('drivers', 'shift.start', '42') is not null as started;
select realtime_sync.presence_track('drivers', '42');
update realtime_sync.presence_shift set started = started - interval '2 hours';
select realtime_sync.presence_shift('drivers', 'break.start', '42') ->> 'worked_s' as worked_s;
update realtime_sync.presence_shift set started = started - interval '15 min' where kind = 'break';
select j ->> 'worked_s' as worked_s, j ->> 'breaks' as breaks, j ->> 'breaks_s' as breaks_s
from realtime_sync.presence_shift('drivers', 'break.end', '42') j;
select realtime_sync.presence_shift('drivers', 'break.start', '42') is not null as on_break;
select j ->> 'worked_s' as worked_s, j ->> 'breaks' as breaks, j ->> 'breaks_s' as breaks_s
from realtime_sync.presence_shift('drivers', 'shift.end', '42') j;
select n, event, member, state, previous from said;
select kind, ended is not null as ended from realtime_sync.presence_shift order by started, kind;
select realtime_sync.presence_shift('drivers', 'break.start', '42');
\echo :SQLSTATE
select realtime_sync.presence_shift('drivers', 'shift.end', '42');
\echo :SQLSTATE
select realtime_sync.presence_shift('drivers', 'shift.start', '42') is not null as started;
select realtime_sync.presence_shift('drivers', 'shift.start', '42');
\echo :SQLSTATE
select realtime_sync.presence_shift('drivers', 'break.end', '42');
\echo :SQLSTATE
select realtime_sync.presence_shift('drivers', 'nap', '42');
\echo :SQLSTATE
-- a clock that was set back, and a break that began while this waited, end no shift before it began
update realtime_sync.presence_shift set started = now() + interval '1 min' where ended is null;
select count(*) as ended from realtime_sync.presence_shift('drivers', 'shift.end', '42');
select count(*) as before from realtime_sync.presence_shift where ended < started;

-- whoever comes back, or says online, while his break is open is on it, with what he says of himself
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.presence_shift, realtime_sync.event;
select count(*) from (values ('shift.start'), ('break.start')) v(action) cross join lateral realtime_sync.presence_shift('drivers', v.action, '42') s;
select realtime_sync.presence_heartbeat('drivers', '42');
select realtime_sync.presence_track('drivers', '42', 'online', '{"signal": 4}');
select realtime_sync.presence_track('drivers', '42', 'away');
select realtime_sync.presence_track('drivers', '42', 'online', '{"signal": 3}');
truncate realtime_sync.presence;
select realtime_sync.presence_heartbeats('[{"member": "42"}, {"member": "42", "device": "tablet"}, {"member": "43"}]', 'drivers');
select n, event, member, state, previous, device, meta from said where event like 'presence.%';
select member, device, state from realtime_sync.presence order by 1, 2;
truncate realtime_sync.event;
select realtime_sync.presence_shift('drivers', 'break.end', '42') is not null as back;
select event, member, state, previous from said where event like 'presence.%';
select member, device, state from realtime_sync.presence order by 1, 2;

drop table drivers;
drop function drive;
drop view said;
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.presence_shift, realtime_sync.event;
