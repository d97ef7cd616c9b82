-- Promise: add_timer() takes only what can be a timer and only what its caller may run; relay() calls
-- timers as their owner; one that fails says so, stops no other, and is forgotten with drop_timer().
\set SHOW_CONTEXT never
create schema clock;
create table clock.calls (name text, by text, restricted boolean);
create function clock.tick() returns timestamptz language plpgsql as $$
begin
    insert into clock.calls values ('tick', current_user, false);
    return null;
end $$;
create function clock.other(integer) returns timestamptz language sql as 'select now()';
create function clock.many() returns setof timestamptz language sql as 'select now()';
create function clock.word() returns text language sql as 'select ''now''';

-- mistakes
select realtime_sync.add_timer('clock', 'clock.nothing()');
select realtime_sync.add_timer('clock', 'clock.other(integer)');
\echo :SQLSTATE
select realtime_sync.add_timer('clock', 'clock.many()');
select realtime_sync.add_timer('clock', 'clock.word()');
select realtime_sync.add_timer('', 'clock.tick()');
select realtime_sync.add_timer(null, 'clock.tick()');
select realtime_sync.add_timer('clock', null);
\echo :SQLSTATE
select realtime_sync.drop_timer('clock');
\echo :SQLSTATE

-- called by relay(), once each time it is asked; adding it again changes nothing
select realtime_sync.add_timer('clock', 'clock.tick()');
select realtime_sync.add_timer('clock', 'clock.tick()');
select name, function, error from realtime_sync.timer where name <> 'presence';
select * from realtime_sync.relay();
select name, by = current_user as as_owner from clock.calls;

-- a role of its own: only with what migrate gives, as itself, restricted
create role regress_clock;
grant all on schema clock to regress_clock;
grant insert on clock.calls to regress_clock;
set role regress_clock;
select realtime_sync.add_timer('mine', 'clock.tick()');
reset role;
select realtime_sync.allow('regress_clock', 'migrate') is null as allowed;
revoke execute on function clock.tick() from public;
set role regress_clock;
select realtime_sync.add_timer('mine', 'clock.tick()');
\echo :SQLSTATE
create function clock.mine() returns timestamptz language plpgsql as $$
begin
    insert into clock.calls values ('mine', current_user, false);
    return null;
end $$;
create function clock.climb() returns timestamptz language plpgsql as $$
begin
    reset role;
    return null;
end $$;
select realtime_sync.add_timer('mine', 'clock.mine()');
select realtime_sync.add_timer('climb', 'clock.climb()');
-- not in another's name, and not another's; but no name can be taken before who needs it
insert into realtime_sync.timer (name, function, owner) select 'theirs', 'clock.mine()', 'postgres';
select realtime_sync.drop_timer('clock');
select realtime_sync.add_timer('clock', 'clock.mine()');
select name, function from realtime_sync.timer where name <> 'presence' order by name;
reset role;
truncate clock.calls;
select sent, more from realtime_sync.relay();
select name, by = 'regress_clock' as as_owner from clock.calls order by name, 2;
-- each drops his own, and a superuser another's that he names; of several, of whom
create role regress_watch;
grant usage on schema clock to regress_watch;
insert into realtime_sync.timer (name, function) values ('watch', 'clock.mine()');
update realtime_sync.timer set owner = 'regress_watch' where name = 'watch';
insert into realtime_sync.timer (name, function) values ('watch', 'clock.mine()');
update realtime_sync.timer set owner = 'regress_clock' where name = 'watch' and owner = current_user::regrole;
select realtime_sync.drop_timer('watch');
\echo :SQLSTATE
select realtime_sync.drop_timer('watch', 'regress_watch');
select name, owner from realtime_sync.timer where name = 'watch';
select realtime_sync.drop_timer('watch');
drop owned by regress_watch;
drop role regress_watch;
select realtime_sync.drop_timer('clock');
select name, owner from realtime_sync.timer where name = 'clock';
select realtime_sync.drop_timer('clock');
select realtime_sync.drop_timer('clock');
select realtime_sync.add_timer('clock', 'clock.tick()');
select name, owner, error, failing_since is not null as failing from realtime_sync.timer where error is not null;
select level, subject, regexp_replace(problem, 'since [^:]*:[^:]*:[^:]*:', 'since ...:') as problem from realtime_sync.health() where subject like 'timer%';

-- mended
create or replace function clock.climb() returns timestamptz language sql as 'select null::timestamptz';
select from realtime_sync.relay();
select name, error from realtime_sync.timer where name <> 'presence' order by name;

-- one made anew that gives something else, or no row at all
drop function clock.climb();
create function clock.climb() returns text language sql as $$ select 'soon' $$;
select from realtime_sync.relay();
select name, error from realtime_sync.timer where name = 'climb';
drop function clock.climb();
create function clock.climb() returns setof timestamptz language sql as $$ select now() where false $$;
select from realtime_sync.relay();
select name, error from realtime_sync.timer where name = 'climb';

-- by hand, nothing that is no function's name
insert into realtime_sync.timer (name, function) values ('junk', '"a.b()');
insert into realtime_sync.timer (name, function) values ('junk', 'a.b.c()');
insert into realtime_sync.timer (name, function) values ('junk', 'clock.other(integer)');

-- a function that is gone is no error of the others
drop function clock.climb();
select from realtime_sync.relay();
select level, subject, problem, fix from realtime_sync.health() where subject like 'timer%';
select realtime_sync.drop_timer('climb');
select realtime_sync.drop_timer('mine');
select realtime_sync.drop_timer('clock');
drop owned by regress_clock;
drop role regress_clock;
drop schema clock cascade;
