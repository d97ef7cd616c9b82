-- The words by which apps' tables and columns are known.

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
('trip', 'pickup_point', 1, '(pick_?up|origin|start|from|source)_?(location|position|place|coords|coordinates|point|geo|geom|loc|lnglat)?', '{point}'),
('trip', 'pickup_geography', 1, '(pick_?up|origin|start|from|source)_?(location|position|place|coords|coordinates|point|geo|geom|geog|geography|loc)?', '{geo}'),
('trip', 'pickup_address', 1, '(pick_?up|origin|start|from|source)_?(address|location|place)', '{text}'),
('trip', 'pickup_address', 2, 'pick_?up|origin|source', '{text}'),
('trip', 'dropoff_lat', 1, '(drop_?off|drop|destination|dest|end|to|delivery)_?(location_?|point_?)?(lat|latitude)', '{number}'),
('trip', 'dropoff_lng', 1, '(drop_?off|drop|destination|dest|end|to|delivery)_?(location_?|point_?)?(lng|lon|long|longitude)', '{number}'),
('trip', 'dropoff_point', 1, '(drop_?off|drop|destination|dest|end|to|delivery)_?(location|position|place|coords|coordinates|point|geo|geom|loc|lnglat)?', '{point}'),
('trip', 'dropoff_geography', 1, '(drop_?off|drop|destination|dest|end|to|delivery)_?(location|position|place|coords|coordinates|point|geo|geom|geog|geography|loc)?', '{geo}'),
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
set search_path = pg_catalog, pg_temp
begin atomic
    select pg_catalog.lower(pg_catalog.replace(name, '_', ''));
end;

create function realtime_sync.fleet_fits(name text, names text) returns boolean
immutable strict language sql
set search_path = pg_catalog, pg_temp
begin atomic
    select realtime_sync.fleet_squash(name)
        operator(pg_catalog.~) ('^(' || pg_catalog.replace(pg_catalog.replace(names, '_?', ''), '_', '') || ')$');
end;

-- bool, number, text, time, json, uuid, point, geo (PostGIS), or the type's name.
create function realtime_sync.fleet_class(type oid) returns text
stable strict language sql
set search_path = pg_catalog, pg_temp
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

revoke all on table realtime_sync.fleet_word from public;
revoke all on function realtime_sync.fleet_squash(text) from public;
revoke all on function realtime_sync.fleet_fits(text, text) from public;
revoke all on function realtime_sync.fleet_class(oid) from public;

comment on table realtime_sync.fleet_word is
    'How apps name drivers, trips and the like, and their columns: regular expressions by rank. realtime_sync.fleet_setup() finds them so.';
comment on function realtime_sync.fleet_squash(text) is
    'Part of realtime_sync.fleet_setup(): a name without capitals and underscores.';
comment on function realtime_sync.fleet_fits(text, text) is
    'Part of realtime_sync.fleet_setup(): whether a name fits a word.';
comment on function realtime_sync.fleet_class(oid) is
    'Part of realtime_sync.fleet_setup(): what kind of type it is.';
