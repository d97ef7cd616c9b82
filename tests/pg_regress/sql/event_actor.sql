-- actor: request.jwt.claims, then realtime_sync.actor, then the session user; mutation_id: the setting, then the header.
create schema event_actor;
set search_path = event_actor;
create view feed as
    select type, "table", key, new, old, changed, topics, partial from realtime_sync.events
    where schema = 'event_actor' order by id;
create table t (id serial primary key);
select count(*) from realtime_sync.enable('t');
create view who as select actor, mutation_id from realtime_sync.events where schema = 'event_actor' order by id;
insert into t default values;
set realtime_sync.actor = 'app "one"';
set realtime_sync.mutation_id = 'm-1';
insert into t default values;
begin;
select set_config('request.jwt.claims', '{"sub":"user-1","role":"authenticated"}', true);
select set_config('request.headers', '{"x-mutation-id":"h-1"}', true);
insert into t default values;
set local realtime_sync.mutation_id = '';
insert into t default values;
commit;
insert into t default values;
reset realtime_sync.mutation_id;
-- nonsense in a setting any session may set is no error
begin;
select set_config('request.jwt.claims', '{"sub":', true);
select set_config('request.headers', '[1]', true);
insert into t default values;
select set_config('request.jwt.claims', '{"sub":17}', true);
insert into t default values;
select set_config('request.jwt.claims', '{"sub":null}', true);
insert into t default values;
select set_config('request.jwt.claims', repeat('[', 100000), true) is null;
insert into t default values;
commit;
reset realtime_sync.actor;
-- claims of a size that no request has
begin;
select length(set_config('request.jwt.claims', json_build_object('sub', 'big', 'x', repeat('x', 70000))::text, true));
insert into t default values;
commit;
-- changed in the middle of a statement
create function rename_actor() returns trigger language plpgsql as $$
begin
    perform set_config('realtime_sync.actor', 'row ' || new.id, true);
    return new;
end
$$;
create trigger rename_actor before insert on t for each row execute function rename_actor();
insert into t select from generate_series(1, 2);
-- a function with its owner's rights is still the session's user's doing
create role event_actor;
grant usage on schema event_actor to event_actor;
create function add() returns void language sql security definer as $$ insert into event_actor.t default values $$;
drop trigger rename_actor on t;
set session authorization event_actor;
select event_actor.add();
reset session authorization;
select * from who;
revoke all on schema event_actor from event_actor;
drop role event_actor;
set client_min_messages = warning;
drop schema event_actor cascade;
