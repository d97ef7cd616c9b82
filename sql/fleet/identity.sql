-- Who is calling: the driver, passenger or dispatcher that a login stands for, from the claims as PostgREST
-- and Supabase set them. The kit's functions that run as their owner ask these.

insert into realtime_sync.fleet_template (name, kind, place, needs, template) values
(
    'realtime_driver', 'function', 0, '{driver.id}',
    $template$
create function {{schema}}.realtime_driver() returns {{driver.id:type}}
stable security definer language sql
set search_path = ''
as $$
    select {{d.id}} from {{driver}} d
    where {{#driver.login}}{{d.login}}{{/driver.login}}{{^driver.login}}{{d.id}}{{/driver.login}}::text = realtime_sync.claim('sub')
$$
$template$
),
(
    'realtime_dispatcher', 'function', 0, '{driver.id}',
    $template$
create function {{schema}}.realtime_dispatcher() returns boolean
stable security definer language sql
set search_path = ''
as $$
    select 'dispatcher' in (realtime_sync.claim('user_role'), realtime_sync.claim('app_metadata.role'))
        or pg_catalog.pg_has_role(
            coalesce(nullif(pg_catalog.current_setting('role'), 'none'), session_user::text)::name, current_user, 'usage'
        )
$$
$template$
);
