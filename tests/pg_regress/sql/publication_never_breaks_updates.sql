-- What would make the app's own UPDATE or DELETE fail is refused beforehand, with the fix.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create table nokey (id bigint, name text);
select realtime_sync.enable('nokey', key_columns => array['id'], publication => 'feed');
\echo :LAST_ERROR_SQLSTATE
select publication from realtime_sync.enable('nokey', key_columns => array['id'], publication => 'feed', replica_identity => 'full');
create table drivers (id bigint primary key, name text, status text);
select realtime_sync.enable('drivers', publication => 'feed', replica_identity => 'nothing');
-- A column list and replica identity full.
create publication narrow for table drivers (id, name);
select realtime_sync.enable('drivers', replica_identity => 'full');
\echo :LAST_ERROR_SQLSTATE
-- A row filter on a column that is not in the identity; full has them all.
alter publication narrow set table drivers where (status = 'on');
select (realtime_sync.enable('drivers', replica_identity => 'full', dry_run => true)).relation;
select replica_identity from realtime_sync.enable('drivers', replica_identity => 'full');
update drivers set name = 'x';
-- Giving back the identity would break it again: said, not done.
select realtime_sync.enable('drivers');
select realtime_sync.disable('drivers');
-- A publication of inserts only asks for no identity.
create publication inserts with (publish = 'insert');
create table log (id bigint, name text);
select publication from realtime_sync.enable('log', key_columns => array['id'], publication => 'inserts');
update log set name = 'x';
-- A partition without what the root has.
create table parts (id bigint, name text) partition by hash (id);
create table parts_a partition of parts for values with (modulus 1, remainder 0);
select realtime_sync.enable('parts', key_columns => array['id'], publication => 'feed');
select publication from realtime_sync.enable('parts', key_columns => array['id'], publication => 'feed', replica_identity => 'full');
update parts set name = 'x';
rollback;
-- What was broken before is no reason not to disable.
begin;
create table nokey (id bigint, name text);
select (realtime_sync.enable('nokey', key_columns => array['id'])).relation;
create publication broken for table nokey;
update nokey set name = 'x';
select realtime_sync.disable('nokey');
rollback;
