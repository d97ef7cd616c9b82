-- Promise: a role that may set the kit up, and those it is for, get no right by it that they had not: not by
-- names, not by hooks, not by functions the kit calls.
\set SHOW_CONTEXT never
\set VERBOSITY terse
set client_min_messages = warning;
create schema climb;
create role regress_climber;
create role regress_reader;
grant all on schema climb to regress_climber;
select realtime_sync.allow('regress_climber', 'migrate') is null as migrate,
    realtime_sync.allow('regress_climber', 'send', array['*']) as send;
set role regress_climber;
select count(*) > 40 as made from realtime_sync.fleet_setup('climb', create_missing => true) where status = 'done';

-- a column named as a token, in a policy that a superuser writes
create table climb." is null);alter role regress_climber superuser;--" (id bigint primary key);
alter table climb.trips add "{{passenger}}" bigint;
update realtime_sync.fleet_map set relation = 'climb." is null);alter role regress_climber superuser;--"'::regclass
where schema = 'climb' and entity = 'passenger';
update realtime_sync.fleet_map set columns = columns || '{"driver": "{{passenger}}"}' where schema = 'climb' and entity = 'trip';
reset role;
select count(*) from realtime_sync.fleet_allow('climb', 'regress_reader');
\echo :SQLSTATE
set role regress_climber;
update realtime_sync.fleet_map set columns = columns || '{"driver": "driver_id"}' where schema = 'climb' and entity = 'trip';
update realtime_sync.fleet_map set relation = 'climb.passengers' where schema = 'climb' and entity = 'passenger';
reset role;

-- an identity function that a superuser's call would make anew as its own
set role regress_climber;
create function climb.who() returns jsonb language sql as $$ select '{}'::jsonb $$;
drop function climb.realtime_passenger();
create function climb.realtime_passenger() returns integer language sql as 'select 1';
update realtime_sync.fleet_object set body = md5('select 1') where schema = 'climb' and kind = 'function' and name = 'realtime_passenger';
reset role;
select count(*) > 30 as allowed from realtime_sync.fleet_allow('climb', 'regress_reader', who => 'climb.who()');
select p.proname, p.proowner::regrole from pg_proc p where p.pronamespace = 'climb'::regnamespace and p.proowner <> 'regress_climber'::regrole;
select count(*) > 0 as by_claims from realtime_sync.fleet_allow('climb', 'regress_reader', who => '');

-- a hook that asks for the caller's rights after it was let in
set role regress_climber;
create function climb.hook(member text, state text) returns void language plpgsql security definer set search_path = '' as 'begin end';
reset role;
select realtime_sync.presence_hook('climb', 'climb.hook(text, text)');
set role regress_climber;
create or replace function climb.hook(member text, state text) returns void language plpgsql security invoker as
    $$ begin raise exception 'called as %', current_user; end $$;
select realtime_sync.presence_track('climb', 'x');
reset role;
select realtime_sync.presence_hook('climb');

-- what readers may not call, and write
select p.oid::regprocedure from pg_proc p
where p.pronamespace = 'realtime_sync'::regnamespace and p.prosecdef and has_function_privilege('regress_reader', p.oid, 'execute');
insert into climb.drivers (user_id) values ('anna');
set role regress_reader;
set request.jwt.claims = '{"sub": "anna"}';
select climb.log_telemetry(null, 'status_change', 'x', '{"column": "status", "new_status": "online"}');
set request.jwt.claims = '{"sub": "dora", "user_role": "dispatcher"}';
select count(*) from climb.offer_trip(1, eligible => 'pg_catalog.pg_terminate_backend(integer, bigint)');
reset role;
reset request.jwt.claims;
select rolname from pg_roles where rolname in ('regress_climber', 'regress_reader') and rolsuper;

-- what is noted is granted and taken as the noter's own: not what somebody else has made under that name; a name may
-- stand for two
set role regress_climber;
create function climb.payout() returns int language sql as 'select 1';
create function climb.twice() returns int language sql as 'select 1';
select realtime_sync.fleet_note('climb', 'function', 'payout', 'payout'), realtime_sync.fleet_note('climb', 'function', 'twice', 'twice');
drop function climb.payout();
create function climb.twice(int) returns int language sql as 'select 1';
revoke all on function climb.twice(), climb.twice(int) from public;
reset role;
create function climb.payout() returns text security definer language sql as 'select current_user';
revoke all on function climb.payout() from public;
select status, object, why, sql from realtime_sync.fleet_allow('climb', 'regress_reader') where object ~ 'payout|twice' order by object;
select has_function_privilege('regress_reader', 'climb.payout()', 'execute') as payout,
    has_function_privilege('regress_reader', 'climb.twice(int)', 'execute') as twice;
create role regress_payee;
grant execute on function climb.payout() to regress_payee;
select count(*) > 30 as allowed from realtime_sync.fleet_allow('climb', 'regress_payee');
select realtime_sync.fleet_disallow('climb', 'regress_payee') as disallowed, has_function_privilege('regress_payee', 'climb.payout()', 'execute') as payout;

-- what is noted to be dropped: not in another's name, not another's, and not what he makes in its place
create table climb.gold (id int primary key);
create function climb.guard() returns trigger language plpgsql as 'begin return new; end';
create trigger guard before insert on climb.gold for each row execute function climb.guard();
set role regress_climber;
insert into realtime_sync.fleet_object (schema, place, kind, name, actual, made) values ('climb', 0, 'table', 'gold', 'gold', '');
insert into realtime_sync.fleet_object (schema, place, kind, name, actual, relation, made) values ('climb', 0, 'trigger', 'guard', 'guard', 'climb.gold', '');
insert into realtime_sync.fleet_object (schema, place, kind, name, actual, made, owner) values ('climb', 0, 'view', 'theirs', 'theirs', '', 'postgres');
insert into realtime_sync.fleet_object (schema, place, kind, name, actual, made) values
    ('climb', 0, 'view', 'theirs', 'theirs', ''),
    ('climb', 0, 'function', 'words', 'words(); drop table climb.gold; --', '');
create function climb.later() returns int language sql as 'select 1';
select realtime_sync.fleet_note('climb', 'function', 'later', 'later');
drop function climb.later();
reset role;
create view climb.theirs as select 1;
create function climb.later() returns int language sql as 'select 2';
select status, object, why, sql from realtime_sync.fleet_remove('climb') where object ~ 'gold|guard|theirs|later|words' order by object;
select climb.later(), to_regclass('climb.gold'), to_regclass('climb.theirs'), count(*) as guards from pg_trigger where tgname = 'guard' and tgrelid = 'climb.gold'::regclass;
-- a table noted as a view stops nobody, and what a role that is gone has noted is nobody's
create schema climb5;
create role regress_goner;
grant usage, create on schema climb5 to regress_climber, regress_goner;
select realtime_sync.allow('regress_goner', 'migrate') is null as migrate;
set role regress_climber;
create table climb5.blind (id int primary key);
select realtime_sync.fleet_note('climb5', 'view', 'blind', 'blind');
set role regress_goner;
create function climb5.left_over() returns int language sql as 'select 1';
select realtime_sync.fleet_note('climb5', 'function', 'left_over', 'left_over');
drop function climb5.left_over();
reset role;
drop owned by regress_goner;
drop role regress_goner;
create function climb5.left_over() returns int language sql as 'select 2';
select status, object, why, sql from realtime_sync.fleet_remove('climb5') order by object;
select climb5.left_over();
delete from realtime_sync.fleet_object where schema = 'climb5';
drop schema climb5 cascade;
-- nor is a name of a timer taken before the kit needs it
set role regress_climber;
create function climb.nothing() returns timestamptz language sql as 'select null::timestamptz';
select realtime_sync.add_timer('fleet climb2 offers', 'climb.nothing()'), realtime_sync.add_timer('fleet climb2 retention', 'climb.nothing()');
reset role;
create schema climb2;
select count(*) as timers from realtime_sync.fleet_setup('climb2', create_missing => true) where status = 'done' and object ~ '^timer';
select name, function, owner = current_user::regrole as own from realtime_sync.timer where name ~ 'climb2' order by name, own;
select count(*) > 40 as removed from realtime_sync.fleet_remove('climb2', drop_tables => true) where status = 'done';
select name, function, owner = current_user::regrole as own from realtime_sync.timer where name ~ 'climb2' order by name, own;
drop schema climb2;
set role regress_climber;
select realtime_sync.drop_timer(name) from realtime_sync.timer;
reset role;

-- what a role has noted and mapped before somebody else sets the kit up is not called as his: functions, timers,
-- tables with triggers, nor the app's own tables by a superuser's kit
create role regress_setter;
create schema climb3;
grant usage, create on schema climb3 to regress_climber, regress_setter;
select realtime_sync.allow('regress_setter', 'migrate') is null as migrate,
    realtime_sync.allow('regress_setter', 'send', array['*']) as send;
\set asks 'select status, object, why, sql from realtime_sync.fleet_setup(\'climb3\', create_missing => true) where status not in (\'found\', \'skip\') and object <> \'schema climb\''
set role regress_climber;
create function climb3.realtime_dispatcher() returns boolean language plpgsql as $$
begin
    if (select rolsuper from pg_roles where rolname = current_user) then
        alter role regress_climber superuser;
    end if;
    return false;
end
$$;
create function climb3.realtime_retention_due() returns timestamptz language sql as 'select null::timestamptz';
select realtime_sync.fleet_note('climb3', 'function', 'realtime_dispatcher', 'realtime_dispatcher'),
    realtime_sync.fleet_note('climb3', 'function', 'realtime_retention_due', 'realtime_retention_due');
reset role;
:asks;
set role regress_setter;
:asks;
set role regress_climber;
drop function climb3.realtime_dispatcher(), climb3.realtime_retention_due();
create table climb3.places (id bigint primary key, driver bigint, client_id text);
select (realtime_sync.fleet_map('climb3', 'location', 'climb3.places', '{"id": "id", "driver": "driver", "client_id": "client_id"}')).relation;
reset role;
:asks;
set role regress_setter;
:asks;
set role regress_climber;
drop table climb3.places;
create table climb3.drivers (id bigint primary key, user_id text unique);
reset role;
:asks;
select proowner::regrole from pg_proc where pronamespace = 'climb3'::regnamespace;
set role regress_climber;
select count(*) > 40 as made from realtime_sync.fleet_setup('climb3', create_missing => true) where status = 'done';
select count(*) filter (where status = 'ask' and object not in ('schema climb', 'schema climb3')) as asks from realtime_sync.fleet_setup('climb3', create_missing => true);
reset role;
select status, why from realtime_sync.fleet_setup('climb3') where status = 'ask';
-- nor what comes in between
create schema climb4;
create function climb4.meanwhile() returns event_trigger language plpgsql as $$
begin
    insert into realtime_sync.fleet_object (schema, place, kind, name, actual, made, owner)
    values ('climb4', 0, 'timer', 'junk', 'junk', '', 'regress_climber') on conflict do nothing;
end
$$;
create event trigger regress_meanwhile on ddl_command_end when tag in ('CREATE VIEW') execute function climb4.meanwhile();
select count(*) as steps from realtime_sync.fleet_setup('climb4', create_missing => true);
\echo :SQLSTATE
drop event trigger regress_meanwhile;
drop schema climb4 cascade;
-- nor is a function of his a trigger on another's trips
create schema climb4;
grant usage, create on schema climb4 to regress_climber;
create table climb4.trips (id bigint primary key, status text);
select (realtime_sync.fleet_map('climb4', 'trip', 'climb4.trips', '{"id": "id", "status": "status"}')).relation;
set role regress_climber;
create function climb4.realtime_check_trip_status() returns trigger language plpgsql as 'begin alter role regress_climber superuser; return new; end';
insert into realtime_sync.fleet_object (schema, place, kind, name, actual, made)
values ('climb4', 1, 'function', 'realtime_check_trip_status', 'realtime_check_trip_status', '');
reset role;
select realtime_sync.fleet_check_status('climb4');
drop schema climb4 cascade;
-- nor does who may create in a schema say what the functions of its owner do, and when rows of his go
insert into realtime_sync.fleet_limit (schema, max_speed) values ('climb3', 50);
set role regress_climber;
insert into realtime_sync.fleet_limit (schema, max_speed) values ('climb', 1e9);
select realtime_sync.fleet_retain('climb3', 'telemetry', '1 day');
set role regress_setter;
update realtime_sync.fleet_limit set max_speed = 1e9;
update realtime_sync.fleet_retention set keep = '1 second';
delete from realtime_sync.fleet_retention;
insert into realtime_sync.fleet_retention (schema, entity, keep) values ('climb3', 'location', '1 second');
reset role;
select schema, max_speed from realtime_sync.fleet_limit where schema ~ 'climb';
select schema, entity, keep from realtime_sync.fleet_retention where schema ~ 'climb';
-- nor does who may create in its schema make it forget its timers, which he does not see
grant usage on schema climb to regress_setter;
set role regress_setter;
select status, object, why from realtime_sync.fleet_remove('climb3', dry_run => true) where object ~ '^timer' order by object;
select status, object, why, sql from realtime_sync.fleet_remove('climb3') where object ~ '^timer' order by object;
reset role;
select name from realtime_sync.fleet_object where schema = 'climb3' and kind = 'timer' order by name;
-- nor does a superuser who removes it take another's timer of that name
set role regress_setter;
create function climb3.nothing() returns timestamptz language sql as 'select null::timestamptz';
select realtime_sync.add_timer('fleet climb3 offers', 'climb3.nothing()');
reset role;
select count(*) > 40 as removed, count(*) filter (where status = 'ask') as asks from realtime_sync.fleet_remove('climb3', drop_tables => true);
select name, owner from realtime_sync.timer where name ~ 'climb3';
select count(*) as inherited from (select schema from realtime_sync.fleet_limit union all select schema from realtime_sync.fleet_retention) x where schema = 'climb3';
select realtime_sync.drop_timer('fleet climb3 offers');
-- nor is what he notes of a schema that is gone found again in another's: no kit is asked about, no table is dropped for him
create schema climb5;
create table climb5.drivers (id bigint primary key, user_id text unique, is_online boolean);
create table climb5.ledger (id bigint primary key, driver_id bigint);
create function climb5.pay() returns int language sql as 'select 5';
select count(*) > 20 as made from realtime_sync.fleet_setup('climb5', create_missing => true) where status = 'done';
set role regress_climber;
insert into realtime_sync.fleet_object (schema, place, kind, name, actual, made, body) values
    ('climb6', 1, 'function', 'pay', 'pay', '', md5('select 5')),
    ('climb6', 2, 'table', 'ledger', 'ledger', '', null),
    ('climb6', 3, 'table', 'telemetry_logs', 'telemetry_logs', '', null);
reset role;
-- Where such a kit was made, its own table says that the schema is the same.
insert into realtime_sync.fleet_map (schema, entity, relation, columns)
select 'climb6', entity, relation, columns from realtime_sync.fleet_map where schema = 'climb5' and entity = 'telemetry';
select status, object, why from realtime_sync.fleet_setup('climb5', create_missing => true) where status not in ('exists', 'found', 'skip');
select schema, name, owner from realtime_sync.fleet_object where owner = 'regress_climber' and name in ('pay', 'ledger') order by name;
delete from realtime_sync.fleet_object where schema = 'climb6';
delete from realtime_sync.fleet_map where schema = 'climb6';
select count(*) > 20 as removed from realtime_sync.fleet_remove('climb5', drop_tables => true);
select count(*) from climb5.ledger;
drop schema climb5 cascade;

select count(*) > 0 as disallowed from realtime_sync.fleet_disallow('climb', 'regress_reader');
drop schema climb, climb3 cascade;
delete from realtime_sync.presence where topic = 'climb';
delete from realtime_sync.presence_member where topic = 'climb';
drop owned by regress_climber, regress_reader, regress_setter, regress_payee;
drop role regress_climber, regress_reader, regress_setter, regress_payee;
truncate realtime_sync.event;
