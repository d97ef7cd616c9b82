-- What deferred constraints and triggers write at the commit is captured.
create schema capture_deferred;
set search_path = capture_deferred;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'capture_deferred' order by id;
create table parent (id int primary key);
create table child (id int primary key, parent int references parent deferrable initially deferred);
create table tally (id int primary key, n int);
select count(*) from (values ('parent'), ('child'), ('tally')) as v(name), realtime_sync.enable(v.name::regclass);
create function tell() returns trigger language plpgsql as $$
begin
    insert into tally values (new.id, 1) on conflict (id) do update set n = tally.n + 1;
    return null;
end
$$;
create constraint trigger tell after insert or update on child
    deferrable initially deferred for each row execute function tell();
begin;
insert into child values (1, 1);
update child set parent = 2;
insert into parent values (2);
commit;
select type, "table", key, new from feed;
-- a violation found at the commit leaves nothing
begin;
insert into child values (9, 99);
commit;
select count(*) from feed;
-- set constraints immediate in the middle
begin;
insert into child values (3, 2);
set constraints all immediate;
insert into parent values (4);
commit;
select type, "table", key from feed offset 5;
-- a capture trigger that is itself deferred, written by hand
create table late (id int primary key);
create constraint trigger "00_late" after insert on late deferrable initially deferred
    for each row execute function realtime_sync.capture('{}');
begin;
insert into late values (1);
insert into parent values (5);
commit;
select "table", key from feed offset 8;
set client_min_messages = warning;
drop schema capture_deferred cascade;
