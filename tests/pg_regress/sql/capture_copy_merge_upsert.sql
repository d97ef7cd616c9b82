-- COPY, MERGE and INSERT ... ON CONFLICT give the event of what each row underwent.
create schema capture_copy_merge_upsert;
set search_path = capture_copy_merge_upsert;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'capture_copy_merge_upsert' order by id;
create table t (id int primary key, n int);
select count(*) from realtime_sync.enable('t');
copy t from stdin;
1	10
2	20
\.
insert into t values (1, 11), (3, 30) on conflict (id) do update set n = excluded.n;
insert into t values (1, 12), (4, 40) on conflict do nothing;
insert into t values (1, 13) on conflict (id) do update set n = excluded.n where false;
merge into t using (values (1, 14), (2, 0), (5, 50)) as s(id, n) on t.id = s.id
    when matched and s.n = 0 then delete
    when matched then update set n = s.n
    when not matched then insert values (s.id, s.n);
with gone as (delete from t where id = 3 returning *)
insert into t select id + 100, n from gone;
update t set n = n where id = 5;
select type, key, new ->> 'n' as n, old, changed from feed;
set client_min_messages = warning;
drop schema capture_copy_merge_upsert cascade;
