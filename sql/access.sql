-- What the caller may read and send, by the policies on the log: for itself, and for a socket server that lets it join.

-- The policies on the log that apply to the caller, as one condition over a row of it; as PostgreSQL
-- joins them: any permissive one, and every restrictive one. Written under the caller's search_path, under
-- which may_read() has it parsed: PostgreSQL then qualifies every name that would be found to be another's there,
-- such as an operator && of text[] that somebody made in public. Its own names were parsed when it was made.
create function realtime_sync.policy_condition(command "char") returns text
stable language sql
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

-- The policies are asked as the caller, under its own search_path, as a query on the log would: what they call
-- may look for names there. The row they are asked about is an event with this one topic and nothing else.
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

revoke all on function realtime_sync.policy_condition("char") from public;
revoke all on function realtime_sync.may_read(text) from public;
revoke all on function realtime_sync.may_send(text) from public;

comment on function realtime_sync.policy_condition("char") is
    'The policies on realtime_sync.event that apply to the caller, as one condition: r for SELECT, a for INSERT.';
comment on function realtime_sync.may_read(text) is
    'Whether the current role, with its claims, may read the events of a topic: for a socket server''s join check.';
comment on function realtime_sync.may_send(text) is
    'Whether the current role, with its claims, may send() to a topic.';
