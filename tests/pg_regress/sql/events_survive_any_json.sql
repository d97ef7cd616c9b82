-- An escape that PostgreSQL cannot decode, in a json column of one row, does not keep others from reading
-- the log: members of the body are found without decoding.
begin;
create table note (id int primary key, doc json);
select relation from realtime_sync.enable('note');
insert into note values (1, '{"x": "\u0000"}'), (2, '"\ud834"'), (3, '{"a": "}\",{"}');
select realtime_sync.flush();
select type, key, new, old, changed, actor is null as nobody, partial from realtime_sync.events where "table" = 'note' order by id;
select native from realtime_sync.events where "table" = 'other';
rollback;
