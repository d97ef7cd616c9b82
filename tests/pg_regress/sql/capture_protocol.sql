-- capture() called as a function, before a change or for a statement is refused with 39P01 and a hint.
create schema capture_protocol;
set search_path = capture_protocol;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'capture_protocol' order by id;
create table t (id int primary key);
select realtime_sync.capture(); -- PostgreSQL itself refuses
create trigger wrong before insert on t for each row execute function realtime_sync.capture('{}');
insert into t values (1);
drop trigger wrong on t;
create trigger wrong after insert on t for each statement execute function realtime_sync.capture('{}');
insert into t values (1);
drop trigger wrong on t;
create view v as select * from t;
create trigger wrong instead of insert on v for each row execute function realtime_sync.capture('{}');
insert into v values (1);
create trigger wrong before truncate on t for each statement execute function realtime_sync.capture('{}');
truncate t;
drop trigger wrong on t;
do $$
begin
    perform realtime_sync.capture();
exception when trigger_protocol_violated then raise notice '39P01';
end
$$;
do $$
declare
    s text;
begin
    create trigger wrong before insert on capture_protocol.t for each row execute function realtime_sync.capture('{}');
    insert into capture_protocol.t values (1);
exception when trigger_protocol_violated then
    get stacked diagnostics s = pg_exception_hint;
    raise notice '39P01 %', s;
end
$$;
select count(*) from feed;
set client_min_messages = warning;
drop schema capture_protocol cascade;
