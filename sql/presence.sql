-- Who is here: members of topics, on one or more devices each, who say so again before their time to live
-- ends. Row-level security on realtime_sync.presence is the authorisation, so its functions run as their
-- caller; what a caller's change means for the member, and the event, is its trigger's business.

-- Unlogged: after a crash it is empty, and the next heartbeats fill it. A heartbeat changes no indexed
-- column, so that it is a HOT update: expires is not indexed but due is, which is never later than expires
-- and is moved up to it only when realtime_sync.presence_expire() meets a row that lives on.
create unlogged table realtime_sync.presence (
    topic text not null check (topic <> ''),
    member text not null check (member <> ''),
    device text not null default '',
    state text not null default 'online' check (state <> ''),
    meta jsonb,
    since timestamptz not null default pg_catalog.statement_timestamp(),
    seen timestamptz not null default pg_catalog.statement_timestamp(),
    expires timestamptz not null,
    ttl interval not null default '30 s' constraint ttl_from_1_second_to_1_day check (ttl between '1 s' and '1 day'),
    due timestamptz not null,
    primary key (topic, member, device),
    constraint within_a_day check (due <= expires and expires <= seen + interval '1 day')
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

create index presence_due on realtime_sync.presence (due);

-- What others see of a member: the best of its devices, and when it was last seen after the last has
-- gone. Every change of a member takes this row first, so that two devices that come at once join once.
-- Logged, for whoever was here before a crash and does not come back has to be seen leaving.
create table realtime_sync.presence_member (
    topic text not null,
    member text not null,
    state text not null,
    since timestamptz not null,
    seen timestamptz not null,
    primary key (topic, member)
);

create index presence_member_offline on realtime_sync.presence_member (seen) where state = 'offline';

-- When to look for those: empty after a crash, as the devices are.
create unlogged table realtime_sync.presence_sweep (
    one boolean primary key default true check (one),
    at timestamptz not null
);

insert into realtime_sync.presence_sweep (at) values ('infinity');

-- What else happens when a member's state changes: a function (member text, state text) of a topic.
create table realtime_sync.presence_hook (
    topic text primary key,
    -- By name: pg_upgrade refuses columns of type regprocedure.
    function text not null
);

select pg_catalog.pg_extension_config_dump('realtime_sync.presence_hook', '');

create function realtime_sync.presence_rank(state text) returns integer
immutable strict parallel safe language sql
begin atomic
    select case state when 'online' then 0 when 'away' then 2 when 'on_break' then 3 when 'offline' then 4 else 1 end;
end;

-- As the owner, whose the members' table and the events are.
create function realtime_sync.presence_changed() returns trigger
security definer language plpgsql
set search_path = ''
as $function$
declare
    device realtime_sync.presence := coalesce(new, old);
    was realtime_sync.presence_member;
    best realtime_sync.presence;
    hook regprocedure;
begin
    insert into realtime_sync.presence_member as m (topic, member, state, since, seen)
    values (device.topic, device.member, 'offline', device.seen, device.seen)
    on conflict (topic, member) do update set seen = greatest(m.seen, excluded.seen)
    returning * into was;
    select p.* into best
    from realtime_sync.presence p
    where p.topic = device.topic and p.member = device.member
    order by realtime_sync.presence_rank(p.state), p.since, p.device
    limit 1;
    best.state := coalesce(best.state, 'offline');
    if best.state <> was.state then
        was.since := pg_catalog.statement_timestamp();
        update realtime_sync.presence_member m set state = best.state, since = was.since
        where m.topic = device.topic and m.member = device.member;
    elsif best.state = 'offline' or tg_op <> 'UPDATE' or best.device <> device.device
        or new.meta is not distinct from old.meta
    then
        return null;
    end if;
    perform realtime_sync.send(
        device.topic,
        case
            when best.state = 'offline' then 'presence.leave'
            when was.state = 'offline' then 'presence.join'
            else 'presence.update'
        end,
        pg_catalog.json_build_object(
            'topic', device.topic, 'member', device.member, 'state', best.state, 'previous', was.state,
            'device', coalesce(best.device, device.device), 'meta', best.meta,
            'since', was.since, 'seen', greatest(was.seen, device.seen)
        )
    );
    if best.state <> was.state then
        -- It runs with this function's rights, so it has to be of the same owner, or run with its own.
        select p.oid into hook
        from realtime_sync.presence_hook h
        join pg_catalog.pg_proc p on p.oid = pg_catalog.to_regprocedure(h.function)
        where h.topic = device.topic and (p.prosecdef or p.proowner = current_user::regrole);
        if found then
            execute pg_catalog.format('select %s($1, $2)', hook::regproc) using device.member, best.state;
        end if;
    end if;
    return null;
end
$function$;

create trigger joined after insert on realtime_sync.presence
    for each row execute function realtime_sync.presence_changed();
-- A heartbeat does not name state.
create trigger changed after update of state on realtime_sync.presence
    for each row when (old.state <> new.state or old.meta is distinct from new.meta)
    execute function realtime_sync.presence_changed();
create trigger gone after delete on realtime_sync.presence
    for each row execute function realtime_sync.presence_changed();

alter table realtime_sync.presence enable row level security;
alter table realtime_sync.presence_member enable row level security;

-- A member's own devices, where it may send. What it says of itself ends within a day.
create policy own on realtime_sync.presence
    using (member = coalesce(realtime_sync.claim('sub'), current_user) and realtime_sync.may_send(topic))
    with check (
        member = coalesce(realtime_sync.claim('sub'), current_user)
        and seen <= pg_catalog.clock_timestamp()
        and realtime_sync.may_send(topic)
    );

-- Who may attach capture() may write any topic: the owner of a kit's functions, say.
create policy back_end on realtime_sync.presence
    using (pg_catalog.has_function_privilege('realtime_sync.capture()', 'execute'));

create policy back_end on realtime_sync.presence_member for select
    using (pg_catalog.has_function_privilege('realtime_sync.capture()', 'execute'));

create function realtime_sync.presence_track(
    topic text, member text default null, state text default 'online', meta jsonb default null,
    ttl interval default '30 s', device text default ''
) returns void
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
begin
    insert into realtime_sync.presence as p (topic, member, device, state, meta, ttl, expires, due)
    values (
        presence_track.topic, coalesce(presence_track.member, realtime_sync.claim('sub'), current_user),
        presence_track.device, presence_track.state, presence_track.meta, presence_track.ttl,
        pg_catalog.statement_timestamp() + presence_track.ttl, pg_catalog.statement_timestamp() + presence_track.ttl
    )
    on conflict (topic, member, device) do update set
        state = excluded.state,
        meta = coalesce(excluded.meta, p.meta),
        since = case when p.state = excluded.state then p.since else excluded.since end,
        seen = greatest(p.seen, excluded.seen),
        ttl = excluded.ttl,
        expires = greatest(p.seen, excluded.seen) + excluded.ttl,
        due = least(p.due, greatest(p.seen, excluded.seen) + excluded.ttl);
end
$function$;

-- In one order, so that two gateways with members in common wait and do not deadlock.
create function realtime_sync.presence_heartbeats(
    beats jsonb, topic text default null, ttl interval default null
) returns bigint
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
declare
    beaten bigint;
begin
    insert into realtime_sync.presence as p (topic, member, device, state, meta, ttl, seen, expires, due)
    select distinct on (k.topic, b.member, k.device)
        k.topic, b.member, k.device, coalesce(b.state, 'online'), b.meta, k.ttl, t.now, t.now + k.ttl, t.now + k.ttl
    from pg_catalog.statement_timestamp() as t(now)
    cross join pg_catalog.jsonb_to_recordset(presence_heartbeats.beats)
        as b(topic text, member text, device text, state text, meta jsonb, ttl interval)
    cross join lateral (
        select
            coalesce(b.topic, presence_heartbeats.topic) as topic,
            coalesce(b.device, '') as device,
            coalesce(b.ttl, presence_heartbeats.ttl, '30 s') as ttl
    ) k
    order by k.topic, b.member, k.device
    on conflict (topic, member, device) do update set
        meta = coalesce(excluded.meta, p.meta),
        seen = greatest(p.seen, excluded.seen),
        ttl = excluded.ttl,
        expires = greatest(p.seen, excluded.seen) + excluded.ttl,
        due = least(p.due, greatest(p.seen, excluded.seen) + excluded.ttl);
    get diagnostics beaten = row_count;
    return beaten;
end
$function$;

create function realtime_sync.presence_heartbeat(
    topic text, member text default null, device text default '', meta jsonb default null,
    ttl interval default '30 s', state text default 'online'
) returns void
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
begin
    insert into realtime_sync.presence as p (topic, member, device, state, meta, ttl, expires, due)
    values (
        presence_heartbeat.topic, coalesce(presence_heartbeat.member, realtime_sync.claim('sub'), current_user),
        presence_heartbeat.device, presence_heartbeat.state, presence_heartbeat.meta, presence_heartbeat.ttl,
        pg_catalog.statement_timestamp() + presence_heartbeat.ttl,
        pg_catalog.statement_timestamp() + presence_heartbeat.ttl
    )
    on conflict (topic, member, device) do update set
        meta = coalesce(excluded.meta, p.meta),
        seen = greatest(p.seen, excluded.seen),
        ttl = excluded.ttl,
        expires = greatest(p.seen, excluded.seen) + excluded.ttl,
        due = least(p.due, greatest(p.seen, excluded.seen) + excluded.ttl);
end
$function$;

create function realtime_sync.presence_untrack(topic text, member text default null, device text default null)
returns bigint
volatile language plpgsql
set search_path = ''
as $function$
declare
    gone bigint;
begin
    delete from realtime_sync.presence p
    where p.topic = presence_untrack.topic
        and p.member = coalesce(presence_untrack.member, realtime_sync.claim('sub'), current_user)
        and (presence_untrack.device is null or p.device = presence_untrack.device);
    get diagnostics gone = row_count;
    return gone;
end
$function$;

-- With its owner's rights on the tables and the caller's in may_read(), as a view has them, and asked once
-- and not for each row: so the topic comes in a setting. Whoever sets it by hand is asked the same.
create view realtime_sync.presence_state with (security_barrier) as
select m.topic, m.member, m.state, m.since, greatest(m.seen, d.seen) as seen, coalesce(d.devices, '[]') as devices
from realtime_sync.presence_member m
left join (
    select
        p.member,
        max(p.seen) as seen,
        jsonb_agg(
            jsonb_build_object('device', p.device, 'state', p.state, 'meta', p.meta, 'since', p.since, 'seen', p.seen)
            order by p.device
        ) as devices
    from realtime_sync.presence p
    where p.topic = (select current_setting('realtime_presence.topic', true))
    group by p.member
) d on d.member = m.member
where m.topic = (select current_setting('realtime_presence.topic', true))
    and (select realtime_sync.may_read(current_setting('realtime_presence.topic', true)));

create function realtime_sync.presence_state(topic text, states text[] default null)
returns table (member text, state text, since timestamptz, seen timestamptz, devices jsonb)
stable language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
begin
    if not realtime_sync.may_read(presence_state.topic) then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for topic %L', presence_state.topic),
            hint = pg_catalog.format(
                'select realtime_sync.allow(%L, ''read'', array[%L]);', current_user, presence_state.topic
            );
    end if;
    perform pg_catalog.set_config('realtime_presence.topic', presence_state.topic, true);
    return query
        select s.member, s.state, s.since, s.seen, s.devices
        from realtime_sync.presence_state s
        where presence_state.states is null or s.state = any (presence_state.states)
        order by s.member;
end
$function$;

-- A row that a heartbeat or another expiry holds is left to it. At most 1,000 at a time, so that their
-- members wait for moments.
create function realtime_sync.presence_expire() returns timestamptz
volatile language plpgsql
set search_path = ''
as $function$
declare
    moment timestamptz := pg_catalog.clock_timestamp();
    sweep timestamptz;
    n bigint;
begin
    sweep := (select s.at from realtime_sync.presence_sweep s);
    -- Mostly there is nothing to do, and then nothing is locked or written, as in a read-only transaction.
    if least(
        coalesce(sweep, moment),
        (select pg_catalog.min(p.due) from realtime_sync.presence p),
        (select pg_catalog.min(m.seen) from realtime_sync.presence_member m where m.state = 'offline') + interval '30 days'
    ) <= moment and not pg_catalog.current_setting('transaction_read_only')::boolean then
        insert into realtime_sync.presence_sweep (at)
        select case
            when exists (select from realtime_sync.presence_member m where m.state <> 'offline') then moment + interval '1 min'
            else 'infinity'
        end
        where not exists (select from realtime_sync.presence_sweep)
        on conflict do nothing;
        sweep := (select s.at from realtime_sync.presence_sweep s);
        if sweep <= moment then
            -- Their last device is put back as one that has already ended.
            insert into realtime_sync.presence (topic, member, state, seen, ttl, expires, due)
            select m.topic, m.member, 'offline', m.seen, '1 s', m.seen, m.seen
            from realtime_sync.presence_member m
            where m.state <> 'offline'
                and not exists (select from realtime_sync.presence p where p.topic = m.topic and p.member = m.member)
            for update skip locked
            on conflict do nothing;
            -- One that was skipped may yet be given up by who holds it.
            sweep := (
                select case when pg_catalog.count(*) = 0 then 'infinity' else moment + interval '1 s' end
                from realtime_sync.presence_member m
                where m.state <> 'offline'
                    and not exists (select from realtime_sync.presence p where p.topic = m.topic and p.member = m.member)
            );
            update realtime_sync.presence_sweep s set at = sweep;
        end if;
        with looked as materialized (
            select p.topic, p.member, p.device, p.expires
            from realtime_sync.presence p
            join realtime_sync.presence_member m on m.topic = p.topic and m.member = p.member
            where p.due <= moment
            order by p.due
            limit 1000
            for update of p, m skip locked
        ), lives as (
            update realtime_sync.presence p set due = p.expires
            from looked l
            where l.expires > moment and p.topic = l.topic and p.member = l.member and p.device = l.device
        ), gone as (
            delete from realtime_sync.presence p
            using looked l
            where l.expires <= moment and p.topic = l.topic and p.member = l.member and p.device = l.device
        )
        select pg_catalog.count(*) into n from looked;
        delete from realtime_sync.presence_member m
        where m.ctid = any (array(
            select f.ctid from realtime_sync.presence_member f
            where f.state = 'offline' and f.seen < moment - interval '30 days'
                and not exists (select from realtime_sync.presence p where p.topic = f.topic and p.member = f.member)
            order by f.seen
            limit 1000
            for update skip locked
        ));
        if n = 1000 then
            return moment;
        end if;
    end if;
    -- Not the next due alone: a heartbeat may have shortened a row's time, and it wakes nobody.
    return nullif(least(
        (
            select greatest(least(pg_catalog.min(p.due), moment + interval '1 s'), moment + interval '50 ms')
            from realtime_sync.presence p
            having pg_catalog.min(p.due) is not null
        ),
        sweep
    ), 'infinity');
end
$function$;

select realtime_sync.add_timer('presence', 'realtime_sync.presence_expire()');

create function realtime_sync.presence_hook(topic text, function regprocedure default null) returns void
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
begin
    -- The function is called with the owner's rights.
    perform realtime_sync.check_permission('presence_hook');
    if function is not null and not exists (
        select from pg_catalog.pg_proc p
        where p.oid = presence_hook.function and pg_catalog.oidvectortypes(p.proargtypes) = 'text, text'
            and (p.prosecdef or p.proowner = current_user::regrole)
    ) then
        raise invalid_function_definition using
            message = pg_catalog.format('%s does not take (member text, state text), or would run with rights that are not its owner''s', presence_hook.function),
            hint = 'Give a function of two texts, of your own or SECURITY DEFINER: it is called with the member and its new state.';
    end if;
    delete from realtime_sync.presence_hook h where h.topic = presence_hook.topic;
    if presence_hook.function is not null then
        insert into realtime_sync.presence_hook values (presence_hook.topic, presence_hook.function::text);
    end if;
end
$function$;

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

select pg_catalog.pg_extension_config_dump('realtime_sync.presence_shift', '');

alter table realtime_sync.presence_shift enable row level security;

create policy own on realtime_sync.presence_shift
    using (member = coalesce(realtime_sync.claim('sub'), current_user) and realtime_sync.may_send(topic));

create policy back_end on realtime_sync.presence_shift
    using (pg_catalog.has_function_privilege('realtime_sync.capture()', 'execute'));

create function realtime_sync.presence_shift(topic text, action text, member text default null) returns json
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_variable
declare
    moment constant timestamptz := pg_catalog.statement_timestamp();
    kind constant text := pg_catalog.split_part(action, '.', 1);
    shift realtime_sync.presence_shift;
    result json;
begin
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
            hint = case when action like '%.start' and shift.topic is not null
                then pg_catalog.format('select realtime_sync.presence_shift(%L, %L, %L);', topic, kind || '.end', member)
                else pg_catalog.format('select realtime_sync.presence_shift(%L, %L, %L);', topic,
                    case when shift.topic is null then 'shift.start' else 'break.start' end, member) end;
    end if;
    if action like '%.start' then
        insert into realtime_sync.presence_shift (topic, member, kind, started)
        values (topic, member, kind, moment);
    else
        update realtime_sync.presence_shift s set ended = moment
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

revoke all on table realtime_sync.presence from public;
revoke all on table realtime_sync.presence_member from public;
revoke all on table realtime_sync.presence_sweep from public;
revoke all on table realtime_sync.presence_hook from public;
revoke all on table realtime_sync.presence_shift from public;
revoke all on table realtime_sync.presence_state from public;
revoke all on function realtime_sync.presence_rank(text) from public;
revoke all on function realtime_sync.presence_changed() from public;
revoke all on function realtime_sync.presence_track(text, text, text, jsonb, interval, text) from public;
revoke all on function realtime_sync.presence_heartbeats(jsonb, text, interval) from public;
revoke all on function realtime_sync.presence_heartbeat(text, text, text, jsonb, interval, text) from public;
revoke all on function realtime_sync.presence_untrack(text, text, text) from public;
revoke all on function realtime_sync.presence_state(text, text[]) from public;
revoke all on function realtime_sync.presence_expire() from public;
revoke all on function realtime_sync.presence_hook(text, regprocedure) from public;
revoke all on function realtime_sync.presence_shift(text, text, text) from public;

comment on table realtime_sync.presence is
    'The devices of members that are here, unlogged. Row-level security is the authorisation: a member writes its own where it may send. Read it through realtime_sync.presence_state().';
comment on column realtime_sync.presence.meta is
    'Any object; by convention latency_ms (round trip, milliseconds), signal (0 none to 4 full), battery (0 to 100), app_version.';
comment on column realtime_sync.presence.since is
    'Since when the device is in its state.';
comment on column realtime_sync.presence.expires is
    'When it leaves if it is not heard of again: seen + ttl.';
comment on column realtime_sync.presence.due is
    'When realtime_sync.presence_expire() looks at it next: never after expires.';
comment on table realtime_sync.presence_member is
    'Members as others see them: the best state of their devices (online, any other text, away, on_break, offline). One that has left stays for 30 days as offline, with when it was last seen.';
comment on table realtime_sync.presence_sweep is
    'When realtime_sync.presence_expire() looks for members who were here before a crash and have not come back: a minute after it first runs.';
comment on table realtime_sync.presence_hook is
    'What is called when a member''s state changes, by topic. realtime_sync.presence_hook() writes it.';
comment on table realtime_sync.presence_shift is
    'Shifts and breaks of members, the open ones without ended. realtime_sync.presence_shift() writes it.';
comment on view realtime_sync.presence_state is
    'The members of the topic in the setting realtime_presence.topic, for who may read it. Part of realtime_sync.presence_state().';
comment on function realtime_sync.presence_rank(text) is
    'How good a state is, 0 the best: online, any other text, away, on_break, offline.';
comment on function realtime_sync.presence_changed() is
    'Trigger function: what a device''s change means for its member, and its event.';
comment on function realtime_sync.presence_track(text, text, text, jsonb, interval, text) is
    'Says that a member is here: its state (online, away, on_break, offline or any text) and meta, until ttl (1 s to 1 day) after it was last heard of. Sends presence.join, or presence.update if its state or meta changed. member: the claim sub, else the role. 42501 for another''s member or a topic the caller may not send to, 23514 for a ttl out of bounds.';
comment on function realtime_sync.presence_heartbeat(text, text, text, jsonb, interval, text) is
    'Says that a device is still here, and what its meta is now, without an event. One that is not known joins, with state. Errors as realtime_sync.presence_track().';
comment on function realtime_sync.presence_heartbeats(jsonb, text, interval) is
    'Heartbeats of thousands in one statement: [{"member": "42", "device": "", "meta": {}, "state": "online", "ttl": "30 s", "topic": "drivers"}], all but member optional. Returns how many. Errors as realtime_sync.presence_track().';
comment on function realtime_sync.presence_untrack(text, text, text) is
    'A device leaves, or without device all of the member''s. The last one sends presence.leave. Returns how many have left.';
comment on function realtime_sync.presence_state(text, text[]) is
    'The members of a topic, in these states or in any: when last seen, and each device. The caller needs realtime_sync.may_read(topic), else 42501. Not on a standby: it is unlogged.';
comment on function realtime_sync.presence_expire() is
    'Timer: devices whose time has ended leave, with their events; returns when to call it next. Who was here before a crash and is not heard of for a minute after it leaves too. Members gone for 30 days are forgotten.';
comment on function realtime_sync.presence_hook(text, regprocedure) is
    'Has a function (member text, state text) called, as the extension''s owner and in the same transaction, whenever the state of a topic''s member changes; null: none. 42501 for any other caller, 42P13 if it takes something else.';
comment on function realtime_sync.presence_shift(text, text, text) is
    'shift.start, shift.end, break.start or break.end of a member, sent to the topic as an event of that name with the shift''s totals in seconds, which it returns. A break makes the member''s devices on_break, its end online; the end of a shift takes them away. 55000 if it does not follow from what is open.';
