-- disable() gives a replica identity back to the table and by the index that had it, whatever they are called by then.
\set SHOW_CONTEXT never
begin;
create schema follows;
create schema elsewhere;
set local search_path = follows;
create view identity as
    select c.oid::regclass as relation, c.relreplident as identity, i.indexrelid::regclass as index
    from pg_class c
    left join pg_index i on i.indrelid = c.oid and i.indisreplident
    where c.relnamespace in ('follows'::regnamespace, 'elsewhere'::regnamespace) and c.relkind in ('r', 'p')
    order by c.relname;
create view memory as
    select tgrelid::regclass as relation, tgname, convert_from(tgargs, 'UTF8')::text as argument
    from (select tgrelid, tgname, substring(tgargs from 1 for length(tgargs) - 1) as tgargs from pg_trigger where tgfoid = 'realtime_sync.capture()'::regprocedure and tgparentid = 0) t
    order by tgrelid, tgname;
-- A tree: a partition with each identity there is, and one that is partitioned itself.
create table p (id int, n int not null, primary key (id)) partition by range (id);
create table p_default partition of p for values from (0) to (10);
create table p_full partition of p for values from (10) to (20);
alter table p_full replica identity full;
create table p_nothing partition of p for values from (20) to (30);
alter table p_nothing replica identity nothing;
create table p_index partition of p for values from (30) to (40);
create unique index p_index_n on p_index (n);
alter table p_index replica identity using index p_index_n;
create table p_tree partition of p for values from (40) to (60) partition by range (id);
create table p_leaf partition of p_tree for values from (40) to (50);
alter table p_tree replica identity nothing;
alter table p_leaf replica identity full;
create table before as table identity;
-- Nothing of it is run, and the same call again has nothing to do.
select count(*) from realtime_sync.enable('p', operations => array['update'], replica_identity => 'full', dry_run => true);
select * from memory;
select operations, replica_identity, options, drift from realtime_sync.enable('p', operations => array['update'], replica_identity => 'full');
select * from identity;
select * from memory;
select ddl from realtime_sync.enable('p', operations => array['update'], replica_identity => 'full', dry_run => true);
-- The trigger that remembers tells no TRUNCATE that was not asked for.
insert into p values (1, 1), (41, 41);
truncate p_leaf;
truncate p;
select realtime_sync.flush();
select type from realtime_sync.events where schema = 'follows';
-- Renamed, moved, both, with names that change places.
alter table p_full rename to spare;
alter table p_default rename to p_full;
alter table spare rename to p_default;
alter table p_nothing set schema elsewhere;
alter table p_tree rename to "A tree";
alter table p_leaf rename to leaf;
alter table leaf set schema elsewhere;
alter table p_index rename to "An index";
alter index p_index_n rename to "An index's n";
alter table p rename to parts;
select ddl from realtime_sync.enable('parts', operations => array['update'], replica_identity => 'full', dry_run => true);
select realtime_sync.disable('parts');
select * from identity;
select relation, identity, index from before except select relation, identity, index from identity;
select * from memory;
-- No longer asked for: given back under the new names too; another identity: the first is remembered.
select count(*) from realtime_sync.enable('parts', replica_identity => 'full');
alter table "A tree" rename to tree;
alter index "An index's n" rename to n_again;
select count(*) from realtime_sync.enable('parts', replica_identity => 'nothing');
alter table tree rename to "A tree";
alter index n_again rename to "An index's n";
select options from realtime_sync.enable('parts');
select relation, identity, index from before except select relation, identity, index from identity;
select count(*) from realtime_sync.enable('parts', replica_identity => 'nothing');
-- Detached, it keeps what it remembers, under any name, until it is disabled or attached again.
alter table parts detach partition p_default;
alter table p_default rename to gone;
alter table gone set schema elsewhere;
alter table parts detach partition "A tree";
alter table "An index" set schema elsewhere;
alter table parts detach partition elsewhere."An index";
alter table elsewhere."An index" rename to back;
alter table parts attach partition elsewhere.back for values from (30) to (40);
select relation, operations, replica_identity, options from realtime_sync.source order by relation::text;
select realtime_sync.disable('elsewhere.gone');
select realtime_sync.disable('"A tree"');
select realtime_sync.disable('parts');
select relation, identity, index from before except select relation, identity, index from identity;
select * from memory;
-- A detached partition that only remembered: it tells nothing, and disable_all() knows it.
select count(*) from realtime_sync.enable('parts', operations => array['insert'], replica_identity => 'full');
alter table parts detach partition elsewhere.back;
select relation, operations, options from realtime_sync.source order by relation::text;
select realtime_sync.disable_all();
select relation, identity, index from before except select relation, identity, index from identity;
-- An index under another name is known by its columns; its name tells those of the same columns apart.
create table coded (id int primary key, code int not null, part int not null);
create unique index coded_key on coded (code, part);
create unique index coded_other on coded (part, code);
create unique index coded_twin on coded (code, part);
alter table coded replica identity using index coded_twin;
select options from realtime_sync.enable('coded', replica_identity => 'full');
select realtime_sync.disable('coded');
select * from identity where relation = 'coded'::regclass;
select count(*) from realtime_sync.enable('coded', replica_identity => 'full');
drop index coded_key;
alter index coded_twin rename to renamed;
select realtime_sync.disable('coded');
select * from identity where relation = 'coded'::regclass;
-- Another has its name now: an index that took its place, and one of other columns.
select count(*) from realtime_sync.enable('coded', replica_identity => 'full');
create unique index replacement on coded (code, part);
drop index renamed;
alter index coded_other rename to renamed;
select realtime_sync.disable('coded');
select * from identity where relation = 'coded'::regclass;
-- A column was renamed: then the name it is.
select count(*) from realtime_sync.enable('coded', replica_identity => 'full');
alter table coded rename part to piece;
select realtime_sync.disable('coded');
select * from identity where relation = 'coded'::regclass;
-- Gone, or no longer fit to be one: the identity stays as enable() made it, and that is no error.
select count(*) from realtime_sync.enable('coded', replica_identity => 'full');
alter table coded alter code drop not null;
select count(*) from realtime_sync.enable('coded');
select options from realtime_sync.source;
select realtime_sync.disable('coded');
select * from identity where relation = 'coded'::regclass;
rollback;
