-- Triggers on an app's trips that the app asks for by itself; here the one that holds its own updates to the
-- steps of trip_transitions.

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'realtime_check_trip_status', 'function', 50, null, '{trip.id,trip.status,transition.to_status}',
    $template$
create function {{rpc.realtime_check_trip_status}}() returns trigger
stable security definer language plpgsql
set search_path = {{path}}
as $$
begin
    if not exists (
        select from {{transition}} s
        where {{s.from_status}}::text = old.{{trip.status}}::text and {{s.to_status}}::text = new.{{trip.status}}::text
    ) then
        raise check_violation using
            message = pg_catalog.format(
                'trip %s cannot go from %s to %s', old.{{trip.id}}, old.{{trip.status}}, new.{{trip.status}}
            ),
            detail = pg_catalog.format('From %s it may become: %s.', old.{{trip.status}}, coalesce(
                (
                    select pg_catalog.string_agg({{s.to_status}}::text, ', ' order by {{s.to_status}}::text)
                    from {{transition}} s
                    where {{s.from_status}}::text = old.{{trip.status}}::text
                ),
                'nothing else'
            )),
            hint = $n$The table {{transition}} says what is allowed.$n$;
    end if;
    return new;
end
$$;
comment on function {{rpc.realtime_check_trip_status}}() is
    'Trigger function: refuses (23514) a change of a trip''s status that trip_transitions does not have. realtime_sync.fleet_check_status() installs it.'
$template$,
    null
);

-- A trigger on an app's trips that the app asks for by itself: fleet_setup() does not make it, and
-- fleet_remove() takes it away, since it is written down with the rest, under the name of its function. zz: it judges,
-- or goes on with, what the app's own triggers have made of the row.
create function realtime_sync.fleet_trip_trigger(schema name, trigger name, definition text) returns void
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    called name := 'zz_' || trigger;
    was record;
    trip regclass := (select m.relation from realtime_sync.fleet_map m where m.schema = fleet_trip_trigger.schema and m.entity = 'trip');
begin
    -- Its function is of somebody with the rights of the table's owner: others may note
    -- one too.
    if definition is not null and (trip is null or not exists (
        select
        from realtime_sync.fleet_object o
        join pg_catalog.pg_proc p
            on p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(o.schema)) and p.proname = o.actual
        join pg_catalog.pg_class c on c.oid = trip
        where o.schema = fleet_trip_trigger.schema and o.kind = 'function' and o.name = trigger
            and pg_catalog.pg_has_role(p.proowner, c.relowner, 'usage')
    )) then
        raise undefined_object using
            message = pg_catalog.format('the fleet kit has not made %s in schema %I', trigger, coalesce(schema, 'null')),
            detail = 'It needs trips and the steps they may take.',
            hint = pg_catalog.format('select * from realtime_sync.fleet_setup(%L, create_missing => true);', coalesce(schema, 'public'));
    end if;
    select o.actual, c.oid::regclass as relation into was
    from realtime_sync.fleet_object o
    join pg_catalog.pg_class c on c.oid = o.relation
    where o.schema = fleet_trip_trigger.schema and o.kind = 'trigger' and o.name = trigger;
    if (was.actual, was.relation) is distinct from (called, trip) and exists (
        select from pg_catalog.pg_trigger g where g.tgrelid = trip and g.tgname = called
    ) then
        raise duplicate_object using
            message = pg_catalog.format('trigger %I on %s is not the fleet kit''s', called, trip),
            hint = 'Rename it.';
    end if;
    if found then
        execute pg_catalog.format('drop trigger if exists %I on %s', was.actual, was.relation);
    end if;
    delete from realtime_sync.fleet_object o
    where o.schema = fleet_trip_trigger.schema and o.kind = 'trigger' and o.name = trigger;
    if definition is not null then
        execute realtime_sync.fleet_expand(schema, definition);
        insert into realtime_sync.fleet_object (schema, place, kind, name, actual, relation, made)
        select fleet_trip_trigger.schema, coalesce(pg_catalog.max(o.place), 0) + 1, 'trigger', trigger, called, trip, ''
        from realtime_sync.fleet_object o
        where o.schema = fleet_trip_trigger.schema;
    end if;
end
$function$;

create function realtime_sync.fleet_check_status(schema name, enabled boolean default true) returns void
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform realtime_sync.fleet_trip_trigger(schema, 'realtime_check_trip_status', case when enabled then $template$
create trigger zz_realtime_check_trip_status before update on {{trip}}
for each row when (old.{{trip.status}} is distinct from new.{{trip.status}})
execute function {{rpc.realtime_check_trip_status}}()
$template$
    end);
end
$function$;

revoke all on function realtime_sync.fleet_trip_trigger(name, name, text) from public;
revoke all on function realtime_sync.fleet_check_status(name, boolean) from public;

comment on function realtime_sync.fleet_trip_trigger(name, name, text) is
    'Part of the fleet kit: makes of a template, replaces or (definition null) drops a trigger on an app''s trips. 42704 where its function is not.';
comment on function realtime_sync.fleet_check_status(name, boolean) is
    'Whether the app''s own updates of a trip''s status must be steps of trip_transitions too, by a trigger; 23514 for others. enabled => false takes the trigger away.';
