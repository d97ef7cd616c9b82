-- Shifts and breaks of members.

-- Shifts and breaks are hours worked: logged, and kept.
create table realtime_sync.presence_shift (
    topic text not null,
    member text not null,
    kind text not null check (kind in ('shift', 'break')),
    started timestamptz not null default pg_catalog.statement_timestamp(),
    ended timestamptz check (ended >= started)
);

create unique index presence_shift_open on realtime_sync.presence_shift (topic, member, kind) where ended is null;
create index presence_shift_started on realtime_sync.presence_shift (topic, member, started);

-- As realtime_sync.floor: no key, and its rows change.
alter table realtime_sync.presence_shift replica identity full;

select pg_catalog.pg_extension_config_dump('realtime_sync.presence_shift', '');

alter table realtime_sync.presence_shift enable row level security;
create policy own on realtime_sync.presence_shift
    using (
        member = coalesce(realtime_sync.claim('sub'), current_user) and realtime_sync.may_send(topic)
        or pg_catalog.has_function_privilege('realtime_sync.capture()', 'execute')
    )
    with check (
        member = coalesce(realtime_sync.claim('sub'), current_user) and realtime_sync.may_send(topic)
        or pg_catalog.has_function_privilege('realtime_sync.capture()', 'execute')
        or realtime_sync.presence_refused(topic, member)
    );

create function realtime_sync.presence_shift(topic text, action text, member text default null) returns json
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_variable
declare
    moment constant timestamptz := pg_catalog.statement_timestamp();
    kind constant text := pg_catalog.split_part(action, '.', 1);
    shift realtime_sync.presence_shift;
    result json;
begin
    if topic is null then
        perform realtime_sync.presence_lacks('topic');
    end if;
    if action is null or action not in ('shift.start', 'shift.end', 'break.start', 'break.end') then
        raise invalid_parameter_value using
            message = pg_catalog.format('invalid value for action: %s', coalesce('"' || action || '"', 'null')),
            hint = 'Allowed are shift.start, shift.end, break.start, break.end.';
    end if;
    member := coalesce(member, realtime_sync.claim('sub'), current_user);
    -- The shift is the lock of its breaks.
    select s.* into shift
    from realtime_sync.presence_shift s
    where s.topic = presence_shift.topic and s.member = presence_shift.member and s.kind = 'shift' and s.ended is null
    for update;
    if (action = 'shift.start') = found or (kind = 'break') and (action = 'break.start') = exists (
        select from realtime_sync.presence_shift s
        where s.topic = presence_shift.topic and s.member = presence_shift.member and s.kind = 'break' and s.ended is null
    ) then
        raise object_not_in_prerequisite_state using
            message = pg_catalog.format('%s: %s of %L in %L', action, case
                when action = 'shift.start' then 'there is an open shift'
                when shift.topic is null then 'there is no open shift'
                when action = 'break.start' then 'there is an open break'
                else 'there is no open break' end, member, topic),
            hint = pg_catalog.format('First comes %s.', case
                when action like '%.start' and shift.topic is not null then kind || '.end'
                when shift.topic is null then 'shift.start'
                else 'break.start' end);
    end if;
    if action like '%.start' then
        insert into realtime_sync.presence_shift (topic, member, kind, started)
        values (topic, member, kind, moment)
        on conflict do nothing;
        -- Another device's began meanwhile, which the next look finds.
        if not found then
            return realtime_sync.presence_shift(topic, action, member);
        end if;
    else
        -- Of one that began after this call, which waited for it, or before the clock was set back, not before it began.
        update realtime_sync.presence_shift s set ended = greatest(s.started, moment)
        where s.topic = presence_shift.topic and s.member = presence_shift.member and s.ended is null
            and (s.kind = kind or action = 'shift.end');
    end if;
    select pg_catalog.json_build_object(
        'topic', presence_shift.topic, 'member', presence_shift.member, 'action', action, 'at', moment,
        'shift_started', t.started,
        'worked_s', (extract(epoch from moment - t.started) - t.paused)::bigint, 'breaks', t.breaks, 'breaks_s', t.paused::bigint
    ) into result
    from (
        select
            pg_catalog.min(s.started) as started,
            pg_catalog.count(*) filter (where s.kind = 'break') as breaks,
            coalesce(pg_catalog.sum(extract(epoch from coalesce(s.ended, moment) - s.started))
                filter (where s.kind = 'break'), 0) as paused
        from realtime_sync.presence_shift s
        where s.topic = presence_shift.topic and s.member = presence_shift.member
            and s.started >= coalesce(shift.started, moment)
    ) t;
    perform realtime_sync.send(topic, action, result);
    if action = 'shift.end' then
        perform realtime_sync.presence_untrack(topic, member);
    elsif kind = 'break' then
        update realtime_sync.presence p set
            state = case action when 'break.start' then 'on_break' else 'online' end,
            since = moment
        where p.topic = presence_shift.topic and p.member = presence_shift.member;
    end if;
    return result;
end
$function$;

revoke all on table realtime_sync.presence_shift from public;
revoke all on function realtime_sync.presence_shift(text, text, text) from public;

comment on table realtime_sync.presence_shift is
    'Shifts and breaks of members, the open ones without ended. realtime_sync.presence_shift() writes it.';
comment on function realtime_sync.presence_shift(text, text, text) is
    'shift.start, shift.end, break.start or break.end of a member, sent to the topic as an event of that name with the shift''s totals in seconds, which it returns. A break makes the member''s devices on_break, those that come during it too, its end online; the end of a shift takes them away. 55000 if it does not follow from what is open.';
