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
stable language sql
set search_path = ''
begin atomic
    select 'usage', 'schema realtime_sync'
    where action in ('read', 'send', 'migrate')
    union all
    select 'select', 'table ' || c.oid::regclass
    from (values
        ('read', array['event', 'events']),
        ('migrate', array['source'])
    ) t(action, names)
    join pg_class c on c.relname = any (t.names) and c.relnamespace = 'realtime_sync'::regnamespace
    where t.action = privileges.action
    union all
    select 'insert (topics, event, payload)', 'table realtime_sync.event'
    where action = 'send'
    union all
    select 'execute', 'function ' || p.oid::regprocedure
    from (values
        ('read', array['native', 'member', 'claim', 'undo_patch', 'literals', 'may_read', 'policy_condition']),
        ('send', array['send', 'next_event_id', 'current_segment', 'message_context', 'claim', 'may_send', 'policy_condition']),
        ('migrate', array['enable', 'disable', 'disable_all', 'set_source', 'read_options', 'capture'])
    ) t(action, names)
    join pg_proc p on p.proname = any (t.names) and p.pronamespace = 'realtime_sync'::regnamespace
    where t.action = privileges.action;
end;

-- The policy allow() keeps for a role and an action. It is known by its role, which may be renamed,
-- and by its comment, in which the patterns are. pg_upgrade keeps both; pg_dump does not, as it dumps no
-- policy of an extension's table (checkExtensionMembership in pg_dump.c), and health() then says so.
create function realtime_sync.granted(
    role regrole, action text, out policy name, out topics text[]
) returns record
stable language sql
set search_path = ''
begin atomic
    select p.polname, array(select json_array_elements_text(c.comment::json -> 'topics'))
    from pg_policy p,
        obj_description(p.oid, 'pg_policy') as c(comment)
    where p.polrelid = 'realtime_sync.event'::regclass
        and p.polroles = array[role::oid]
        and c.comment like '{"realtime\_sync":"' || action || '",%'
    order by p.polname
    limit 1;
end;

create function realtime_sync.is_allowed(role regrole, action text) returns boolean
stable language sql
set search_path = ''
begin atomic
    select case action
        when 'migrate' then exists (
            select from pg_proc p, aclexplode(p.proacl) a
            where p.oid = 'realtime_sync.capture()'::regprocedure and a.grantee = role
        )
        else exists (select from realtime_sync.granted(role, action) g where g.policy is not null)
    end;
end;

create function realtime_sync.set_topics(role regrole, action text, topics text[]) returns void
volatile language plpgsql
set search_path = ''
set lock_timeout = '3s'
as $function$
declare
    current record;
    policy text;
begin
    select g.policy, g.topics into current from realtime_sync.granted(role, action) g;
    if current.topics is not distinct from topics then
        return;
    end if;
    if topics is null then
        execute pg_catalog.format('drop policy %I on realtime_sync.event', current.policy);
        return;
    end if;
    policy := current.policy;
    if policy is null then
        policy := action || ' ' || role;
        -- Not left to PostgreSQL to cut: two long names might then be one.
        if pg_catalog.octet_length(policy) > 63 then
            policy := action || ' ' || pg_catalog.md5(role::text);
        end if;
        execute pg_catalog.format(
            'create policy %I on realtime_sync.event for %s to %s %s (false)',
            policy,
            case action when 'read' then 'select' else 'insert' end,
            role,
            case action when 'read' then 'using' else 'with check' end
        );
    end if;
    execute pg_catalog.format(
        'alter policy %I on realtime_sync.event %s (%s)',
        policy,
        case action when 'read' then 'using' else 'with check' end,
        realtime_sync.topic_condition(action, topics)
    );
    execute pg_catalog.format(
        'comment on policy %I on realtime_sync.event is %L',
        policy,
        pg_catalog.format(
            '{"realtime_sync":%s,"topics":%s}',
            pg_catalog.to_json(action), pg_catalog.to_json(topics)
        )
    );
exception
    when lock_not_available then
        raise lock_not_available using
            message = 'realtime_sync.event is in use',
            detail = 'Writing a policy needs the table to itself for a moment, and gave up after 3 seconds so as not to hold readers back.',
            hint = 'Try again once the long transaction that reads it has ended: select pid, query from pg_stat_activity where pid in (select pid from pg_locks where relation = ''realtime_sync.event''::regclass).';
end
$function$;

create function realtime_sync.check_permission(call text, action text default null, topics text[] default null)
returns void
stable language plpgsql
set search_path = ''
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
    if action is null or action not in ('read', 'send', 'migrate') then
        raise invalid_parameter_value using
            message = pg_catalog.format('unknown action %s', coalesce(pg_catalog.quote_literal(action), 'null')),
            hint = 'Use ''read'', ''send'' or ''migrate''.';
    end if;
    if action = 'migrate' and topics is not null then
        raise invalid_parameter_value using
            message = 'action ''migrate'' takes no topics',
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
set search_path = ''
as $function$
begin
    if role is null or not exists (select from pg_catalog.pg_roles r where r.oid = role) then
        raise undefined_object using
            message = pg_catalog.format('role %s does not exist', coalesce(role::text, 'null')),
            hint = 'Nothing is ever granted to PUBLIC: name a role, such as ''authenticated''.';
    end if;
end
$function$;

create function realtime_sync.allow(role regrole, action text, topics text[] default null) returns text[]
volatile language plpgsql
set search_path = ''
as $function$
declare
    statement record;
    allowed text[];
begin
    perform realtime_sync.check_permission('allow', action, topics);
    perform realtime_sync.check_role(role);
    if action <> 'migrate' then
        if topics is null or topics = '{}' then
            raise invalid_parameter_value using
                message = pg_catalog.format('action %L needs topics', action),
                hint = pg_catalog.format(
                    'select realtime_sync.allow(%L, %L, topics => array[''drivers:{jwt.sub}'']); array[''*''] means every topic.',
                    role, action
                );
        end if;
        -- In the order they were first given, each once.
        allowed := array(
            select t.topic
            from pg_catalog.unnest(
                coalesce((select g.topics from realtime_sync.granted(role, action) g), '{}') || topics
            ) with ordinality as t(topic, place)
            group by t.topic
            order by pg_catalog.min(t.place)
        );
        perform realtime_sync.set_topics(role, action, allowed);
    end if;
    for statement in select p.privilege, p.object from realtime_sync.privileges(action) p loop
        execute pg_catalog.format('grant %s on %s to %s', statement.privilege, statement.object, role);
    end loop;
    return allowed;
end
$function$;

create function realtime_sync.disallow(role regrole, action text, topics text[] default null) returns text[]
volatile language plpgsql
set search_path = ''
as $function$
declare
    statement record;
    allowed text[];
begin
    perform realtime_sync.check_permission('disallow', action, topics);
    perform realtime_sync.check_role(role);
    if not realtime_sync.is_allowed(role, action) then
        return null;
    end if;
    if action <> 'migrate' then
        allowed := nullif(array(
            select t.topic
            from realtime_sync.granted(role, action) g,
                pg_catalog.unnest(g.topics) with ordinality as t(topic, place)
            where disallow.topics is not null and t.topic <> all (disallow.topics)
            order by t.place
        ), '{}');
        perform realtime_sync.set_topics(role, action, allowed);
        if allowed is not null then
            return allowed;
        end if;
    end if;
    -- What another of its actions needs, it keeps.
    for statement in
        select p.privilege, p.object from realtime_sync.privileges(action) p
        except
        select p.privilege, p.object
        from pg_catalog.unnest(array['read', 'send', 'migrate']) as other(action),
            realtime_sync.privileges(other.action) p
        where other.action <> disallow.action and realtime_sync.is_allowed(role, other.action)
    loop
        execute pg_catalog.format('revoke %s on %s from %s', statement.privilege, statement.object, role);
    end loop;
    return null;
end
$function$;

-- The policies on the log that apply to the caller, as one condition over a row of it; as PostgreSQL
-- joins them: any permissive one, and every restrictive one.
create function realtime_sync.policy_condition(command "char") returns text
stable language sql
set search_path = ''
begin atomic
    select
        coalesce('(' || string_agg('(' || p.condition || ')', ' or ') filter (where p.polpermissive) || ')', 'false')
        || coalesce(' and ' || string_agg('(' || p.condition || ')', ' and ') filter (where not p.polpermissive), '')
    from (
        select
            polpermissive,
            pg_get_expr(case command when 'r' then polqual else coalesce(polwithcheck, polqual) end, polrelid) as condition
        from pg_policy
        where polrelid = 'realtime_sync.event'::regclass
            and polcmd in (command, '*')
            and exists (
                select from unnest(polroles) as role
                where case when role = 0 then true else pg_has_role(role, 'usage') end
            )
    ) p
    where p.condition is not null;
end;

-- The policies are asked as the caller, under its own search_path, as a query on the log would. The
-- row they are asked about is an event with this one topic and nothing else.
create function realtime_sync.may_read(topic text) returns boolean
stable language plpgsql
as $function$
declare
    passes boolean;
begin
    if topic is null or not pg_catalog.has_table_privilege('realtime_sync.event', 'select') then
        return false;
    elsif not pg_catalog.row_security_active('realtime_sync.event') then
        return true;
    end if;
    execute 'select ' operator(pg_catalog.||) realtime_sync.policy_condition('r') operator(pg_catalog.||) '
        from (
            select null::pg_catalog.int8 as id, null::pg_catalog.xid8 as xid,
                pg_catalog.statement_timestamp() as at, null::pg_catalog.int2 as segment,
                false as notified, array[$1] as topics, null::pg_catalog.text as event,
                null::pg_catalog.json as payload, ''{}''::pg_catalog.json as body
        ) as event'
    into passes using topic;
    return coalesce(passes, false);
end
$function$;

create function realtime_sync.may_send(topic text) returns boolean
stable language plpgsql
as $function$
declare
    passes boolean;
begin
    if topic is null or topic operator(pg_catalog.=) ''
        or not pg_catalog.has_column_privilege('realtime_sync.event', 'topics', 'insert')
        or not pg_catalog.has_column_privilege('realtime_sync.event', 'event', 'insert')
        or not pg_catalog.has_column_privilege('realtime_sync.event', 'payload', 'insert')
    then
        return false;
    elsif not pg_catalog.row_security_active('realtime_sync.event') then
        return true;
    end if;
    execute 'select ' operator(pg_catalog.||) realtime_sync.policy_condition('a') operator(pg_catalog.||) '
        from (
            select null::pg_catalog.int8 as id, null::pg_catalog.xid8 as xid,
                pg_catalog.statement_timestamp() as at, null::pg_catalog.int2 as segment,
                false as notified, array[$1] as topics, ''''::pg_catalog.text as event,
                ''null''::pg_catalog.json as payload, ''{}''::pg_catalog.json as body
        ) as event'
    into passes using topic;
    return coalesce(passes, false);
end
$function$;

revoke all on function realtime_sync.claim(text) from public;
revoke all on function realtime_sync.topic_condition(text, text[]) from public;
revoke all on function realtime_sync.privileges(text) from public;
revoke all on function realtime_sync.granted(regrole, text) from public;
revoke all on function realtime_sync.is_allowed(regrole, text) from public;
revoke all on function realtime_sync.set_topics(regrole, text, text[]) from public;
revoke all on function realtime_sync.check_permission(text, text, text[]) from public;
revoke all on function realtime_sync.check_role(regrole) from public;
revoke all on function realtime_sync.allow(regrole, text, text[]) from public;
revoke all on function realtime_sync.disallow(regrole, text, text[]) from public;
revoke all on function realtime_sync.policy_condition("char") from public;
revoke all on function realtime_sync.may_read(text) from public;
revoke all on function realtime_sync.may_send(text) from public;

comment on function realtime_sync.claim(text) is
    'A claim of request.jwt.claims, by name or dotted path; null where it is missing, empty or no single value. Policies written by allow() use it.';
comment on function realtime_sync.topic_condition(text, text[]) is
    'Part of realtime_sync.allow(): the policy condition of topic patterns.';
comment on function realtime_sync.privileges(text) is
    'Part of realtime_sync.allow(): the privileges an action needs.';
comment on function realtime_sync.granted(regrole, text) is
    'The policy allow() keeps for a role and an action (read, send), and its topic patterns.';
comment on function realtime_sync.is_allowed(regrole, text) is
    'Whether allow() has given a role an action.';
comment on function realtime_sync.set_topics(regrole, text, text[]) is
    'Part of realtime_sync.allow(): writes the policy.';
comment on function realtime_sync.check_permission(text, text, text[]) is
    'Raises unless the caller owns the log, and unless the arguments of allow() make sense.';
comment on function realtime_sync.check_role(regrole) is
    'Raises unless the role exists.';
comment on function realtime_sync.allow(regrole, text, text[]) is
    'Lets a role read or send topics, or migrate (enable and disable its own tables). Topics are added to those it has: ''drivers'', ''trip:*'', ''driver:{jwt.sub}'', ''inbox:{user}''. Returns all of them.';
comment on function realtime_sync.disallow(regrole, text, text[]) is
    'Takes back what allow() gave: these topics, or without topics the whole action with its privileges. Returns the topics left.';
comment on function realtime_sync.policy_condition("char") is
    'The policies on realtime_sync.event that apply to the caller, as one condition: r for SELECT, a for INSERT.';
comment on function realtime_sync.may_read(text) is
    'Whether the current role, with its claims, may read the events of a topic: for a socket server''s join check.';
comment on function realtime_sync.may_send(text) is
    'Whether the current role, with its claims, may send() to a topic.';
