-- A PL/pgSQL block that fails leaves no event; those around it stay, in order.
create schema capture_exception_blocks;
set search_path = capture_exception_blocks;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'capture_exception_blocks' order by id;
create table counter (id int primary key, n int);
select count(*) from realtime_sync.enable('counter');
do $$
begin
    for i in 1..6 loop
        insert into counter values (i, 0);
        begin
            update counter set n = 10 where id = i;
            begin
                update counter set n = 20 where id = i;
                if i % 3 = 0 then raise exception 'inner'; end if;
            exception when raise_exception then
                update counter set n = 30 where id = i;
            end;
            if i % 2 = 0 then raise exception 'outer'; end if;
        exception when raise_exception then
            update counter set n = -1 where id = i;
        end;
    end loop;
end
$$;
-- 1, 5: 0 10 20; 2, 4, 6: 0 -1; 3: 0 10 30
select key ->> 'id' as id, array_agg(new ->> 'n') from feed group by 1 order by 1;
select array_agg((key ->> 'id')::int) = array_agg((key ->> 'id')::int order by (key ->> 'id')::int) as in_order from feed;
-- a trigger of the app with an exception block of its own
create function audit() returns trigger language plpgsql as $$
begin
    begin
        insert into counter values (new.id + 100, 0);
        if new.id % 2 = 1 then raise exception 'odd'; end if;
    exception when raise_exception then null;
    end;
    return null;
end
$$;
create trigger audit after insert on counter for each row when (new.id < 100) execute function audit();
insert into counter select g, 0 from generate_series(11, 14) g;
select array_agg(key ->> 'id') from feed where (key ->> 'id')::int > 10;
-- exactly one log row a surviving change, none else
select count(*) = count(distinct id) from realtime_sync.events where schema = 'capture_exception_blocks';
set client_min_messages = warning;
drop schema capture_exception_blocks cascade;
