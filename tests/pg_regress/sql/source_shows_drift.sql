-- What no longer holds is in source.drift, in words.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\pset format unaligned
\pset tuples_only on
begin;
create table drivers (id bigint primary key, a text, b text, c text, d text, e text, f text);
create view drift as select coalesce(array_to_string(drift, chr(10)), 'none') from realtime_sync.source where relation = 'public.drivers'::regclass;
select relation from realtime_sync.enable(
    'drivers', topics => array['{a}', '{key}'], exclude => array['b'], status_columns => array['c'], key_columns => array['d']
);
select * from drift;
\echo -- dropped columns
alter table drivers drop column a, drop column b, drop column c, drop column d;
select * from drift;
select columns, exclude, key_columns, status_columns from realtime_sync.source;
\echo -- no key left
select relation from realtime_sync.enable('drivers');
alter table drivers drop constraint drivers_pkey;
select * from drift;
alter table drivers add primary key (id);
select * from drift;
\echo -- triggers that fire before
create function touch() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger "00_a" after update on drivers for each row execute function touch();
create trigger "-b" before update on drivers for each row execute function touch();
create trigger "-c" after update on drivers execute function touch();
create trigger "-d" after delete on drivers for each row execute function touch();
create trigger later after update on drivers for each row execute function touch();
select * from drift;
drop trigger "00_a" on drivers;
drop trigger "-d" on drivers;
\echo -- a trigger written by hand
create trigger by_hand after update on drivers for each row execute function realtime_sync.capture('{"topics":["x"]}');
select * from drift;
drop trigger by_hand on drivers;
create or replace trigger "00_realtime_sync_update" after update on drivers for each row execute function realtime_sync.capture('{"numbers":"text"}');
select * from drift;
create or replace trigger "00_realtime_sync_update" after update on drivers for each row execute function realtime_sync.capture('{"numbers":');
select * from drift;
select relation from realtime_sync.enable('drivers');
select * from drift;
\echo -- a filter may name what every table has
select drift from realtime_sync.enable('drivers', filter => 'new.tableoid <> 0 and new.e = ''on''');
\echo -- LEAVE and partitions
select relation from realtime_sync.enable('drivers', filter => 'new.e = ''on''');
drop trigger "00_realtime_sync_leave" on drivers;
select * from drift;
create table parts (id bigint primary key) partition by hash (id);
select relation from realtime_sync.enable('parts', operations => array['update']);
drop trigger "00_realtime_sync_insert" on parts;
select drift from realtime_sync.source where relation = 'parts'::regclass;
rollback;
\echo -- only by hand
begin;
create table drivers (id bigint primary key);
create trigger z after insert or update on drivers for each row execute function realtime_sync.capture('{"topics":["t"],"of_tomorrow":1}');
select relation, operations, topics, options, drift from realtime_sync.source;
create or replace trigger z after insert or update on drivers for each row execute function realtime_sync.capture('nonsense');
select relation, operations, topics, options, drift from realtime_sync.source;
create or replace trigger z after insert or update on drivers for each row execute function realtime_sync.capture();
select relation, operations, topics, options, drift from realtime_sync.source;
create or replace trigger z after insert or update on drivers for each row execute function realtime_sync.capture('{}', 'more');
select relation, operations, topics, options, drift from realtime_sync.source;
rollback;
\echo -- our name, another function
begin;
create table drivers (id bigint primary key);
create function touch() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger "00_realtime_sync_update" after update on drivers for each row execute function touch();
select realtime_sync.enable('drivers');
select realtime_sync.disable('drivers');
rollback;
