-- How long the rows of an app's history tables are kept, and when the next are to go.
create table realtime_sync.fleet_retention (
    schema name not null,
    entity text not null check (entity in ('telemetry', 'location', 'offer')),
    -- Longer ago there is no time, and the relay would stop at that.
    keep interval not null check (keep > interval '0' and keep <= interval '1000 years'),
    due timestamptz not null default pg_catalog.now(),
    -- Up to where the turn under way has come: what it has deleted is not to be passed again by every batch.
    reached timestamptz not null default '-infinity',
    primary key (schema, entity)
);

select pg_catalog.pg_extension_config_dump('realtime_sync.fleet_retention', '');

alter table realtime_sync.fleet_retention enable row level security;
-- Rows go by it, so it is the table's owner's.
create policy own on realtime_sync.fleet_retention using (
    exists (
        select
        from realtime_sync.fleet_map m
        join pg_catalog.pg_class c on c.oid = m.relation
        where m.schema = fleet_retention.schema and m.entity = fleet_retention.entity
            and pg_catalog.pg_has_role(c.relowner, 'usage')
    )
);

create function realtime_sync.fleet_retain(schema name, entity text, keep interval) returns void
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    relation regclass;
begin
    if not exists (
        select from realtime_sync.fleet_map m
        where m.schema = fleet_retain.schema and m.entity = fleet_retain.entity
            and m.columns ? case fleet_retain.entity when 'location' then 'recorded_at' else 'created_at' end
            and m.entity in ('telemetry', 'location', 'offer')
    ) then
        raise undefined_object using
            message = pg_catalog.format(
                'the fleet kit does not know when the rows of %s in schema %s were made', coalesce(entity, 'null'), coalesce(schema, 'null')
            ),
            detail = 'Kept for a time can be telemetry, location and offer.',
            hint = case when entity in ('telemetry', 'location', 'offer')
                then pg_catalog.format('select * from realtime_sync.fleet_setup(%L, create_missing => true);', coalesce(schema, 'public'))
                else 'Name one of these.' end;
    end if;
    if keep <= interval '0' or keep > interval '1000 years' then
        raise invalid_parameter_value using
            message = pg_catalog.format('invalid value for keep: %s', keep),
            hint = 'Say how long, such as ''90 days''; null keeps for ever.';
    end if;
    select m.relation into relation
    from realtime_sync.fleet_map m
    join pg_catalog.pg_class c on c.oid = m.relation
    where m.schema = fleet_retain.schema and m.entity = fleet_retain.entity and not pg_catalog.pg_has_role(c.relowner, 'usage');
    if found then
        raise insufficient_privilege using
            message = pg_catalog.format('must be owner of table %s', relation),
            detail = 'Its rows go.',
            hint = 'Call it as the table''s owner.';
    end if;
    delete from realtime_sync.fleet_retention r where r.schema = fleet_retain.schema and r.entity = fleet_retain.entity;
    if keep is not null then
        insert into realtime_sync.fleet_retention values (schema, entity, keep);
    end if;
end
$function$;

-- Not BRIN: where rows go, new ones take their room, and its ranges keep the old ones' times for ever.
insert into realtime_sync.fleet_template (name, kind, place, needs, template) values
(
    'realtime_telemetry_created_at', 'index', 20, '{telemetry.created_at}',
    'create index realtime_telemetry_created_at on {{telemetry}} ({{telemetry.created_at}})'
),
(
    'realtime_location_recorded_at', 'index', 20, '{location.recorded_at}',
    'create index realtime_location_recorded_at on {{location}} ({{location.recorded_at}})'
),
(
    'realtime_offer_created_at', 'index', 20, '{offer.created_at}',
    'create index realtime_offer_created_at on {{offer}} ({{offer.created_at}})'
);

insert into realtime_sync.fleet_template (name, kind, place, needs, template, undo) values
-- In the relay's process, which has events to deliver: a fifth of its time, 100,000 rows a second measured. A batch at a time, in the order of
-- time, and what another transaction holds is left for the next turn: writers wait for nobody. A place is one of each
-- partition, so the partition is asked for too.
(
    'realtime_retention_due', 'function', 30, '{driver.id}',
    $template$
create function {{rpc.realtime_retention_due}}() returns timestamptz
volatile language plpgsql
set search_path = {{path}}
as $$
declare
    until constant timestamptz := pg_catalog.clock_timestamp() + interval '0.1 s';
    kept record;
    gone bigint;
begin
    for kept in
        select r.entity, pg_catalog.clock_timestamp() - r.keep as since, r.reached
        from realtime_sync.fleet_retention r
        where pg_catalog.quote_ident(r.schema) = $schema${{schema}}$schema$ and r.due <= pg_catalog.clock_timestamp()
        order by r.due
        for update skip locked
    loop
        loop
            gone := 0;{{#telemetry.created_at}}
            if kept.entity = 'telemetry' then
                with old as materialized (
                    select l.tableoid, l.ctid as place, {{l.created_at}} as at
                    from {{telemetry}} l
                    where {{l.created_at}} < kept.since and {{l.created_at}} >= kept.reached
                    order by {{l.created_at}}
                    limit 1000
                    for update skip locked
                ), gone as (
                    delete from {{telemetry}} l
                    where l.ctid = any (array(select old.place from old))
                        and (l.tableoid, l.ctid) in (select old.tableoid, old.place from old)
                )
                select pg_catalog.count(*), pg_catalog.max(old.at) into gone, kept.reached from old;
            end if;{{/telemetry.created_at}}{{#location.recorded_at}}
            if kept.entity = 'location' then
                with old as materialized (
                    select h.tableoid, h.ctid as place, {{h.recorded_at}} as at
                    from {{location}} h
                    where {{h.recorded_at}} < kept.since and {{h.recorded_at}} >= kept.reached
                    order by {{h.recorded_at}}
                    limit 1000
                    for update skip locked
                ), gone as (
                    delete from {{location}} h
                    where h.ctid = any (array(select old.place from old))
                        and (h.tableoid, h.ctid) in (select old.tableoid, old.place from old)
                )
                select pg_catalog.count(*), pg_catalog.max(old.at) into gone, kept.reached from old;
            end if;{{/location.recorded_at}}{{#offer.created_at}}
            if kept.entity = 'offer' then
                with old as materialized (
                    select o.tableoid, o.ctid as place, {{o.created_at}} as at
                    from {{offer}} o
                    where {{o.created_at}} < kept.since and {{o.created_at}} >= kept.reached
                        -- Still to be answered, or to come: it is no history yet.
                        {{#offer.state}}and ({{o.state}}::text not in ('queued', 'waiting', 'open')) is not false{{/offer.state}}
                    order by {{o.created_at}}
                    limit 1000
                    for update skip locked
                ), gone as (
                    delete from {{offer}} o
                    where o.ctid = any (array(select old.place from old))
                        and (o.tableoid, o.ctid) in (select old.tableoid, old.place from old)
                )
                select pg_catalog.count(*), pg_catalog.max(old.at) into gone, kept.reached from old;
            end if;{{/offer.created_at}}
            exit when gone < 1000 or pg_catalog.clock_timestamp() > until;
        end loop;
        update realtime_sync.fleet_retention r
        set due = pg_catalog.clock_timestamp() + case gone when 1000 then interval '0.4 s' else interval '1 min' end,
            reached = case gone when 1000 then kept.reached else '-infinity' end
        where pg_catalog.quote_ident(r.schema) = $schema${{schema}}$schema$ and r.entity = kept.entity;
    end loop;
    return (
        select pg_catalog.min(r.due)
        from realtime_sync.fleet_retention r
        where pg_catalog.quote_ident(r.schema) = $schema${{schema}}$schema$
    );
end
$$
$template$, null
),
(
    'realtime_retention', 'timer', 10, '{driver.id}',
    $template$select realtime_sync.add_timer($name$fleet {{schema}} retention$name$, $function${{rpc.realtime_retention_due}}()$function$)$template$,
    'select realtime_sync.drop_timer($name$fleet {{schema}} retention$name$)'
);

revoke all on table realtime_sync.fleet_retention from public;
revoke all on function realtime_sync.fleet_retain(name, text, interval) from public;

comment on table realtime_sync.fleet_retention is
    'How long an app''s history tables are kept; realtime_sync.fleet_retain() writes it.';
comment on column realtime_sync.fleet_retention.due is
    'When rows older than keep are next looked for.';
comment on column realtime_sync.fleet_retention.reached is
    'The time up to which the turn under way has deleted.';
comment on function realtime_sync.fleet_retain(name, text, interval) is
    'How long the rows of telemetry, location or offer are kept in an app''s schema; null, and at first: for ever. An offer that is still open stays. The relay deletes older ones each minute, for a tenth of a second and again until none is left: tens of thousands a second. Raises 42704 if the table or its time column is not mapped, 22023 unless keep is positive and 1,000 years at most, 42501 for who does not own the table.';
