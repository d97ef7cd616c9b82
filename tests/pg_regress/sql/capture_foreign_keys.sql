-- Rows that a foreign key's action changes are captured, each once.
create schema capture_foreign_keys;
set search_path = capture_foreign_keys;
create view feed as
    select type, "table", key, new, old, changed, topics from realtime_sync.events
    where schema = 'capture_foreign_keys' order by id;
create table p (id int primary key);
create table cascaded (id int primary key, p int references p on delete cascade on update cascade);
create table nulled (id int primary key, p int references p on delete set null);
create table defaulted (id int primary key, p int default 0 references p on delete set default);
select count(*) from (values ('p'), ('cascaded'), ('nulled'), ('defaulted')) as v(name), realtime_sync.enable(v.name::regclass);
insert into p values (0), (1), (2);
insert into cascaded values (10, 1), (11, 2);
update p set id = 3 where id = 2;
select type, "table", key, new, old from feed where type <> 'INSERT';
insert into nulled values (20, 1);
insert into defaulted values (30, 1);
delete from p where id = 1;
select type, "table", key, new, old from feed where type <> 'INSERT' offset 2;
set client_min_messages = warning;
drop schema capture_foreign_keys cascade;
