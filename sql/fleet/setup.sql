-- fleet_setup(): an app's tables found and mapped, what is missing made, and the kit written into the app's
-- schema, each step told with its SQL; fleet_remove() undoes it.

-- How apps name these things. A name is compared without capitals and underscores, so that driver_id,
-- "driverId" and driverid are one. The lowest rank that fits counts; two that fit equally well are asked
-- about. Of a table the rank 9 is always asked about: a rider carries parcels in one app and rides in another.
create table realtime_sync.fleet_word (
    entity text not null,
    -- Null: the table itself.
    "column" text,
    rank integer not null,
    -- A regular expression for the whole name.
    names text not null,
    -- What its type may be; see fleet_class().
    types text[]
);

insert into realtime_sync.fleet_word (entity, "column", rank, names, types) values
('driver', null, 1, '(tbl_?)?(drivers?|couriers?|captains?|chauffeurs?|deliverers?|cabbies|cab_?drivers?|taxi_?drivers?|delivery_(drivers?|persons?|people|partners?|agents?|m[ae]n|boys?))', null),
('driver', null, 2, '(driver|courier|captain)_?(profile|detail|account|info)s?', null),
('driver', null, 9, 'riders?|rider_?profiles?', null),
('trip', null, 1, '(tbl_?)?(trips?|rides?)', null),
('trip', null, 2, 'bookings?|deliver(y|ies)|(parcel_?)?(ride|trip|delivery)_?(requests?|orders?|bookings?)|parcels?', null),
('trip', null, 3, 'orders?|jobs?|shipments?|errands?', null),
('passenger', null, 1, '(tbl_?)?(passengers?|riders?)', null),
('passenger', null, 2, 'customers?|clients?|consumers?', null),
('passenger', null, 3, '(passenger|rider|customer)_?profiles?', null),
('wallet', null, 1, '(driver|courier|captain)_?(wallet|balance)s?', null),
('wallet', null, 2, 'wallets?|balances?|(driver|courier|captain)_?accounts?', null),
('telemetry', null, 1, '(driver_?)?telemetr(y|ies)|(driver_?)?telemetry_?(log|event)s?', null),
('telemetry', null, 2, '(driver|courier|captain)_?(log|event|activit)(y|ies|s)?(_?logs?)?', null),

('driver', 'login', 1, '(auth_?)?user_?id|auth_?id|auth_?uid|login_?id|account_?id|firebase_?uid|uid|sub', '{uuid,number,text}'),
('driver', 'login', 2, 'profile_?id', '{uuid,number,text}'),
('driver', 'name', 1, 'name|full_?name|display_?name|driver_?name', '{text}'),
('driver', 'phone', 1, 'phone|phone_?number|mobile|mobile_?number|phone_?no', '{text}'),
('driver', 'vehicle', 1, 'vehicle|vehicle_?(plate|number|no|reg|registration)|license_?plate|plate_?number|car_?(number|plate)', '{text}'),
('driver', 'vehicle', 2, 'vehicle_?(model|name)|car_?(model|name)', '{text}'),
('driver', 'vehicle_class', 1, 'vehicle_?(class|type|category)|car_?(class|type)', '{text}'),
('driver', 'rating', 1, 'rating|driver_?rating|(avg|average)_?rating|rating_?(avg|average)', '{number}'),
('driver', 'online', 1, '(is_?)?(currently_?)?online', '{bool}'),
('driver', 'online', 2, '(is_?)?available|(is_?)?on_?duty', '{bool}'),
('driver', 'status', 1, 'status|(driver|courier)_?status|availability(_?status)?|online_?status|current_?status', '{text}'),
('driver', 'status', 2, 'state', '{text}'),
('driver', 'lat', 1, '(current_?|cur_?|last_?(known_?)?|location_?|loc_?|position_?)?(lat|latitude)', '{number}'),
('driver', 'lng', 1, '(current_?|cur_?|last_?(known_?)?|location_?|loc_?|position_?)?(lng|lon|long|longitude)', '{number}'),
('driver', 'point', 1, '(current_?|cur_?|last_?(known_?)?|driver_?)?(location|position|coords|coordinates|point|geo|geom|loc|lnglat)', '{point}'),
('driver', 'geography', 1, '(current_?|cur_?|last_?(known_?)?|driver_?)?(location|position|coords|coordinates|point|geo|geom|geog|geography|loc)', '{geo}'),
('driver', 'heading', 1, '(current_?|last_?)?(heading|bearing)', '{number}'),
('driver', 'speed', 1, '(current_?|last_?)?speed', '{number}'),
('driver', 'accuracy', 1, '(location_?|gps_?)?accuracy', '{number}'),
('driver', 'location_at', 1, '(last_?)?(location|position)_?(updated?_?)?(at|time|update|updated)|location_?timestamp', '{time}'),
('driver', 'last_seen', 1, 'last_?(seen|active|online|ping|heartbeat)(_?at)?', '{time}'),
('driver', 'updated_at', 1, 'updated_?(at|on)|last_?updated(_?at)?|modified_?at', '{time}'),
('driver', 'created_at', 1, 'created_?(at|on)|registered_?at', '{time}'),

('trip', 'passenger', 1, '(passenger|rider|customer|client|consumer)(_?id)?', '{uuid,number,text}'),
('trip', 'passenger', 2, 'user_?id', '{uuid,number,text}'),
('trip', 'status', 1, 'status|(trip|ride|booking|order|delivery|request)_?status', '{text}'),
('trip', 'status', 2, 'state', '{text}'),
('trip', 'pickup_lat', 1, '(pick_?up|origin|start|from|source)_?(location_?|point_?)?(lat|latitude)', '{number}'),
('trip', 'pickup_lng', 1, '(pick_?up|origin|start|from|source)_?(location_?|point_?)?(lng|lon|long|longitude)', '{number}'),
('trip', 'pickup_address', 1, '(pick_?up|origin|start|from|source)_?(address|location|place)', '{text}'),
('trip', 'pickup_address', 2, 'pick_?up|origin|source', '{text}'),
('trip', 'dropoff_lat', 1, '(drop_?off|drop|destination|dest|end|to|delivery)_?(location_?|point_?)?(lat|latitude)', '{number}'),
('trip', 'dropoff_lng', 1, '(drop_?off|drop|destination|dest|end|to|delivery)_?(location_?|point_?)?(lng|lon|long|longitude)', '{number}'),
('trip', 'dropoff_address', 1, '(drop_?off|drop|destination|dest|end|to|delivery)_?(address|location|place)', '{text}'),
('trip', 'dropoff_address', 2, 'drop_?off|destination', '{text}'),
('trip', 'fare', 1, '(final_?|total_?|actual_?)?(fare|price)(_?amount)?', '{number}'),
('trip', 'fare', 2, '(total_?)?amount|total|(delivery_?|trip_?|ride_?)?cost', '{number}'),
('trip', 'fare', 3, 'estimated_?(fare|price)', '{number}'),
('trip', 'earnings', 1, '(driver_?)?(earnings?|payout|share)(_?amount)?', '{number}'),
('trip', 'vehicle_class', 1, 'vehicle_?(class|type|category)|car_?(class|type)|ride_?type', '{text}'),
('trip', 'created_at', 1, 'created_?(at|on)', '{time}'),
('trip', 'created_at', 2, '(requested|booked|ordered)_?(at|time)|request_?time|booking_?time', '{time}'),
('trip', 'accepted_at', 1, '(accepted|assigned)_?(at|time)', '{time}'),
('trip', 'started_at', 1, '(started|picked_?up)_?(at|time)|start_?time|pick_?up_?time', '{time}'),
('trip', 'completed_at', 1, '(completed|ended|finished|delivered|dropped_?off)_?(at|time)|end_?time|drop_?off_?time|completion_?time', '{time}'),
('trip', 'canceled_at', 1, 'cancell?ed_?(at|time)', '{time}'),
('trip', 'rating', 1, 'driver_?rating|rating', '{number}'),
('trip', 'updated_at', 1, 'updated_?(at|on)', '{time}'),

('passenger', 'login', 1, '(auth_?)?user_?id|auth_?id|auth_?uid|login_?id|account_?id|firebase_?uid|uid|sub', '{uuid,number,text}'),
('passenger', 'name', 1, 'name|full_?name|display_?name', '{text}'),

('wallet', 'balance', 1, 'balance|(current|available|wallet)_?balance', '{number}'),
('wallet', 'balance', 2, 'amount', '{number}'),
('wallet', 'currency', 1, 'currency(_?code)?', '{text}'),
('wallet', 'updated_at', 1, 'updated_?(at|on)', '{time}'),

('telemetry', 'type', 1, '(event_?|log_?|activity_?)?type|event|kind|event_?name', '{text}'),
('telemetry', 'message', 1, 'message|description|details?|text|note', '{text}'),
('telemetry', 'meta', 1, 'meta|meta_?data|data|payload|details|context|extra', '{json}'),
('telemetry', 'created_at', 1, 'created_?(at|on)|logged_?at|recorded_?at|occurred_?at|timestamp|event_?time', '{time}'),

-- What no event should carry, of any table.
('secret', null, 1, '.*password.*|.*passwd.*|.*secret.*|.*token|salt|pin(_?code)?|otp.*|.*_?otp|api_?key|ssn|national_?id|two_?factor.*', null);

-- In one spelling.
create function realtime_sync.fleet_squash(name text) returns text
immutable strict language sql
set search_path = ''
begin atomic
    select pg_catalog.lower(pg_catalog.replace(name, '_', ''));
end;

create function realtime_sync.fleet_fits(name text, names text) returns boolean
immutable strict language sql
set search_path = ''
begin atomic
    select realtime_sync.fleet_squash(name)
        operator(pg_catalog.~) ('^(' || pg_catalog.replace(pg_catalog.replace(names, '_?', ''), '_', '') || ')$');
end;

-- bool, number, text, time, json, uuid, point, geo (PostGIS), or the type's name.
create function realtime_sync.fleet_class(type oid) returns text
stable strict language sql
set search_path = ''
begin atomic
    select case
        when b.typname in ('geography', 'geometry') then 'geo'
        when b.typname in ('uuid', 'point') then b.typname
        when b.typname in ('json', 'jsonb') then 'json'
        when b.typname in ('timestamptz', 'timestamp') then 'time'
        when b.typcategory = 'B' then 'bool'
        when b.typcategory = 'N' then 'number'
        when b.typcategory in ('S', 'E') then 'text'
        else b.typname
    end
    from pg_catalog.pg_type t
    join pg_catalog.pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
    where t.oid = fleet_class.type;
end;

-- The only column of the primary key.
create function realtime_sync.fleet_key(relation regclass) returns name
stable strict language sql
set search_path = ''
begin atomic
    select a.attname
    from pg_catalog.pg_index i
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = fleet_key.relation and i.indisprimary and i.indnkeyatts = 1;
end;

-- The foreign keys of one column.
create function realtime_sync.fleet_references(relation regclass)
returns table ("column" name, target regclass, target_column name)
stable strict language sql
set search_path = ''
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
set search_path = ''
begin atomic
    with attribute as (
        select a.attname as name, a.atttypid as type, realtime_sync.fleet_class(a.atttypid) as class
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

-- What a template needs and the map lacks.
create function realtime_sync.fleet_lacks(schema name, needs text[]) returns text[]
stable strict language sql
set search_path = ''
begin atomic
    select coalesce(pg_catalog.array_agg(n.need order by n.place), '{}')
    from pg_catalog.unnest(fleet_lacks.needs) with ordinality n(need, place)
    where not exists (
        select
        from realtime_sync.fleet_map m
        join pg_catalog.pg_class c on c.oid = m.relation
        where m.schema = fleet_lacks.schema
            and m.entity = pg_catalog.split_part(n.need, '.', 1)
            and (
                n.need !~ '\.'
                or exists (
                    select from pg_catalog.pg_attribute a
                    where a.attrelid = m.relation
                        and a.attname = (m.columns ->> pg_catalog.split_part(n.need, '.', 2))
                        and not a.attisdropped
                )
            )
    );
end;

create function realtime_sync.fleet_stands(object realtime_sync.fleet_object) returns boolean
stable strict language sql
set search_path = ''
begin atomic
    select case object.kind
        when 'function' then exists (
            select from pg_catalog.pg_proc p
            where p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(object.schema)) and p.proname = object.actual
        )
        when 'trigger' then exists (
            select from pg_catalog.pg_trigger t where t.tgrelid = object.relation and t.tgname = object.actual
        )
        when 'policy' then exists (
            select from pg_catalog.pg_policy p where p.polrelid = object.relation and p.polname = object.actual
        )
        when 'source' then exists (
            select from pg_catalog.pg_trigger t
            where t.tgrelid = object.relation and t.tgfoid = 'realtime_sync.capture()'::regprocedure
        )
        when 'index' then exists (
            select
            from pg_catalog.pg_index i
            join pg_catalog.pg_class c on c.oid = i.indexrelid
            where i.indrelid = object.relation and c.relname = object.actual
        )
        when 'timer' then true
        else pg_catalog.to_regclass(pg_catalog.format('%I.%I', object.schema, object.actual)) is not null
    end;
end;

-- Whoever notes an object says what fleet_remove() will drop, so it has to be his own.
create function realtime_sync.fleet_owns(object realtime_sync.fleet_object) returns boolean
stable strict language sql
set search_path = ''
begin atomic
    select coalesce(
        (
            select pg_catalog.bool_and(pg_catalog.pg_has_role(x.owner, 'usage'))
            from (
                select p.proowner
                from pg_catalog.pg_proc p
                where object.kind = 'function'
                    and p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(object.schema))
                    and p.proname = object.actual
                union all
                select c.relowner
                from pg_catalog.pg_class c
                where case
                    when object.kind in ('table', 'view')
                        then c.oid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', object.schema, object.actual))
                    else c.oid = object.relation
                end
            ) x(owner)
        ),
        pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(object.schema)), 'create')
    );
end;

create function realtime_sync.fleet_undo(object realtime_sync.fleet_object) returns text
stable strict language sql
set search_path = ''
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
            select realtime_sync.fleet_expand(object.schema, t.undo)
            from realtime_sync.fleet_template t
            where t.name = object.name
        )
        else pg_catalog.format('drop %s %I.%I', object.kind, object.schema, object.actual)
    end;
end;

-- The passengers are only read; what is followed is changed.
create function realtime_sync.fleet_may_map(entity text, relation regclass) returns boolean
stable strict language sql
set search_path = ''
begin atomic
    select pg_catalog.pg_has_role(c.relowner, 'usage')
        or fleet_may_map.entity = 'passenger' and pg_catalog.has_table_privilege(c.oid, 'select')
    from pg_catalog.pg_class c
    where c.oid = fleet_may_map.relation;
end;

alter table realtime_sync.fleet_map enable row level security;
create policy fleet_read on realtime_sync.fleet_map for select using (true);
create policy fleet_write on realtime_sync.fleet_map using (
    coalesce(
        (select realtime_sync.fleet_may_map(entity, c.oid) from pg_catalog.pg_class c where c.oid = relation),
        pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)), 'create')
    )
);
alter table realtime_sync.fleet_object enable row level security;
create policy fleet_read on realtime_sync.fleet_object for select using (true);
create policy fleet_write on realtime_sync.fleet_object using (realtime_sync.fleet_owns(fleet_object));

-- The last statement of each step: notes what was made, so that it can be told from the app's own and undone.
create function realtime_sync.fleet_note(schema name, kind text, name text, actual name, relation regclass default null)
returns void
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
declare
    object realtime_sync.fleet_object;
begin
    object.schema := fleet_note.schema;
    object.kind := fleet_note.kind;
    object.name := fleet_note.name;
    object.actual := fleet_note.actual;
    object.relation := fleet_note.relation;
    object.made := '';
    if not realtime_sync.fleet_stands(object) then
        raise undefined_object using
            message = pg_catalog.format('%s %I of schema %I does not exist', kind, actual, schema),
            hint = 'It is noted after it was made.';
    end if;
    insert into realtime_sync.fleet_object as o (schema, place, kind, name, actual, relation, made)
    select object.schema, coalesce(pg_catalog.max(f.place), 0) + 1, object.kind, object.name, object.actual, object.relation, ''
    from realtime_sync.fleet_object f
    where f.schema = object.schema
    on conflict (schema, kind, name) do update set actual = excluded.actual, relation = excluded.relation;
    -- With the name it now has.
    update realtime_sync.fleet_object o set
        made = coalesce(pg_catalog.md5(realtime_sync.fleet_sql(o.schema, o.kind, o.name)), ''),
        body = (
            select pg_catalog.md5(p.prosrc)
            from pg_catalog.pg_proc p
            where o.kind = 'function'
                and p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(o.schema))
                and p.proname = o.actual
        )
    where o.schema = object.schema and o.kind = object.kind and o.name = object.name;
    -- A table that was made is known from then on, by the names of its columns.
    insert into realtime_sync.fleet_map as m (schema, entity, relation, columns)
    select o.schema, t.entity, c.oid, pg_catalog.jsonb_object_agg(k.word, a.attname)
    from realtime_sync.fleet_object o
    join realtime_sync.fleet_template t on t.kind = 'table' and t.name = o.name and t.entity is not null
    join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', o.schema, o.actual))
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    cross join lateral (
        select case a.attname
            when 'driver_id' then 'driver'
            when 'trip_id' then 'trip'
            when 'passenger_id' then 'passenger'
            when 'user_id' then 'login'
            when 'is_online' then 'online'
            else a.attname::text
        end
        union
        select 'id' where a.attname = realtime_sync.fleet_key(c.oid)
    ) k(word)
    where o.schema = object.schema and o.kind = 'table' and o.kind = object.kind and o.name = object.name
    group by o.schema, t.entity, c.oid
    on conflict (schema, entity) do update set relation = excluded.relation, columns = excluded.columns;
end
$function$;

create function realtime_sync.fleet_array(elements text[]) returns text
immutable strict language sql
set search_path = ''
begin atomic
    select 'array[' || nullif(pg_catalog.string_agg(pg_catalog.quote_literal(e.element), ', ' order by e.place), '') || ']'
    from pg_catalog.unnest(elements) with ordinality e(element, place)
    where e.element is not null;
end;

-- What a kind of object of that name is made with, in the app's own names; of a source, enable().
create function realtime_sync.fleet_sql(schema name, kind text, name text) returns text
stable strict language sql
set search_path = ''
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
                        'throttle => ''5 s'', throttle_columns => ' || realtime_sync.fleet_array(
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

create type realtime_sync.fleet_step as (status text, object text, why text, sql text);

-- Finds the table of an entity, unless it is known, and those of its columns that are not; writes the map.
create function realtime_sync.fleet_find(schema name, entity text) returns setof realtime_sync.fleet_step
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
declare
    known realtime_sync.fleet_map;
    candidates regclass[];
    best integer;
    found jsonb;
    ask record;
    half record;
    asks realtime_sync.fleet_step[] := '{}';
    missing text;
begin
    select m.* into known
    from realtime_sync.fleet_map m
    join pg_catalog.pg_class c on c.oid = m.relation
    where m.schema = fleet_find.schema and m.entity = fleet_find.entity;
    if known.relation is null then
        -- What the trips' passenger refers to is the passenger, whatever it is called.
        select array[r.target], 1 into candidates, best
        from realtime_sync.fleet_map m
        cross join lateral realtime_sync.fleet_references(m.relation) r
        join pg_catalog.pg_class c on c.oid = r.target
        where fleet_find.entity = 'passenger'
            and m.schema = fleet_find.schema
            and m.entity = 'trip'
            and r."column" = (m.columns ->> 'passenger')
            and c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_find.schema));
        if candidates is null then
            select pg_catalog.array_agg(f.oid order by f.oid::text), f.rank into candidates, best
            from (
                select c.oid::regclass as oid, pg_catalog.min(w.rank) as rank
                from pg_catalog.pg_class c
                join realtime_sync.fleet_word w
                    on w.entity = fleet_find.entity and w."column" is null and realtime_sync.fleet_fits(c.relname, w.names)
                where c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_find.schema))
                    and c.relkind in ('r', 'p')
                    and not c.relispartition
                    and not exists (
                        select from realtime_sync.fleet_map m where m.schema = fleet_find.schema and m.relation = c.oid
                    )
                    and not exists (
                        select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
                    )
                    -- A booking is a trip, a wallet a driver's, only if it has a driver.
                    and (
                        fleet_find.entity in ('driver', 'passenger')
                        or exists (
                            select from realtime_sync.fleet_columns(fleet_find.schema, fleet_find.entity, c.oid) k
                            where k."column" = 'driver'
                        )
                    )
                    and (
                        fleet_find.entity not in ('wallet', 'telemetry')
                        or exists (
                            select from realtime_sync.fleet_columns(fleet_find.schema, fleet_find.entity, c.oid) k
                            where k."column" in ('balance', 'type', 'message')
                        )
                    )
                group by c.oid
            ) f
            group by f.rank
            order by f.rank
            limit 1;
        end if;
        if candidates is null and exists (
            select
            from realtime_sync.fleet_map m
            join pg_catalog.pg_attribute a on a.attrelid = m.relation and a.attname = (m.columns ->> 'passenger')
            where fleet_find.entity = 'passenger' and m.schema = fleet_find.schema and m.entity = 'trip'
                and realtime_sync.fleet_class(a.atttypid) = 'number'
        ) then
            return next row(
                'ask', entity, 'the trips have a number for it, and nothing says which login (claim "sub") it is; until then none is',
                pg_catalog.format(
                    'select realtime_sync.fleet_map(%L, ''passenger'', ''the table'', ''{"id": "id", "login": "the column"}'')', fleet_find.schema
                )
            )::realtime_sync.fleet_step;
            return;
        end if;
        if candidates is null then
            -- A table of that name that does not fit is no reason to make another beside it.
            select pg_catalog.array_agg(c.oid::regclass order by c.relname) into candidates
            from pg_catalog.pg_class c
            join realtime_sync.fleet_word w
                on w.entity = fleet_find.entity and w."column" is null and w.rank = 1 and realtime_sync.fleet_fits(c.relname, w.names)
            where fleet_find.entity in ('trip', 'wallet', 'telemetry')
                and c.relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_find.schema))
                and c.relkind in ('r', 'p')
                and not c.relispartition
                and not exists (
                    select from realtime_sync.fleet_map m where m.schema = fleet_find.schema and m.relation = c.oid
                );
            if candidates is not null then
                return next row(
                    'ask', entity,
                    pg_catalog.format('%s is called so, and has no column that is certainly the driver''s', candidates[1])
                        || coalesce((
                            select pg_catalog.format(': %I refers to %s', r."column", r.target)
                            from realtime_sync.fleet_references(candidates[1]) r
                            where realtime_sync.fleet_fits(r."column", '(driver|courier|captain)(_?id)?')
                            limit 1
                        ), ''),
                    pg_catalog.format(
                        'select realtime_sync.fleet_map(%L, %L, %L, %L)', fleet_find.schema, fleet_find.entity, candidates[1],
                        '{"driver": "the column"}'
                    )
                )::realtime_sync.fleet_step;
                return;
            end if;
            return next row(
                'missing', entity, pg_catalog.format('no table of schema %I looks like it', fleet_find.schema),
                pg_catalog.format('select realtime_sync.fleet_map(%L, %L, ''the table'')', fleet_find.schema, fleet_find.entity)
            )::realtime_sync.fleet_step;
            return;
        elsif pg_catalog.cardinality(candidates) > 1 or best = 9 then
            return next row(
                'ask', entity,
                case when best = 9
                    then pg_catalog.format('%s may be the %ss, or the passengers', pg_catalog.array_to_string(candidates, ', '), entity)
                    else pg_catalog.format('%s look like it equally', pg_catalog.array_to_string(candidates, ', '))
                end,
                (
                    select pg_catalog.string_agg(
                        pg_catalog.format('select realtime_sync.fleet_map(%L, %L, %L)', fleet_find.schema, fleet_find.entity, c.relation),
                        E';\n-- or: ' order by c.place
                    )
                    from pg_catalog.unnest(candidates) with ordinality c(relation, place)
                )
            )::realtime_sync.fleet_step;
            return;
        end if;
        known.relation := candidates[1];
        known.columns := '{}';
    end if;
    -- Columns that are gone are looked for again; a null said by hand stays.
    select coalesce(pg_catalog.jsonb_object_agg(k.key, k.value), '{}') into known.columns
    from pg_catalog.jsonb_each_text(known.columns) k
    where k.value is null or exists (
        select from pg_catalog.pg_attribute a
        where a.attrelid = known.relation and a.attname = k.value and a.attnum > 0 and not a.attisdropped
    );
    select coalesce(pg_catalog.jsonb_object_agg(k."column", k.candidates[1]), '{}') into found
    from realtime_sync.fleet_columns(fleet_find.schema, fleet_find.entity, known.relation) k
    where pg_catalog.cardinality(k.candidates) = 1;
    known.columns := found || known.columns || coalesce(known.by_hand, '{}');
    -- Half a place is none.
    for half in
        select p.lat, p.lng
        from (values ('lat', 'lng'), ('pickup_lat', 'pickup_lng'), ('dropoff_lat', 'dropoff_lng')) p(lat, lng)
        where (known.columns ->> p.lat is null) <> (known.columns ->> p.lng is null)
    loop
        asks := asks || row(
            'ask', pg_catalog.format('%s.%s', fleet_find.entity, case when known.columns ->> half.lat is null then half.lat else half.lng end),
            pg_catalog.format('%s is there without it, and is left out', coalesce(known.columns ->> half.lat, known.columns ->> half.lng)),
            pg_catalog.format(
                'select realtime_sync.fleet_map(%L, %L, columns => %L)', fleet_find.schema, fleet_find.entity,
                pg_catalog.jsonb_build_object(case when known.columns ->> half.lat is null then half.lat else half.lng end, 'the column')
            )
        )::realtime_sync.fleet_step;
        known.columns := known.columns - half.lat - half.lng;
    end loop;
    -- Whose login it is may be the key itself: a random one, or that of the users. A number is not taken for it: user 1
    -- is somebody else than driver 1.
    if fleet_find.entity in ('driver', 'passenger') and not known.columns ? 'login' and not exists (
        select from realtime_sync.fleet_columns(fleet_find.schema, fleet_find.entity, known.relation) k where k."column" = 'login'
    ) then
        select known.columns || coalesce(pg_catalog.jsonb_object_agg('login', a.attname), '{}') into known.columns
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_class c on c.oid = a.attrelid
        where a.attrelid = known.relation and a.attname = (known.columns ->> 'id')
            and (
                realtime_sync.fleet_class(a.atttypid) in ('uuid', 'text')
                or realtime_sync.fleet_fits(c.relname, '(app_?)?(users?|profiles?|accounts?|members?)')
                or exists (select from realtime_sync.fleet_references(known.relation) r where r."column" = a.attname)
            );
    end if;
    missing := case
        when known.columns ->> 'id' is null and fleet_find.entity <> 'telemetry' then 'id'
        when known.columns ->> 'driver' is null and fleet_find.entity in ('trip', 'wallet', 'telemetry') then 'driver'
    end;
    if missing is not null then
        return next row(
            'ask', fleet_find.entity,
            pg_catalog.format('%s %s', known.relation, case missing
                when 'id' then 'has no primary key of one column'
                else 'has no column that is certainly the driver''s' || coalesce(
                    (
                        select pg_catalog.format(': %I refers to %s', r."column", r.target)
                        from realtime_sync.fleet_references(known.relation) r
                        where realtime_sync.fleet_fits(r."column", '(driver|courier|captain)(_?id)?')
                        limit 1
                    ), ''
                )
            end),
            pg_catalog.format(
                'select realtime_sync.fleet_map(%L, %L, %L, %L)', fleet_find.schema, fleet_find.entity, known.relation,
                pg_catalog.jsonb_build_object(missing, 'the column')
            )
        )::realtime_sync.fleet_step;
        return;
    end if;
    if not realtime_sync.fleet_may_map(fleet_find.entity, known.relation) then
        return next (
            select row(
                'ask', fleet_find.entity,
                pg_catalog.format('%s is not owned by %I, who so cannot follow it', known.relation, current_user),
                pg_catalog.format('grant %s to %I', c.relowner::regrole, current_user)
            )::realtime_sync.fleet_step
            from pg_catalog.pg_class c
            where c.oid = known.relation
        );
        return;
    end if;
    insert into realtime_sync.fleet_map as m (schema, entity, relation, columns)
    values (fleet_find.schema, fleet_find.entity, known.relation, known.columns)
    on conflict (schema, entity) do update set relation = excluded.relation, columns = excluded.columns
        where (m.relation, m.columns) is distinct from (excluded.relation, excluded.columns);
    return next row(
        'found', fleet_find.entity,
        pg_catalog.format('%s: %s', known.relation, (
            select pg_catalog.string_agg(
                case when k.value = k.key then k.key else k.key || ' = ' || pg_catalog.quote_ident(k.value) end,
                ', ' order by pg_catalog.array_position(realtime_sync.fleet_words(fleet_find.entity), k.key)
            )
            from pg_catalog.jsonb_each_text(known.columns) k
            where k.value is not null
        )),
        pg_catalog.format(
            'select realtime_sync.fleet_map(%L, %L, %L, %L)', fleet_find.schema, fleet_find.entity, known.relation, known.columns
        )
    )::realtime_sync.fleet_step;
    if fleet_find.entity in ('driver', 'passenger') and not known.columns ? 'login' then
        return next row(
            'ask', fleet_find.entity || '.login',
            pg_catalog.format('nothing says which login (claim "sub") is which %s; until then none is', fleet_find.entity),
            pg_catalog.format(
                'select realtime_sync.fleet_map(%L, %L, columns => %L)', fleet_find.schema, fleet_find.entity,
                pg_catalog.jsonb_build_object('login', known.columns ->> 'id')
            ) || pg_catalog.format(
                E';\n-- if its %I is the login''s; or a column of the login, or realtime_sync.fleet_allow(who => ...)', known.columns ->> 'id'
            )
        )::realtime_sync.fleet_step;
    end if;
    return query select a.* from pg_catalog.unnest(asks) a;
    for ask in
        select k."column" as name, k.candidates
        from realtime_sync.fleet_columns(fleet_find.schema, fleet_find.entity, known.relation) k
        where pg_catalog.cardinality(k.candidates) > 1 and not known.columns ? k."column" and not coalesce(known.by_hand ? k."column", false)
        order by pg_catalog.array_position(realtime_sync.fleet_words(fleet_find.entity), k."column")
    loop
        return next row(
            'ask', fleet_find.entity || '.' || ask.name,
            pg_catalog.format('%s of %s look like it equally', pg_catalog.array_to_string(ask.candidates, ', '), known.relation),
            (
                select pg_catalog.string_agg(
                    pg_catalog.format(
                        'select realtime_sync.fleet_map(%L, %L, columns => %L)', fleet_find.schema, fleet_find.entity,
                        pg_catalog.jsonb_build_object(ask.name, c.name)
                    ), E';\n-- or: ' order by c.place
                )
                from pg_catalog.unnest(ask.candidates || null::name) with ordinality c(name, place)
            )
        )::realtime_sync.fleet_step;
    end loop;
end
$function$;

-- Makes one object, unless it stands. Nothing of the app's own is replaced: what has the name keeps it.
create function realtime_sync.fleet_make(schema name, kind text, name text, dry_run boolean, unlocked boolean)
returns realtime_sync.fleet_step
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
declare
    template realtime_sync.fleet_template;
    object realtime_sync.fleet_object;
    ours boolean;
    actual name := realtime_sync.fleet_name(fleet_make.schema, fleet_make.kind, fleet_make.name);
    relation regclass;
    label text;
    sql text;
    why text := '';
    same text;
    lacks text[];
begin
    select t.* into template from realtime_sync.fleet_template t where t.kind = fleet_make.kind and t.name = fleet_make.name;
    lacks := realtime_sync.fleet_lacks(schema, template.needs);
    label := fleet_make.kind || ' ' || fleet_make.name;
    if lacks <> '{}' then
        return row('skip', label, 'it needs ' || pg_catalog.array_to_string(lacks, ', '), null)::realtime_sync.fleet_step;
    end if;
    select o.* into object
    from realtime_sync.fleet_object o
    where o.schema = fleet_make.schema and o.kind = fleet_make.kind and o.name = fleet_make.name;
    ours := object.name is not null;
    begin
        sql := realtime_sync.fleet_sql(schema, kind, name);
    exception
        -- A part of the kit that this app cannot have is no reason to give it nothing.
        when undefined_object then
            return row('skip', label, sqlerrm, null)::realtime_sync.fleet_step;
    end;
    -- What it calls is left out, so it is too.
    select pg_catalog.array_agg(t.kind || ' ' || t.name order by t.name) into lacks
    from realtime_sync.fleet_template t
    where t.name <> fleet_make.name
        and t.kind in ('table', 'function', 'view')
        and pg_catalog.strpos(sql, t.name) > 0
        and sql ~ (
            pg_catalog.regexp_replace(
                pg_catalog.format('%I.%I', fleet_make.schema, realtime_sync.fleet_name(fleet_make.schema, t.kind, t.name)),
                '([^a-zA-Z0-9_])', '\\\1', 'g'
            ) || '\M'
        )
        and not exists (
            select from realtime_sync.fleet_object o where o.schema = fleet_make.schema and o.kind = t.kind and o.name = t.name
        )
        and realtime_sync.fleet_lacks(fleet_make.schema, t.needs) <> '{}';
    if lacks is not null and not ours then
        return row('skip', label, 'it needs ' || pg_catalog.array_to_string(lacks, ', '), null)::realtime_sync.fleet_step;
    end if;
    if kind = 'source' then
        select m.relation into relation
        from realtime_sync.fleet_map m
        where m.schema = fleet_make.schema and m.entity = fleet_make.name;
        label := 'source ' || relation;
        why := case fleet_make.name
            when 'driver' then 'changes go to drivers and driver:<id>'
                || case when sql ~ 'throttle' then ', a change of place alone at most every 5 s' else '' end
            when 'trip' then 'changes go to trip:<id>, driver:<id>'
                || case when sql ~ 'passenger:' then ' and passenger:<id>' else '' end
            else 'changes go to driver:<id>'
        end;
        if not ours and exists (
            select from pg_catalog.pg_trigger t where t.tgrelid = relation and t.tgfoid = 'realtime_sync.capture()'::regprocedure
        ) then
            return row(
                'exists', label, 'it is a source already, and stays as it is; with the kit''s topics it would be as the SQL says', sql
            )::realtime_sync.fleet_step;
        end if;
    elsif kind in ('index', 'trigger', 'policy') then
        relation := pg_catalog.to_regclass(
            (pg_catalog.regexp_match(sql, '\mon\s+((?:"[^"]+"|[^\s".(]+)(?:\.(?:"[^"]+"|[^\s".(]+))?)', 'i'))[1]
        );
        if not ours and kind in ('trigger', 'policy') and exists (
            select from pg_catalog.pg_trigger t where kind = 'trigger' and t.tgrelid = relation and t.tgname = fleet_make.name
            union all
            select from pg_catalog.pg_policy p where kind = 'policy' and p.polrelid = relation and p.polname = fleet_make.name
        ) then
            actual := 'realtime_' || fleet_make.name;
        end if;
        sql := pg_catalog.regexp_replace(
            sql, '^(create\s+(?:unique\s+|constraint\s+)?' || kind || ')(\s+(?!on\M)\S+)?(\s+)',
            '\1 ' || pg_catalog.quote_ident(actual) || '\3'
        );
        label := pg_catalog.format('%s %I on %s', kind, actual, relation);
    elsif kind <> 'timer' then
        label := pg_catalog.format('%s %I.%I', kind, schema, actual);
    end if;
    if ours then
        if object.made = pg_catalog.md5(realtime_sync.fleet_sql(schema, kind, name)) then
            return row('exists', label, 'as it was made', null)::realtime_sync.fleet_step;
        elsif kind = 'table' then
            return row('exists', label, 'its rows stay as they are', null)::realtime_sync.fleet_step;
        elsif kind = 'function' and object.body is distinct from (
            select pg_catalog.md5(p.prosrc)
            from pg_catalog.pg_proc p
            where p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)) and p.proname = actual
        ) then
            return row(
                'skip', label, 'it was changed by hand, and stays so; drop it to have the kit''s again', null
            )::realtime_sync.fleet_step;
        end if;
        why := 'made again: its template or the map has changed';
    elsif actual <> name and kind <> 'timer' then
        object.schema := schema;
        object.kind := kind;
        object.actual := actual;
        object.relation := relation;
        if realtime_sync.fleet_stands(object) then
            return row(
                'ask', label, pg_catalog.format('%s is taken, and so is %I', name, actual),
                pg_catalog.format('alter %s %I.%I rename to ...', kind, schema, name)
            )::realtime_sync.fleet_step;
        end if;
        why := pg_catalog.format('%s %I is the app''s own and stays', kind, name);
    end if;
    if kind = 'index' then
        select x.name into same
        from realtime_sync.fleet_same_index(relation, sql) x(name);
        if same is not null and not ours then
            return row('exists', label, pg_catalog.format('index %I does it', same), null)::realtime_sync.fleet_step;
        end if;
        if (select c.reltuples > 100000 from pg_catalog.pg_class c where c.oid = relation) then
            why := pg_catalog.concat_ws(
                '; ', nullif(why, ''), 'writes wait while it is built; concurrently => true gives it to be made by hand without that'
            );
        end if;
    end if;
    if ours and kind = 'function' then
        sql := pg_catalog.regexp_replace(sql, '^create\s+function', 'create or replace function');
    elsif ours and kind not in ('source', 'timer') then
        sql := realtime_sync.fleet_undo(object) || E';\n' || sql;
    end if;
    if kind = 'function' then
        sql := sql || pg_catalog.format(
            E';\nrevoke all on function %I.%I from %s', schema, actual, realtime_sync.fleet_strangers(schema, 'f')
        );
    elsif kind = 'view' then
        sql := sql || pg_catalog.format(
            E';\nrevoke all on table %I.%I from %s', schema, actual, realtime_sync.fleet_strangers(schema, 'r')
        );
    elsif kind = 'table' then
        -- Closed until fleet_allow() or the app opens it; the owner is not kept out.
        sql := sql || pg_catalog.format(E';\nalter table %I.%I enable row level security', schema, actual);
        why := pg_catalog.concat_ws('; ', nullif(why, ''), 'yours from now on: row-level security is on, and only its owner reads it so far');
    end if;
    sql := sql || pg_catalog.format(
        E';\nselect realtime_sync.fleet_note(%s)', pg_catalog.concat_ws(
            ', ', pg_catalog.quote_literal(schema), pg_catalog.quote_literal(kind), pg_catalog.quote_literal(name),
            pg_catalog.quote_literal(actual), pg_catalog.quote_literal(relation)
        )
    );
    if kind = 'index' and unlocked then
        return row(
            'ask', label, 'to be run by hand, one statement after the other: the first cannot run in a transaction',
            pg_catalog.regexp_replace(sql, '(create\s+(?:unique\s+)?index)', '\1 concurrently')
        )::realtime_sync.fleet_step;
    end if;
    if kind = 'source' then
        begin
            execute case when dry_run then pg_catalog.split_part(sql, E');\nselect realtime_sync.fleet_note', 1) || ', dry_run => true)' else sql end;
        exception
            -- What enable() refuses, such as a table without a key, is for the app to mend.
            when invalid_parameter_value or feature_not_supported or object_not_in_prerequisite_state or duplicate_object
                or insufficient_privilege
            then
                get stacked diagnostics same = pg_exception_hint;
                return row('ask', label, sqlerrm, pg_catalog.format(E'-- %s\n%s', same, sql))::realtime_sync.fleet_step;
        end;
        return row(case when dry_run then 'create' else 'done' end, label, why, sql)::realtime_sync.fleet_step;
    end if;
    -- A dry run makes what others are made of, and is undone; it takes no lock on what is there.
    if not dry_run or kind in ('table', 'function', 'view') then
        if ours and kind = 'function' then
            declare
                before oid[] := array(
                    select p.oid from pg_catalog.pg_proc p
                    where p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)) and p.proname = actual
                );
                others boolean;
                grants text := (
                    select pg_catalog.string_agg(
                        pg_catalog.format(E';\ngrant execute on function %I.%I to %s', schema, actual, a.grantee::regrole), ''
                    )
                    from pg_catalog.pg_proc p
                    cross join lateral pg_catalog.aclexplode(p.proacl) a
                    where p.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)) and p.proname = actual
                        and a.grantee not in (0, p.proowner)
                );
            begin
                execute pg_catalog.split_part(sql, E';\nrevoke all on function', 1);
                -- Other arguments: no overload stays behind.
                others := exists (
                    select from pg_catalog.pg_proc n
                    where n.pronamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident(schema)) and n.proname = actual
                        and n.oid <> all (before)
                );
                if others then
                    raise ambiguous_function;
                end if;
            exception
                when invalid_function_definition or ambiguous_function then
                    sql := realtime_sync.fleet_undo(object) || E';\n' || sql || coalesce(grants, '');
            end;
            execute sql;
        else
            execute sql;
        end if;
    end if;
    return row(case when dry_run then 'create' else 'done' end, label, why, sql)::realtime_sync.fleet_step;
end
$function$;

-- Who would get a new object's privileges unasked: PUBLIC, and what the owner's default privileges say; not
-- roles that row-level security does not hold, which are the back end.
create function realtime_sync.fleet_strangers(schema name, type "char") returns text
stable strict language sql
set search_path = ''
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

-- An index of the table that is what the statement would make. The statement is tried on an empty table of
-- the same columns, so that PostgreSQL compares, not this code.
create function realtime_sync.fleet_same_index(relation regclass, statement text) returns name
volatile language plpgsql
set search_path = ''
as $function$
declare
    same name;
    definition text;
begin
    begin
        execute pg_catalog.format('create temporary table realtime_index_probe (like %s)', relation);
        execute pg_catalog.regexp_replace(
            statement, '^(create\s+(?:unique\s+)?index)\s.*?\son\s+(?:"[^"]+"|[^\s".(]+)(?:\.(?:"[^"]+"|[^\s".(]+))?',
            '\1 on pg_temp.realtime_index_probe', 'i'
        );
        select pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^.*? USING ', '') || i.indisunique into definition
        from pg_catalog.pg_index i
        where i.indrelid = 'pg_temp.realtime_index_probe'::regclass;
        drop table pg_temp.realtime_index_probe;
    exception
        -- No temporary tables for this role: the index is made, twice at worst.
        when insufficient_privilege then
            return null;
    end;
    select c.relname into same
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    where i.indrelid = relation
        and i.indisvalid
        and (
            pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^.*? USING ', '') || i.indisunique = definition
            -- A unique one serves as well.
            or pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), '^.*? USING ', '') || 'false' = definition
        )
    order by c.relname
    limit 1;
    return same;
end
$function$;

-- What the templates call of the extension's own.
create function realtime_sync.fleet_uses(kinds text[]) returns table (function regprocedure, definer boolean)
stable strict language sql
set search_path = ''
begin atomic
    select p.oid::regprocedure, pg_catalog.bool_and(t.template ~* 'security\s+definer')
    from realtime_sync.fleet_template t
    cross join lateral pg_catalog.regexp_matches(t.template, 'realtime_sync\.([a-z_]+)\s*\(', 'g') m
    join pg_catalog.pg_proc p on p.proname = m[1] and p.pronamespace = 'realtime_sync'::regnamespace
    where t.kind = any (fleet_uses.kinds)
    group by p.oid;
end;

create function realtime_sync.fleet_work(schema name, create_missing boolean, dry_run boolean, unlocked boolean)
returns setof realtime_sync.fleet_step
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
declare
    step realtime_sync.fleet_step;
    what text;
    thing record;
    template realtime_sync.fleet_template;
    missing text[] := '{}';
    here oid := pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_work.schema));
    changed boolean := false;
    stop boolean := false;
begin
    if not pg_catalog.has_schema_privilege(here, 'create') then
        return next row(
            'ask', pg_catalog.format('schema %I', schema), pg_catalog.format('%s may not create anything in it', current_user),
            pg_catalog.format('grant create, usage on schema %I to %I', schema, current_user)
        )::realtime_sync.fleet_step;
        stop := true;
    end if;
    if not pg_catalog.has_function_privilege('realtime_sync.send(text, text, json)', 'execute')
        or not pg_catalog.has_column_privilege('realtime_sync.event', 'topics', 'insert')
    then
        return next row(
            'ask', pg_catalog.format('role %I', current_user), 'the kit''s functions send messages as their owner, who may not send',
            pg_catalog.format('select realtime_sync.allow(%L, ''send'', topics => array[''*''])', current_user)
        )::realtime_sync.fleet_step;
        stop := true;
    end if;
    delete from realtime_sync.fleet_map m
    where m.schema = fleet_work.schema and not exists (select from pg_catalog.pg_class c where c.oid = m.relation);
    delete from realtime_sync.fleet_object o
    where o.schema = fleet_work.schema and not realtime_sync.fleet_stands(o);
    foreach what in array array['driver', 'trip', 'passenger', 'wallet', 'telemetry'] loop
        for step in select f.* from realtime_sync.fleet_find(schema, what) f loop
            if step.status <> 'missing' then
                return next step;
                stop := stop or step.status = 'ask' and step.object = 'driver';
            elsif what = 'passenger' and exists (
                select from realtime_sync.fleet_map m where m.schema = fleet_work.schema and m.entity = 'trip'
            ) then
                -- Ids of a table made now would be none that a trip knows.
                return next row('skip', what, 'the trips are the app''s own, and name passengers in their way', null)::realtime_sync.fleet_step;
            elsif not create_missing then
                step.status := case what when 'driver' then 'ask' else 'skip' end;
                select pg_catalog.format('%s; create_missing => true makes %I', step.why, t.name) into step.why
                from realtime_sync.fleet_template t
                where t.kind = 'table' and t.entity = step.object;
                return next step;
                stop := stop or what = 'driver';
            elsif what = 'driver' and not stop then
                -- Before the trips: they are known by their driver.
                step := realtime_sync.fleet_make(
                    schema, 'table', (select t.name from realtime_sync.fleet_template t where t.kind = 'table' and t.entity = step.object),
                    dry_run, unlocked
                );
                changed := changed or step.status = 'done';
                return next step;
            else
                missing := missing || what;
            end if;
        end loop;
        exit when stop;
    end loop;
    for step in
        select
            'ask', pg_catalog.format('role %I', current_user), 'the kit''s functions call these as their owner, who may not',
            pg_catalog.format('grant execute on function %s to %I', pg_catalog.string_agg(u.function::text, ', ' order by u.function::text), current_user)
        from realtime_sync.fleet_uses(array['function', 'view', 'trigger', 'policy', 'timer']) u
        where not pg_catalog.has_function_privilege(u.function, 'execute')
        having pg_catalog.count(*) > 0
    loop
        return next step;
        stop := true;
    end loop;
    if stop then
        return;
    end if;
    for template in
        select t.*
        from realtime_sync.fleet_template t
        where t.kind = 'table' and t.entity is not null
        order by t.place, t.name
    loop
        if exists (
            select from realtime_sync.fleet_map m where m.schema = fleet_work.schema and m.entity = template.entity
        ) or not template.entity = any (missing)
            and template.entity in ('driver', 'trip', 'passenger', 'wallet', 'telemetry')
        then
            continue;
        end if;
        if not create_missing then
            step := row(
                'skip', 'table ' || template.name, 'no table is known for it; create_missing => true makes it',
                pg_catalog.format('select realtime_sync.fleet_map(%L, %L, ''the table'')', schema, template.entity)
            );
        else
            step := realtime_sync.fleet_make(schema, 'table', template.name, dry_run, unlocked);
        end if;
        changed := changed or step.status = 'done';
        return next step;
    end loop;
    for thing in
        select t.kind, t.name
        from (
            select 'source' as kind, 0 as place, m.entity as name
            from realtime_sync.fleet_map m
            where m.schema = fleet_work.schema and m.entity in ('driver', 'trip', 'wallet', 'telemetry')
            union all
            select t.kind, t.place, t.name
            from realtime_sync.fleet_template t
            where t.kind <> 'part' and (t.kind <> 'table' or t.entity is null)
        ) t
        order by
            pg_catalog.array_position(array['table', 'source', 'index', 'function', 'view', 'trigger', 'policy', 'timer'], t.kind),
            t.place, t.name
    loop
        if thing.kind = 'table' and not create_missing and not exists (
            select from realtime_sync.fleet_object o
            where o.schema = fleet_work.schema and o.kind = 'table' and o.name = thing.name
        ) then
            step := row('skip', 'table ' || thing.name, 'create_missing => true makes it', null);
        else
            step := realtime_sync.fleet_make(schema, thing.kind, thing.name, dry_run, unlocked);
        end if;
        changed := changed or step.status = 'done';
        return next step;
    end loop;
    if changed then
        -- What is new is for those who have the rest.
        for step in
            select f.*
            from realtime_sync.fleet_permission p
            cross join lateral realtime_sync.fleet_grant(p.schema, p.role) f
            where p.schema = fleet_work.schema and f.status = 'done'
        loop
            return next step;
        end loop;
        notify pgrst, 'reload schema';
        return next row(
            'done', 'notify pgrst', 'PostgREST and Supabase learn of the new functions', 'notify pgrst, ''reload schema'''
        )::realtime_sync.fleet_step;
    end if;
end
$function$;

create function realtime_sync.fleet_setup(
    schema name default 'public',
    create_missing boolean default false,
    dry_run boolean default false,
    concurrently boolean default false
) returns table(step integer, status text, object text, why text, sql text)
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
declare
    steps realtime_sync.fleet_step[];
begin
    if pg_catalog.to_regnamespace(pg_catalog.quote_ident(fleet_setup.schema)) is null then
        raise invalid_schema_name using
            message = pg_catalog.format('schema "%s" does not exist', coalesce(fleet_setup.schema, 'null')),
            hint = 'Name the schema of the app''s tables, such as ''public''.';
    end if;
    -- Two at once would both find a name free.
    perform pg_catalog.pg_advisory_xact_lock('realtime_sync.fleet_object'::regclass::oid::bigint);
    begin
        steps := array(
            select w
            from realtime_sync.fleet_work(
                fleet_setup.schema, coalesce(fleet_setup.create_missing, false), coalesce(fleet_setup.dry_run, false),
                coalesce(fleet_setup.concurrently, false)
            ) w
        );
        -- What a dry run made, so as to know what comes after it, goes; what it found out stays.
        if fleet_setup.dry_run then
            raise sqlstate 'RS000';
        end if;
    exception
        when sqlstate 'RS000' then
            null;
    end;
    return query
        select s.place::integer, s.status, s.object, s.why, s.sql || ';'
        from pg_catalog.unnest(steps) with ordinality s(status, object, why, sql, place);
end
$function$;

-- Backwards, each by itself: what the app has come to use stays, and is named.
create function realtime_sync.fleet_remove(
    schema name default 'public',
    drop_tables boolean default false,
    dry_run boolean default false
) returns table(step integer, status text, object text, why text, sql text)
volatile language plpgsql
set search_path = ''
as $function$
#variable_conflict use_column
declare
    thing realtime_sync.fleet_object;
    permission realtime_sync.fleet_permission;
    detail text;
begin
    perform pg_catalog.pg_advisory_xact_lock('realtime_sync.fleet_object'::regclass::oid::bigint);
    step := 0;
    for permission in
        select p.* from realtime_sync.fleet_permission p where p.schema = fleet_remove.schema order by p.role::text
    loop
        step := step + 1;
        object := 'role ' || permission.role;
        sql := pg_catalog.format('select realtime_sync.fleet_disallow(%L, %L);', permission.schema, permission.role);
        why := '';
        if (select not pg_catalog.pg_has_role(c.relowner, 'usage') from pg_catalog.pg_class c where c.oid = 'realtime_sync.event'::regclass) then
            status := 'ask';
            why := 'the owner of realtime_sync.event takes back what it gave; until then its policy lets nothing through';
        elsif dry_run then
            status := 'drop';
        else
            execute sql;
            status := 'done';
        end if;
        return next;
    end loop;
    for thing in
        select o.*
        from realtime_sync.fleet_object o
        where o.schema = fleet_remove.schema
        order by o.kind = 'table', o.place desc
    loop
        step := step + 1;
        object := thing.kind || ' ' || case
            when thing.kind in ('trigger', 'policy', 'index') then pg_catalog.format('%I on %s', thing.actual, thing.relation)
            when thing.kind = 'source' then thing.relation::text
            when thing.kind = 'timer' then thing.actual::text
            else pg_catalog.format('%I.%I', thing.schema, thing.actual)
        end;
        sql := realtime_sync.fleet_undo(thing) || ';';
        why := '';
        if not realtime_sync.fleet_stands(thing) then
            status := 'exists';
            why := 'it is gone already';
            sql := null;
        elsif thing.kind = 'table' and not coalesce(drop_tables, false) then
            status := 'keep';
            why := 'a table is yours with its rows; drop_tables => true drops those the kit made';
            return next;
            continue;
        elsif dry_run then
            status := 'drop';
        else
            begin
                execute sql;
                status := 'done';
            exception
                when dependent_objects_still_exist then
                    get stacked diagnostics detail = pg_exception_detail;
                    status := 'ask';
                    why := pg_catalog.format('something of yours uses it: %s', pg_catalog.replace(detail, E'\n', '; '));
                    return next;
                    continue;
                when ambiguous_function or insufficient_privilege then
                    status := 'ask';
                    why := sqlerrm;
                    return next;
                    continue;
            end;
        end if;
        if not coalesce(dry_run, false) then
            delete from realtime_sync.fleet_object o
            where o.schema = thing.schema and o.kind = thing.kind and o.name = thing.name;
        end if;
        return next;
    end loop;
    if coalesce(dry_run, false) then
        return;
    end if;
    -- The map goes back to what was said by hand; kept tables stay known.
    delete from realtime_sync.fleet_map m
    where m.schema = fleet_remove.schema
        and (
            m.by_hand is null and not exists (
                select from realtime_sync.fleet_object o
                where o.kind = 'table' and pg_catalog.to_regclass(pg_catalog.format('%I.%I', o.schema, o.actual)) = m.relation
            )
            or not exists (select from pg_catalog.pg_class c where c.oid = m.relation)
        );
    update realtime_sync.fleet_map m set columns = m.by_hand
    where m.schema = fleet_remove.schema and m.columns <> m.by_hand;
    if step > 0 then
        notify pgrst, 'reload schema';
    end if;
end
$function$;

revoke all on table realtime_sync.fleet_word from public;
revoke all on function realtime_sync.fleet_squash(text) from public;
revoke all on function realtime_sync.fleet_fits(text, text) from public;
revoke all on function realtime_sync.fleet_class(oid) from public;
revoke all on function realtime_sync.fleet_key(regclass) from public;
revoke all on function realtime_sync.fleet_references(regclass) from public;
revoke all on function realtime_sync.fleet_columns(name, text, regclass) from public;
revoke all on function realtime_sync.fleet_lacks(name, text[]) from public;
revoke all on function realtime_sync.fleet_stands(realtime_sync.fleet_object) from public;
revoke all on function realtime_sync.fleet_owns(realtime_sync.fleet_object) from public;
revoke all on function realtime_sync.fleet_may_map(text, regclass) from public;
revoke all on function realtime_sync.fleet_uses(text[]) from public;
revoke all on function realtime_sync.fleet_undo(realtime_sync.fleet_object) from public;
revoke all on function realtime_sync.fleet_note(name, text, text, name, regclass) from public;
revoke all on function realtime_sync.fleet_sql(name, text, text) from public;
revoke all on function realtime_sync.fleet_array(text[]) from public;
revoke all on type realtime_sync.fleet_step from public;
revoke all on function realtime_sync.fleet_find(name, text) from public;
revoke all on function realtime_sync.fleet_make(name, text, text, boolean, boolean) from public;
revoke all on function realtime_sync.fleet_strangers(name, "char") from public;
revoke all on function realtime_sync.fleet_same_index(regclass, text) from public;
revoke all on function realtime_sync.fleet_work(name, boolean, boolean, boolean) from public;
revoke all on function realtime_sync.fleet_setup(name, boolean, boolean, boolean) from public;
revoke all on function realtime_sync.fleet_remove(name, boolean, boolean) from public;

comment on table realtime_sync.fleet_word is
    'How apps name drivers, trips and the like, and their columns: regular expressions by rank. realtime_sync.fleet_setup() finds them so.';
comment on function realtime_sync.fleet_squash(text) is
    'Part of realtime_sync.fleet_setup(): a name without capitals and underscores.';
comment on function realtime_sync.fleet_fits(text, text) is
    'Part of realtime_sync.fleet_setup(): whether a name fits a word.';
comment on function realtime_sync.fleet_class(oid) is
    'Part of realtime_sync.fleet_setup(): what kind of type it is.';
comment on function realtime_sync.fleet_key(regclass) is
    'Part of realtime_sync.fleet_setup(): the column of the primary key, if it is one.';
comment on function realtime_sync.fleet_references(regclass) is
    'Part of realtime_sync.fleet_setup(): foreign keys of one column.';
comment on function realtime_sync.fleet_columns(name, text, regclass) is
    'Part of realtime_sync.fleet_setup(): which columns of a table could be what the kit calls so; several: it asks.';
comment on function realtime_sync.fleet_lacks(name, text[]) is
    'Part of realtime_sync.fleet_setup(): what a template needs and the map lacks.';
comment on function realtime_sync.fleet_stands(realtime_sync.fleet_object) is
    'Part of realtime_sync.fleet_setup(): whether an object still exists.';
comment on function realtime_sync.fleet_owns(realtime_sync.fleet_object) is
    'Part of the policy on realtime_sync.fleet_object: whether the caller owns it.';
comment on function realtime_sync.fleet_may_map(text, regclass) is
    'Part of the policy on realtime_sync.fleet_map: whether the caller may map that table.';
comment on function realtime_sync.fleet_uses(text[]) is
    'Part of realtime_sync.fleet_setup(): the functions of the extension that templates of these kinds call, and whether only as their owner.';
comment on function realtime_sync.fleet_undo(realtime_sync.fleet_object) is
    'Part of realtime_sync.fleet_remove(): the statement that drops an object.';
comment on function realtime_sync.fleet_note(name, text, text, name, regclass) is
    'Last statement of each step of realtime_sync.fleet_setup(): notes an object as the kit''s, so that fleet_remove() drops it.';
comment on function realtime_sync.fleet_sql(name, text, text) is
    'Part of realtime_sync.fleet_setup(): the SQL that makes an object.';
comment on function realtime_sync.fleet_array(text[]) is
    'Part of realtime_sync.fleet_setup(): an array as SQL.';
comment on type realtime_sync.fleet_step is
    'Part of realtime_sync.fleet_setup(): a step.';
comment on function realtime_sync.fleet_find(name, text) is
    'Part of realtime_sync.fleet_setup(): finds the table of an entity and its columns.';
comment on function realtime_sync.fleet_make(name, text, text, boolean, boolean) is
    'Part of realtime_sync.fleet_setup(): makes one object, unless it stands.';
comment on function realtime_sync.fleet_strangers(name, "char") is
    'Part of realtime_sync.fleet_setup(): whom a new object''s privileges are taken from.';
comment on function realtime_sync.fleet_same_index(regclass, text) is
    'Part of realtime_sync.fleet_setup(): the index that is already what a statement would make.';
comment on function realtime_sync.fleet_work(name, boolean, boolean, boolean) is
    'Part of realtime_sync.fleet_setup(): the steps.';
comment on function realtime_sync.fleet_setup(name, boolean, boolean, boolean) is
    'Makes a ride or delivery app live: finds its tables, follows their changes, writes the fleet kit''s functions into the schema; create_missing makes the tables it lacks; dry_run changes nothing; concurrently gives indexes to be made by hand. A row for each step with its SQL: status found, ask (yours to answer), create, done, exists, skip. Never replaces what is there; a second call changes nothing. SQLSTATE 3F000.';
comment on function realtime_sync.fleet_remove(name, boolean, boolean) is
    'Undoes realtime_sync.fleet_setup(), backwards. Tables it made are kept with their rows, unless drop_tables says so. What the app has come to use stays, with status ask.';
