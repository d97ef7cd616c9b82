-- Promise: every call of kit and core has the arguments and defaults that its callers know.
create schema arguments;
select count(*) > 0 as made from realtime_sync.fleet_setup('arguments', create_missing => true);
set search_path = arguments;
select p.proname as call, pg_get_function_arguments(p.oid) as arguments
from realtime_sync.fleet_object o
join pg_proc p on p.pronamespace = 'arguments'::regnamespace and p.proname = o.actual
where o.schema = 'arguments' and o.kind = 'function' and o.name not like 'realtime\_%'
order by p.proname;
reset search_path;
-- Parts of others and trigger functions are nobody's to call.
select p.proname as call, pg_get_function_arguments(p.oid) as arguments
from pg_proc p
where p.pronamespace = 'realtime_sync'::regnamespace and p.prorettype <> 'trigger'::regtype
    and coalesce(obj_description(p.oid, 'pg_proc'), 'Part of') !~ '^Part of'
order by p.proname, 2;
select count(*) > 0 as removed from realtime_sync.fleet_remove('arguments', drop_tables => true);
drop schema arguments cascade;
truncate realtime_sync.event;
