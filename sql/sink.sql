-- Sinks: where events go. Data, so that one is added and dropped without a restart.

create sequence realtime_sync.sink_id as integer start 2;

create table realtime_sync.sink_definition (
    id integer primary key default pg_catalog.nextval('realtime_sync.sink_id'),
    name text not null,
    dialect text not null default 'native',
    target text,
    topics text[],
    payload text not null default 'full' check (payload in ('full', 'reference')),
    owner regrole not null default current_user::regrole,
    created timestamptz not null default pg_catalog.now(),
    dropped timestamptz
);

create unique index sink_name on realtime_sync.sink_definition (name) where dropped is null;

alter sequence realtime_sync.sink_id owned by realtime_sync.sink_definition.id;

-- Of the role that every cluster keeps: who creates the extension may go.
insert into realtime_sync.sink_definition (id, name, owner) values (1, 'notify', 10::oid::regrole);

-- Dumped are the users' sinks, and that the one out of the box was dropped: its row then takes the
-- place of the one that CREATE EXTENSION makes.
select pg_catalog.pg_extension_config_dump(
    'realtime_sync.sink_definition', 'where id <> 1 or dropped is not null'
);
select pg_catalog.pg_extension_config_dump('realtime_sync.sink_id', '');

create function realtime_sync.replace_sink() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    delete from realtime_sync.sink_definition d where d.id = new.id;
    return new;
end
$function$;

create trigger replace_sink before insert on realtime_sync.sink_definition
    for each row when (new.id = 1) execute function realtime_sync.replace_sink();

create function realtime_sync.sinks_changed() returns trigger
language c
as 'MODULE_PATHNAME', 'sinks_changed';

create trigger sinks_changed after insert or update or delete or truncate on realtime_sync.sink_definition
    for each statement execute function realtime_sync.sinks_changed();

create function realtime_sync.add_sink(
    name text,
    dialect text default 'native',
    target text default null,
    topics text[] default null,
    payload text default 'full'
) returns integer
volatile parallel unsafe language c
as 'MODULE_PATHNAME', 'realtime_sync_add_sink';

create function realtime_sync.drop_sink(name text) returns void
volatile parallel unsafe language c
as 'MODULE_PATHNAME', 'realtime_sync_drop_sink';

create view realtime_sync.sink with (security_invoker = true) as
select
    d.id,
    d.name,
    d.dialect,
    -- The setting is not there before the session has loaded the library.
    coalesce(
        d.target, 'notify:' || coalesce(pg_catalog.current_setting('realtime_sync.channel', true), 'realtime_sync')
    ) as target,
    d.topics,
    d.payload,
    d.owner,
    d.created,
    case
        when p.timeline is null then 'new'
        when p.retries > 0 then 'failing'
        when b.behind > 0 then 'behind'
        else 'even'
    end as state,
    case when p.timeline is not null then b.behind end as behind,
    coalesce(p.retries, 0) as retries,
    p.error,
    p.at as changed,
    pg_catalog.lpad(pg_catalog.to_hex(p.timeline), 8, '0')
        || '-' || pg_catalog.lpad(pg_catalog.to_hex(p.position), 16, '0')
        || '-' || pg_catalog.lpad(pg_catalog.to_hex(p.id), 16, '0') as cursor,
    coalesce(p.sent, 0) as sent,
    coalesce(p.refused, 0) as refused
from realtime_sync.sink_definition d
left join lateral (
    select r.timeline, r.position, r.id, r.retries, r.at, r.sent, r.refused, r.error
    from realtime_sync.progress r
    where r.sink = d.id
    order by r.timeline desc, r.position desc, r.id desc, r.retries desc
    limit 1
) p on true
left join lateral (
    select pg_catalog.count(*) as behind
    from (
        select
        from realtime_sync.tick t
        where (t.timeline, t.position) >= (p.timeline, p.position)
            and (t.timeline, t.position, 9223372036854775807) > (p.timeline, p.position, p.id)
        limit 100000
    ) t
) b on true
where d.dropped is null;

revoke all on sequence realtime_sync.sink_id from public;
revoke all on table realtime_sync.sink_definition from public;
revoke all on table realtime_sync.sink from public;
revoke all on function realtime_sync.replace_sink() from public;
revoke all on function realtime_sync.sinks_changed() from public;
revoke all on function realtime_sync.add_sink(text, text, text, text[], text) from public;
revoke all on function realtime_sync.drop_sink(text) from public;

comment on table realtime_sync.sink_definition is
    'The sinks as add_sink() made them. Read the view realtime_sync.sink.';
comment on column realtime_sync.sink_definition.target is
    'notify:channel, table:schema.table or wal:prefix; null: the channel of realtime_sync.channel.';
comment on column realtime_sync.sink_definition.dropped is
    'Set of the sink out of the box alone, so that a dump tells that it is gone.';
comment on function realtime_sync.replace_sink() is
    'Trigger function: lets a restored dump replace the sink out of the box.';
comment on function realtime_sync.sinks_changed() is
    'Trigger function: has the relay look the sinks up anew.';
comment on function realtime_sync.add_sink(text, text, text, text[], text) is
    'Adds a place for events to go, from now on, and returns its id. dialect: native, or a function (json) returns text. target: notify:channel, notify:template:{topic}, table:schema.table, wal:prefix; null: the channel of realtime_sync.channel. topics: drivers, driver:*; null: all. payload: full or reference.';
comment on function realtime_sync.drop_sink(text) is
    'Drops a sink. Its owner, the owner of the log and a superuser may.';
comment on view realtime_sync.sink is
    'Where events go, and how far each sink has come.';
comment on column realtime_sync.sink.dialect is
    'native, or the function that writes the text.';
comment on column realtime_sync.sink.topics is
    'Patterns of the topics it gets; null: all.';
comment on column realtime_sync.sink.payload is
    'full, or reference: what it takes to fetch the event.';
comment on column realtime_sync.sink.owner is
    'In whose name its dialect runs and its table is written.';
comment on column realtime_sync.sink.state is
    'even: it has everything that was ticked; behind; failing: the next batch failed and is tried again; new: no relay has seen it.';
comment on column realtime_sync.sink.behind is
    'Ticks it has not got, 100000 at most; null before its first.';
comment on column realtime_sync.sink.retries is
    'How often the next batch has failed.';
comment on column realtime_sync.sink.error is
    'What the last try failed with.';
comment on column realtime_sync.sink.changed is
    'When it last got something, or failed.';
comment on column realtime_sync.sink.cursor is
    'The place it has come to.';
comment on column realtime_sync.sink.sent is
    'Events the relay has given to it since it was added.';
comment on column realtime_sync.sink.refused is
    'Of these, the ones it got the reference of, since it failed on a json value that jsonb does not take.';
