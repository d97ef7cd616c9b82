-- New bookings offered by themselves, for apps that ask for it.

-- {{>offer_booking}}: of a trip that is new. A booking does not fail because nobody can be asked.
insert into realtime_sync.fleet_template (name, kind, template) values
(
    'offer_booking', 'part',
    $template$declare
        trip text;
    begin
        trip := new.{{trip.id}};
        if new.{{trip.driver}} is null and {{rpc.realtime_trip_accepted}}(new.{{trip.status}}::text) is not null then
            perform {{rpc.realtime_offer_trip}}(
                new.{{trip.id}}, null, (options ->> 'radius_m')::double precision, (options ->> 'max_drivers')::integer,
                (options ->> 'timeout')::interval, options ->> 'strategy', options ->> 'eligible',
                (options ->> 'hold')::interval, options ->> 'urgency'
            );
        end if;
    exception when others then
        raise warning using
            message = pg_catalog.format('%s could not be offered: %s', coalesce('trip ' || trip, 'a trip'), sqlerrm),
            errcode = sqlstate;
    end;$template$
);

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'realtime_auto_offer', 'function', 63, null, '{driver.id,trip.id,trip.status,trip.driver,offer.timeout,transition.to_status}',
    $template$
create function {{rpc.realtime_auto_offer}}() returns trigger
volatile security definer language plpgsql
set search_path = {{path}}
as $$
declare
    options jsonb := tg_argv[0];
begin
    -- As its trigger is, which fleet_setup() does not make anew when the partitions are others.
    if tg_level = 'ROW' then
        {{>offer_booking}}
        return null;
    end if;
    for new in select * from new_trips loop
        {{>offer_booking}}
    end loop;
    return null;
end
$$;
comment on function {{rpc.realtime_auto_offer}}() is
    'Trigger function: offers a new booking to the nearest drivers. realtime_sync.fleet_auto_offer() installs it.'
$template$,
    null
);

create function realtime_sync.fleet_auto_offer(
    schema name, enabled boolean default true, radius_m double precision default 5000, max_drivers integer default 10,
    timeout interval default '15 seconds', strategy text default 'all', eligible regprocedure default null,
    hold interval default null, urgency text default null
) returns void
volatile language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    if enabled then
        perform realtime_sync.fleet_check_offer(max_drivers, timeout, strategy, hold);
        perform realtime_sync.fleet_check_search(radius_m, 1);
        -- As its owner, the trigger's function calls it.
        perform realtime_sync.fleet_check_eligible(
            eligible, pg_catalog.to_regtype(realtime_sync.fleet_expand(schema, '{{driver.id:type}}')),
            pg_catalog.to_regtype(realtime_sync.fleet_expand(schema, '{{trip.id:type}}')), p.proowner::regrole::name
        )
        from pg_catalog.pg_proc p
        where eligible is not null
            and p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema))
            and p.proname = realtime_sync.fleet_name(schema, 'function', 'realtime_auto_offer');
    end if;
    -- Of a row that moves to another partition PostgreSQL fires each row's INSERT triggers, but not the statement's.
    perform realtime_sync.fleet_trip_trigger(schema, 'realtime_auto_offer', case when enabled then $template$
create trigger zz_realtime_auto_offer after insert on {{trip}}
{{^trip:moves}}for each row{{/trip:moves}}{{#trip:moves}}referencing new table as new_trips for each statement{{/trip:moves}}
execute function {{rpc.realtime_auto_offer}}($template$ || pg_catalog.quote_literal(pg_catalog.jsonb_strip_nulls(
            pg_catalog.jsonb_build_object(
                'radius_m', radius_m, 'max_drivers', max_drivers, 'timeout', timeout, 'strategy', strategy,
                'eligible', eligible::text, 'hold', hold, 'urgency', urgency
            )
        )) || ')'
    end);
end
$function$;

revoke all on function realtime_sync.fleet_auto_offer(name, boolean, double precision, integer, interval, text, regprocedure, interval, text) from public;

comment on function realtime_sync.fleet_auto_offer(name, boolean, double precision, integer, interval, text, regprocedure, interval, text) is
    'Whether new trips are offered by themselves: a trigger on the app''s trips that calls offer_trip with these options when a trip without a driver is inserted whose status is open. It never fails the insert. enabled => false takes the trigger away.';
