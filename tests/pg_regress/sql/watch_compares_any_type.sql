-- watch is a WHEN of UPDATE: is distinct from where PostgreSQL has an equality of its own, else byte for
-- byte; and the definition survives being dumped and read again.
begin;
create type mood as enum ('calm', 'cross');
create type pair as (a int, b json);
create domain email as text check (value like '%@%');
-- Under a nondeterministic collation equal text need not be the same text. Not every build has ICU.
do $$
begin
    if exists (select from pg_collation where collname = 'und-x-icu') then
        create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    else
        create collation loose from "C";
    end if;
end
$$;
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
    r int4range,
    l text collate loose
);
select watch
from realtime_sync.enable('everything', watch => array['plain', 'Odd "name', 'j', 'jb', 'x', 'p', 'm', 'c', 'e', 'a', 'r', 'l']);
select regexp_split_to_table(substring(pg_get_triggerdef(oid) from ' WHEN \(\((.*)\)\) EXECUTE'), ' OR ') as condition
from pg_trigger
where tgrelid = 'everything'::regclass and tgname like '%update'
limit 11;
select (pg_get_triggerdef(t.oid) like '%record_image_ne(ROW(old.l), ROW(new.l))%') <> l.collisdeterministic as as_the_collation_is
from pg_trigger t, pg_collation l
where t.tgrelid = 'everything'::regclass and t.tgname like '%update' and l.collname = 'loose';
-- As pg_dump would restore it.
select pg_get_triggerdef(oid) as definition from pg_trigger where tgrelid = 'everything'::regclass and tgname like '%update' \gset
drop trigger "00_realtime_sync_update" on everything;
:definition;
select pg_get_triggerdef(oid) = :'definition' as same
from pg_trigger where tgrelid = 'everything'::regclass and tgname like '%update';
-- The others fire for any row.
select tgname, tgqual is not null as conditional from pg_trigger where tgrelid = 'everything'::regclass order by tgname;
-- A composite may get a part without an equality: no UPDATE fails for it.
create type duo as (a int, b int);
create table held (id int primary key, d duo, ds duo[]);
select watch from realtime_sync.enable('held', watch => array['d', 'ds']);
insert into held values (1, (1, 2), array[(1, 2)::duo]);
alter type duo add attribute c json;
update held set d.c = '1';
update held set ds[1].c = '2';
update held set id = 2;
select realtime_sync.flush();
select type, changed from realtime_sync.events where "table" = 'held' and xid = pg_current_xact_id() order by id;
rollback;
