-- Promise: allow(role, 'migrate') lets a role make its own tables sources, see them and take that back,
-- and nothing else.
\set SHOW_CONTEXT never
create role owner;
create role writer;
select realtime_sync.allow('owner', 'migrate');
create schema owned authorization owner;
create table not_owned (id int primary key);
set role owner;
create table owned.t (id int primary key, v text);
grant usage on schema owned to writer;
grant insert, update on owned.t to writer;
select relation, topics from realtime_sync.enable('owned.t', topics => array['t:{id}']);
select relation, topics, drift from realtime_sync.source;
select realtime_sync.enable('not_owned');
select * from realtime_sync.events;
select realtime_sync.send('t:1', 'e', '1');
-- everybody's presence, and a topic's members as the back end asks for them
select realtime_sync.presence_track('shop', 'anna', ttl => '1 h'), realtime_sync.presence_untrack('shop', 'bert');
select member, state from realtime_sync.presence_member where topic = 'shop';
select realtime_sync.presence_heartbeats('[{"member": "anna", "topic": "shop"}]'), realtime_sync.presence_untrack('shop', 'anna');
reset role;
delete from realtime_sync.presence_member where topic = 'shop';

-- whoever writes the table needs nothing from the extension
truncate realtime_sync.event;
set role writer;
insert into owned.t values (1, 'x');
update owned.t set v = 'y';
reset role;
select type, topics, actor = session_user as by_session_user from realtime_sync.events order by id;

set role owner;
select realtime_sync.disable('owned.t');
reset role;
select realtime_sync.disallow('owner', 'migrate');
set role owner;
select realtime_sync.enable('owned.t');
reset role;
drop schema owned cascade;
drop table not_owned;
drop role owner, writer;
truncate realtime_sync.event;
