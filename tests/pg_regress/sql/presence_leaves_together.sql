-- Promise: those whose time has ended leave together as they would one by one: the same events, members and calls of
-- the app's function, and each event goes on from where the one before ended.
\set SHOW_CONTEXT never
set client_min_messages = warning;
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.event;
create table call (place text, member text, state text);
create function at_hall(member text, state text) returns void language sql set search_path = '' as $$ insert into public.call values ('hall', $1, $2) $$;
create function in_room(member text, state text) returns void language plpgsql set search_path = '' as $$ begin insert into public.call values ('room', $1, $2); end $$;
select realtime_sync.presence_hook('hall', 'at_hall(text, text)'), realtime_sync.presence_hook('room', 'in_room(text, text)');

create procedure enter() language plpgsql as $$
begin
    insert into realtime_sync.presence (topic, member, device, state, meta, seen, expires, due)
    select d.topic, d.member, d.device, d.state, d.meta, now() - d.ago, now() - d.ago + interval '30 s', now() - interval '1 s'
    from (values
        -- all of them leave, once each; one in two places
        ('room', 'ada', 'phone', 'online', null::jsonb, interval '1 min'),
        ('hall', 'ada', 'phone', 'away', null, interval '1 min'),
        ('room', 'bob', 'phone', 'online', '{"battery": 7}', interval '2 min'),
        ('room', 'bob', 'tablet', 'away', null, interval '2 min'),
        ('hall', 'bob', 'phone', 'busy', null, interval '40 s'),
        -- the best of his devices goes, and the best of what remains is what he is
        ('room', 'cyd', 'phone', 'online', null, interval '1 min'),
        ('room', 'cyd', 'tablet', 'on_break', '{"battery": 5}', interval '1 s'),
        ('room', 'cyd', 'watch', 'away', '{"battery": 6}', interval '2 s'),
        -- another than the best: nobody sees it
        ('room', 'dan', 'phone', 'online', null, interval '1 s'),
        ('room', 'dan', 'tablet', 'away', null, interval '1 min'),
        -- never here, as seen by others
        ('hall', 'eve', 'phone', 'offline', null, interval '1 min')
    ) d(topic, member, device, state, meta, ago);
    truncate realtime_sync.event, call;
    update realtime_sync.presence_member set since = now() - interval '1 hour';
    -- owed a call, later: what he becomes is told now, and what stays is owed still
    update realtime_sync.presence_member set hook_due = now() + interval '1 hour' where member in ('ada', 'dan');
end $$;

create view told as
select
    (
        select json_agg(json_build_array(e.event, (e.payload::jsonb - 'seen' - 'since'), now() - (e.payload ->> 'seen')::timestamptz)
            order by e.payload ->> 'member', e.topics, e.id)
        from realtime_sync.events e
    ) as events,
    (
        select json_agg(json_build_array(m.topic, m.member, m.state, now() - m.seen, m.hook_due is not null, now() - m.since > interval '1 min')
            order by m.topic, m.member)
        from realtime_sync.presence_member m
    ) as members,
    (select json_agg(c order by c.place, c.member) from call c) as calls;

begin;
call enter();
delete from realtime_sync.presence where expires <= now();
select t::text as alone from told t \gset
rollback;
begin;
call enter();
select realtime_sync.presence_expire() > now() as later;
select t::text as together from told t \gset
select json_array_elements(events) from told;
select json_array_elements(members) from told;
select * from call order by place, member;
select member, device from realtime_sync.presence order by 1, 2;
rollback;
select :'alone' = :'together' as the_same;

-- 1,500 in two turns: each once
select realtime_sync.presence_heartbeats((select jsonb_agg(jsonb_build_object('member', n)) from generate_series(1, 1500) n), 'room');
update realtime_sync.presence set seen = now() - interval '1 min', expires = now() - interval '30 s', due = now() - interval '30 s';
select realtime_sync.presence_expire() <= clock_timestamp() as more;
select count(*), count(distinct payload ->> 'member') from realtime_sync.events where event = 'presence.leave';
select realtime_sync.presence_expire() is not null as later;
select count(*), count(distinct payload ->> 'member') from realtime_sync.events where event = 'presence.leave';
select count(*), count(distinct member) from call where state = 'offline';

select realtime_sync.presence_hook('hall'), realtime_sync.presence_hook('room');
drop view told;
drop procedure enter;
drop function at_hall, in_room;
drop table call;
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.event;
