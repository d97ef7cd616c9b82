-- A filter over new is the WHEN of INSERT and UPDATE, over old that of DELETE; an UPDATE after which the
-- row no longer matches fires LEAVE. One that names old is used as it is written.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\pset format unaligned
\pset tuples_only on
create function firings(relation regclass) returns setof text language sql as $$
    select substring(pg_get_triggerdef(oid) from 'AFTER [A-Z]+') || substring(pg_get_triggerdef(oid) from ' WHEN .*(?= EXECUTE)')
    from pg_trigger
    where tgrelid = relation and tgqual is not null
    order by tgname
$$;
begin;
create table drivers (id bigint primary key, status text, "new" text, note text);
\echo row
select filter from realtime_sync.enable('drivers', filter => 'NEW.status = ''new.x'' and new."new" is null');
select firings('drivers');
\echo row and watch: LEAVE does not wait for a watched column
select filter from realtime_sync.enable('drivers', filter => 'new.status = ''on'' or new.note is null', watch => array['note']);
select firings('drivers');
\echo both
select filter from realtime_sync.enable('drivers', operations => array['update'], filter => 'old.status = ''on'' and new.status = ''off''');
select firings('drivers');
\echo old only
select filter from realtime_sync.enable('drivers', operations => array['update', 'delete'], filter => 'old.status = ''on''');
select firings('drivers');
\echo neither
select filter from realtime_sync.enable('drivers', operations => array['insert'], filter => 'current_user <> ''importer''');
select firings('drivers');
\echo no UPDATE, no LEAVE
select filter from realtime_sync.enable('drivers', operations => array['insert', 'delete'], filter => 'new.status = ''on''');
select firings('drivers');
\echo mistakes
select realtime_sync.enable('drivers', filter => 'old.status = ''on''');
select realtime_sync.enable('drivers', operations => array['update', 'delete'], filter => 'old.status <> new.status');
create table parts (id bigint primary key, status text) partition by hash (id);
select realtime_sync.enable('parts', operations => array['update'], filter => 'old.status <> new.status');
select realtime_sync.enable('drivers', filter => '');
rollback;
drop function firings;
