-- Under a publication of all tables PostgreSQL refuses UPDATE and DELETE of a table without a replica identity: of
-- the extension's own only those are without one whose rows are added and truncated, never changed.
create database publication_of_all_tables;
\c publication_of_all_tables
create extension realtime_sync;
create publication everything for all tables;
select regexp_replace(c.relname, '_[0-9]$', '') as relation, count(*)
from pg_class c
where c.relnamespace = 'realtime_sync'::regnamespace and c.relkind = 'r' and c.relpersistence = 'p'
    and c.relreplident = 'd' and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
group by 1 order by 1;
delete from realtime_sync.floor where false;
update realtime_sync.presence_shift set ended = ended where false;
\c regression
drop database publication_of_all_tables;
