-- relay() does the relay's work: a tick for what was committed, and everything to the sinks, in order, once.
create schema relay_by_hand;
set search_path = relay_by_hand;
create table t (id int primary key, n int);
create table outbox (cursor text, id bigint, topic text, payload json, n bigint generated always as identity);
select count(*) from realtime_sync.enable('t', topics => array['t']);
select count(*) from realtime_sync.relay();
select count(*) from realtime_sync.add_sink('outbox', target => 'table:relay_by_hand.outbox', topics => array['t']);
select realtime_sync.cursor() as before \gset
-- nothing yet
select * from realtime_sync.relay();
insert into t values (1, 1), (2, 2);
update t set n = 3 where id = 1;
-- each sink's sending counts: the one out of the box, and ours
select * from realtime_sync.relay();
select payload ->> 'type' as type, payload -> 'key' as key, payload -> 'new' as new from outbox order by n;
select * from realtime_sync.relay();
select count(*) from outbox;
-- the cursor of each is where replay() goes on
select json_array_length(realtime_sync.replay((select cursor from outbox order by n limit 1), array['t']) -> 'events');
select json_array_length(realtime_sync.replay(:'before', array['t']) -> 'events');

-- a tick of more than 500 events is sent in batches; a call sends about as many as it is asked to
insert into t select g, 0 from generate_series(10, 1609) g;
select sent between 500 and 2000 as some, more from realtime_sync.relay(500);
select events is null as big from realtime_sync.tick order by timeline desc, position desc limit 1;
select sent > 0 as rest, more from realtime_sync.relay();
select count(*), count(distinct id), bool_and(in_order) as in_order
from (select id, cursor > coalesce(lag(cursor) over (order by n), '') as in_order from outbox) o;

-- a rolled-back change is not sent, nor does a rolled-back call leave anything
begin;
update t set n = 9 where id = 2;
rollback;
select * from realtime_sync.relay();
update t set n = 10 where id = 2;
begin;
select * from realtime_sync.relay();
rollback;
select * from realtime_sync.relay();
select payload -> 'new' as new from outbox order by n desc limit 1;

-- what its own transaction does after it belongs to a later tick
update t set n = 20 where id = 1;
begin;
create table other (id int);
select * from realtime_sync.relay();
update t set n = 11 where id = 2;
commit;
select * from realtime_sync.relay();
select payload -> 'new' as new from outbox order by n desc limit 1;

-- where it cannot
\set VERBOSITY default
begin isolation level repeatable read;
select * from realtime_sync.relay();
rollback;
begin;
update t set n = 12 where id = 2;
select * from realtime_sync.relay();
rollback;
begin;
select realtime_sync.send('t', 'hello', '{}') > 0 as sent;
select * from realtime_sync.relay();
rollback;
begin read only;
select * from realtime_sync.relay();
rollback;

select count(*) from realtime_sync.drop_sink('outbox');
set client_min_messages = warning;
drop schema relay_by_hand cascade;
