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
