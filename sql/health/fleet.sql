-- Of health(): schemas in which strangers may make what the fleet kit's functions would find, as its owner; or that were
-- renamed; and tables that were restored or partitioned otherwise since the kit was set up, whose changes no session hears
-- of, or whose rows the kit's owner does not see.

create function realtime_sync.fleet_health(out level text, out subject text, out problem text, out fix text)
returns setof record
volatile parallel restricted language sql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $function$
    with kit as materialized (
        select o.schema, realtime_sync.fleet_path(o.schema) as path, pg_catalog.min(o.owner::text) as owner,
            -- By which the functions that touch the app's tables were made.
            pg_catalog.array_agg(distinct pg_catalog.substr(c.setting, pg_catalog.length('search_path=') + 1)) as paths
        from realtime_sync.fleet_object o
        join realtime_sync.fleet_template t on t.kind = o.kind and t.name = o.name and pg_catalog.strpos(t.template, '{{path}}') > 0
        join pg_catalog.pg_proc p
            -- One that was changed by hand has the path that was wanted.
            on p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(o.schema)) and p.proname = o.actual and pg_catalog.md5(p.prosrc) = o.body
        -- And those of fleet_status_telemetry(), which no template has made.
        join pg_catalog.pg_proc f
            on f.oid = p.oid or f.pronamespace = p.pronamespace and f.proname like 'realtime\_status\_%'
            and pg_catalog.obj_description(f.oid, 'pg_proc') = 'realtime_sync: status telemetry'
        cross join lateral pg_catalog.unnest(f.proconfig) c(setting)
        where o.kind = 'function' and c.setting like 'search\_path=%'
        group by o.schema
    ), stranger as materialized (
        -- Where they look, which may be a path of before; and where they would.
        select distinct on (k.schema, s.name) k.schema, k.owner, s.name, s.strangers, s.mend, s.place, s.open
        from kit k
        cross join lateral (
            select s.*, true as open from realtime_sync.fleet_path_schemas(k.schema, k.paths) s
            union all
            select s.*, false from realtime_sync.fleet_path_schemas(k.schema) s
        ) s
        where s.strangers is not null
        order by k.schema, s.name, s.open desc
    )
    select
        case when s.open then 'error' when s.place = 0 then 'warning' else 'info' end,
        pg_catalog.format('schema %I', s.name),
        case when s.open
            then pg_catalog.format('%s may create in it, where the functions of the fleet kit in schema %I look for names: what fits better than what they mean would run as %s', s.strangers, s.schema, s.owner)
            else pg_catalog.format('%s may create in it, so the functions of the fleet kit in schema %I look for no names there: a trigger or policy of yours that names something of it without the schema fails in their calls', s.strangers, s.schema)
        end,
        pg_catalog.format('%s; select * from realtime_sync.fleet_setup(%L);', s.mend, s.schema)
    from stranger s
    union all
    select
        'warning', pg_catalog.format('schema %I', k.schema),
        pg_catalog.format('the search_path of the fleet kit''s functions is %s, and should be %s: what of yours they set off may not find its names', k.paths[1], k.path),
        pg_catalog.format('select * from realtime_sync.fleet_setup(%L);', k.schema)
    from kit k
    where k.paths <> array[k.path] and not exists (select from stranger s where s.schema = k.schema and s.open)
    union all
    select 'error', a.object, a.why, a.sql || ';'
    from (select distinct o.schema from realtime_sync.fleet_object o where pg_catalog.to_regnamespace(pg_catalog.quote_ident(o.schema)) is null) gone
    cross join pg_catalog.pg_namespace n
    cross join lateral realtime_sync.fleet_astray(n.nspname) a
    where a.object = pg_catalog.format('schema %I', gone.schema)
    union all
    select distinct
        'warning', pg_catalog.format('schema %I', m.schema), 'tables of its fleet kit were dropped, or restored, since it was set up',
        pg_catalog.format('select * from realtime_sync.fleet_setup(%L);', m.schema)
    from kit k
    join realtime_sync.fleet_map m on m.schema = k.schema
    where not exists (select from pg_catalog.pg_class c where c.oid = m.relation)
    union all
    select 'warning', h.relation::text, h.problem, h.fix || ';'
    from kit k
    cross join lateral realtime_sync.fleet_hidden(k.schema, k.owner::name) h
    union all
    select
        'warning', m.relation::text,
        pg_catalog.format('it is a partition of %s, and the fleet kit in schema %I follows only what is in it', p.parent, m.schema),
        pg_catalog.format(
            '%s; select * from realtime_sync.fleet_setup(%L);%s',
            realtime_sync.fleet_map_call(m.schema, m.entity, p.parent::text, m.columns), m.schema, case m.entity
                when 'driver' then pg_catalog.format(
                    ' select realtime_sync.fleet_drop_status_telemetry(%L), realtime_sync.fleet_status_telemetry(%L);', m.relation, p.parent
                )
                when 'trip' then ' -- then fleet_auto_offer() and fleet_check_status() again, if you use them'
            end
        )
    from kit k
    join realtime_sync.fleet_map m on m.schema = k.schema
    join pg_catalog.pg_class c on c.oid = m.relation and c.relispartition
    cross join lateral (select pg_catalog.pg_partition_root(m.relation)) p(parent)
    union all
    select
        case when t.each_row then 'warning' else 'error' end, m.relation::text,
        case when t.each_row
            then pg_catalog.format('its trigger %s is one for each row, and sees no update of one that moves to another partition', t.name)
            else pg_catalog.format('its trigger %s lets no update write to %s, a foreign table', t.name, p.far)
        end,
        case when t.name ~ '^zz_' then pg_catalog.format('select realtime_sync.fleet_auto_offer(%L, ...) again, with its options', m.schema)
            else pg_catalog.format('select * from realtime_sync.fleet_setup(%L);', m.schema)
        end
    from kit k
    join realtime_sync.fleet_map m on m.schema = k.schema and m.entity in ('driver', 'trip')
    cross join lateral realtime_sync.fleet_partitions(m.relation, m.columns) p
    cross join lateral (
        select g.tgtype & 1 = 1, pg_catalog.quote_ident(g.tgname)
        from pg_catalog.pg_trigger g
        where g.tgrelid = m.relation and g.tgname ~ '^(00_realtime_tell_|zz_realtime_auto_offer)'
    ) t(each_row, name)
    where p.move and t.each_row = (p.far is null)
    union all
    select
        'warning', m.relation::text, 'who is connected does not hear of a change of it: its trigger realtime_replan is gone or disabled',
        coalesce(
            (
                select pg_catalog.format('alter table %s enable always trigger %I;', m.relation, g.tgname)
                from pg_catalog.pg_trigger g
                where g.tgrelid = m.relation and g.tgfoid = 'realtime_sync.fleet_replan()'::regprocedure and g.tgtype & 1 = 1
                limit 1
            ),
            pg_catalog.format('select * from realtime_sync.fleet_setup(%L);', m.schema)
        )
    from kit k
    join realtime_sync.fleet_map m on m.schema = k.schema and m.entity = 'transition'
    join pg_catalog.pg_class c on c.oid = m.relation
    join realtime_sync.fleet_object o on o.schema = k.schema and o.kind = 'trigger' and o.name = 'realtime_replan'
    where not exists (
        select from pg_catalog.pg_trigger g
        where g.tgrelid = m.relation and g.tgfoid = 'realtime_sync.fleet_replan()'::regprocedure and g.tgtype & 1 = 1
            and g.tgenabled = 'A'
    )
$function$;

revoke all on function realtime_sync.fleet_health() from public;

comment on function realtime_sync.fleet_health() is
    'Part of realtime_sync.health(): where the fleet kit''s functions look for names and whether they see their tables'' rows, and how these are partitioned.';
