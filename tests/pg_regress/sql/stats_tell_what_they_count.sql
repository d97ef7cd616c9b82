-- Promise: every counter has a name, a value and a description.
select name from realtime_sync.stats where description is null or value is null or value < 0;
select count(*) > 5 as counters, count(*) = count(distinct name) as names_differ from realtime_sync.stats;
create table counted (id int primary key);
create trigger "00_realtime_sync_insert" after insert on counted
    for each row execute function realtime_sync.capture('{}');
create temporary table before as select * from realtime_sync.stats;
insert into counted select generate_series(1, 10);
begin;
set local realtime_sync.capture = off;
insert into counted values (11);
commit;
select name, now.value - before.value as more
from realtime_sync.stats now join before using (name)
where name in ('written', 'switched_off') order by name;
drop table counted;
drop table before;
truncate realtime_sync.event;
