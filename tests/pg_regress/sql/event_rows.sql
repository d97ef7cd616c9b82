-- new_row and old_row say how much of the rows an event carries.
create schema event_rows;
set search_path = event_rows;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'event_rows' order by id;
create table t (id int primary key, a int, b int);
do $$
declare
    n text;
    o text;
begin
    foreach n in array array['full', 'changed', 'key'] loop
        foreach o in array array['full', 'changed', 'key', 'none'] loop
            perform realtime_sync.enable('event_rows.t', new_row => n, old_row => o, event_name => n || '/' || o);
            insert into event_rows.t values (1, 1, 1);
            update event_rows.t set a = 2;
            delete from event_rows.t;
        end loop;
    end loop;
end
$$;
select event, type, new, old, changed from realtime_sync.events where schema = 'event_rows' order by id;
-- nothing of an earlier event, of another table's either, stands for a column of a later one
create table wide (id int primary key, a text, b text);
create table narrow (id int primary key, a text, b text);
select count(*) from realtime_sync.enable('wide', old_row => 'full') as w, realtime_sync.enable('narrow', new_row => 'key', old_row => 'full') as n;
insert into wide values (1, repeat('of another table ', 20), 'wide');
insert into narrow values (1, 'a', 'b');
begin;
update wide set b = 'w';
update narrow set a = 'c';
commit;
update wide set b = 'x';
update narrow set a = 'd';
select new, old, changed from feed where "table" = 'narrow' and type = 'UPDATE';
set client_min_messages = warning;
drop schema event_rows cascade;
