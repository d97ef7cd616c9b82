-- Sources are made and given back: enable(), disable().

-- bytea holds JSON in UTF-8, whatever the database's encoding.
create function realtime_sync.set_source(relation regclass, arguments bytea, dry_run boolean) returns bytea
volatile parallel unsafe language c
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as 'MODULE_PATHNAME', 'set_source_wrapper';

create function realtime_sync.enable(
    relation regclass,
    operations text[] default null,
    topics text[] default null,
    columns text[] default null,
    exclude text[] default null,
    watch text[] default null,
    filter text default null,
    new_row text default null,
    old_row text default null,
    key_columns text[] default null,
    event_name text default null,
    status_columns text[] default null,
    numbers text default null,
    throttle interval default null,
    throttle_columns text[] default null,
    throttle_log text default null,
    coalesced boolean default null,
    replica_mode text default null,
    replica_identity text default null,
    publication text default null,
    dry_run boolean default false
) returns realtime_sync.source
volatile parallel unsafe language sql
set search_path = pg_catalog, pg_temp
as $function$
    select r
    from pg_catalog.jsonb_populate_record(
        null::realtime_sync.source,
        pg_catalog.convert_from(
            realtime_sync.set_source(
                enable.relation,
                pg_catalog.convert_to(
                    pg_catalog.jsonb_build_object(
                        'operations', enable.operations,
                        'topics', enable.topics,
                        'columns', enable.columns,
                        'exclude', enable.exclude,
                        'watch', enable.watch,
                        'filter', enable.filter,
                        'new_row', enable.new_row,
                        'old_row', enable.old_row,
                        'key_columns', enable.key_columns,
                        'event_name', enable.event_name,
                        'status_columns', enable.status_columns,
                        'numbers', enable.numbers,
                        'throttle', case when enable.throttle is not null then pg_catalog.jsonb_build_object(
                            'text', enable.throttle::text,
                            'months', (extract(year from enable.throttle) * 12 + extract(month from enable.throttle))::text,
                            'milliseconds', (extract(epoch from enable.throttle) * 1000)::text
                        ) end,
                        'throttle_columns', enable.throttle_columns,
                        'throttle_log', enable.throttle_log,
                        'coalesced', enable.coalesced,
                        'replica_mode', enable.replica_mode,
                        'replica_identity', enable.replica_identity,
                        'publication', enable.publication
                    )::text,
                    'UTF8'
                ),
                coalesce(enable.dry_run, false)
            ),
            'UTF8'
        )::jsonb
    ) as r
$function$;

create function realtime_sync.disable(relation regclass) returns boolean
volatile strict parallel unsafe language c
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as 'MODULE_PATHNAME', 'disable_wrapper';

create function realtime_sync.disable_all() returns bigint
volatile parallel unsafe language sql
set search_path = pg_catalog, pg_temp
as $function$
    with mine as materialized (
        select s.relation
        from realtime_sync.source s
        join pg_catalog.pg_class c on c.oid = s.relation
        where pg_catalog.pg_has_role(c.relowner, 'usage') and not pg_catalog.pg_is_other_temp_schema(c.relnamespace)
        order by s.relation
    )
    -- A table dropped while this waited for another's lock is none of the caller's any more. Asked of the catalog as it
    -- is then: the statement's snapshot still has it.
    select pg_catalog.count(*) filter (
        where case when pg_catalog.pg_table_is_visible(mine.relation) is not null then realtime_sync.disable(mine.relation) end
    )
    from mine
$function$;

revoke all on function realtime_sync.set_source(regclass, bytea, boolean) from public;
revoke all on function realtime_sync.enable(
    regclass, text[], text[], text[], text[], text[], text, text, text, text[], text, text[], text, interval, text[], text, boolean,
    text, text, text, boolean
) from public;
revoke all on function realtime_sync.disable(regclass) from public;
revoke all on function realtime_sync.disable_all() from public;

comment on function realtime_sync.set_source(regclass, bytea, boolean) is
    'What enable() does, with its other arguments as JSON in UTF-8. Gives the row of realtime_sync.source the same way.';
comment on function realtime_sync.enable(
    regclass, text[], text[], text[], text[], text[], text, text, text, text[], text, text[], text, interval, text[], text, boolean,
    text, text, text, boolean
) is
    'Makes a table a source, or gives a source other options; changes nothing and locks nothing if it has them already.';
comment on function realtime_sync.disable(regclass) is
    'Undoes what enable() did: triggers, replica identity, publication. False if there was nothing.';
comment on function realtime_sync.disable_all() is
    'disable() for every source the caller owns, but temporary tables of other sessions; gives their number.';
