-- Promise: who sends heartbeats is asked once for all of them, not for each; none of them writes an index, and a
-- topic is found among others by one.
set client_min_messages = warning;
truncate realtime_sync.presence, realtime_sync.presence_member;
create role regress_gateway;
select realtime_sync.allow('regress_gateway', 'migrate');
select realtime_sync.allow('regress_gateway', 'send', topics => array['drivers']);
set track_functions = 'all';
select pg_stat_force_next_flush();
begin;
set local role regress_gateway;
select realtime_sync.presence_heartbeats((select jsonb_agg(jsonb_build_object('member', n::text)) from generate_series(1, 1000) n), 'drivers');
select realtime_sync.presence_heartbeats((select jsonb_agg(jsonb_build_object('member', n::text)) from generate_series(1, 1000) n), 'drivers');
reset role;
select f.funcname, f.calls from pg_stat_xact_user_functions f where f.funcname in ('claim', 'may_send') and f.calls > 10 order by 1;
select s.n_tup_upd, s.n_tup_hot_upd from pg_stat_xact_user_tables s where s.relid = 'realtime_sync.presence'::regclass;
rollback;
begin;
select realtime_sync.presence_heartbeats((select jsonb_agg(jsonb_build_object('topic', 'room:' || n, 'member', '42')) from generate_series(1, 3000) n));
analyze realtime_sync.presence, realtime_sync.presence_member;
select s.seq_scan as before from pg_stat_xact_user_tables s where s.relid = 'realtime_sync.presence'::regclass \gset
select member, jsonb_array_length(devices) as devices from realtime_sync.presence_state('room:7');
select s.seq_scan - :before as whole from pg_stat_xact_user_tables s where s.relid = 'realtime_sync.presence'::regclass;
rollback;
reset track_functions;
select realtime_sync.disallow('regress_gateway', 'migrate');
select realtime_sync.disallow('regress_gateway', 'send');
drop role regress_gateway;

-- Devices and members are joined by the members' key: of two collations no index would serve.
select a.attname, array_agg(distinct c.collname) as collations
from pg_attribute a
join pg_collation c on c.oid = a.attcollation
where a.attrelid in ('realtime_sync.presence'::regclass, 'realtime_sync.presence_member'::regclass) and a.attname in ('topic', 'member')
group by a.attname
order by a.attname;
