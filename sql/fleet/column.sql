-- Which columns of a table could be what the kit calls so: by name, type, primary and foreign keys.

-- The only column of the primary key.
create function realtime_sync.fleet_key(relation regclass) returns name
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select a.attname
    from pg_catalog.pg_index i
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = fleet_key.relation and i.indisprimary and i.indnkeyatts = 1;
end;

-- How many characters a column takes; null where nothing limits them.
create function realtime_sync.fleet_room(relation regclass, "column" name) returns integer
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    with recursive type(oid, typmod) as (
        select a.atttypid, a.atttypmod
        from pg_catalog.pg_attribute a
        where a.attrelid = fleet_room.relation and a.attname = fleet_room."column" and not a.attisdropped
        union all
        select t.typbasetype, t.typtypmod
        from type
        join pg_catalog.pg_type t on t.oid = type.oid
        where t.typbasetype <> 0
    )
    select pg_catalog.min(type.typmod - 4)
    from type
    where type.oid in ('pg_catalog.bpchar'::regtype, 'pg_catalog.varchar'::regtype) and type.typmod >= 4;
end;

-- The foreign keys of one column.
create function realtime_sync.fleet_references(relation regclass)
returns table ("column" name, target regclass, target_column name)
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select a.attname, c.confrelid::regclass, b.attname
    from pg_catalog.pg_constraint c
    join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    join pg_catalog.pg_attribute b on b.attrelid = c.confrelid and b.attnum = c.confkey[1]
    where c.conrelid = fleet_references.relation
        and c.contype = 'f'
        and c.conparentid = 0
        and pg_catalog.cardinality(c.conkey) = 1;
end;

-- The columns that could be what the kit calls so, of the best rank that any has.
create function realtime_sync.fleet_columns(schema name, entity text, relation regclass)
returns table ("column" text, candidates name[])
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    with attribute as (
        select a.attname as name, a.atttypid as type, realtime_sync.fleet_class(a.atttypid) as class, a.attgenerated = 'v' as virtual
        from pg_catalog.pg_attribute a
        where a.attrelid = fleet_columns.relation and a.attnum > 0 and not a.attisdropped
    ),
    driver as (
        select m.relation, m.columns ->> 'id' as key, a.atttypid as type
        from realtime_sync.fleet_map m
        join pg_catalog.pg_attribute a on a.attrelid = m.relation and a.attname = (m.columns ->> 'id')
        where m.schema = fleet_columns.schema and m.entity = 'driver'
    ),
    fitting as (
        select 'id' as "column", 1 as rank, a.name
        from attribute a
        where a.name = realtime_sync.fleet_key(fleet_columns.relation)
        union all
        select w."column", w.rank, a.name
        from realtime_sync.fleet_word w
        join attribute a on a.class = any (w.types) and realtime_sync.fleet_fits(a.name, w.names)
        where w.entity = fleet_columns.entity
            and w."column" is not null
            -- There is no index on what is not stored.
            and not (a.virtual and w."column" in ('lat', 'lng', 'point', 'geography'))
            -- What the key is called says nothing of whose login it is.
            and a.name is distinct from realtime_sync.fleet_key(fleet_columns.relation)
            and not (
                w."column" = 'passenger' and exists (
                    select from realtime_sync.fleet_references(fleet_columns.relation) r
                    join driver d on d.relation = r.target
                    where r."column" = a.name
                )
            )
        union all
        -- The driver: a foreign key to the drivers, or to what the drivers' own key refers to; by its name alone only
        -- where there is no foreign key that says otherwise.
        select 'driver', case when r.target is null then 3 when named.fits then 1 else 2 end, a.name
        from attribute a
        cross join driver d
        cross join lateral (
            select realtime_sync.fleet_fits(a.name, '(driver|courier|captain|chauffeur|rider|deliverer|delivery_(driver|person|partner|agent|man|boy))(_?id)?')
        ) named(fits)
        left join realtime_sync.fleet_references(fleet_columns.relation) r on r."column" = a.name
        where fleet_columns.entity in ('trip', 'wallet', 'telemetry')
            and (
                r.target = d.relation and r.target_column = d.key
                or exists (
                    select from realtime_sync.fleet_references(d.relation) o
                    where o."column" = d.key and o.target = r.target and o.target_column = r.target_column and named.fits
                )
                or r.target is null and named.fits and a.type = d.type
                    and not (fleet_columns.entity = 'trip' and realtime_sync.fleet_fits(a.name, 'rider(_?id)?'))
            )
    )
    select f."column", pg_catalog.array_agg(f.name order by f.name)
    from fitting f
    where f.rank = (select pg_catalog.min(o.rank) from fitting o where o."column" = f."column")
    group by f."column";
end;

revoke all on function realtime_sync.fleet_key(regclass) from public;
revoke all on function realtime_sync.fleet_room(regclass, name) from public;
revoke all on function realtime_sync.fleet_references(regclass) from public;
revoke all on function realtime_sync.fleet_columns(name, text, regclass) from public;

comment on function realtime_sync.fleet_key(regclass) is
    'Part of realtime_sync.fleet_setup(): the column of the primary key, if it is one.';
comment on function realtime_sync.fleet_room(regclass, name) is
    'Part of realtime_sync.fleet_setup(): how many characters a column takes; null: any.';
comment on function realtime_sync.fleet_references(regclass) is
    'Part of realtime_sync.fleet_setup(): foreign keys of one column.';
comment on function realtime_sync.fleet_columns(name, text, regclass) is
    'Part of realtime_sync.fleet_setup(): which columns of a table could be what the kit calls so; several: it asks.';
