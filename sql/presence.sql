-- Who is here: members of topics, on one or more devices each, who say so again before their time to live
-- ends. Row-level security on realtime_sync.presence is the authorisation, so its functions run as their
-- caller; what a caller's change means for the member, and the event, is its trigger's business.

create function realtime_sync.presence_lacks(argument text) returns text
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    raise null_value_not_allowed using
        message = pg_catalog.format('%s must not be null', argument),
        hint = case argument
            when 'topic' then 'Name the topic, such as ''drivers''.'
            when 'member' then 'Each beat has one, as in [{"member": "42"}].'
            when 'state' then 'Leave it out for online; who goes calls realtime_sync.presence_untrack().'
            when 'device' then 'Leave it out for a member of one device.'
            when 'ttl' then 'Leave it out for 30 seconds.'
        end;
end
$function$;

-- Domains and no CHECK constraints, whose text PostgreSQL parses anew in every statement: 113,000 of the 390,000
-- instructions of a heartbeat. And their own words, for a function that finds better ones is looked up in every statement too.
create domain realtime_sync.presence_name as text collate "C"
    constraint not_empty check (value <> '')
    constraint at_most_1024_octets check (pg_catalog.octet_length(value) <= 1024);
create domain realtime_sync.presence_device as text collate "C"
    constraint at_most_1024_octets check (pg_catalog.octet_length(value) <= 1024);
-- Of a device that others hide no event says how large it is, and presence_state() has them all.
create domain realtime_sync.presence_meta as jsonb
    constraint at_most_64_kb check (pg_catalog.pg_column_size(value) <= 65536);
create domain realtime_sync.presence_ttl as interval constraint from_1_second_to_1_day check (value between '1 s' and '1 day');

-- Unlogged: after a crash it is empty, and the next heartbeats fill it. A heartbeat changes no indexed
-- column, so that it is a HOT update: expires is not indexed but due is, which is never later than expires
-- and is moved up to it only when realtime_sync.presence_expire() meets a row that lives on. A page has room for
-- all of its rows twice, since one statement may update all: at fillfactor 60, 4,500 of the first 10,000 were not HOT.
create unlogged table realtime_sync.presence (
    topic realtime_sync.presence_name not null,
    member realtime_sync.presence_name not null,
    device realtime_sync.presence_device not null default '',
    state realtime_sync.presence_name not null default 'online',
    meta realtime_sync.presence_meta,
    since timestamptz not null default pg_catalog.statement_timestamp(),
    seen timestamptz not null default pg_catalog.statement_timestamp(),
    expires timestamptz not null,
    ttl realtime_sync.presence_ttl not null default '30 s',
    due timestamptz not null,
    -- Members first, who differ: a search that compares the topic at each step costs 6,000 instructions more, of 16,000.
    primary key (member, topic, device)
) with (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.05);

create index presence_topic on realtime_sync.presence (topic);
create index presence_due on realtime_sync.presence (due);

-- What others see of a member: the best of its devices, and when it was last seen after the last has
-- gone. Every change of a member takes this row first, so that two devices that come at once join once.
-- Logged, for whoever was here before a crash and does not come back has to be seen leaving.
create table realtime_sync.presence_member (
    -- As of the devices: of two collations no index serves a join.
    topic text collate "C" not null,
    member text collate "C" not null,
    state text not null,
    since timestamptz not null,
    seen timestamptz not null,
    -- When the topic's function is called again, which failed at the last change.
    hook_due timestamptz,
    primary key (topic, member)
);

create index presence_member_hook_due on realtime_sync.presence_member (hook_due) where hook_due is not null;
create index presence_member_offline on realtime_sync.presence_member (seen) where state = 'offline';

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

-- An app's function that fails, or waits for a row of the app's that somebody holds, keeps nobody from coming
-- and going, neither its member nor the 999 others that leave with it: it is called again by presence_expire().
-- Of a hundred it is called in one statement, and one by one only if that fails: a statement and a subtransaction for
-- each took 40 µs and this takes 10. A tenth of a second is waited once in a transaction.
create function realtime_sync.presence_call_hook(topic text, members text[], states text[], again boolean default false) returns void
security definer language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_variable
declare
    waited boolean := pg_catalog.current_setting('realtime_presence.waited', true) = 'yes';
    lock_timeout constant text := pg_catalog.current_setting('lock_timeout');
    setting text;
    hook regprocedure;
    held boolean;
    n integer := 1;
    last integer;
    -- Up to whom it is called one by one.
    alone integer := 0;
begin
    -- It runs with this function's rights, so it has to be of the same owner, or run with its own.
    select p.oid into hook
    from realtime_sync.presence_hook h
    join pg_catalog.pg_proc p on p.oid = pg_catalog.to_regprocedure(h.function)
    where h.topic = presence_call_hook.topic and (p.prosecdef or p.proowner = current_user::regrole);
    if not found then
        return;
    end if;
    while n <= pg_catalog.cardinality(members) loop
        last := case when n <= alone then n else least(n + 99, pg_catalog.cardinality(members)) end;
        begin
            -- By assignments: PERFORM runs a statement.
            setting := pg_catalog.set_config('lock_timeout', case when waited then '1ms' else '100ms' end, true);
            if n = last then
                execute pg_catalog.format('select %s($1, $2)', hook::regproc) using members[n], states[n];
            else
                execute pg_catalog.format(
                    'select %s(m.member, m.state) from rows from (pg_catalog.unnest($1), pg_catalog.unnest($2)) as m (member, state)',
                    hook::regproc
                ) using members[n:last], states[n:last];
            end if;
            setting := pg_catalog.set_config('lock_timeout', lock_timeout, true);
            n := last + 1;
        exception
            when others then
                held := sqlstate in ('55P03', '40P01', '40001');
                if held then
                    waited := true;
                    perform pg_catalog.set_config('realtime_presence.waited', 'yes', true);
                end if;
                if n = last then
                    update realtime_sync.presence_member m
                    set hook_due = pg_catalog.statement_timestamp() + case when held then interval '1 s' else interval '1 min' end
                    where m.topic = presence_call_hook.topic and m.member = members[n];
                    if not (held and again) then
                        raise warning using
                            errcode = sqlstate,
                            message = pg_catalog.format('%s failed for member %L of topic %L: %s', hook::regproc, members[n], topic, sqlerrm),
                            hint = pg_catalog.format('It is called again every %s until it does not.', case when held then 'second' else 'minute' end);
                    end if;
                    n := n + 1;
                else
                    alone := last;
                end if;
        end;
    end loop;
end
$function$;

-- What an event says of a member. As PostgreSQL puts the body in the place of the call, it costs no more.
create function realtime_sync.presence_message(
    topic text, member text, state text, previous text, device text, meta jsonb, since timestamptz, seen timestamptz
) returns json
stable language sql
begin atomic
    select json_build_object(
        'topic', topic, 'member', member, 'state', state, 'previous', previous,
        'device', device, 'meta', meta, 'since', since, 'seen', seen
    );
end;

-- As the owner, whose the members' table and the events are.
create function realtime_sync.presence_changed() returns trigger
security definer language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    device realtime_sync.presence := coalesce(new, old);
    was realtime_sync.presence_member;
    best realtime_sync.presence;
    message json;
    id bigint;
begin
    -- Who is heard of after a crash, or a night without a signal, says online by default: not while he is on a break.
    -- Asked here and not of each heartbeat.
    if tg_op <> 'DELETE' and new.state = 'online' and old.state is distinct from 'online' then
        update realtime_sync.presence p set state = 'on_break'
        where p.topic = new.topic and p.member = new.member and p.state = 'online' and exists (
            select from realtime_sync.presence_shift s
            where s.topic = new.topic and s.member = new.member and s.kind = 'break' and s.ended is null
        );
        -- That has been told by this trigger, unless only meta is new.
        if found and old.state is distinct from 'on_break' then
            return null;
        end if;
    end if;
    -- Locked first and written once, below: twice costs one that leaves a fifth more.
    select m.* into was
    from realtime_sync.presence_member m
    where m.topic = device.topic and m.member = device.member
    for no key update;
    if not found then
        insert into realtime_sync.presence_member as m (topic, member, state, since, seen)
        values (device.topic, device.member, 'offline', device.seen, device.seen)
        on conflict (topic, member) do update set seen = m.seen
        returning * into was;
    end if;
    select p.* into best
    from realtime_sync.presence p
    where p.topic = device.topic and p.member = device.member
    order by realtime_sync.presence_rank(p.state), p.since, p.device
    limit 1;
    best.state := coalesce(best.state, 'offline');
    if best.state <> was.state then
        was.since := pg_catalog.statement_timestamp();
        was.hook_due := null;
    end if;
    was.seen := greatest(was.seen, device.seen);
    update realtime_sync.presence_member m
    set state = best.state, since = was.since, seen = was.seen, hook_due = was.hook_due
    where m.topic = device.topic and m.member = device.member;
    if best.state = was.state and (
        best.state = 'offline' or tg_op <> 'UPDATE' or best.device <> device.device
        or new.meta is not distinct from old.meta
    ) then
        return null;
    end if;
    best.device := coalesce(best.device, device.device);
    message := realtime_sync.presence_message(
        device.topic, device.member, best.state, was.state, best.device, best.meta, was.since, was.seen
    );
    -- Nobody stays, with all who leave in the same transaction, because of what a heartbeat has said of another device.
    if tg_op = 'DELETE' and best.meta is not null
        and pg_catalog.octet_length(device.topic) + pg_catalog.octet_length(message::text) + 15
            > pg_catalog.pg_size_bytes(coalesce(pg_catalog.current_setting('realtime_sync.max_event_size', true), '64kB'))
    then
        message := realtime_sync.presence_message(
            device.topic, device.member, best.state, was.state, best.device, null, was.since, was.seen
        );
    end if;
    id := realtime_sync.send(
        device.topic,
        case
            when best.state = 'offline' then 'presence.leave'
            when was.state = 'offline' then 'presence.join'
            else 'presence.update'
        end,
        message
    );
    if best.state <> was.state then
        perform realtime_sync.presence_call_hook(device.topic, array[device.member::text], array[best.state::text]);
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
-- presence_expire() sets that of those of which it tells itself. A setting instead would cost one that leaves a tenth
-- more, since PostgreSQL parses this anew in every statement.
create trigger gone after delete on realtime_sync.presence
    for each row when (old.expires <> '-infinity') execute function realtime_sync.presence_changed();

alter table realtime_sync.presence enable row level security;
alter table realtime_sync.presence_member enable row level security;

-- Raises, unless what is wrong is neither the topic nor the member, or a policy of the app's own may let it pass: PostgreSQL
-- 15 asks the last by name first, and an error would be the answer of those that come after.
create function realtime_sync.presence_refused(topic text, member text) returns boolean
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    own constant text := coalesce(realtime_sync.claim('sub'), current_user);
begin
    if exists (
        select
        from pg_catalog.pg_policy p
        where p.polrelid in ('realtime_sync.presence'::regclass, 'realtime_sync.presence_shift'::regclass)
            and p.polname <> 'own' and p.polpermissive and p.polcmd in ('*', 'a', 'w')
            and exists (select from pg_catalog.unnest(p.polroles) r(role) where r.role = 0 or pg_catalog.pg_has_role(r.role, 'usage'))
    ) then
        return false;
    end if;
    if not realtime_sync.may_send(topic) then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for topic %L', topic),
            detail = pg_catalog.format('Who may send to a topic may be present there, which %I may not.', current_user),
            hint = pg_catalog.format('select realtime_sync.allow(%L, ''send'', array[%L]);', current_user, topic);
    elsif member <> own then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for member %L of topic %L', member, topic),
            detail = pg_catalog.format('By the claim sub, else the role, the caller is %L.', own),
            hint = 'Leave member out. Anybody''s presence is for the back end: a superuser, a role with BYPASSRLS, or one that may migrate.';
    end if;
    return false;
end
$function$;

-- A member's own devices, where it may send. What it says of itself ends within a day. Who asks is looked up
-- once a statement: for each of 1,000 heartbeats it is half of their time.
-- Who may attach capture() may write any topic: the owner of a kit's functions, say. Whoever else is refused is told why,
-- which of several policies none could say.
create policy own on realtime_sync.presence
    using (
        member = (select coalesce(realtime_sync.claim('sub'), current_user)) and realtime_sync.may_send(topic)
        or (select pg_catalog.has_function_privilege('realtime_sync.capture()', 'execute'))
    )
    with check (
        member = (select coalesce(realtime_sync.claim('sub'), current_user))
            and seen <= pg_catalog.clock_timestamp() and due <= expires and expires > '-infinity' and expires <= seen + interval '25 hours'
            and realtime_sync.may_send(topic)
        or (select pg_catalog.has_function_privilege('realtime_sync.capture()', 'execute'))
        or realtime_sync.presence_refused(topic, member)
    );

create policy back_end on realtime_sync.presence_member for select
    using (pg_catalog.has_function_privilege('realtime_sync.capture()', 'execute'));

create function realtime_sync.presence_track(
    topic text, member text default null, state text default 'online', meta jsonb default null,
    ttl interval default '30 s', device text default ''
) returns void
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
begin
    if topic is null or device is null or state is null or ttl is null then
        perform realtime_sync.presence_lacks(
            case when topic is null then 'topic' when device is null then 'device' when state is null then 'state' else 'ttl' end
        );
    end if;
    insert into realtime_sync.presence as p (topic, member, device, state, meta, ttl, expires, due)
    values (
        presence_track.topic, coalesce(presence_track.member, realtime_sync.claim('sub'), current_user),
        presence_track.device, presence_track.state, presence_track.meta, presence_track.ttl,
        -- Looked at before it is added: a million years from now is no time.
        pg_catalog.statement_timestamp() + presence_track.ttl::realtime_sync.presence_ttl,
        pg_catalog.statement_timestamp() + presence_track.ttl
    )
    on conflict (topic, member, device) do update set
        state = excluded.state,
        meta = coalesce(excluded.meta, p.meta),
        since = case when p.state = excluded.state then p.since else excluded.since end,
        seen = greatest(p.seen, excluded.seen),
        ttl = excluded.ttl,
        expires = greatest(p.seen, excluded.seen) + excluded.ttl,
        due = least(p.due, excluded.due);
end
$function$;

-- In one order, so that two gateways with members in common wait and do not deadlock.
create function realtime_sync.presence_heartbeats(
    beats jsonb, topic text default null, ttl interval default null
) returns bigint
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    moment constant timestamptz := pg_catalog.statement_timestamp();
    beaten bigint;
begin
    if pg_catalog.jsonb_typeof(presence_heartbeats.beats) <> 'array' then
        raise invalid_parameter_value using
            message = pg_catalog.format('beats must be an array and not %s', pg_catalog.jsonb_typeof(presence_heartbeats.beats)),
            hint = 'As in [{"member": "42", "device": "phone", "meta": {"battery": 80}}].';
    end if;
    insert into realtime_sync.presence as p (topic, member, device, state, meta, ttl, seen, expires, due)
    -- Due a microsecond early: of one that is here already, nothing has been said of its ttl.
    select
        coalesce(k.topic, realtime_sync.presence_lacks('topic')), coalesce(k.member, realtime_sync.presence_lacks('member')),
        k.device, k.state, k.meta, coalesce(k.ttl, '30 s'), moment, moment + coalesce(k.ttl, '30 s')::realtime_sync.presence_ttl,
        moment + coalesce(k.ttl, interval '30 s' - interval '1 microsecond')
    from (
        select distinct on (b.member, topic, device)
            coalesce(b.topic, presence_heartbeats.topic) as topic, b.member, coalesce(b.device, '') as device,
            coalesce(b.state, 'online') as state, b.meta, coalesce(b.ttl, presence_heartbeats.ttl) as ttl
        from rows from (
            pg_catalog.jsonb_to_recordset(presence_heartbeats.beats)
                as (topic text, member text, device text, state text, meta jsonb, ttl interval)
        ) with ordinality as b(topic, member, device, state, meta, ttl, place)
        -- Of those of one device the last is how it is.
        order by b.member, topic, device, b.place desc
    ) k
    on conflict (topic, member, device) do update set
        meta = coalesce(excluded.meta, p.meta),
        seen = greatest(p.seen, excluded.seen),
        ttl = case when excluded.due < excluded.expires then p.ttl else excluded.ttl end,
        expires = greatest(p.seen, excluded.seen) + case when excluded.due < excluded.expires then p.ttl else excluded.ttl end,
        due = case when excluded.due < excluded.expires then p.due else least(p.due, excluded.due) end;
    get diagnostics beaten = row_count;
    return beaten;
end
$function$;

-- The same for one, as every phone calls it: to make and read an array of one would cost a fifth more.
create function realtime_sync.presence_heartbeat(
    topic text, member text default null, device text default '', meta jsonb default null,
    ttl interval default null, state text default 'online'
) returns void
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
begin
    if topic is null or device is null or state is null then
        perform realtime_sync.presence_lacks(case when topic is null then 'topic' when device is null then 'device' else 'state' end);
    end if;
    insert into realtime_sync.presence as p (topic, member, device, state, meta, ttl, expires, due)
    values (
        presence_heartbeat.topic, coalesce(presence_heartbeat.member, realtime_sync.claim('sub'), current_user),
        presence_heartbeat.device, presence_heartbeat.state, presence_heartbeat.meta, coalesce(presence_heartbeat.ttl, '30 s'),
        pg_catalog.statement_timestamp() + coalesce(presence_heartbeat.ttl, '30 s')::realtime_sync.presence_ttl,
        pg_catalog.statement_timestamp() + coalesce(presence_heartbeat.ttl, '30 s')
    )
    on conflict (topic, member, device) do update set
        meta = coalesce(excluded.meta, p.meta),
        seen = greatest(p.seen, excluded.seen),
        ttl = coalesce(presence_heartbeat.ttl, p.ttl),
        expires = greatest(p.seen, excluded.seen) + coalesce(presence_heartbeat.ttl, p.ttl),
        due = case when presence_heartbeat.ttl is null then p.due else least(p.due, excluded.due) end;
end
$function$;

create function realtime_sync.presence_untrack(topic text, member text default null, device text default null)
returns bigint
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    gone bigint;
begin
    if topic is null then
        perform realtime_sync.presence_lacks('topic');
    end if;
    delete from realtime_sync.presence p
    where p.topic = presence_untrack.topic
        and p.member = coalesce(presence_untrack.member, realtime_sync.claim('sub'), current_user)
        and (presence_untrack.device is null or p.device = presence_untrack.device);
    get diagnostics gone = row_count;
    return gone;
end
$function$;

create function realtime_sync.presence_hook(topic text, function regprocedure default null) returns void
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
begin
    -- The function is called with the owner's rights.
    perform realtime_sync.check_permission('presence_hook');
    if presence_hook.topic is null then
        perform realtime_sync.presence_lacks('topic');
    end if;
    if function is not null and not exists (
        select from pg_catalog.pg_proc p
        where p.oid = presence_hook.function and pg_catalog.oidvectortypes(p.proargtypes) = 'text, text'
            and (p.prosecdef or p.proowner = current_user::regrole)
    ) then
        raise invalid_function_definition using
            message = pg_catalog.format('%s does not take (member text, state text), or would run with rights that are not its owner''s', presence_hook.function),
            hint = 'Give a function of two texts, of your own or SECURITY DEFINER: it is called with the member and its new state.';
    end if;
    -- It would be a warning at each change, which nobody may read, that its tables do not exist. Which path is right is for its
    -- author to say: whoever may create in a schema of it may have its owner run what he likes.
    if function is not null and not exists (
        select
        from pg_catalog.pg_proc p
        cross join lateral pg_catalog.unnest(p.proconfig) c(setting)
        where p.oid = presence_hook.function and c.setting like 'search\_path=%'
    ) then
        raise invalid_function_definition using
            message = pg_catalog.format('%s has no search_path of its own', presence_hook.function),
            detail = 'It is called with the search_path pg_catalog, pg_temp: neither it nor a trigger that it sets off would find what they name without a schema.',
            hint = (
                select pg_catalog.format(
                    'alter function %s set search_path = %s; -- and further schemas of yours in which nobody else may create',
                    p.oid::regprocedure, realtime_sync.fleet_path(n.nspname)
                )
                from pg_catalog.pg_proc p
                join pg_catalog.pg_namespace n on n.oid = p.pronamespace
                where p.oid = presence_hook.function
            );
    end if;
    delete from realtime_sync.presence_hook h where h.topic = presence_hook.topic;
    if presence_hook.function is not null then
        insert into realtime_sync.presence_hook values (presence_hook.topic, presence_hook.function::text);
    end if;
end
$function$;

revoke all on table realtime_sync.presence from public;
revoke all on table realtime_sync.presence_member from public;
revoke all on table realtime_sync.presence_hook from public;
revoke all on function realtime_sync.presence_lacks(text) from public;
revoke all on function realtime_sync.presence_refused(text, text) from public;
revoke all on function realtime_sync.presence_rank(text) from public;
revoke all on function realtime_sync.presence_call_hook(text, text[], text[], boolean) from public;
revoke all on function realtime_sync.presence_message(text, text, text, text, text, jsonb, timestamptz, timestamptz) from public;
revoke all on function realtime_sync.presence_changed() from public;
revoke all on function realtime_sync.presence_track(text, text, text, jsonb, interval, text) from public;
revoke all on function realtime_sync.presence_heartbeats(jsonb, text, interval) from public;
revoke all on function realtime_sync.presence_heartbeat(text, text, text, jsonb, interval, text) from public;
revoke all on function realtime_sync.presence_untrack(text, text, text) from public;
revoke all on function realtime_sync.presence_hook(text, regprocedure) from public;

comment on table realtime_sync.presence is
    'The devices of members that are here, unlogged. Row-level security is the authorisation: a member writes its own where it may send. Read it through realtime_sync.presence_state().';
comment on domain realtime_sync.presence_name is
    'A topic, member or state of presence: not empty.';
comment on domain realtime_sync.presence_ttl is
    'How long after it was last heard of a device is still here: 1 s to 1 day.';
comment on column realtime_sync.presence.meta is
    'Any object; by convention latency_ms (round trip, milliseconds), signal (0 none to 4 full), battery (0 to 100), app_version.';
comment on column realtime_sync.presence.since is
    'Since when the device is in its state.';
comment on column realtime_sync.presence.expires is
    'When it leaves if it is not heard of again: seen + ttl; -infinity: it does, and realtime_sync.presence_expire() tells of it.';
comment on column realtime_sync.presence.due is
    'When realtime_sync.presence_expire() looks at it next: never after expires.';
comment on table realtime_sync.presence_member is
    'Members as others see them: the best state of their devices (online, any other text, away, on_break, offline). One that has left stays for 30 days as offline, with when it was last seen.';
comment on table realtime_sync.presence_hook is
    'What is called when a member''s state changes, by topic. realtime_sync.presence_hook() writes it.';
comment on function realtime_sync.presence_lacks(text) is
    'Part of the presence calls: raises 22004 for an argument that is null.';
comment on function realtime_sync.presence_refused(text, text) is
    'Part of the policies of presence: raises 42501 for a topic that the caller may not send to, or another''s member.';
comment on function realtime_sync.presence_rank(text) is
    'How good a state is, 0 the best: online, any other text, away, on_break, offline.';
comment on function realtime_sync.presence_call_hook(text, text[], text[], boolean) is
    'Calls the function of a topic for members; where it fails, a warning says so, and presence_expire() calls it again.';
comment on function realtime_sync.presence_message(text, text, text, text, text, jsonb, timestamptz, timestamptz) is
    'Part of realtime_sync.presence_changed(): what an event says.';
comment on function realtime_sync.presence_changed() is
    'Trigger function: what a device''s change means for its member, and its event.';
comment on function realtime_sync.presence_track(text, text, text, jsonb, interval, text) is
    'Says that a member is here: its state (online, away, on_break, offline or any text) and meta, until ttl (1 s to 1 day) after it was last heard of. Sends presence.join, or presence.update if its state or meta changed. member: the claim sub, else the role. 42501 for another''s member or a topic the caller may not send to, 22004 for a null, 23514 for a ttl out of bounds, a name that is empty or over 1,024 octets, meta over 64 kB.';
comment on function realtime_sync.presence_heartbeats(jsonb, text, interval) is
    'Heartbeats of thousands in one statement: [{"member": "42", "device": "", "meta": {}, "state": "online", "ttl": "30 s", "topic": "drivers"}], all but member optional; of several of one device the last counts. Returns how many. Errors as realtime_sync.presence_track().';
comment on function realtime_sync.presence_heartbeat(text, text, text, jsonb, interval, text) is
    'Says that a device is still here, for ttl from now (by default what it was before, of a new one 30 s), and what its meta is, without an event. One that is not known joins, with state. Errors as realtime_sync.presence_track().';
comment on function realtime_sync.presence_untrack(text, text, text) is
    'A device leaves, or without device all of the member''s. The last one sends presence.leave. Returns how many have left.';
comment on function realtime_sync.presence_hook(text, regprocedure) is
    'Has a function (member text, state text) called, as the extension''s owner and in the same transaction, whenever the state of a topic''s member changes; null: none. If it fails, or waits longer than 0.1 s for a lock, the member''s change stands, a warning says so, and it is called again with the state of then: every second after a lock, else every minute. 42501 for any other caller, 42P13 if it takes something else or has no search_path of its own.';
