-- Promise: realtime_sync.undo_patch() gives the statement that undoes an event, and a clear error where
-- the log does not have enough; it never runs anything.
\set SHOW_CONTEXT never
set client_min_messages = warning;
truncate realtime_sync.event;
alter sequence realtime_sync.event_id restart;
create schema "odd schema";
create type "odd schema"."Mood" as enum ('calm', 'it''s odd');
create table "odd schema"."Trip's" (
    "Key" bigint primary key,
    "Name" text,
    mood "odd schema"."Mood",
    tags text[],
    at timestamptz,
    pause interval,
    raw bytea,
    price numeric(8, 2),
    place point,
    doc jsonb,
    note json,
    code character(4),
    twice bigint generated always as ("Key" * 2) stored
);
do $$
declare
    operation text;
begin
    foreach operation in array array['insert', 'update', 'delete'] loop
        execute format(
            'create trigger %I after %s on "odd schema"."Trip''s" for each row execute function realtime_sync.capture(%L)',
            '00_realtime_sync_' || operation, operation, '{"old_row":"full"}'
        );
    end loop;
end
$$;

insert into "odd schema"."Trip's" values (
    1, E'O''Hara \\ "x"', 'it''s odd', array['a', null, 'b,"c'], '2026-11-20 23:30:00.123456+01',
    '-1 day 02:03:04.5', '\xdeadbeef', 12.30, '(1,2)', '{"a": [1, "ü"]}', '{"b":  1.0}', 'ab'
);
update "odd schema"."Trip's" set "Name" = null, mood = 'calm', tags = '{}', at = null, pause = '1 s',
    raw = null, price = 0, place = '(0,0)', doc = '{}', note = null, code = 'cd';
update "odd schema"."Trip's" set "Key" = 2;
delete from "odd schema"."Trip's";

-- however the session writes dates
set datestyle = 'SQL, DMY';
set timezone = 'Asia/Tokyo';
set intervalstyle = 'sql_standard';
set bytea_output = 'escape';
\pset format unaligned
select id, type, realtime_sync.undo_patch(id) from realtime_sync.events where type <> 'LEAVE' order by id;
select realtime_sync.undo_patch(e.id, e.xid) = realtime_sync.undo_patch(e.id) as same
from realtime_sync.events e where type <> 'LEAVE';
\pset format aligned
reset all;
set client_min_messages = warning;

-- run from the last to the first, they lead back to an empty table, by way of the first row
set timezone = 'UTC';
select e.id as last from realtime_sync.events e order by id desc limit 1 \gset
select realtime_sync.undo_patch(e.id) from realtime_sync.events e
where type <> 'LEAVE' and id between 2 and :last order by id desc \gexec
select row_to_json(t) from "odd schema"."Trip's" t;
select realtime_sync.undo_patch(1) \gexec
select count(*) from "odd schema"."Trip's";
reset timezone;
-- the topic of the old key was told that the row left it; that is no change of its own
select realtime_sync.undo_patch(id) from realtime_sync.events where type = 'LEAVE' and id <= :last;
\echo :SQLSTATE

-- of a row with a json value that no text can hold, too
create domain "odd schema".paper as json;
create table "odd schema".papers (id int primary key, "j ""%1" json, d "odd schema".paper, x text);
select relation from realtime_sync.enable('"odd schema".papers', old_row => 'full');
truncate realtime_sync.event;
insert into "odd schema".papers values (1, '{"a":"\u0000"}', '"\ud800"', 'x''\u0000'), (2, null, 'null', null);
update "odd schema".papers set "j ""%1" = '1e200000', d = null, x = 'y' where id = 1;
update "odd schema".papers set "j ""%1" = '2' where id = 1;
delete from "odd schema".papers;
select type, realtime_sync.undo_patch(id) from realtime_sync.events order by id;
select realtime_sync.undo_patch(id) as patch from realtime_sync.events where type = 'DELETE' order by id \gexec
select * from "odd schema".papers order by id;
drop table "odd schema".papers;
truncate realtime_sync.event;

-- what was not recorded is not made up
create table half (id int primary key, a text, b text);
create trigger "00_realtime_sync_update" after update on half
    for each row execute function realtime_sync.capture('{"old_row":"key"}');
create trigger "00_realtime_sync_delete" after delete on half
    for each row execute function realtime_sync.capture('{"old_row":"key"}');
create trigger "00_realtime_sync_truncate" after truncate on half
    for each statement execute function realtime_sync.capture('{}');
insert into half values (1, 'x', 'y'), (2, 'x', 'y');
truncate realtime_sync.event;
alter sequence realtime_sync.event_id restart;
update half set b = 'z' where id = 1;
delete from half where id = 1;
truncate half;
select realtime_sync.send('half', 'hello', null);
insert into half values (3, 'x', 'y');
update half set id = id where id = 3;
select type, id from realtime_sync.events order by id;
select realtime_sync.undo_patch(1);
\echo :SQLSTATE
select realtime_sync.undo_patch(2);
\echo :SQLSTATE
select realtime_sync.undo_patch(3);
\echo :SQLSTATE
select realtime_sync.undo_patch(4);
\echo :SQLSTATE
select realtime_sync.undo_patch(5) is null as nothing_to_undo;
select realtime_sync.undo_patch(6);
\echo :SQLSTATE
select realtime_sync.undo_patch(null);
\echo :SQLSTATE

-- an event as its table was
create trigger "00_realtime_sync_insert" after insert on half
    for each row execute function realtime_sync.capture('{}');
truncate realtime_sync.event;
alter sequence realtime_sync.event_id restart;
insert into half values (4, 'x', 'y');
alter table half rename column id to number;
select realtime_sync.undo_patch(1);
\echo :SQLSTATE
alter table half rename to whole;
select realtime_sync.undo_patch(1);
\echo :SQLSTATE

-- an event too large for the log
truncate realtime_sync.event;
alter sequence realtime_sync.event_id restart;
set realtime_sync.max_event_size = '1kB';
update whole set a = repeat('x', 5000);
reset realtime_sync.max_event_size;
select realtime_sync.undo_patch(1);
\echo :SQLSTATE

-- identity columns
truncate realtime_sync.event;
alter sequence realtime_sync.event_id restart;
create table numbered (id int primary key generated always as identity, v text);
create trigger "00_realtime_sync_delete" after delete on numbered
    for each row execute function realtime_sync.capture('{"old_row":"full"}');
insert into numbered (v) values ('x');
delete from numbered;
select realtime_sync.undo_patch(1);
\echo :SQLSTATE
select realtime_sync.undo_patch(1) \gexec
select * from numbered;

-- the check of a domain is code of its owner's, and does not run as whoever asks for the patch
truncate realtime_sync.event;
alter sequence realtime_sync.event_id restart;
create function ran(value anyelement) returns boolean language plpgsql as $$
begin
    raise warning 'a check ran: %', value;
    return true;
end
$$;
create domain checked as numeric(6, 2);
create domain twice as checked;
create type pair as (a integer, b twice);
create table lined (id int primary key, amount twice, amounts twice[], place pair);
create trigger "00_realtime_sync_update" after update on lined
    for each row execute function realtime_sync.capture('{}');
insert into lined values (1, 1, '{1}', '(1,1)');
update lined set amount = 2;
update lined set amounts = '{2}';
update lined set place = '(2,2)';
alter domain checked add constraint code check (ran(value)) not valid;
select realtime_sync.undo_patch(1);
select realtime_sync.undo_patch(2);
\echo :SQLSTATE
select realtime_sync.undo_patch(3);
\echo :SQLSTATE
select realtime_sync.literals('lined', '{amount}', '{"amount": null}');

drop table whole, numbered, lined;
drop type pair;
drop domain checked cascade;
drop function ran;
drop schema "odd schema" cascade;
truncate realtime_sync.event;
