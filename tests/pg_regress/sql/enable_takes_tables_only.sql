-- Views, foreign tables, catalogs and the extension's own tables are refused, each for its reason.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create table drivers (id bigint primary key, status text);
create view online as select * from drivers;
create materialized view kept as select * from drivers;
create sequence numbers;
create type pair as (a int, b int);
create foreign data wrapper nothing;
create server nowhere foreign data wrapper nothing;
create foreign table distant (id bigint) server nowhere;
create table parts (id bigint primary key) partition by hash (id);
select realtime_sync.enable('online');
select realtime_sync.enable('kept');
select realtime_sync.enable('numbers');
select realtime_sync.enable('drivers_pkey');
select realtime_sync.enable('parts_pkey');
select realtime_sync.enable('pair');
select realtime_sync.enable('distant');
select realtime_sync.enable('pg_class');
select realtime_sync.enable('information_schema.sql_features');
select realtime_sync.enable('realtime_sync.event');
select realtime_sync.enable('realtime_sync.event_0');
select realtime_sync.enable('realtime_sync.source');
-- Any kind of table is one: unlogged, temporary, a child and a parent by inheritance (each for itself).
create unlogged table quick (id bigint primary key);
create temp table brief (id bigint primary key);
create table child (primary key (id)) inherits (drivers);
select relation, operations from realtime_sync.enable('quick');
select relation, operations from realtime_sync.enable('brief');
select relation, operations from realtime_sync.enable('drivers');
select relation from realtime_sync.source order by relation::text;
select relation, operations from realtime_sync.enable('child');
select realtime_sync.disable('drivers');
select relation from realtime_sync.source order by relation::text;
rollback;
