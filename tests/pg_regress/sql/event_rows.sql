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
set client_min_messages = warning;
drop schema event_rows cascade;
