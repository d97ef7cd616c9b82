-- Who is here, for those who may read the topic, and the devices whose time has ended.

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
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
begin
    if presence_state.topic is null then
        raise null_value_not_allowed using
            message = 'topic must not be null',
            hint = 'Name the topic, such as ''drivers''.';
    end if;
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

-- When to look for those: empty after a crash, as the devices are.
create unlogged table realtime_sync.presence_sweep (
    one boolean primary key default true check (one),
    at timestamptz not null
);

insert into realtime_sync.presence_sweep (at) values ('infinity');

-- What presence_changed() does for one that leaves, for many: in one statement they cost a third of what they do one
-- by one. Their members are held, since before this statement's snapshot.
create function realtime_sync.presence_left(devices realtime_sync.presence[]) returns void
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    -- Null before the library is loaded, unless the configuration has it.
    largest constant bigint := pg_catalog.pg_size_bytes(coalesce(pg_catalog.current_setting('realtime_sync.max_event_size', true), '64kB'));
    told record;
begin
    for told in
        with changed as materialized (
            select
                g.topic, g.member, coalesce(b.device, g.device) as device, b.meta, greatest(m.seen, g.seen) as seen,
                m.state as previous, coalesce(b.state, 'offline') as state,
                case when coalesce(b.state, 'offline') = m.state then m.since else pg_catalog.statement_timestamp() end as since
            from (
                select distinct on (d.member, d.topic) d.topic::text, d.member::text, d.device, d.seen
                from pg_catalog.unnest(presence_left.devices) d
                order by d.member, d.topic, d.seen desc, d.device
            ) g
            -- By the key, however few the rows were when this was planned: offset and limit keep it from a hash join.
            cross join lateral (
                select m.* from realtime_sync.presence_member m
                where m.topic = g.topic and m.member = g.member
                offset 0
            ) m
            left join lateral (
                select p.* from realtime_sync.presence p
                where p.topic = g.topic and p.member = g.member
                order by realtime_sync.presence_rank(p.state), p.since, p.device
                limit 1
            ) b on true
        ), kept as (
            -- An upsert, for the same reason.
            insert into realtime_sync.presence_member as m (topic, member, state, since, seen)
            select c.topic, c.member, c.state, c.since, c.seen
            from changed c
            on conflict (topic, member) do update set
                state = excluded.state, since = excluded.since, seen = excluded.seen,
                hook_due = case when m.state = excluded.state then m.hook_due end
        )
        select
            c.topic,
            pg_catalog.array_agg(c.member order by c.member) as members,
            pg_catalog.array_agg(c.state::text order by c.member) as states,
            pg_catalog.count(realtime_sync.send(
                c.topic,
                case c.state when 'offline' then 'presence.leave' else 'presence.update' end,
                case when c.meta is null or pg_catalog.octet_length(c.topic) + pg_catalog.octet_length(whole::text) + 15 <= largest
                    then whole
                    -- As there, nobody stays because of what a heartbeat has said of another device.
                    else realtime_sync.presence_message(c.topic, c.member, c.state, c.previous, c.device, null, c.since, c.seen)
                end
            ))
        from changed c
        cross join lateral realtime_sync.presence_message(
            c.topic, c.member, c.state, c.previous, c.device, c.meta, c.since, c.seen
        ) whole
        where c.state <> c.previous
        group by c.topic
    loop
        perform realtime_sync.presence_call_hook(told.topic, told.members, told.states);
    end loop;
end
$function$;

-- A row that a heartbeat or another expiry holds is left to it. At most 1,000 at a time, so that their
-- members wait for moments.
create function realtime_sync.presence_expire() returns timestamptz
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    moment timestamptz := pg_catalog.clock_timestamp();
    sweep timestamptz;
    n bigint;
    devices realtime_sync.presence[];
    places tid[];
    owed record;
begin
    sweep := (select s.at from realtime_sync.presence_sweep s);
    -- Mostly there is nothing to do, and then nothing is locked or written, as in a read-only transaction.
    if least(
        coalesce(sweep, moment),
        (select pg_catalog.min(p.due) from realtime_sync.presence p),
        (select pg_catalog.min(m.hook_due) from realtime_sync.presence_member m),
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
        ), ended as (
            update realtime_sync.presence p set expires = '-infinity'
            from looked l
            where l.expires <= moment and p.topic = l.topic and p.member = l.member and p.device = l.device
            returning p as device, p.ctid as place
        )
        select pg_catalog.count(*), array(select e.device from ended e), array(select e.place from ended e)
        into n, devices, places
        from looked;
        delete from realtime_sync.presence p where p.ctid = any (places);
        perform realtime_sync.presence_left(devices);
        delete from realtime_sync.presence_member m
        where m.ctid = any (array(
            select f.ctid from realtime_sync.presence_member f
            where f.state = 'offline' and f.seen < moment - interval '30 days'
                and not exists (select from realtime_sync.presence p where p.topic = f.topic and p.member = f.member)
            order by f.seen
            limit 1000
            for update skip locked
        ));
        for owed in
            with again as (
                update realtime_sync.presence_member m set hook_due = null
                where m.ctid = any (array(
                    select f.ctid from realtime_sync.presence_member f
                    where f.hook_due <= moment
                    order by f.hook_due
                    limit 100
                    for update skip locked
                ))
                returning m.topic, m.member, m.state
            )
            select a.topic, pg_catalog.array_agg(a.member order by a.member) as members, pg_catalog.array_agg(a.state order by a.member) as states
            from again a
            group by a.topic
        loop
            perform realtime_sync.presence_call_hook(owed.topic, owed.members, owed.states, true);
        end loop;
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
        (
            select greatest(pg_catalog.min(m.hook_due), moment + interval '50 ms')
            from realtime_sync.presence_member m
            having pg_catalog.min(m.hook_due) is not null
        ),
        sweep
    ), 'infinity');
end
$function$;

select realtime_sync.add_timer('presence', 'realtime_sync.presence_expire()');
-- Of the role that every cluster keeps: who creates the extension may go.
update realtime_sync.timer set owner = 10::oid::regrole;

revoke all on table realtime_sync.presence_state from public;
revoke all on function realtime_sync.presence_state(text, text[]) from public;
revoke all on table realtime_sync.presence_sweep from public;
revoke all on function realtime_sync.presence_left(realtime_sync.presence[]) from public;
revoke all on function realtime_sync.presence_expire() from public;

comment on view realtime_sync.presence_state is
    'The members of the topic in the setting realtime_presence.topic, for who may read it. Part of realtime_sync.presence_state().';
comment on function realtime_sync.presence_state(text, text[]) is
    'The members of a topic, in these states or in any: when last seen, and each device. The caller needs realtime_sync.may_read(topic), else 42501. Not on a standby: it is unlogged.';
comment on table realtime_sync.presence_sweep is
    'When realtime_sync.presence_expire() looks for members who were here before a crash and have not come back: a minute after it first runs.';
comment on function realtime_sync.presence_left(realtime_sync.presence[]) is
    'What it means for their members that these devices have been deleted, and the events. Part of realtime_sync.presence_expire().';
comment on function realtime_sync.presence_expire() is
    'Timer: devices whose time has ended leave, with their events; returns when to call it next. Who was here before a crash and is not heard of for a minute after it leaves too. Members gone for 30 days are forgotten.';
