-- The key of an event is key_columns, else the primary key, else the replica identity's index.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create table drivers (id bigint not null, code text not null, name text);
select realtime_sync.enable('drivers');
select key_columns from realtime_sync.enable('drivers', key_columns => array['code', 'id']);
create unique index drivers_code on drivers (code) include (name);
select realtime_sync.enable('drivers');
select key_columns from realtime_sync.enable('drivers', replica_identity => 'drivers_code');
-- Giving the identity back would leave it without one.
select realtime_sync.enable('drivers');
select realtime_sync.disable('drivers');
alter table drivers replica identity using index drivers_code;
select key_columns from realtime_sync.enable('drivers');
alter table drivers add primary key (id);
select key_columns from realtime_sync.enable('drivers');
select key_columns from realtime_sync.enable('drivers', key_columns => array['code']);
rollback;
