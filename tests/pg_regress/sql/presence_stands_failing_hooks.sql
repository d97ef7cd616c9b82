-- Promise: an app's function that fails for one member keeps nobody from coming and going: not that member, nor those of
-- the same heartbeats or the same expiry. A warning names him, and it is called again until it does not fail.
\set SHOW_CONTEXT never
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.event;
create table courier (id bigint primary key, is_online boolean, told integer default 0);
insert into courier select n, false from generate_series(1, 3) n;
create function refuse() returns trigger language plpgsql as $$
begin
    raise check_violation using message = format('courier %s has no licence', new.id);
end $$;
create trigger refuse before update on courier for each row when (new.id = 2) execute function refuse();
create function drive(member text, state text) returns void language sql set search_path = '' as
    $$ update public.courier set is_online = state <> 'offline', told = told + 1 where id = member::bigint $$;
select realtime_sync.presence_hook('couriers', 'drive(text, text)');
create view seen as
select c.id, c.is_online, c.told, m.state, m.hook_due - now() between interval '50 s' and interval '1 min' as in_a_minute
from courier c left join realtime_sync.presence_member m on m.topic = 'couriers' and m.member = c.id::text
order by c.id;

-- heartbeats of three, and one who tracks himself
select realtime_sync.presence_heartbeats('[{"member": "1"}, {"member": "2"}, {"member": "3"}]', 'couriers');
select * from seen;
select realtime_sync.presence_track('couriers', 'nobody''s');
select event, payload ->> 'member' as member from realtime_sync.events order by id;
select realtime_sync.presence_untrack('couriers', 'nobody''s');
show lock_timeout;

-- expiry of all of them: nothing is left but what is owed to the app
truncate realtime_sync.event;
update realtime_sync.presence set seen = now() - interval '1 min', expires = now() - interval '30 s', due = now() - interval '30 s';
select realtime_sync.presence_expire() between now() + interval '50 s' and now() + interval '1 min' as in_a_minute;
select * from seen;
select event, payload ->> 'member' as member from realtime_sync.events order by payload ->> 'member';

-- again in a minute, and with the state of then
update realtime_sync.presence_member set hook_due = now() where hook_due is not null and member = '2';
select realtime_sync.presence_expire() is not null as more;
drop trigger refuse on courier;
update courier set is_online = true;
update realtime_sync.presence_member set hook_due = now() where member = '2';
select realtime_sync.presence_expire() is not null as more;
select * from seen;

-- nothing is owed where nothing is called
select realtime_sync.presence_hook('couriers');
update realtime_sync.presence_member set hook_due = now();
select realtime_sync.presence_expire();
select count(hook_due) from realtime_sync.presence_member;

drop view seen;
drop table courier;
drop function drive, refuse;
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.event;
