-- The replica identity enable() sets is remembered as it was first, and disable() gives it back.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create table drivers (id bigint primary key, code text not null unique);
create view identity as select relname, relreplident from pg_class where relname ~ '^(drivers|parts)' and relkind in ('r', 'p') order by relname;
-- Not changed: not remembered.
select replica_identity, options from realtime_sync.enable('drivers', replica_identity => 'default');
select replica_identity, options from realtime_sync.enable('drivers', replica_identity => 'full');
select replica_identity, options from realtime_sync.enable('drivers', replica_identity => 'Nothing');
select replica_identity, options from realtime_sync.enable('drivers', replica_identity => 'drivers_code_key');
-- Not asked for any more: given back.
select replica_identity, options from realtime_sync.enable('drivers');
select replica_identity, options from realtime_sync.enable('drivers', replica_identity => 'full');
select realtime_sync.disable('drivers');
select * from identity;
-- From an index to full and back.
alter table drivers replica identity using index drivers_code_key;
select replica_identity, options from realtime_sync.enable('drivers', replica_identity => 'full');
select realtime_sync.disable('drivers');
select relreplident, indexrelid::regclass from pg_class c join pg_index i on i.indrelid = c.oid and i.indisreplident where c.oid = 'drivers'::regclass;
-- An index that was renamed is found by its columns.
select replica_identity from realtime_sync.enable('drivers', replica_identity => 'full');
alter index drivers_code_key rename to renamed;
select realtime_sync.disable('drivers');
select * from identity;
alter table drivers replica identity default;
-- What PostgreSQL refuses, it refuses here.
create index drivers_plain on drivers (code);
select realtime_sync.enable('drivers', replica_identity => 'drivers_plain');
-- A replica identity does not pass down, so partitions are set and remembered each.
create table parts (id bigint primary key, code text) partition by hash (id);
create table parts_a partition of parts for values with (modulus 2, remainder 0);
create table parts_b partition of parts for values with (modulus 2, remainder 1);
alter table parts_b replica identity full;
select replica_identity, options -> 'restore' as restore from realtime_sync.enable('parts', replica_identity => 'parts_pkey');
select * from identity;
create table parts_c (like parts including all);
select replica_identity, options -> 'restore' as restore from realtime_sync.enable('parts', replica_identity => 'full');
select * from identity;
alter table parts_a replica identity default;
select drift from realtime_sync.source;
select realtime_sync.disable('parts');
select * from identity;
rollback;
