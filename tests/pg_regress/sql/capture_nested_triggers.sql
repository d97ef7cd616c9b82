-- The feed ends on the newest value, however the app's own triggers update the row.
create schema capture_nested_triggers;
set search_path = capture_nested_triggers;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'capture_nested_triggers' order by id;
create table t (id int primary key, n int, note text);
select count(*) from realtime_sync.enable('t');
create function before_row() returns trigger language plpgsql as $$
begin
    new.note = 'before ' || new.n;
    return new;
end
$$;
create function after_row() returns trigger language plpgsql as $$
begin
    if new.n < 3 then
        update t set n = new.n + 1 where id = new.id;
    end if;
    return null;
end
$$;
create trigger a_before before insert or update on t for each row execute function before_row();
create trigger a_after after insert or update on t for each row execute function after_row();
insert into t values (1, 1);
select type, new from feed;
update t set n = 0;
select type, new, old from feed offset 3;
-- several rows of one statement
insert into t values (2, 2), (3, 1);
select distinct on (key ->> 'id') key, new ->> 'n' as n, (select n from t where id = (key ->> 'id')::int) as stored
from (select row_number() over () as place, * from feed) f order by key ->> 'id', place desc;
-- a statement trigger
create function after_statement() returns trigger language plpgsql as $$
begin
    update t set note = 'last' where id = 1 and note <> 'last';
    return null;
end
$$;
create function keep() returns trigger language plpgsql as $$ begin return null; end $$;
drop trigger a_before on t;
create trigger z_after after delete on t for each statement execute function after_statement();
delete from t where id = 2;
select type, key, new ->> 'note' as note from feed offset 12;
-- a BEFORE trigger that swallows the change
create trigger b_keep before delete on t for each row execute function keep();
delete from t;
select count(*) from feed where type = 'DELETE';
set client_min_messages = warning;
drop schema capture_nested_triggers cascade;
