-- The app's event triggers see the DDL of enable() and disable(). One whose function looks for names in the session's
-- search_path fails, and the error says why and what to do; with a search_path of its own it works, as does one that
-- makes every new table a source.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create schema app;
set local search_path = app, public;
create table ddl_log (tag text);
create table drivers (id bigint primary key, status text);
create function note() returns event_trigger language plpgsql as $$ begin insert into ddl_log values (tg_tag); end $$;
create event trigger note on ddl_command_end execute function note();
select relation from realtime_sync.enable('drivers');
select relation from realtime_sync.enable('drivers', filter => 'new.status <> ''off''');
alter function note() set search_path = app;
select relation from realtime_sync.enable('drivers', filter => 'new.status <> ''off''');
select realtime_sync.disable('drivers');
select tag, count(*) from ddl_log group by tag order by tag;
\echo -- a mistake of the filter is its own
select relation from realtime_sync.enable('drivers', filter => 'nowhere(new.status)');
drop event trigger note;
\echo -- every new table
create function follow() returns event_trigger language plpgsql as $$
declare
    made record;
begin
    for made in select c.objid from pg_event_trigger_ddl_commands() c where c.command_tag = 'CREATE TABLE' loop
        perform realtime_sync.enable(made.objid);
    end loop;
end
$$;
create event trigger follow on ddl_command_end when tag in ('CREATE TABLE') execute function follow();
create table trips (id bigint primary key);
select relation, operations, drift from realtime_sync.source;
rollback;
