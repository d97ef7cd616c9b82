-- Generated and identity columns appear with their stored values.
create schema capture_generated_columns;
set search_path = capture_generated_columns;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'capture_generated_columns' order by id;
create table t (
    id int generated always as identity primary key,
    price numeric(10, 2),
    amount int,
    total numeric generated always as (price * amount) stored
);
select count(*) from realtime_sync.enable('t');
insert into t (price, amount) values (2.50, 2);
update t set amount = 3;
update t set amount = 3;
select new, old, changed from feed;
set client_min_messages = warning;
drop schema capture_generated_columns cascade;
