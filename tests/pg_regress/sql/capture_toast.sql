-- A TOASTed value that did not change is not in changed, one that did is.
create schema capture_toast;
set search_path = capture_toast;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'capture_toast' order by id;
create table t (id int primary key, n int, big text, packed text);
alter table t alter column big set storage external;
select count(*) from realtime_sync.enable('t');
insert into t select 1, 0, string_agg(md5(g::text), ''), repeat('packed', 1000) from generate_series(1, 300) g;
update t set n = 1;
update t set big = big || '';
update t set big = reverse(big);
update t set packed = upper(packed);
update t set packed = null;
update t set big = 'short';
select type, changed, length(new ->> 'big') as big, length(new ->> 'packed') as packed, old ->> 'n' as n,
    length(old ->> 'big') as old_big, length(old ->> 'packed') as old_packed
from feed;
set client_min_messages = warning;
drop schema capture_toast cascade;
