-- An old client may have backslashes escape in every string of its session.
\set SHOW_CONTEXT never
set standard_conforming_strings = off;
begin;
create table public.odd (id int primary key, note text);
select relation, drift from realtime_sync.enable('public.odd', filter => 'new.note <> E''a\\\\b''', old_row => 'full');
insert into public.odd values (1, E'c\\d');
delete from public.odd;
select realtime_sync.flush();
select realtime_sync.undo_patch(id) from realtime_sync.events where type = 'DELETE' and "table" = 'odd';
select count(*) filter (where subject = 'odd') from realtime_sync.health();
select realtime_sync.allow('pg_monitor', 'read', array[E'a\\b', 'c:*']);
select realtime_sync.disallow('pg_monitor', 'read');
select realtime_sync.disable('public.odd');
select realtime_sync.disable_all();
rollback;
