-- watch is a WHEN of UPDATE: is distinct from where PostgreSQL has an equality of its own, else byte for
-- byte; and the definition survives being dumped and read again.
begin;
create type mood as enum ('calm', 'cross');
create type pair as (a int, b json);
create domain email as text check (value like '%@%');
select exists (select from pg_collation where collname = 'und-x-icu') as has_icu \gset
\if :has_icu
create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
\else
create collation loose from "C";
\endif
create table everything (
    id bigint primary key,
    plain text,
    "Odd ""name" numeric(10, 2),
    j json,
    jb jsonb,
    x xml,
    p point,
    m mood,
    c pair,
    e email,
    a int[],
    l text collate loose,
    r int4range
);
select watch
from realtime_sync.enable('everything', watch => array['plain', 'Odd "name', 'j', 'jb', 'x', 'p', 'm', 'c', 'e', 'a', 'l', 'r']);
select regexp_split_to_table(substring(pg_get_triggerdef(oid) from ' WHEN \(\((.*)\)\) EXECUTE'), ' OR ') as condition
from pg_trigger
where tgrelid = 'everything'::regclass and tgname like '%update';
-- As pg_dump would restore it.
select pg_get_triggerdef(oid) as definition from pg_trigger where tgrelid = 'everything'::regclass and tgname like '%update' \gset
drop trigger "00_realtime_sync_update" on everything;
:definition;
select pg_get_triggerdef(oid) = :'definition' as same
from pg_trigger where tgrelid = 'everything'::regclass and tgname like '%update';
-- The others fire for any row.
select tgname, tgqual is not null as conditional from pg_trigger where tgrelid = 'everything'::regclass order by tgname;
rollback;
