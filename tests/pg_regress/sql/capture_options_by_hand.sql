-- A trigger written by hand may hold any text: the write never fails for it.
create schema capture_options_by_hand;
set search_path = capture_options_by_hand;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'capture_options_by_hand' order by id;
create table t (id int primary key, n int);
create function try(argument text) returns void language plpgsql as $$
begin
    execute format('create or replace trigger by_hand after insert or update or delete on t for each row execute function realtime_sync.capture(%s)', argument);
    insert into t values (1, 1);
    update t set n = 2;
    delete from t;
end
$$;
select count(*) from (values (''), (quote_literal('')), ($$'nonsense'$$), ($$'[]'$$), ($$'{'$$), ($$'{"topics":"t"}'$$),
    ($$'{"topics":["{nothing}","{","}",""]}'$$), ($$'{"columns":["nothing"]}'$$), ($$'{"old_row":"most"}'$$),
    ($$'{"key_columns":["nothing"]}'$$), ($$'{"new_row":"none"}'$$), ($$'{"leave":true,"topics":[]}'$$),
    ($$'{"status_columns":["x"],"watch":["y"],"exclude":["z"]}'$$), ($$'{"event_name":""}'$$),
    ($$'{}', 'more', 'arguments'$$), (quote_literal(repeat('[', 10000))), (quote_literal('{"topics":["' || repeat('x', 100000) || '"]}'))
    ) as v(argument), try(v.argument);
select count(*) > 0 as captured, count(*) filter (where topics = array['t', 't:1']) as by_default from feed;
set client_min_messages = warning;
drop schema capture_options_by_hand cascade;
