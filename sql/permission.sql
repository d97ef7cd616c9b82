-- Who may read, send and migrate. Row-level security on the log is the authorisation; allow() only
-- writes policies and grants, and policies written by hand count the same.

create function realtime_sync.claim(name text) returns text
stable strict parallel safe language c
as 'MODULE_PATHNAME', 'claim_wrapper';

create function realtime_sync.topic_condition(action text, patterns text[]) returns text
immutable strict parallel safe language c
as 'MODULE_PATHNAME', 'topic_condition_wrapper';

-- What a role needs for an action, each a privilege and its object as GRANT has them.
create function realtime_sync.privileges(action text, out privilege text, out object text) returns setof record
stable language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    select 'usage', 'schema realtime_sync'
    where action in ('read', 'send', 'migrate')
    union all
    select 'select', 'table ' || c.oid::regclass
    from (values
        ('read', array['event', 'events', 'tick', 'floor', 'presence_state']),
        ('migrate', array['source', 'fleet_map', 'fleet_limit', 'fleet_object', 'fleet_template', 'fleet_word', 'fleet_who', 'fleet_permission', 'fleet_retention', 'geofence', 'presence_member', 'presence_state'])
    ) t(action, names)
    join pg_class c on c.relname = any (t.names) and c.relnamespace = 'realtime_sync'::regnamespace
    where t.action = privileges.action
    union all
    -- What the fleet kit is set up with, and its functions call as their owner. Its policies hold each to what it owns.
    select 'select, insert, update, delete', 'table ' || c.oid::regclass
    from pg_class c
    where action = 'migrate' and c.relname in ('fleet_map', 'fleet_limit', 'fleet_object', 'fleet_retention', 'geofence', 'presence', 'presence_shift') and c.relnamespace = 'realtime_sync'::regnamespace
    union all
    select 'execute', 'function ' || p.oid::regprocedure
    from pg_proc p
    where action = 'migrate'
        and p.proname ~ '^(fleet|presence)_'
        and p.proname not in ('fleet_allow', 'fleet_disallow', 'fleet_write_policy', 'presence_call_hook', 'presence_left')
        and p.pronamespace = 'realtime_sync'::regnamespace
    union
    select 'execute', 'function ' || u.function
    from realtime_sync.fleet_uses(array['function', 'view', 'trigger', 'policy', 'timer']) u
    where action = 'migrate'
    union all
    select 'insert (topics, event, payload)', 'table realtime_sync.event'
    where action = 'send'
    union all
    -- Of its own presence: the policies say so.
    select p.privilege, p.object
    from (values
        ('select, insert, delete, update (state, meta, since, seen, expires, ttl, due)', 'table realtime_sync.presence'),
        ('select, insert, update', 'table realtime_sync.presence_shift')
    ) p(privilege, object)
    where action = 'send'
    union all
    select 'select, insert, update (function), delete', 'table realtime_sync.timer'
    where action = 'migrate'
    union all
    select 'execute', 'function ' || p.oid::regprocedure
    from (values
        ('read', array['native', 'member', 'claim', 'undo_patch', 'literals', 'texts', 'may_read', 'policy_condition', 'replay', 'cursor', 'presence_state']),
        ('send', array['send', 'next_event_id', 'current_segment', 'message_context', 'within_max_event_size', 'claim', 'may_send', 'policy_condition', 'presence_track', 'presence_heartbeat', 'presence_heartbeats', 'presence_untrack', 'presence_shift', 'presence_lacks', 'presence_refused']),
        ('migrate', array['check_permission', 'may_send', 'enable', 'disable', 'disable_all', 'set_source', 'read_options', 'capture', 'add_timer', 'drop_timer'])
    ) t(action, names)
    join pg_proc p on p.proname = any (t.names) and p.pronamespace = 'realtime_sync'::regnamespace
    where t.action = privileges.action;
end
$function$;

-- What allow() has given. pg_dump leaves out policies on an extension's tables (pg_dump.c,
-- checkExtensionMembership), but not the rows of this one: its trigger writes the policies again when
-- they are restored. The privileges pg_dump keeps itself.
create table realtime_sync.allowed (
    role regrole not null,
    action text not null check (action in ('read', 'send', 'migrate')),
    topics text[],
    policy name unique,
    primary key (role, action),
    check ((action = 'migrate') = (topics is null)),
    check ((action = 'migrate') = (policy is null))
);

-- The roles that have a privilege or a policy here. DROP ROLE is refused to these, and DROP OWNED takes both: a role
-- that has neither may be another that was given the number of one that is gone.
create view realtime_sync.grantee as
select a.grantee as role, null::name as policy
from pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
where n.nspname = 'realtime_sync'
union all
select a.grantee, null
from pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a
where p.oid = 'realtime_sync.capture()'::regprocedure
union all
select pg_catalog.unnest(p.polroles), p.polname
from pg_catalog.pg_policy p
where p.polrelid = 'realtime_sync.event'::regclass;

create view realtime_sync.permission as
select a.role, a.action, a.topics, a.policy
from realtime_sync.allowed a
where exists (select from realtime_sync.grantee g where g.role = a.role and coalesce(g.policy = a.policy, true));

-- The same without a view, which pg_dump does not let itself be led to (restrict_nonsystem_relation_kind).
select pg_catalog.pg_extension_config_dump('realtime_sync.allowed', $condition$
where exists (
    select from pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
    where n.nspname = 'realtime_sync' and a.grantee = role
) or exists (
    select from pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a
    where p.oid = 'realtime_sync.capture()'::pg_catalog.regprocedure and a.grantee = role
) or exists (
    select from pg_catalog.pg_policy p
    where p.polrelid = 'realtime_sync.event'::pg_catalog.regclass and role = any (p.polroles) and coalesce(p.polname = policy, true)
)
$condition$);

create function realtime_sync.write_policy() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $function$
declare
    permission realtime_sync.allowed := coalesce(new, old);
    clause text := case permission.action when 'read' then 'using' else 'with check' end;
    written boolean := exists (
        select from pg_catalog.pg_policy p
        where p.polrelid = 'realtime_sync.event'::regclass
            and p.polname = permission.policy and p.polroles = array[permission.role::oid]
    );
begin
    if permission.action = 'migrate' then
        return null;
    end if;
    if tg_op = 'DELETE' then
        if written then
            execute pg_catalog.format('drop policy %I on realtime_sync.event', permission.policy);
        end if;
        return null;
    end if;
    -- A dump restored where the role is missing: its privileges fail too, and say so.
    if not exists (select from pg_catalog.pg_roles r where r.oid = permission.role) then
        raise warning using
            message = pg_catalog.format('role %s does not exist, so it is not allowed to %s', permission.role, permission.action),
            hint = 'Create the role and restore again, or call realtime_sync.allow().';
        return null;
    end if;
    if not written then
        execute pg_catalog.format(
            'create policy %I on realtime_sync.event for %s to %s %s (false)',
            permission.policy,
            case permission.action when 'read' then 'select' else 'insert' end,
            permission.role,
            clause
        );
    end if;
    execute pg_catalog.format(
        'alter policy %I on realtime_sync.event %s (%s)',
        permission.policy, clause, realtime_sync.topic_condition(permission.action, permission.topics)
    );
    return null;
exception
    when lock_not_available then
        raise lock_not_available using
            message = 'realtime_sync.event is in use',
            detail = 'Writing a policy needs the table to itself for a moment, and gave up after 3 seconds so as not to hold its readers back.',
            hint = 'Try again when the long transaction that uses it has ended: select pid, query from pg_stat_activity where pid in (select pid from pg_locks where relation = ''realtime_sync.event''::regclass).';
end
$function$;

create trigger write_policy after insert or update or delete on realtime_sync.allowed
    for each row execute function realtime_sync.write_policy();

create function realtime_sync.check_permission(call text, action text default null, topics text[] default null)
returns void
stable language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    if not (
        select pg_catalog.pg_has_role(c.relowner, 'usage')
        from pg_catalog.pg_class c
        where c.oid = 'realtime_sync.event'::regclass
    ) then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for realtime_sync.%s()', call),
            detail = 'Only the owner of realtime_sync.event and a superuser may call it.',
            hint = pg_catalog.format('Call it as %s.', (
                select c.relowner::regrole from pg_catalog.pg_class c where c.oid = 'realtime_sync.event'::regclass
            ));
    end if;
    if call not in ('allow', 'disallow') then
        return;
    end if;
    if action is null then
        raise null_value_not_allowed using
            message = 'action must not be null',
            hint = 'Allowed are read, send, migrate.';
    end if;
    if action not in ('read', 'send', 'migrate') then
        raise invalid_parameter_value using
            message = pg_catalog.format('invalid value for action: "%s"', action),
            hint = 'Allowed are read, send, migrate.';
    end if;
    if action = 'migrate' and topics is not null then
        raise invalid_parameter_value using
            message = 'action "migrate" takes no topics',
            detail = 'Whoever may enable a table may write events to any topic.',
            hint = 'Leave topics out.';
    end if;
    if pg_catalog.array_position(topics, null) is not null then
        raise null_value_not_allowed using
            message = 'topics must not contain null',
            hint = 'Give topic patterns, such as ''drivers'' or ''trip:*''.';
    end if;
end
$function$;

create function realtime_sync.check_role(role regrole) returns void
stable language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    if role is null or not exists (select from pg_catalog.pg_roles r where r.oid = role) then
        raise undefined_object using
            message = pg_catalog.format('role %s does not exist', coalesce(role::text, 'null')),
            hint = 'Nothing is ever granted to PUBLIC: name a role, such as ''authenticated''.';
    end if;
end
$function$;

-- Roles that are gone have left their rows: DROP OWNED took only the privileges and policies. First, whoever gives or
-- takes permissions waits for who did so before: from topics read earlier a topic taken back would be given again, and
-- PostgreSQL raises XX000 where two sessions grant on one object.
create function realtime_sync.forget_roles() returns void
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    lock table realtime_sync.allowed in share row exclusive mode;
    delete from realtime_sync.allowed a
    where not exists (select from realtime_sync.permission p where (p.role, p.action) = (a.role, a.action));
    delete from realtime_sync.fleet_allowed a
    where not exists (select from realtime_sync.fleet_permission p where (p.schema, p.role) = (a.schema, a.role));
end
$function$;

create function realtime_sync.allow(role regrole, action text, topics text[] default null) returns text[]
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    statement record;
    permission realtime_sync.permission;
    policy text;
    allowed text[];
begin
    perform realtime_sync.check_permission('allow', action, topics);
    perform realtime_sync.check_role(role);
    perform realtime_sync.forget_roles();
    if action <> 'migrate' then
        if topics is null or topics = '{}' then
            raise invalid_parameter_value using
                message = pg_catalog.format('action %L needs topics', action),
                hint = pg_catalog.format(
                    'select realtime_sync.allow(%L, %L, topics => array[''drivers:{jwt.sub}'']); array[''*''] means every topic.',
                    role, action
                );
        end if;
        policy := action || ' ' || role;
        -- Too long, and not left to PostgreSQL to cut, or taken: by hand, or by a role since renamed.
        if pg_catalog.octet_length(policy) > 63 or exists (
            select from pg_catalog.pg_policy p
            where p.polrelid = 'realtime_sync.event'::regclass and p.polname = policy::name
        ) then
            policy := action || ' ' || pg_catalog.md5(role::text || role::oid);
        end if;
    end if;
    select p.* into permission
    from realtime_sync.permission p
    where p.role = allow.role and p.action = allow.action;
    -- In the order they were first given, each once.
    allowed := (
        select pg_catalog.array_agg(d.topic order by d.place)
        from (
            select t.topic, pg_catalog.min(t.place) as place
            from pg_catalog.unnest(permission.topics || allow.topics) with ordinality as t(topic, place)
            group by t.topic
        ) d
    );
    -- Unchanged: no lock on the log.
    if permission.role is null then
        insert into realtime_sync.permission values (allow.role, allow.action, allowed, policy);
    elsif permission.topics <> allowed or not exists (
        select from pg_catalog.pg_policy p
        where p.polrelid = 'realtime_sync.event'::regclass and p.polname = permission.policy
    ) then
        update realtime_sync.permission p set topics = allowed
        where p.role = allow.role and p.action = allow.action;
    end if;
    for statement in select p.privilege, p.object from realtime_sync.privileges(action) p loop
        execute pg_catalog.format('grant %s on %s to %s', statement.privilege, statement.object, role);
    end loop;
    return allowed;
end
$function$;

-- What a role needs for all that it is still allowed, so that taking one thing back takes no other.
create function realtime_sync.kept_privileges(role regrole, out privilege text, out object text) returns setof record
stable language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    select p.privilege, p.object
    from realtime_sync.permission a
    cross join lateral realtime_sync.privileges(a.action) p
    where a.role = kept_privileges.role
    union
    select p.privilege, p.object
    from (select from realtime_sync.fleet_permission f where f.role = kept_privileges.role limit 1) f
    cross join lateral (
        select r.privilege, r.object from realtime_sync.privileges('read') r
        union all
        select r.privilege, r.object from realtime_sync.fleet_privileges() r
    ) p;
end
$function$;

create function realtime_sync.disallow(role regrole, action text, topics text[] default null) returns text[]
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    statement record;
    allowed text[];
begin
    perform realtime_sync.check_permission('disallow', action, topics);
    perform realtime_sync.check_role(role);
    perform realtime_sync.forget_roles();
    select array(
        select t.topic
        from pg_catalog.unnest(p.topics) with ordinality as t(topic, place)
        where t.topic <> all (disallow.topics)
        order by t.place
    ) into allowed
    from realtime_sync.permission p
    where p.role = disallow.role and p.action = disallow.action;
    if not found then
        return null;
    end if;
    if allowed <> '{}' then
        update realtime_sync.permission p set topics = allowed
        where p.role = disallow.role and p.action = disallow.action and p.topics <> allowed;
        return allowed;
    end if;
    delete from realtime_sync.permission p where p.role = disallow.role and p.action = disallow.action;
    for statement in
        select p.privilege, p.object from realtime_sync.privileges(action) p
        except
        select k.privilege, k.object from realtime_sync.kept_privileges(role) k
    loop
        execute pg_catalog.format('revoke %s on %s from %s', statement.privilege, statement.object, role);
    end loop;
    return null;
end
$function$;

revoke all on function realtime_sync.claim(text) from public;
revoke all on function realtime_sync.topic_condition(text, text[]) from public;
revoke all on function realtime_sync.privileges(text) from public;
revoke all on table realtime_sync.allowed from public;
revoke all on table realtime_sync.grantee from public;
revoke all on table realtime_sync.permission from public;
revoke all on function realtime_sync.write_policy() from public;
revoke all on function realtime_sync.check_permission(text, text, text[]) from public;
revoke all on function realtime_sync.check_role(regrole) from public;
revoke all on function realtime_sync.forget_roles() from public;
revoke all on function realtime_sync.allow(regrole, text, text[]) from public;
revoke all on function realtime_sync.kept_privileges(regrole) from public;
revoke all on function realtime_sync.disallow(regrole, text, text[]) from public;

comment on function realtime_sync.claim(text) is
    'A claim of request.jwt.claims, by name or dotted path; null where it is missing, empty or no single value. Policies written by allow() use it.';
comment on function realtime_sync.topic_condition(text, text[]) is
    'Part of realtime_sync.allow(): the policy condition of topic patterns.';
comment on function realtime_sync.privileges(text) is
    'Part of realtime_sync.allow(): the privileges an action needs.';
comment on table realtime_sync.allowed is
    'What realtime_sync.allow() has given, also to roles that are gone since. Its trigger writes the policies.';
comment on view realtime_sync.grantee is
    'Roles that have a privilege on the schema realtime_sync or on capture(), or a policy on the events.';
comment on view realtime_sync.permission is
    'What realtime_sync.allow() has given to whom.';
comment on function realtime_sync.write_policy() is
    'Trigger function: writes the policy of a row of realtime_sync.allowed.';
comment on function realtime_sync.check_permission(text, text, text[]) is
    'Raises unless the caller owns the log, and unless the arguments of allow() make sense.';
comment on function realtime_sync.check_role(regrole) is
    'Raises unless the role exists.';
comment on function realtime_sync.forget_roles() is
    'Part of realtime_sync.allow(): waits for others who give permissions, and lets go what was given to roles that are gone.';
comment on function realtime_sync.allow(regrole, text, text[]) is
    'Lets a role read or send topics, or migrate (enable and disable its own tables). Topics are added to those it has: ''drivers'', ''trip:*'', ''driver:{jwt.sub}'', ''inbox:{user}''. Returns all of them.';
comment on function realtime_sync.kept_privileges(regrole) is
    'Part of realtime_sync.disallow(): the privileges that what a role is allowed needs.';
comment on function realtime_sync.disallow(regrole, text, text[]) is
    'Takes back what allow() gave: these topics, or without topics the whole action with its privileges. Returns the topics left.';
