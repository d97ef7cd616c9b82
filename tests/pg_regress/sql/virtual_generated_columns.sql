-- PostgreSQL 18's virtual generated columns are in the event as in a select; one that cannot be
-- computed is left out, and costs the event its completeness, not the user's write.
select current_setting('server_version_num')::int >= 180000 as has_virtual \gset
\if :has_virtual
begin;
create table price (
    id int primary key,
    pieces int,
    each int generated always as (100 / pieces) virtual,
    twice int generated always as (pieces * 2) stored
);
select relation from realtime_sync.enable('price', old_row => 'full');
insert into price values (1, 5);
update price set pieces = 10;
insert into price values (2, 0);
select realtime_sync.flush();
select type, new, old, changed, partial from realtime_sync.events where "table" = 'price' order by id;
-- a row that moves between partitions has had its value too
create table half (id int, part int, twice int generated always as (id * 2) virtual, primary key (id, part)) partition by list (part);
create table half_1 partition of half for values in (1);
create table half_2 partition of half for values in (2);
select relation from realtime_sync.enable('half', old_row => 'full');
insert into half values (1, 1);
update half set part = 2;
select realtime_sync.flush();
select type, new, old, changed from realtime_sync.events where "table" = 'half' order by id;
rollback;
\endif
