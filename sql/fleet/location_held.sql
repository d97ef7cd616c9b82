-- Fixes near the place last written wait, where fleet_limit.place_distance says so: an event, a version of the driver's row
-- and its index entries are for a driver who moves.

insert into realtime_sync.fleet_template (name, kind, place, entity, needs, template, undo) values
(
    'realtime_held_places', 'table', 31, null, '{driver.id,limit.place_distance}',
    $template$
-- Lost in a crash: the fixes of a few seconds, of drivers whose phones send the next.
create unlogged table {{schema}}.realtime_held_places (
    driver_id {{driver.id:type}} primary key,
    place point not null,
    until timestamptz not null,
    noted boolean not null,
    lat double precision,
    lng double precision,
    heading double precision,
    speed double precision,
    accuracy double precision,
    recorded_at timestamptz not null
) with (fillfactor = 50);
create index on {{schema}}.realtime_held_places (until);
comment on table {{schema}}.realtime_held_places is
    'The place last written of each driver, until when a fix near it waits, and the last fix that does (noted). The kit''s own.'
$template$,
    null
),
(
    'realtime_move_driver', 'function', 31, null, '{driver.id,limit.place_distance}',
    $template$
create function {{rpc.realtime_move_driver}}(
    driver {{driver.id:type}}, lat double precision, lng double precision, heading double precision, speed double precision,
    accuracy double precision, recorded_at timestamptz, client_id text default null
) returns jsonb
volatile language plpgsql
set search_path = {{path}}
as $$
#variable_conflict use_variable
begin
    {{>moved_by_fix}}
end
$$;
comment on function {{rpc.realtime_move_driver}} is
    'update_location() of who has been asked before.'
$template$,
    null
),
(
    'realtime_places_due', 'function', 33, null, '{driver.id,limit.place_distance}',
    $template$
create function {{rpc.realtime_places_due}}() returns timestamptz
volatile language plpgsql
set search_path = {{path}}
as $$
<<my>>
declare
    now timestamptz := pg_catalog.clock_timestamp();
    fix record;
begin
    for fix in
        with due as (
            select h.driver_id
            from {{schema}}.realtime_held_places h
            join {{driver}} d on {{d.id}} = h.driver_id
            where h.until <= my.now
            order by h.until
            -- So many that a call ends long before the relay ends it. A driver who is locked is sending a newer one.
            limit 100
            for no key update skip locked
        )
        delete from {{schema}}.realtime_held_places h
        using due
        where h.driver_id = due.driver_id
        returning h.*
    loop
        if fix.noted then
            -- A trigger of the app's that fails for one driver must not stop the others.
            begin
                perform {{rpc.realtime_move_driver}}(fix.driver_id, fix.lat, fix.lng, fix.heading, fix.speed, fix.accuracy, fix.recorded_at);
            exception when others then
                raise warning using
                    message = pg_catalog.format('place of driver %s: %s', fix.driver_id, sqlerrm),
                    errcode = sqlstate;
                -- Unless a newer one has come.
                insert into {{schema}}.realtime_held_places
                select fix.driver_id, fix.place, my.now + interval '10 s', true, fix.lat, fix.lng, fix.heading, fix.speed, fix.accuracy, fix.recorded_at
                on conflict (driver_id) do nothing;
            end;
        end if;
    end loop;
    delete from {{schema}}.realtime_held_places h
    where h.until <= my.now and not exists (select from {{driver}} d where {{d.id}} = h.driver_id);
    return (
        select greatest(h.until, my.now + interval '100 milliseconds') from {{schema}}.realtime_held_places h order by h.until limit 1
    );
end
$$;
comment on function {{rpc.realtime_places_due}}() is
    'Writes the last fix of each driver that was held for place_seconds, as update_location() does. Returns when to call it again. The relay does.'
$template$,
    null
),
(
    'realtime_places_timer', 'timer', 33, null, '{driver.id,limit.place_distance}',
    $template$select realtime_sync.add_timer($n$fleet {{schema}} places$n$, $n${{rpc.realtime_places_due}}()$n$)$template$,
    $template$select realtime_sync.drop_timer($n$fleet {{schema}} places$n$)$template$
);
