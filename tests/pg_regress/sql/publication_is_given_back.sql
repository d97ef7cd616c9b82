-- enable() makes the publication if there is none and adds the table; disable() takes back just that.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create table drivers (id bigint primary key);
create table trips (id bigint primary key);
create table others (id bigint primary key);
create view published as
select pubname, prrelid::regclass as relation from pg_publication p left join pg_publication_rel r on r.prpubid = p.oid order by 1, 2;
select publication, options from realtime_sync.enable('drivers', publication => 'Feed me');
select publication, options from realtime_sync.enable('trips', publication => 'Feed me');
select * from published;
-- Whoever leaves last puts out the light.
select realtime_sync.disable('drivers');
select * from published;
select realtime_sync.disable('trips');
select * from published;
-- A publication that was there stays; a table that was in it stays in it.
create publication mine for table others;
select publication, options from realtime_sync.enable('others', publication => 'mine');
select publication, options from realtime_sync.enable('drivers', publication => 'mine');
select realtime_sync.disable_all();
select * from published;
-- One that was made but has other tables by now stays, without ours.
select publication from realtime_sync.enable('drivers', publication => 'feed');
alter publication feed add table others;
select realtime_sync.disable('drivers');
select * from published;
-- Another publication, or none any more: the first is left.
select publication from realtime_sync.enable('drivers', publication => 'one');
select publication from realtime_sync.enable('drivers', publication => 'two');
select publication from realtime_sync.enable('drivers');
select * from published;
-- One for all tables has it already.
create publication everything for all tables;
select publication, options from realtime_sync.enable('drivers', publication => 'everything');
-- Taken out by hand: drift, and the same call mends it.
select drift from realtime_sync.enable('drivers', publication => 'mine');
alter publication mine drop table drivers;
select publication, drift from realtime_sync.source;
select drift from realtime_sync.enable('drivers', publication => 'mine');
drop publication mine;
select realtime_sync.disable('drivers');
-- A name PostgreSQL cuts is found again.
select publication, drift from realtime_sync.enable('drivers', publication => repeat('ö', 40));
select publication, drift from realtime_sync.enable('drivers', publication => repeat('ö', 40));
select realtime_sync.disable('drivers');
select count(*) from published where pubname like 'ö%';
-- What PostgreSQL refuses, it refuses here.
create unlogged table quick (id bigint primary key);
select realtime_sync.enable('quick', publication => 'feed');
rollback;
