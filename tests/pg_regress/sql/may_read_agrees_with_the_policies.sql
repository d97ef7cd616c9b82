-- Promise: may_read() and may_send() say what a query and send() would do, for policies of allow() and
-- for those written by hand.
\set SHOW_CONTEXT never
truncate realtime_sync.event;
create role member;
create role crew;
create role hand;
grant crew to member;
select realtime_sync.allow('member', 'read', array['a', 'own:{jwt.sub}', 'pre:*']);
select realtime_sync.allow('crew', 'read', array['crew']);
select realtime_sync.allow('member', 'send', array['a', 'out:{jwt.sub}']);
insert into realtime_sync.event (topics, event, payload)
select array[t], 'e', 'null' from unnest(array['a', 'b', 'own:1', 'own:2', 'pre:1', 'pre', 'crew', 'hand', 'never']) t;

create view verdicts with (security_invoker = true) as
select t.topic, realtime_sync.may_read(t.topic) as may_read,
    exists (select from realtime_sync.event e where e.topics = array[t.topic]) as reads
from unnest(array['a', 'b', 'own:1', 'own:2', 'pre:1', 'pre', 'crew', 'hand', 'never']) t(topic);
grant select on verdicts to member, crew, hand;

set request.jwt.claims = '{"sub": "1"}';
set role member;
select * from verdicts;
select realtime_sync.may_read(null), realtime_sync.may_send(null);
select t, realtime_sync.may_send(t) from unnest(array['a', 'b', 'own:1', 'out:1', 'out:2', '']) t;
reset role;
set role crew;
select * from verdicts where may_read or reads;
reset role;

-- what a stranger makes in a schema of the caller's search_path is not asked, though its arguments fit better
create function public.let_in(text[], text[]) returns boolean language plpgsql as $$ begin raise 'a stranger''s code ran as %', current_user; end $$;
create operator public.&& (leftarg = text[], rightarg = text[], function = public.let_in);
create function public.let_in(text, text) returns boolean language plpgsql as $$ begin raise 'a stranger''s code ran as %', current_user; end $$;
create schema first;
create operator first.^@ (leftarg = text, rightarg = text, function = public.let_in);
create operator first.= (leftarg = text, rightarg = text, function = public.let_in);
create function first.claim(text) returns text language sql as $$ select '2' $$;
create function first.unnest(text[]) returns setof text language sql as $$ select 'a' $$;
grant usage on schema first to member;
set role member;
select * from verdicts where may_read or reads;
set search_path = first, pg_catalog, public;
select pg_catalog.array_agg(t.topic) from public.verdicts t where t.may_read;
select t, realtime_sync.may_send(t) from pg_catalog.unnest(array['a', 'b', 'out:1', 'out:2']) t;
reset search_path;
reset role;
drop schema first cascade;
drop operator public.&& (text[], text[]);
drop function public.let_in(text[], text[]), public.let_in(text, text);

-- by hand: for all commands, to everyone, restrictive, and with a subquery of its own
create table memberships (who name, room text);
insert into memberships values ('hand', 'hand'), ('hand', 'never');
grant select on memberships to hand;
create policy hand on realtime_sync.event to hand
    using (exists (select from memberships m where m.who = current_user and m.room = any (event.topics)))
    with check (topics = array['hand']);
create policy never on realtime_sync.event as restrictive for select
    using (not topics @> array['never']);
create policy everyone on realtime_sync.event for select to public using ('b' = any (topics));
grant usage on schema realtime_sync to hand;
grant select on realtime_sync.event to hand;
grant execute on function realtime_sync.may_read, realtime_sync.may_send, realtime_sync.policy_condition, realtime_sync.within_max_event_size to hand;
set role hand;
select * from verdicts;
select realtime_sync.may_send('hand') as without_insert;
reset role;
grant insert (topics, event, payload) on realtime_sync.event to hand;
set role hand;
select realtime_sync.may_send('hand'), realtime_sync.may_send('never');
reset role;
set role member;
select * from verdicts where may_read or reads;
reset role;

-- who needs no policy, and who has one but no privilege
select realtime_sync.may_read('anything'), realtime_sync.may_send('anything');
alter role member bypassrls;
set role member;
select realtime_sync.may_read('anything'), realtime_sync.may_send('anything');
reset role;
revoke select on realtime_sync.event from hand;
set role hand;
select realtime_sync.may_read('hand');
reset role;

drop policy hand on realtime_sync.event;
drop policy never on realtime_sync.event;
drop policy everyone on realtime_sync.event;
drop view verdicts;
drop table memberships;
drop owned by member, crew, hand;
drop role member, crew, hand;
select count(*) from pg_policy where polrelid = 'realtime_sync.event'::regclass and polpermissive;
truncate realtime_sync.event;
