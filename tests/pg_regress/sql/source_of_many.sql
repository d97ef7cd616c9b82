-- What one source costs to enable, to look at and to disable does not grow with their number: the options of no other
-- are read. Counted, since a time would be the machine's.
\set SHOW_CONTEXT never
begin;
create schema many;
set search_path = many, public;
do $$
begin
    for i in 1..50 loop
        execute format('create table t%s (id int primary key, status text)', i);
    end loop;
end
$$;
create table parts (id int primary key) partition by range (id);
do $$
begin
    for i in 1..50 loop
        execute format('create table parts_%s partition of parts for values from (%s) to (%s)', i, i, i + 1);
    end loop;
end
$$;
create function reads() returns bigint language sql as $$
    select coalesce(pg_stat_get_xact_function_calls('realtime_sync.read_options'::regproc), 0)
$$;
set local track_functions = 'all';
create table counted (what text, reads bigint);
insert into counted values ('start', reads());
select drift from realtime_sync.enable('t1', filter => 'new.status <> ''''', publication => 'many');
insert into counted values ('the first', reads());
select count(realtime_sync.enable(format('t%s', i)::regclass, filter => 'new.status <> ''''', publication => 'many')) from generate_series(2, 49) i;
select drift from realtime_sync.enable('parts');
insert into counted values ('many', reads());
select drift from realtime_sync.enable('t50', filter => 'new.status <> ''''');
insert into counted values ('one more', reads());
select drift from realtime_sync.enable('t50', filter => 'new.status <> ''''');
insert into counted values ('unchanged', reads());
select drift from realtime_sync.source where relation = 't50'::regclass;
insert into counted values ('looked at', reads());
select realtime_sync.disable('t50');
insert into counted values ('disabled', reads());
select c.what, c.reads < 150 as few from (select what, reads - lag(reads) over () as reads from counted) c where c.what not in ('start', 'many');
select count(*), count(drift), bool_and(ddl ~ 'CREATE TRIGGER') from realtime_sync.source;
select realtime_sync.disable_all();
select count(*) from pg_publication;
rollback;
