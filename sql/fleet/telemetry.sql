-- Telemetry of drivers: written by hand, and the time in each state computed from it.

insert into realtime_sync.fleet_template (name, kind, place, needs, template, undo) values
(
    'log_telemetry', 'function', 20, '{driver.id,telemetry.driver,telemetry.type}',
    $template$
create function {{rpc.log_telemetry}}(
    driver_id {{driver.id:type}} default null, type text default null, message text default null, meta jsonb default null
) returns {{#telemetry.id}}{{telemetry.id:type}}{{/telemetry.id}}{{^telemetry.id}}void{{/telemetry.id}}
volatile security definer language plpgsql
set search_path = {{path}}
as $$
#variable_conflict use_column
<<my>>
declare
    driver {{driver.id:type}} := coalesce($1, {{rpc.realtime_driver}}());
    made record;
{{#telemetry.id}}    id {{telemetry.id:type}};
{{/telemetry.id}}begin
    if my.driver is null then
        raise insufficient_privilege using
            message = 'the login is no driver''s',
            hint = 'Name the driver, as a dispatcher or the back end.';
    elsif not (my.driver is not distinct from {{rpc.realtime_driver}}() or {{rpc.realtime_dispatcher}}()) then
        raise insufficient_privilege using
            message = pg_catalog.format('permission denied for telemetry of driver %s', my.driver),
            hint = 'A driver logs his own, a dispatcher and the back end anybody''s.';
    end if;
    if $2 is null then
        raise null_value_not_allowed using
            message = 'type must not be null',
            hint = 'Name the kind of line it is, such as ''note''.';
    elsif $2::{{telemetry.type:type}}::text = 'status_change' and not {{rpc.realtime_dispatcher}}() then
        raise insufficient_privilege using
            message = 'only a dispatcher or the back end may log a status change',
            hint = 'Change the status: its telemetry writes itself.';
    end if;
    begin
        insert into {{telemetry}} ({{telemetry.driver}}, {{telemetry.type}}{{#telemetry.message}}, {{telemetry.message}}{{/telemetry.message}}{{#telemetry.meta}}, {{telemetry.meta}}{{/telemetry.meta}}{{#telemetry.created_at}}, {{telemetry.created_at}}{{/telemetry.created_at}})
        values (my.driver, $2::{{telemetry.type:type}}{{#telemetry.message}}, $3{{/telemetry.message}}{{#telemetry.meta}}, $4::{{telemetry.meta:type}}{{/telemetry.meta}}{{#telemetry.created_at}}, pg_catalog.clock_timestamp(){{/telemetry.created_at}}){{#telemetry.id}}
        returning {{telemetry.id}} into my.id{{/telemetry.id}};
    exception
        -- An app may make its keys in the client.
        when not_null_violation then
            select * into my.made from realtime_sync.fleet_telemetry_id($t${{telemetry}}$t$, array[$c${{telemetry.driver}}$c$, $c${{telemetry.type}}$c${{#telemetry.message}}, $c${{telemetry.message}}$c${{/telemetry.message}}{{#telemetry.meta}}, $c${{telemetry.meta}}$c${{/telemetry.meta}}{{#telemetry.created_at}}, $c${{telemetry.created_at}}$c${{/telemetry.created_at}}]);
            if my.made.id is null then
                raise;
            end if;
            execute pg_catalog.format(
                $i$insert into {{telemetry}} (%I, {{telemetry.driver}}, {{telemetry.type}}{{#telemetry.message}}, {{telemetry.message}}{{/telemetry.message}}{{#telemetry.meta}}, {{telemetry.meta}}{{/telemetry.meta}}{{#telemetry.created_at}}, {{telemetry.created_at}}{{/telemetry.created_at}})
                values (%s, $1, $2::{{telemetry.type:type}}{{#telemetry.message}}, $3{{/telemetry.message}}{{#telemetry.meta}}, $4::{{telemetry.meta:type}}{{/telemetry.meta}}{{#telemetry.created_at}}, pg_catalog.clock_timestamp(){{/telemetry.created_at}}){{#telemetry.id}} returning {{telemetry.id}}{{/telemetry.id}}$i$,
                my.made.id, my.made.value
            ){{#telemetry.id}} into my.id{{/telemetry.id}} using my.driver, $2, $3, $4;
    end;
    return{{#telemetry.id}} my.id{{/telemetry.id}};
end
$$;
comment on function {{rpc.log_telemetry}} is
    'Writes a row of telemetry of a driver (default: the login''s); for himself, a dispatcher and the back end. Raises 42501 for anybody else, 22004 without a type.'
$template$, null
),
(
    'driver_states', 'view', 10, '{telemetry.driver,telemetry.type,telemetry.meta,telemetry.created_at}',
    $template$
create view {{rpc.driver_states}} with (security_invoker = true) as
select
    s.driver_id, s.status_column, s.state, s.since, s.until,
    pg_catalog.date_part('epoch', coalesce(s.until, pg_catalog.statement_timestamp()) - s.since) as seconds
from (
    select
        {{l.driver}} as driver_id,
        {{l.meta}}::jsonb ->> 'column' as status_column,
        {{l.meta}}::jsonb ->> 'new_status' as state,
        {{l.created_at}} as since,
        pg_catalog.lead({{l.created_at}}) over (
            partition by {{l.driver}}, {{l.meta}}::jsonb ->> 'column' order by {{l.created_at}}{{#telemetry.id}}, {{l.id}}{{/telemetry.id}}
        ) as until
    from {{telemetry}} l
    where {{l.type}}::text = 'status_change' and {{l.meta}}::jsonb ->> 'table' is null
) s
$template$, null
),
(
    'driver_state_times', 'view', 11, '{telemetry.driver,telemetry.type,telemetry.meta,telemetry.created_at}',
    $template$
create view {{rpc.driver_state_times}} with (security_invoker = true) as
select
    s.driver_id, s.status_column, s.state,
    pg_catalog.sum(s.seconds) as seconds,
    pg_catalog.count(*) as times,
    pg_catalog.max(s.since) filter (where s.until is null) as since
from {{rpc.driver_states}} s
where s.state is not null
group by s.driver_id, s.status_column, s.state
$template$, null
);
