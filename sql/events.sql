-- The log as its readers see it.

create function realtime_sync.native(
    id bigint, xid xid8, topics text[], event text, payload json, body json
) returns json
immutable parallel safe language c
as 'MODULE_PATHNAME', 'realtime_sync_native';

-- Not the operator ->, which decodes every escape of the whole body on its way: one \u0000 in a json
-- column anywhere would make any query of the view raise.
create function realtime_sync.member(body json, name text) returns json
immutable strict parallel safe language c
as 'MODULE_PATHNAME', 'realtime_sync_member';

-- {"a": 1, "b": {"c": "\u0000"}} as {"a": "1", "b": "{\"c\": \"\\u0000\"}"}: what reads a row by its names decodes all of
-- it, and this it can.
create function realtime_sync.texts("row" json) returns json
immutable strict parallel safe language c
as 'MODULE_PATHNAME', 'realtime_sync_texts';

-- Each column is an expression over body and not a join with json_to_record(), so that a query pays
-- only for the columns it names, and conditions on xid and id still reach the index.
create view realtime_sync.events with (security_invoker = true) as
select
    e.id,
    e.xid,
    e.at,
    case when e.event is null and e.payload is null
        then realtime_sync.member(e.body, 'type') #>> '{}' else 'MESSAGE' end as type,
    case when e.event is null and e.payload is null
        then realtime_sync.member(e.body, 'event') #>> '{}' else e.event end as event,
    realtime_sync.member(e.body, 'schema') #>> '{}' as schema,
    realtime_sync.member(e.body, 'table') #>> '{}' as "table",
    realtime_sync.member(e.body, 'leaf') #>> '{}' as leaf,
    e.topics,
    realtime_sync.member(e.body, 'key') as key,
    realtime_sync.member(e.body, 'new') as new,
    realtime_sync.member(e.body, 'old') as old,
    case when realtime_sync.member(e.body, 'changed') is not null
        then array(select json_array_elements_text(realtime_sync.member(e.body, 'changed'))) end as changed,
    realtime_sync.member(e.body, 'status') as status,
    (realtime_sync.member(e.body, 'timestamp') #>> '{}')::timestamptz as "timestamp",
    realtime_sync.member(e.body, 'actor') #>> '{}' as actor,
    realtime_sync.member(e.body, 'mutation_id') #>> '{}' as mutation_id,
    coalesce((realtime_sync.member(e.body, 'partial') #>> '{}')::boolean, false) as partial,
    e.payload,
    realtime_sync.native(e.id, e.xid, e.topics, e.event, e.payload, e.body) as native
from realtime_sync.event e;

-- A row's values as literals of the table's column types: {"is_online": "'true'::boolean"}. A domain's CHECK is
-- code of its owner's and would run as the caller, so a domain is read as the type it is of.
create function realtime_sync.literals(relation regclass, columns text[], "row" json) returns json
stable parallel restricted language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    texts json := realtime_sync.texts("row");
    query text;
    checked text;
    read text[];
    result json;
begin
    if columns = '{}' then
        return '{}';
    end if;
    with recursive part(attname, declared, type, typmod, whole) as (
        select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.atttypid, a.atttypmod, true
        from pg_catalog.pg_attribute a
        where a.attrelid = relation and a.attname = any (columns) and a.attnum > 0 and not a.attisdropped
        union
        select p.attname, p.declared, n.type, n.typmod, n.whole
        from part p
        join pg_catalog.pg_type t on t.oid = p.type
        cross join lateral (
            select t.typbasetype, t.typtypmod, p.whole where t.typtype = 'd'
            union all
            select t.typelem, -1, false where t.typelem <> 0
            union all
            select r.rngsubtype, -1, false from pg_catalog.pg_range r where t.oid in (r.rngtypid, r.rngmultitypid)
            union all
            select f.atttypid, f.atttypmod, false
            from pg_catalog.pg_attribute f
            where t.typtype = 'c' and f.attrelid = t.typrelid and f.attnum > 0 and not f.attisdropped
        ) n(type, typmod, whole)
    )
    select
        pg_catalog.format(
            'select pg_catalog.json_object(array[%s], array[%s]::text[]) from %s',
            pg_catalog.string_agg(pg_catalog.quote_literal(p.attname), ', ') filter (where t.read),
            -- %L gives the value in quotes, and NULL without. A json may hold what nothing decodes, and is as it was written.
            pg_catalog.string_agg(pg_catalog.format(
                'nullif(pg_catalog.format(''%%L'', %s), ''NULL'') || %L',
                pg_catalog.format(case when t.as_written then '$2 ->> %2$L' else 'r.%1$I' end, p.attname, p.attname), '::' || p.declared
            ), ', ') filter (where t.read),
            coalesce('pg_catalog.json_to_record($1) as r(' || pg_catalog.string_agg(
                pg_catalog.format('%I %s', p.attname, pg_catalog.format_type(p.type, p.typmod)), ', '
            ) filter (where t.read and not t.as_written) || ')', '(select) r')
        ),
        pg_catalog.array_agg(p.attname::text) filter (where t.read and not t.as_written),
        pg_catalog.min(pg_catalog.format('%I (%s)', p.attname, p.declared)) filter (
            where not p.whole and exists (select from pg_catalog.pg_constraint c where c.contypid = p.type and c.contype = 'c')
        )
    into query, read, checked
    from part p
    cross join lateral (
        select
            p.whole and not exists (select from pg_catalog.pg_type d where d.oid = p.type and d.typtype = 'd'),
            p.type = 'pg_catalog.json'::pg_catalog.regtype
    ) t(read, as_written);
    if checked is not null then
        raise feature_not_supported using
            message = pg_catalog.format('column %s of table %s has a domain with a check in its type', checked, relation),
            detail = 'To read its value would run the check, which is the code of the domain''s owner, as you.',
            hint = 'Undo it by hand; realtime_sync.events shows its old row.';
    end if;
    execute query into result using (
        select pg_catalog.json_object_agg(t.key, t.value::json) from pg_catalog.json_each_text(texts) t where t.key = any (read)
    ), texts;
    return result;
end
$function$;

-- PL/pgSQL because it puts SQL together and runs it: which columns the table has is known only then.
-- The settings make a literal mean the same wherever the patch is run.
create function realtime_sync.undo_patch(event bigint, xid xid8 default null) returns text
stable parallel restricted language plpgsql
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO, YMD'
set intervalstyle = 'iso_8601'
set timezone = 'UTC'
set extra_float_digits = 1
set bytea_output = 'hex'
as $function$
declare
    e record;
    relation regclass;
    needed text[];
    missing text[];
    key_columns text[];
    literals json;
    place text;
    assignments text;
    names text;
    row_values text;
begin
    -- The index begins with xid; without it the whole index is read.
    if undo_patch.xid is null then
        select v.* into e from realtime_sync.events v where v.id = undo_patch.event;
    else
        select v.* into e from realtime_sync.events v
        where v.xid = undo_patch.xid and v.id = undo_patch.event;
    end if;
    if not found then
        raise no_data_found using
            message = pg_catalog.format('no event %s', coalesce(undo_patch.event::text, 'null')),
            detail = 'It is not in the log, or no policy lets you read it.',
            hint = 'Events go with realtime_sync.retention; select * from realtime_sync.events shows those you may read.';
    end if;

    if e.type not in ('INSERT', 'UPDATE', 'DELETE') then
        raise feature_not_supported using
            message = pg_catalog.format('event %s is a %s, which cannot be undone', e.id, e.type),
            detail = case e.type
                when 'TRUNCATE' then 'A TRUNCATE does not tell which rows there were.'
                when 'LEAVE' then 'It tells a topic that a row has left it; the row was changed by an UPDATE event of the same transaction.'
                else 'It changed no table.'
            end,
            hint = case e.type
                when 'TRUNCATE' then 'Restore the rows from a backup, or one by one from their last events.'
                when 'LEAVE' then 'Undo that UPDATE.'
                else 'Only INSERT, UPDATE and DELETE events can be undone.'
            end;
    end if;
    if e.partial then
        raise object_not_in_prerequisite_state using
            message = pg_catalog.format('event %s is partial', e.id),
            detail = 'It was larger than realtime_sync.max_event_size, so the log does not have all of it.',
            hint = 'Raise realtime_sync.max_event_size, or leave wide columns out with enable(..., exclude => ...), before the next change.';
    end if;

    relation := pg_catalog.to_regclass(pg_catalog.format('%I.%I', e.schema, e."table"));
    if relation is null then
        raise undefined_table using
            message = pg_catalog.format('table %I.%I of event %s does not exist', e.schema, e."table", e.id),
            hint = 'It was renamed or dropped since. The event is still in realtime_sync.events.';
    end if;

    if e.type <> 'DELETE' and e.key is null then
        raise object_not_in_prerequisite_state using
            message = pg_catalog.format('event %s has no key', e.id),
            detail = 'Without a key there is no telling which row to mend.',
            hint = pg_catalog.format('Give %s a primary key, or enable() it with key_columns.', relation);
    end if;

    -- What the patch has to say: the key, and the columns to give back.
    needed := case e.type
        when 'UPDATE' then coalesce(e.changed, '{}')
        when 'DELETE' then array(
            select a.attname::text from pg_catalog.pg_attribute a
            where a.attrelid = relation and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
            order by a.attnum
        )
        else '{}'
    end;
    missing := array(
        select pg_catalog.unnest(needed)
        except all
        select pg_catalog.json_object_keys(realtime_sync.texts(e.old))
    );
    if missing <> '{}' then
        raise object_not_in_prerequisite_state using
            message = pg_catalog.format('event %s does not have the whole old row', e.id),
            detail = pg_catalog.format('Missing: %s.', pg_catalog.array_to_string(missing, ', ')),
            hint = pg_catalog.format(
                'enable(%L, old_row => ''full'') records whole old rows from then on; a column added since, or one excluded, has no old value.',
                relation
            );
    end if;
    missing := array(
        select n.name
        from (
            select pg_catalog.unnest(needed) as name
            union
            select pg_catalog.json_object_keys(realtime_sync.texts(case when e.type = 'DELETE' then e.old else e.key end))
        ) n
        where not exists (
            select from pg_catalog.pg_attribute a
            where a.attrelid = relation and a.attname = n.name and a.attnum > 0 and not a.attisdropped
        )
        order by n.name
    );
    if missing <> '{}' then
        raise undefined_column using
            message = pg_catalog.format('table %s no longer has a column of event %s', relation, e.id),
            detail = pg_catalog.format('Gone: %s.', pg_catalog.array_to_string(missing, ', ')),
            hint = 'Undo it by hand; realtime_sync.events shows its old row.';
    end if;

    -- Where an UPDATE changed the key, the row now has the new one.
    if e.type <> 'DELETE' then
        key_columns := array(select pg_catalog.json_object_keys(realtime_sync.texts(e.key)));
        literals := realtime_sync.literals(
            relation, key_columns,
            case when array(select pg_catalog.json_object_keys(realtime_sync.texts(e.new))) @> key_columns then e.new else e.key end
        );
        select pg_catalog.string_agg(
            case when l.value is null then pg_catalog.format('%I is null', l.key)
                else pg_catalog.format('%I = %s', l.key, l.value) end,
            ' and ' order by a.attnum
        )
        into place
        from pg_catalog.json_each_text(literals) l
        join pg_catalog.pg_attribute a on a.attrelid = relation and a.attname = l.key;
    end if;
    if e.type = 'INSERT' then
        return pg_catalog.format('delete from %s where %s;', relation, place);
    end if;

    literals := realtime_sync.literals(relation, needed, e.old);
    select
        pg_catalog.string_agg(
            pg_catalog.format('%I = %s', a.attname, coalesce(l.value, 'null')), ', ' order by a.attnum
        ),
        pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum),
        pg_catalog.string_agg(coalesce(l.value, 'null'), ', ' order by a.attnum)
    into assignments, names, row_values
    from pg_catalog.json_each_text(literals) l
    join pg_catalog.pg_attribute a on a.attrelid = relation and a.attname = l.key
    where a.attgenerated = '';
    if e.type = 'UPDATE' then
        if assignments is null then
            return null;
        end if;
        return pg_catalog.format('update %s set %s where %s;', relation, assignments, place);
    end if;
    return pg_catalog.format(
        'insert into %s (%s)%s values (%s);', relation, names,
        case when exists (
            select from pg_catalog.pg_attribute a
            where a.attrelid = relation and a.attidentity = 'a' and not a.attisdropped
        ) then ' overriding system value' else '' end,
        row_values
    );
end
$function$;

revoke all on function realtime_sync.member(json, text) from public;
revoke all on function realtime_sync.texts(json) from public;
revoke all on function realtime_sync.native(bigint, xid8, text[], text, json, json) from public;
revoke all on function realtime_sync.literals(regclass, text[], json) from public;
revoke all on function realtime_sync.undo_patch(bigint, xid8) from public;
revoke all on table realtime_sync.events from public;

comment on function realtime_sync.member(json, text) is
    'A member of an event''s body as it is written there, or null. Unlike the operator -> it decodes nothing, so no escape makes it raise.';
comment on function realtime_sync.texts(json) is
    'Part of realtime_sync.undo_patch(): a row with each value as the text it is written in.';
comment on function realtime_sync.native(bigint, xid8, text[], text, json, json) is
    'A row of the log as the event its listeners get, in the native dialect.';
comment on function realtime_sync.literals(regclass, text[], json) is
    'Part of realtime_sync.undo_patch(): values of a row in JSON as SQL literals of a table''s column types.';
comment on function realtime_sync.undo_patch(bigint, xid8) is
    'The SQL statement that undoes an event on its table, for you to read and run; null where the event changed nothing. Give the event''s xid too, and a large log is searched by its index.';
comment on view realtime_sync.events is
    'The event log decoded, under the policies on realtime_sync.event. native is the whole event as listeners get it.';
comment on column realtime_sync.events.id is
    'Grows in the order of capture within a transaction; unique. Not the order of commits: do not poll with id > last.';
comment on column realtime_sync.events.xid is
    'The top-level transaction. A condition on it uses the log''s index.';
comment on column realtime_sync.events.at is
    'The time of the statement.';
comment on column realtime_sync.events.type is
    'INSERT, UPDATE, DELETE, TRUNCATE, LEAVE or MESSAGE.';
comment on column realtime_sync.events.event is
    'status_change, else the event_name of the source, else the type; of a message, its name.';
comment on column realtime_sync.events.leaf is
    'The partition the row is in, where the source is a partitioned table.';
comment on column realtime_sync.events.topics is
    'Who it is for.';
comment on column realtime_sync.events.key is
    'The key of the row; null of TRUNCATE and MESSAGE.';
comment on column realtime_sync.events.new is
    'The row after the change.';
comment on column realtime_sync.events.old is
    'The row before the change: by default its key and what changed.';
comment on column realtime_sync.events.changed is
    'Of an UPDATE, the columns that have another value.';
comment on column realtime_sync.events.status is
    'Of a status_change, {"column", "from", "to"}.';
comment on column realtime_sync.events.actor is
    'Who made the change: advisory, any session may set it.';
comment on column realtime_sync.events.mutation_id is
    'What the client called its change, so that it knows its echo.';
comment on column realtime_sync.events.partial is
    'Whether columns are missing, because the event was too large or a value could not be written.';
comment on column realtime_sync.events.payload is
    'Of a message, what send() was given.';
comment on column realtime_sync.events.native is
    'The whole event as listeners get it.';
