-- Names of 63 bytes, quotes, spaces, braces, backslashes and other alphabets, in every place a name can stand.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create schema "Sch""e'm\a {x}";
create table "Sch""e'm\a {x}"."T""a'b\l.e $1 --" (
    "id" bigint,
    "K""e'y\ {1}" text,
    "new" text,
    "Größe 速度 🚕" numeric,
    "a2345678901234567890123456789012345678901234567890123456789_63b" text,
    primary key ("id", "K""e'y\ {1}")
) partition by list ("id");
create table "Sch""e'm\a {x}"."P;1 """ partition of "Sch""e'm\a {x}"."T""a'b\l.e $1 --" default;
\x on
\pset format unaligned
select relation, topics, exclude, watch, filter, key_columns, status_columns, options, publication, drift
from realtime_sync.enable(
    '"Sch""e''m\a {x}"."T""a''b\l.e $1 --"',
    topics => array['{"K""e''y\ {1}"}:{Größe 速度 🚕}', '{{{"new"}}}'],
    exclude => array['a2345678901234567890123456789012345678901234567890123456789_63b'],
    watch => array['K"e''y\ {1}', 'Größe 速度 🚕', 'new'],
    filter => 'new."K""e''y\ {1}" <> ''\'' and new.größe <> 1',
    key_columns => array['K"e''y\ {1}', 'id'],
    status_columns => array['new'],
    publication => 'Pub"l''i\c; drop',
    replica_identity => 'full'
);
select relation, topics, exclude, watch, filter, key_columns, status_columns, options, publication, drift
from realtime_sync.enable(
    '"Sch""e''m\a {x}"."T""a''b\l.e $1 --"',
    topics => array['{"K""e''y\ {1}"}:{Größe 速度 🚕}', '{{{"new"}}}'],
    exclude => array['a2345678901234567890123456789012345678901234567890123456789_63b'],
    watch => array['K"e''y\ {1}', 'Größe 速度 🚕', 'new'],
    filter => 'new."K""e''y\ {1}" <> ''\'' and new."Größe 速度 🚕" <> 1',
    key_columns => array['K"e''y\ {1}', 'id'],
    status_columns => array['new'],
    publication => 'Pub"l''i\c; drop',
    replica_identity => 'full'
);
\x off
select ddl from realtime_sync.source;
select relation, tgname from (select tgrelid::regclass as relation, tgname from pg_trigger where tgname like '00%') as t order by relation::text, tgname;
select ddl from realtime_sync.source \gset
select realtime_sync.enable('"Sch""e''m\a {x}"."P;1 """');
select realtime_sync.disable('"Sch""e''m\a {x}"."T""a''b\l.e $1 --"');
select count(*) from pg_publication;
-- The view's ddl makes it again, but for the publication, which is gone.
select replace(:'ddl', 'ALTER PUBLICATION "Pub""l''i\c; drop" ADD', 'CREATE PUBLICATION "Pub""l''i\c; drop" FOR') as ddl \gset
:ddl
select ddl = replace(:'ddl', 'CREATE PUBLICATION "Pub""l''i\c; drop" FOR', 'ALTER PUBLICATION "Pub""l''i\c; drop" ADD') as same from realtime_sync.source;
select realtime_sync.disable('"Sch""e''m\a {x}"."T""a''b\l.e $1 --"');
rollback;
