-- Promise: health() is ok when all is well, names each thing that is wrong, the worst first, and what it
-- says under fix mends it.
\set SHOW_CONTEXT never
select current_database() as here \gset
create database healthy;
\c healthy
create extension realtime_sync;
select * from realtime_sync.health();
\c :here
drop database healthy;

truncate realtime_sync.event;
select realtime_sync.disable_all() >= 0 as clean;
-- statistics are the server's since it started, roles the cluster's: other tests have left some
create view wrong as
select level, subject, problem, fix from realtime_sync.health() where subject not in ('stats', 'LISTEN') and level <> 'ok';
create function mend() returns setof text language plpgsql as $$
declare
    w record;
begin
    for w in select * from wrong loop
        return next w.fix;
        execute w.fix;
    end loop;
end
$$;
select * from wrong;

-- triggers
create table drivers (id int primary key, name text);
select relation from realtime_sync.enable('drivers');
select * from wrong;
create function touch() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger "00_a" after update on drivers for each row execute function touch();
alter table drivers disable trigger "00_realtime_sync_update";
select level, subject, problem from wrong;
select * from mend();
select * from wrong;

-- a partition made later
create table parts (id int, v text, primary key (id)) partition by range (id);
create table parts_1 partition of parts for values from (0) to (10);
select relation from realtime_sync.enable('parts', operations => array['insert', 'update', 'delete', 'truncate'], topics => array['parts', 'p:{id}']);
create table "parts 2" partition of parts for values from (10) to (20);
select level, subject, problem from wrong;
select * from mend();
select * from wrong;
insert into parts values (11, 'x');
truncate parts;
select type, topics from realtime_sync.events order by id;

-- a column gone
alter table drivers add column zone text;
select relation from realtime_sync.enable('drivers', topics => array['zone:{zone}']);
alter table drivers drop column zone;
select * from wrong;
insert into drivers values (77, 'x');
select level, fix from realtime_sync.health() where subject = 'stats' and problem like '%: topics left out because a column they name is gone.';
select relation from realtime_sync.enable('drivers');
select * from wrong;

-- the counter of names that led nowhere stays, its warning does not
select value > 0 as counted from realtime_sync.stats where name = 'unresolved_names';
select count(*) from realtime_sync.health() where subject = 'stats' and problem like '%a column they name is gone%';

-- a trigger written by hand, which enable() would leave alone
create trigger by_hand after insert on drivers for each row execute function realtime_sync.capture('nonsense');
select level, problem, fix from wrong;
drop trigger by_hand on drivers;
create trigger "By hand" after insert on drivers for each row execute function realtime_sync.capture('{}');
select * from wrong;
select count(*) from mend();
select * from wrong;

-- row-level security of a source
create role authenticated;
-- a policy of allow() that someone dropped
select realtime_sync.allow('authenticated', 'read', array['trips']), realtime_sync.allow('authenticated', 'send', array['trips']);
drop policy "read authenticated" on realtime_sync.event;
drop policy "send authenticated" on realtime_sync.event;
select * from wrong;
select count(*) from mend();
select * from wrong;
select realtime_sync.disallow('authenticated', 'read'), realtime_sync.disallow('authenticated', 'send');
alter table drivers enable row level security;
select * from wrong;
select realtime_sync.allow('authenticated', 'read', array['trips:*']);
select problem from wrong;
select count(*) from mend();
select problem from wrong;
select realtime_sync.disallow('authenticated', 'read');
create policy by_hand on realtime_sync.event for select to authenticated using (false);
select problem from wrong;
drop policy by_hand on realtime_sync.event;
alter table drivers disable row level security;

-- who can reach what
grant select on realtime_sync.event_3 to authenticated;
grant execute on function realtime_sync.send to public;
grant select on realtime_sync.events to public;
alter table realtime_sync.event disable row level security;
select realtime_sync.allow('authenticated', 'migrate');
select * from wrong;
select count(*) from mend();
select * from wrong;

-- who can listen to what it may not select
create role listener login;
select level, problem ~ '^\d+ login roles? can listen to changes of tables (it|they) may not select: ' as named,
    fix like 'PostgreSQL has no permissions on channels. revoke connect on database % from public; and grant it %' as advised
from realtime_sync.health() where subject = 'LISTEN';
-- a reference tells them little; a channel of no name nothing
update realtime_sync.sink_definition set payload = 'reference';
select count(*) from realtime_sync.health() where subject = 'LISTEN';
update realtime_sync.sink_definition set payload = 'full';
set realtime_sync.channel = '';
select count(*) from realtime_sync.health() where subject = 'LISTEN';
reset realtime_sync.channel;

-- a template of channels that is none
set realtime_sync.channel = 'app:{topics}';
select * from wrong;
set realtime_sync.channel = 'app:{topic}';
select * from wrong;
reset realtime_sync.channel;

-- capture switched off
set realtime_sync.capture = off;
select * from wrong;
reset realtime_sync.capture;
alter role listener set realtime_sync.capture = off;
select * from wrong;
select mend();
select * from wrong;

-- retain() not called
select sent >= 0 as ticked from realtime_sync.relay();
insert into realtime_sync.event (at, topics, event, payload) values ('2026-01-02 03:04:05+00', array['t'], 'e', 'null');
insert into realtime_sync.event (topics, event, payload) values (array['t'], 'e', 'null');
select * from wrong;
select sent >= 0 as ticked from realtime_sync.relay();
select * from wrong;
truncate realtime_sync.event;

-- counters
set realtime_sync.max_event_size = '1kB';
insert into drivers values (1, repeat('x', 5000));
reset realtime_sync.max_event_size;
select level, problem ~ '^\d+ since the server started: events over' as counted, fix from realtime_sync.health()
where subject = 'stats' and problem like '%max_event_size%';

-- nobody but the owner
set role listener;
select * from realtime_sync.health();
reset role;

-- a role that watches needs no more than this
create role watcher;
grant usage on schema realtime_sync to watcher;
grant execute on function realtime_sync.health() to watcher;
create temporary table seen as select * from realtime_sync.health();
grant select on seen to watcher;
set role watcher;
table seen except select * from realtime_sync.health();
select * from realtime_sync.health() except table seen;
reset role;

select realtime_sync.disable('drivers'), realtime_sync.disable('parts');
drop function mend;
drop view wrong;
drop table drivers, parts;
drop function touch;
drop owned by authenticated, listener, watcher;
drop role authenticated, listener, watcher;
truncate realtime_sync.event;
