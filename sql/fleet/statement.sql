-- The statements with which an object of the kit is made and dropped.

create function realtime_sync.fleet_array(elements text[]) returns text
immutable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select 'array[' || nullif(pg_catalog.string_agg(pg_catalog.quote_literal(e.element), ', ' order by e.place), '') || ']'
    from pg_catalog.unnest(elements) with ordinality e(element, place)
    where e.element is not null;
end;

-- What a kind of object of that name is made with, in the app's own names; of a source, enable().
create function realtime_sync.fleet_sql(schema name, kind text, name text) returns text
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select case
        when fleet_sql.kind = 'source' then (
            select pg_catalog.format(
                'select realtime_sync.enable(%s)',
                pg_catalog.array_to_string(
                    array[
                        pg_catalog.quote_literal(m.relation),
                        'topics => ' || realtime_sync.fleet_array(case m.entity
                            when 'driver' then array['drivers', 'driver:' || c.id]
                            when 'trip' then array['trip:' || c.id, 'driver:' || c.driver, 'passenger:' || c.passenger]
                            else array['driver:' || c.driver]
                        end),
                        -- A log: rows that retention deletes are no news to anybody.
                        case m.entity when 'telemetry' then 'operations => array[''insert'']' end,
                        'status_columns => ' || realtime_sync.fleet_array(case when m.entity in ('driver', 'trip')
                            then array[m.columns ->> 'online', m.columns ->> 'status'] end),
                        'exclude => ' || realtime_sync.fleet_array(array(
                            select a.attname::text
                            from realtime_sync.fleet_word w
                            join pg_catalog.pg_attribute a on realtime_sync.fleet_fits(a.attname, w.names)
                            where w.entity = 'secret'
                                and a.attrelid = m.relation and a.attnum > 0 and not a.attisdropped
                                and not exists (select from pg_catalog.jsonb_each_text(m.columns) k where k.value = a.attname)
                            order by a.attnum
                        )),
                        'throttle => ' || (
                            select pg_catalog.quote_literal(nullif(pg_catalog.trim_scale(coalesce(pg_catalog.max(l.place_seconds), 5)), 0) || ' s')
                            from realtime_sync.fleet_limit l
                            where l.schema = fleet_sql.schema
                        ) || ', throttle_columns => ' || realtime_sync.fleet_array(
                            case when m.entity = 'driver' and m.columns ?| '{lat,point,geography}' then array(
                                select k.value
                                from pg_catalog.unnest(array[
                                    'lat', 'lng', 'point', 'geography', 'heading', 'speed', 'accuracy', 'location_at',
                                    'last_seen', 'updated_at'
                                ]) with ordinality l(name, place)
                                join pg_catalog.jsonb_each_text(m.columns) k on k.key = l.name
                                where k.value is not null
                                order by l.place
                            ) end
                        )
                    ],
                    ', '
                )
            )
            from realtime_sync.fleet_map m
            cross join lateral (
                select
                    -- These three words and no column are meant without quotes.
                    pg_catalog.max(case when k.value in ('key', 'table', 'schema') then '{"' || k.value || '"}'
                        else '{' || k.value || '}' end) filter (where k.key = 'id'),
                    pg_catalog.max('{' || k.value || '}') filter (where k.key = 'driver'),
                    pg_catalog.max('{' || k.value || '}') filter (where k.key = 'passenger')
                from pg_catalog.jsonb_each_text(m.columns) k
            ) c(id, driver, passenger)
            where m.schema = fleet_sql.schema and m.entity = fleet_sql.name
        )
        else (
            -- Nothing is replaced, nothing passed over.
            select pg_catalog.regexp_replace(
                pg_catalog.regexp_replace(
                    pg_catalog.btrim(realtime_sync.fleet_expand(fleet_sql.schema, t.template), E' \n;'),
                    '^create\s+or\s+replace\s', 'create '
                ),
                '^(create\s+[a-z ]+?)\s+if\s+not\s+exists\s', '\1 '
            )
            from realtime_sync.fleet_template t
            where t.kind = fleet_sql.kind and t.name = fleet_sql.name
        )
    end;
end;

-- Who would get a new object's privileges unasked: PUBLIC, and what the owner's default privileges say; not
-- roles that row-level security does not hold, which are the back end.
create function realtime_sync.fleet_strangers(schema name, type "char") returns text
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select pg_catalog.concat_ws(', ', 'public', pg_catalog.string_agg(g.name, ', ' order by g.name))
    from (
        select distinct pg_catalog.quote_ident(r.rolname) as name
        from pg_catalog.pg_default_acl d
        cross join lateral pg_catalog.aclexplode(d.defaclacl) a
        join pg_catalog.pg_roles r on r.oid = a.grantee
        where d.defaclrole = (select u.oid from pg_catalog.pg_roles u where u.rolname = current_user)
            and d.defaclobjtype = fleet_strangers.type
            and d.defaclnamespace in (0, pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_strangers.schema)))
            and r.rolname <> current_user
            and not r.rolbypassrls and not r.rolsuper
    ) g;
end;

create function realtime_sync.fleet_undo(object realtime_sync.fleet_object) returns text
stable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select case object.kind
        when 'trigger' then pg_catalog.format('drop trigger %I on %s', object.actual, object.relation)
        when 'policy' then pg_catalog.format('drop policy %I on %s', object.actual, object.relation)
        when 'source' then pg_catalog.format('select realtime_sync.disable(%L)', object.relation)
        when 'index' then (
            select pg_catalog.format('drop index %s', i.indexrelid::regclass)
            from pg_catalog.pg_index i
            join pg_catalog.pg_class c on c.oid = i.indexrelid
            where i.indrelid = object.relation and c.relname = object.actual
        )
        when 'timer' then (
            -- Timers of that name may be others' too.
            select case
                when u.undo ~ 'drop_timer\(' then pg_catalog.format(
                    '%s, %L)', pg_catalog.rtrim(u.undo, ') '), pg_catalog.quote_ident(object.owner)
                )
                else u.undo
            end
            from realtime_sync.fleet_template t
            cross join lateral (select realtime_sync.fleet_expand(object.schema, t.undo)) u(undo)
            where t.name = object.name
        )
        else pg_catalog.format('drop %s %I.%I', object.kind, object.schema, object.actual)
    end;
end;

revoke all on function realtime_sync.fleet_array(text[]) from public;
revoke all on function realtime_sync.fleet_sql(name, text, text) from public;
revoke all on function realtime_sync.fleet_strangers(name, "char") from public;
revoke all on function realtime_sync.fleet_undo(realtime_sync.fleet_object) from public;

comment on function realtime_sync.fleet_array(text[]) is
    'Part of realtime_sync.fleet_setup(): an array as SQL.';
comment on function realtime_sync.fleet_sql(name, text, text) is
    'Part of realtime_sync.fleet_setup(): the SQL that makes an object.';
comment on function realtime_sync.fleet_strangers(name, "char") is
    'Part of realtime_sync.fleet_setup(): whom a new object''s privileges are taken from.';
comment on function realtime_sync.fleet_undo(realtime_sync.fleet_object) is
    'Part of realtime_sync.fleet_remove(): the statement that drops an object.';
