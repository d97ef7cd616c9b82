-- Who is calling: the driver, passenger or dispatcher that a login stands for, from the claims as PostgREST
-- and Supabase set them, or as the app's own function says. The kit's functions that run as their owner ask
-- these.

-- A value of a token as an id of the app's type; null where it is none, instead of an error, since anybody's
-- token may carry anything. The column stays bare, so that its index finds it.
create function realtime_sync.fleet_id(value text, type anyelement) returns anyelement
-- Where only the type can tell, in a subtransaction, which no parallel plan allows.
immutable parallel unsafe language c
as 'MODULE_PATHNAME', 'realtime_sync_fleet_id';

-- The login itself as an id, where the app has no table that tells: only of a type whose values are nobody
-- else's. User 1 is not passenger 1.
create function realtime_sync.fleet_sub(type anyelement) returns anyelement
stable parallel unsafe language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    return case when pg_catalog.pg_typeof(type)::oid in (25, 1043, 2950) then
        realtime_sync.fleet_id(realtime_sync.claim('sub'), type)
    end;
end
$function$;

insert into realtime_sync.fleet_template (name, kind, place, needs, template) values
(
    'realtime_driver', 'function', -10, '{driver.id}',
    $template$
create function {{schema}}.realtime_driver() returns {{driver.id:type}}
stable security definer language plpgsql
set search_path = {{path}}
as $$
{{^who}}{{#driver.login}}<<my>>
declare
    sub text := realtime_sync.claim('sub');
{{/driver.login}}{{/who}}begin
    return {{#who}}realtime_sync.fleet_id({{who}} ->> 'driver', null::{{driver.id:type}}){{/who}}{{^who}}{{#driver.login}}(
        select {{d.id}} from {{driver}} d where {{d.login}} = realtime_sync.fleet_id(my.sub, null::{{driver.login:type}})
    ){{/driver.login}}{{^driver.login}}null{{/driver.login}}{{/who}};
end
$$
$template$
),
(
    'realtime_passenger', 'function', -10, '{trip.passenger}',
    $template$
create function {{schema}}.realtime_passenger() returns {{trip.passenger:type}}
stable security definer language plpgsql
set search_path = {{path}}
as $$
{{^who}}{{#passenger.login}}<<my>>
declare
    sub text := realtime_sync.claim('sub');
{{/passenger.login}}{{/who}}begin
    return {{#who}}realtime_sync.fleet_id({{who}} ->> 'passenger', null::{{trip.passenger:type}}){{/who}}{{^who}}{{#passenger.login}}(
        select {{p.id}} from {{passenger}} p where {{p.login}} = realtime_sync.fleet_id(my.sub, null::{{passenger.login:type}})
    ){{/passenger.login}}{{^passenger.login}}realtime_sync.fleet_sub(null::{{trip.passenger:type}}){{/passenger.login}}{{/who}};
end
$$
$template$
),
(
    'realtime_dispatcher', 'function', -10, '{driver.id}',
    $template$
create function {{schema}}.realtime_dispatcher() returns boolean
stable security definer language plpgsql
set search_path = {{path}}
as $$
begin
    -- Who may act as the owner is the back end. Of an app's user only what the server signs counts: Supabase's
    -- user_metadata is the user's to write. A claim first: 8,000 instructions less each time.
    return coalesce(
        {{^who}}realtime_sync.claim('user_role') = 'dispatcher' or realtime_sync.claim('app_metadata.role') = 'dispatcher'
        or realtime_sync.claim('role') = 'dispatcher' or {{/who}}pg_catalog.pg_has_role(
            coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user::text)::name, current_user, 'usage'
        ){{#who}} or ({{who}} ->> 'dispatcher')::boolean{{/who}},
        false
    );
end
$$
$template$
),
(
    'realtime_topics', 'function', -9, '{driver.id}',
    $template$
create function {{schema}}.realtime_topics() returns text[]
stable security definer language plpgsql
set search_path = {{path}}
as $$
begin
    return array(
        select t.topic
        from (
            select 'user:' || realtime_sync.claim('sub')
            union all
            select 'driver:' || {{rpc.realtime_driver}}(){{#trip.passenger}}
            union all
            select 'passenger:' || {{rpc.realtime_passenger}}()
            union all
            select 'trip:' || {{t.id}} from {{trip}} t where {{t.passenger}} = (select {{rpc.realtime_passenger}}()){{/trip.passenger}}
        ) t(topic)
        where t.topic is not null
    );
end
$$
$template$
);

revoke all on function realtime_sync.fleet_id(text, anyelement) from public;
revoke all on function realtime_sync.fleet_sub(anyelement) from public;
comment on function realtime_sync.fleet_sub(anyelement) is
    'The claim sub as an id of the type of the argument; null of a number, which would be anybody''s.';
comment on function realtime_sync.fleet_id(text, anyelement) is
    'A value of a token as an id of the type of the second argument; null where it is none.';
