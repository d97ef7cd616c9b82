-- Columns that options name, renamed or dropped under a source: a write succeeds all the same. What named them
-- is left out of the event and reported as drift; enable() with the new names mends it.
\pset format unaligned
\pset tuples_only on
begin;
create table drivers (id bigint primary key, place int, shown int, watched int, filtered int, code int not null, status int);
insert into drivers values (1, 1, 1, 1, 1, 1, 1);
select relation
from realtime_sync.enable(
    'drivers', topics => array['driver:{place}', 'all'], exclude => array['shown'], watch => array['watched'],
    filter => 'new.filtered > 0', key_columns => array['code'], status_columns => array['status']
);
update drivers set watched = 2, status = 2;
alter table drivers rename place to place2;
alter table drivers rename shown to shown2;
alter table drivers rename watched to watched2;
alter table drivers rename filtered to filtered2;
alter table drivers rename code to code2;
alter table drivers rename status to status2;
update drivers set watched2 = 3, status2 = 3;
update drivers set filtered2 = 0;
select array_length(drift, 1) as drifted from realtime_sync.source;
select drift
from realtime_sync.enable(
    'drivers', topics => array['driver:{place2}', 'all'], exclude => array['shown2'], watch => array['watched2'],
    filter => 'new.filtered2 >= 0', key_columns => array['code2'], status_columns => array['status2']
);
update drivers set watched2 = 4, status2 = 4;
alter table drivers drop place2, drop shown2, drop code2, drop status2;
update drivers set watched2 = 5;
insert into drivers values (2, 2, 2);
alter table drivers drop watched2 cascade, drop filtered2 cascade;
update drivers set id = 3 where id = 2;
delete from drivers;
truncate drivers;
select realtime_sync.flush() > 0;
select type, event, topics, key, new, status from realtime_sync.events where xid = pg_current_xact_id() order by id;
rollback;
-- The table and its schema renamed: events say the new name from then on.
begin;
create schema fleet;
create table fleet.drivers (id bigint primary key);
select relation from realtime_sync.enable('fleet.drivers', topics => array['{schema}.{table}']);
insert into fleet.drivers values (1);
alter table fleet.drivers rename to chauffeurs;
insert into fleet.chauffeurs values (2);
alter schema fleet rename to fleet2;
insert into fleet2.chauffeurs values (3);
select realtime_sync.flush();
select schema, "table", topics, key from realtime_sync.events where xid = pg_current_xact_id() order by id;
rollback;
