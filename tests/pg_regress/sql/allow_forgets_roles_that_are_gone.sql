-- Promise: what a role was allowed goes with DROP OWNED and DROP ROLE: nothing shows its number, pg_dump leaves it out,
-- the fleet kit goes on, and a new role that is given the number has nothing of it.
\set SHOW_CONTEXT never
set client_min_messages = warning;
create role regress_gone;
create role regress_stays;
select realtime_sync.allow('regress_gone', 'read', array['secret']);
select realtime_sync.allow('regress_gone', 'send', array['secret']);
select realtime_sync.allow('regress_gone', 'migrate');
select realtime_sync.allow('regress_stays', 'read', array['open']);
create schema gone;
create table gone.drivers (id int primary key, is_online bool);
select count(*) > 50 as made from realtime_sync.fleet_setup('gone', create_missing => true);
select count(*) > 30 as allowed from realtime_sync.fleet_allow('gone', 'regress_gone');
select oid as number from pg_roles where rolname = 'regress_gone' \gset
create function dumped() returns table (kept text) language plpgsql as $$
declare
    config record;
begin
    for config in
        select c.relation::regclass, c.condition
        from pg_extension e, unnest(e.extconfig, e.extcondition) c(relation, condition)
        where e.extname = 'realtime_sync' and exists (
            select from pg_attribute a where a.attrelid = c.relation and a.attname = 'role'
        )
        order by 1
    loop
        return query execute format('select %L || '' '' || role from %s %s order by 1', config.relation, config.relation, config.condition);
    end loop;
end
$$;
select * from dumped();

drop owned by regress_gone;
drop role regress_gone;
select role, action, topics from realtime_sync.permission;
select schema, role from realtime_sync.fleet_permission;
select * from dumped();
select subject, problem from realtime_sync.health() where subject like 'role%';
-- the kit makes what is missing, for nobody who is gone
drop function gone.update_locations;
select status, object from realtime_sync.fleet_setup('gone') where status in ('done', 'drop') order by step;

-- another role of the same number
create role regress_heir;
set allow_system_table_mods = on;
update pg_authid set oid = :number where rolname = 'regress_heir';
reset allow_system_table_mods;
select role, action, topics from realtime_sync.permission;
select * from dumped();
select subject, problem from realtime_sync.health() where subject like 'role%';
select realtime_sync.allow('regress_heir', 'read', array['own']);
select role, action, topics from realtime_sync.permission order by role::text;
select realtime_sync.disallow('regress_heir', 'read');
select has_schema_privilege('regress_heir', 'realtime_sync', 'usage') as usage;
select realtime_sync.fleet_disallow('gone', 'regress_heir');
select status, count(*) > 2 as some from realtime_sync.fleet_remove('gone', drop_tables => true) group by 1 order by 1;
select realtime_sync.disallow('regress_stays', 'read');
drop function dumped();
drop schema gone cascade;
drop role regress_heir;
drop role regress_stays;
truncate realtime_sync.event;
