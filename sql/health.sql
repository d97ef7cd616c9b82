-- What is wrong, and what mends it. A row here is a check that failed.

-- Runs as its owner: a role that watches needs nothing else, and gets what is wrong, not what was written.
create function realtime_sync.health(out level text, out subject text, out problem text, out fix text)
returns setof record
volatile parallel restricted security definer language sql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $function$
    with
    problem as (
        select p.* from realtime_sync.source_health() p
        union all
        select p.* from realtime_sync.log_health() p
        union all
        select p.* from realtime_sync.relay_health() p
        union all
        select p.* from realtime_sync.sink_health() p
        union all
        select p.* from realtime_sync.permission_health() p
        union all
        select p.* from realtime_sync.fleet_health() p
        union all
        -- This also loads the library before any of those is planned: a session without it knows no setting of ours.
        select k.level, 'stats', pg_catalog.format('%s since the server started: %s', c.value, pg_catalog.lower(pg_catalog.left(c.description, 1)) || pg_catalog.substr(c.description, 2)), k.fix
        from realtime_sync.stats c
        join (
            values
                ('dropped', 'error', 'Update the library or the extension, so that both have one version: alter extension realtime_sync update;'),
                ('lost', 'error', 'Readers that are behind get an expired cursor and load anew. Raise realtime_sync.max_log_size, and mend or drop the sink that is behind.'),
                ('unresolved_names', 'warning', 'select relation, drift from realtime_sync.source where drift is not null; then enable() those with names that exist.'),
                ('unencodable_values', 'warning', 'Leave the column out with realtime_sync.enable(..., exclude => ...), or mend its type''s output function.'),
                ('partial', 'info', 'Raise realtime_sync.max_event_size, or leave wide columns out with realtime_sync.enable(..., exclude => ...).'),
                ('switched_off', 'info', 'realtime_sync.capture was off on purpose, or see above.')
        ) k(name, level, fix) on k.name = c.name
        where c.value > 0
            -- the count stays until the server restarts; what it tells of is mended once nothing has drifted
            and (c.name <> 'unresolved_names' or exists (
                select from realtime_sync.source s, pg_catalog.unnest(s.drift) d(problem) where d.problem like 'column % does not exist'
            ))
    ),
    verdict as (
        select p.level, p.subject, p.problem, p.fix from problem p
        union all
        select 'ok', 'realtime_sync', 'nothing is wrong', null
        where not exists (select from problem p where p.level in ('error', 'warning'))
    )
    select v.level, v.subject, v.problem, v.fix
    from verdict v
    order by pg_catalog.array_position(array['error', 'warning', 'info', 'ok'], v.level), v.subject, v.problem
$function$;

revoke all on function realtime_sync.health() from public;

comment on function realtime_sync.health() is
    'What is wrong, the worst first, and the SQL or sentence that mends it; one row of level ok when nothing is.';
