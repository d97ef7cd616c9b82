-- Drivers as members of the topic drivers: online, on a break, on a shift.

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template) values
(
    'realtime_drive_online', 'function', 34, null, '{driver.id,driver.online}',
    $template$
create function {{rpc.realtime_drive_online}}(member text, state text) returns void
volatile security definer language plpgsql
set search_path = {{path}}
as $$
<<my>>
declare
    driver {{driver.id:type}} := realtime_sync.fleet_id($1, null::{{driver.id:type}});
begin
    update {{driver}} d set {{driver.online}} = ($2 <> 'offline'){{#driver.last_seen}},
        {{driver.last_seen}} = pg_catalog.statement_timestamp(){{/driver.last_seen}}
    where {{d.id}} = my.driver and {{d.online}} is distinct from ($2 <> 'offline');
end
$$;
comment on function {{rpc.realtime_drive_online}} is
    'Makes drivers online and offline as they come and go. To be switched on: select realtime_sync.presence_hook(''drivers'', ''{{rpc.realtime_drive_online}}(text, text)'');'
$template$
),
(
    'driver_track', 'function', 34, null, '{driver.id}',
    $template$
create function {{rpc.driver_track}}(
    state text default 'online', meta jsonb default null, ttl interval default '30 s', device text default ''
) returns void
volatile security definer language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    own constant text := {{rpc.realtime_located_driver}}(null)::text;
begin
    if $1 = 'offline' then
        perform realtime_sync.presence_untrack('drivers', own, $4);
    else
        perform realtime_sync.presence_track('drivers', own, $1, $2, $3, $4);
    end if;
end
$$;
comment on function {{rpc.driver_track}} is
    'The login''s driver is online, away, on_break or any text, on this device, until ttl after its last driver_heartbeat(); or offline. 42501: the login is no driver''s; else as realtime_sync.presence_track().'
$template$
),
(
    'driver_heartbeat', 'function', 34, null, '{driver.id}',
    $template$
create function {{rpc.driver_heartbeat}}(
    meta jsonb default null, ttl interval default null, device text default '', state text default 'online'
) returns void
volatile security definer language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- realtime_located_driver() only refuses here: as every phone calls this, one function less.
    perform realtime_sync.presence_heartbeat(
        'drivers', coalesce({{rpc.realtime_driver}}(), {{rpc.realtime_located_driver}}(null))::text, $3, $1, $2, $4
    );
end
$$;
comment on function {{rpc.driver_heartbeat}} is
    'The login''s driver is still there; meta by convention {"latency_ms", "signal": 0 to 4, "battery": 0 to 100}. One who is not known comes back with state.'
$template$
),
(
    'driver_shift', 'function', 34, null, '{driver.id}',
    $template$
create function {{rpc.driver_shift}}(action text, driver {{driver.id:type}} default null) returns json
volatile security definer language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return realtime_sync.presence_shift('drivers', $1, {{rpc.realtime_located_driver}}($2)::text);
end
$$;
comment on function {{rpc.driver_shift}} is
    'shift.start, shift.end, break.start or break.end of the login''s driver, or by a dispatcher or the back end of another; returns the shift''s totals, as realtime_sync.presence_shift().'
$template$
);
