-- flush() writes what was captured so far; inside a savepoint it is refused with 25001.
create schema log_flush;
set search_path = log_flush;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'log_flush' order by id;
create table t (id int primary key);
select count(*) from realtime_sync.enable('t');
select realtime_sync.flush();
begin;
insert into t values (1), (2);
select count(*) from feed;
select realtime_sync.flush();
select key from feed;
select realtime_sync.flush();
insert into t values (3);
savepoint a;
\set VERBOSITY sqlstate
select realtime_sync.flush();
rollback to a;
insert into t values (4);
release a;
commit;
select key from feed;
begin;
insert into t values (5);
select realtime_sync.flush();
rollback;
select count(*) from feed;
do $$
begin
    insert into log_flush.t values (6);
    perform realtime_sync.flush();
    begin
        perform realtime_sync.flush();
    exception when active_sql_transaction then
        insert into log_flush.t values (7);
    end;
end
$$;
select key from feed offset 4;
-- no row is in the log twice
select count(*) = count(distinct key::text) from feed;
\set VERBOSITY default
begin;
savepoint a;
select realtime_sync.flush();
rollback;
-- an app's trigger may flush between the two halves of a moved row: both stay
create table p (id int primary key) partition by range (id);
create table p1 partition of p for values from (0) to (10);
create table p2 partition of p for values from (10) to (20);
select count(*) from realtime_sync.enable('p', key_columns => array['id']);
create function flush_now() returns trigger language plpgsql as $$
begin
    perform realtime_sync.flush();
    return null;
end
$$;
create trigger flush_now after delete on p1 for each row execute function flush_now();
insert into p values (1);
update p set id = 11;
select type, key from feed where "table" = 'p';
set client_min_messages = warning;
drop schema log_flush cascade;
