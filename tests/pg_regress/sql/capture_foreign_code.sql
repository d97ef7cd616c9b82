-- A type whose encoding runs user code may raise: the write goes on, the event does without the value.
create schema capture_foreign_code;
set search_path = capture_foreign_code;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'capture_foreign_code' order by id;
create type mood as enum ('sad', 'ok');
create function to_json(mood) returns json language plpgsql as $$
begin
    if $1 = 'sad' then raise exception 'no json for %', $1; end if;
    return '{"mood":"ok"}';
end
$$;
create cast (mood as json) with function to_json(mood);
create table t (id int primary key, m mood, n int);
create table k (m mood primary key, n int);
select count(*) from realtime_sync.enable('t', topics => array['t', 'm:{m}'], old_row => 'full', status_columns => array['m']) as s1,
    realtime_sync.enable('k') as s2;
insert into t values (1, 'ok', 1);
insert into t values (2, 'sad', 1);
update t set n = 2;
update t set m = 'sad' where id = 1;
update t set m = 'ok' where id = 1;
delete from t;
insert into k values ('ok', 1), ('sad', 2);
select type, topics, key, new, old, changed, partial from feed;
-- the session goes on, inside savepoints too
begin;
savepoint a;
insert into t values (3, 'sad', 3);
release a;
insert into t values (4, 'ok', 4);
commit;
select key, new, partial from feed offset 10;
-- code that itself changes a captured row: its event comes first, and only where it did not fail
create table side (id serial primary key, m text);
select count(*) from realtime_sync.enable('side');
create or replace function to_json(mood) returns json language plpgsql as $$
begin
    insert into capture_foreign_code.side (m) values ($1::text);
    if $1 = 'sad' then raise exception 'no json for %', $1; end if;
    return '1';
end
$$;
create table v (id int primary key, m mood);
select count(*) from realtime_sync.enable('v');
insert into v values (1, 'ok'), (2, 'sad');
select "table", new, partial from feed offset 12;
-- nor does the code run for a column that no event tells of
create table hidden (id int primary key, big text, note text, m mood);
select count(*) from realtime_sync.enable('hidden', exclude => array['m'], coalesced => true);
set realtime_sync.max_event_size = '1kB';
insert into hidden values (1, repeat('a', 3000), 'a', null);
update hidden set note = 'b', m = 'ok';
reset realtime_sync.max_event_size;
select type, new, partial from feed where "table" = 'hidden';
select count(*) from side;
-- a cancel is not swallowed
create or replace function to_json(mood) returns json language plpgsql as $$
begin
    perform pg_sleep(10);
    return '1';
end
$$;
set statement_timeout = '200ms';
insert into v values (3, 'ok');
reset statement_timeout;
select count(*) from v;
set client_min_messages = warning;
drop schema capture_foreign_code cascade;
