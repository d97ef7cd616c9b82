-- Names outside ASCII, in a database whose encoding is not UTF-8.
\set SHOW_CONTEXT never
select current_database() as home \gset
create database regress_latin1 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0;
\c regress_latin1
set client_encoding = 'UTF8';
set client_min_messages = warning;
create extension realtime_sync;
create table "Fähre" ("Größe" int primary key, "naïve" text, plain text);
\x on
select * from realtime_sync.enable(
    '"Fähre"', topics => array['ö:{Größe}'], watch => array['naïve'], filter => 'new."naïve" <> ''é''', publication => 'Zürich'
);
\x off
select ddl = '' as unchanged
from realtime_sync.enable(
    '"Fähre"', topics => array['ö:{Größe}'], watch => array['naïve'], filter => 'new."naïve" <> ''é''', publication => 'Zürich', dry_run => true
);
insert into "Fähre" values (1, 'ü');
update "Fähre" set "naïve" = 'ï';
select realtime_sync.enable('"Fähre"', watch => array['Grösse']);
select realtime_sync.enable('"Fähre"', filter => 'new."naive" = ''é''');
select realtime_sync.disable('"Fähre"');
select count(*) from pg_publication;
\c :home
drop database regress_latin1;

-- SQL_ASCII holds anything: what one table's triggers and publications have in no encoding is in no other's way
create database regress_ascii encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0;
\c regress_ascii
set client_min_messages = warning;
create extension realtime_sync;
create table drivers (id int primary key);
create table trips (id int primary key);
create trigger by_hand after insert on trips for each row execute function realtime_sync.capture(E'{"topics":["\xff"],"restore":{"publication":{"name":"\xff","created":true}}}');
do $$ begin execute E'create publication "\xff" for table trips'; end $$;
select relation from realtime_sync.enable('drivers', publication => 'feed');
select relation, drift is null as drifted_not, drift[1] like 'options of trigger by_hand cannot be read: %' as cannot_be_read from realtime_sync.source order by 1;
select level, subject from realtime_sync.health() where subject in ('public.drivers', 'public.trips') order by 1, 2;
select realtime_sync.disable_all();
\c :home
drop database regress_ascii;
