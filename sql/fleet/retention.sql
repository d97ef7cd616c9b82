-- How long the rows of an app's history tables are kept, and when the next are to go.
create table realtime_sync.fleet_retention (
    schema name not null,
    entity text not null check (entity in ('telemetry', 'location', 'offer')),
    keep interval not null check (keep > interval '0'),
    due timestamptz not null default pg_catalog.now(),
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
set search_path = ''
as $function$
begin
    if not exists (
        select from realtime_sync.fleet_map m
        where m.schema = fleet_retain.schema and m.entity = fleet_retain.entity
            and m.columns ? case fleet_retain.entity when 'location' then 'recorded_at' else 'created_at' end
            and m.entity in ('telemetry', 'location', 'offer')
    ) then
        raise undefined_object using
            message = pg_catalog.format('the fleet kit does not know when the rows of %s in schema %s were made', entity, schema),
            detail = 'Kept for a time can be telemetry, location and offer.',
            hint = case when entity in ('telemetry', 'location', 'offer')
                then pg_catalog.format('select * from realtime_sync.fleet_setup(%L, create_missing => true);', schema)
                else 'Name one of these.' end;
    end if;
    delete from realtime_sync.fleet_retention r where r.schema = fleet_retain.schema and r.entity = fleet_retain.entity;
    if keep is not null then
        insert into realtime_sync.fleet_retention values (schema, entity, keep);
    end if;
end
$function$;

insert into realtime_sync.fleet_template (name, kind, place, needs, template, undo) values
-- A batch at a time, and what another transaction holds is left for the next: writers wait for nobody.
(
    'realtime_retention_due', 'function', 30, '{driver.id}',
    $template$
create function {{rpc.realtime_retention_due}}() returns timestamptz
volatile language plpgsql
set search_path = ''
as $$
declare
    kept record;
    gone bigint;
begin
    for kept in
        select r.entity, pg_catalog.clock_timestamp() - r.keep as since
        from realtime_sync.fleet_retention r
        where pg_catalog.quote_ident(r.schema) = $schema${{schema}}$schema$ and r.due <= pg_catalog.clock_timestamp()
        for update skip locked
    loop
        gone := 0;{{#telemetry.created_at}}
        if kept.entity = 'telemetry' then
            delete from {{telemetry}} where ctid = any (array(
                select l.ctid from {{telemetry}} l where {{l.created_at}} < kept.since limit 1000 for update skip locked
            ));
            get diagnostics gone = row_count;
        end if;{{/telemetry.created_at}}{{#location.recorded_at}}
        if kept.entity = 'location' then
            delete from {{location}} where ctid = any (array(
                select h.ctid from {{location}} h where {{h.recorded_at}} < kept.since limit 1000 for update skip locked
            ));
            get diagnostics gone = row_count;
        end if;{{/location.recorded_at}}{{#offer.created_at}}
        if kept.entity = 'offer' then
            delete from {{offer}} where ctid = any (array(
                select o.ctid from {{offer}} o where {{o.created_at}} < kept.since limit 1000 for update skip locked
            ));
            get diagnostics gone = row_count;
        end if;{{/offer.created_at}}
        update realtime_sync.fleet_retention r
        set due = pg_catalog.clock_timestamp() + case gone when 1000 then interval '1 second' else interval '1 hour' end
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
comment on function realtime_sync.fleet_retain(name, text, interval) is
    'How long the rows of telemetry, location or offer are kept in an app''s schema; null, and at first: for ever. The relay deletes older ones, 1,000 a second at most. Raises 42704 if the table or its time column is not mapped.';
