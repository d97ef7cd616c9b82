-- Promise: an app's function that presence is to call says itself where it looks for names: one that does not is refused, with
-- the statement that mends it, in whose path no schema is in which strangers may create. Then what it and the triggers that it
-- sets off name without a schema is found.
\set SHOW_CONTEXT never
set client_min_messages = warning;
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.event;
create schema "Hook Town";
create role regress_hook_stranger;
set search_path = "Hook Town";
create table couriers (id bigint primary key, is_online boolean);
insert into couriers values (42, false);
create table changes (id bigint, is_online boolean);
create function note() returns trigger language plpgsql as $$
begin
    insert into changes values (new.id, new.is_online);
    return null;
end
$$;
create trigger note after update on couriers for each row execute function note();
create function drive(member text, state text) returns void language sql as
    $$ update couriers set is_online = state <> 'offline' where id = member::bigint $$;

select realtime_sync.presence_hook('couriers', 'drive(text, text)');
\echo :SQLSTATE
alter function drive(text, text) set work_mem = '4MB';
select realtime_sync.presence_hook('couriers', 'drive(text, text)');
-- where others may create nothing is to be looked for
grant create on schema "Hook Town" to regress_hook_stranger;
select realtime_sync.presence_hook('couriers', 'drive(text, text)');
revoke create on schema "Hook Town" from regress_hook_stranger;

-- as the hint has it
alter function "Hook Town".drive(text,text) set search_path = pg_catalog, "Hook Town", public, pg_temp;
reset search_path;
select realtime_sync.presence_hook('couriers', '"Hook Town".drive(text, text)');
select realtime_sync.presence_track('couriers', '42');
select realtime_sync.presence_untrack('couriers', '42');
select * from "Hook Town".changes;

select realtime_sync.presence_hook('couriers');
drop schema "Hook Town" cascade;
drop role regress_hook_stranger;
truncate realtime_sync.presence, realtime_sync.presence_member, realtime_sync.event;
