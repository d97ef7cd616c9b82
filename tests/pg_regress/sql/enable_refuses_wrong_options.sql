-- Mistakes are found when they are made: SQLSTATE, message, detail, hint.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
begin;
create table drivers (id bigint primary key, is_online boolean, status text, "Odd ""name" text);
create function try(arguments text) returns table (code text, message text, detail text, hint text)
language plpgsql as $$
begin
    execute 'select realtime_sync.enable(''public.drivers'', ' || arguments || ')';
    return query select '00000', null::text, null::text, null::text;
exception when others then
    get stacked diagnostics
        code = returned_sqlstate, message = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
    return next;
end
$$;
select t.arguments, e.*
from (
    values
        (1, $$topics => array['driver:{ID}']$$),
        (2, $$topics => array['driver:{is_onlin}']$$),
        (3, $$columns => array['id', 'nothing_like_it']$$),
        (4, $$exclude => array['stat']$$),
        (5, $$watch => array['odd "name']$$),
        (6, $$key_columns => array['uid']$$),
        (7, $$status_columns => array['ctid']$$),
        (8, $$topics => array['driver:{id']$$),
        (9, $$topics => array['driver:id}']$$),
        (10, $$topics => array['driver:{}']$$),
        (11, $$topics => array['']$$),
        (12, $$columns => array['id'], exclude => array['status']$$),
        (13, $$exclude => array['id']$$),
        (14, $$exclude => array['status'], status_columns => array['status']$$),
        (15, $$operations => array['upsert']$$),
        (16, $$new_row => 'none'$$),
        (17, $$old_row => 'most'$$),
        (18, $$numbers => 'words'$$),
        (19, $$replica_mode => 'never'$$),
        (20, $$replica_identity => 'drivers_key'$$),
        (21, $$operations => '{}'$$),
        (22, $$topics => '{}'$$),
        (23, $$watch => array['status', null]$$),
        (24, $$watch => array[['status'], ['id']]$$),
        (25, $$operations => array['insert'], watch => array['status']$$),
        (26, $$operations => array['insert'], status_columns => array['status']$$),
        (27, $$event_name => ''$$),
        (28, $$publication => ''$$),
        (29, $$throttle => '1 second'$$),
        (30, $$throttle_columns => array['status']$$),
        (31, $$columns => array['*']$$),
        (32, $$throttle => '0', throttle_columns => array['status']$$),
        (33, $$throttle => '-1 s', throttle_columns => array['status']$$),
        (34, $$throttle => '0.4 ms', throttle_columns => array['status']$$),
        (35, $$throttle => '24:00:00.001', throttle_columns => array['status']$$),
        (36, $$throttle => '1 month -29 days -23 hours', throttle_columns => array['status']$$),
        (37, $$throttle => '170000000 years', throttle_columns => array['status']$$),
        (38, $$throttle => '1 s', throttle_columns => array['state']$$),
        (39, $$throttle => '1 s', throttle_columns => '{}'$$),
        (40, $$throttle => '1 s', throttle_columns => array['status', 'id']$$),
        (41, $$throttle => '1 s', throttle_columns => array['status'], topics => array['s:{status}']$$),
        (42, $$throttle => '1 s', throttle_columns => array['status'], status_columns => array['status']$$),
        (43, $$throttle => '1 s', throttle_columns => array['status'], filter => 'new.status = ''x'''$$),
        (44, $$throttle => '1 s', throttle_columns => array['status'], watch => array['is_online']$$),
        (45, $$throttle => '1 s', throttle_columns => array['status'], operations => array['insert']$$),
        (46, $$throttle => '1 s', throttle_columns => array['status'], new_row => 'changed'$$),
        (47, $$columns => array['id'], status_columns => array['status']$$)
) as t (n, arguments)
cross join lateral try(t.arguments) as e
order by t.n;
-- Words in any case, elements twice, every option null: no mistakes.
select e.*
from try($$
    operations => array['Insert', 'UPDATE', 'insert'], new_row => 'Full', topics => array['{"Odd ""name"}', '{{{status}}}', '{"id"}'],
    columns => null, exclude => null, watch => null, filter => null, old_row => null, key_columns => null, event_name => null,
    status_columns => null, numbers => null, throttle => null, throttle_columns => null, coalesced => null, replica_mode => null,
    replica_identity => null, publication => null, dry_run => null
$$) as e;
select e.* from try($$throttle => '1 day', throttle_columns => array['status', 'is_online'], watch => array['status']$$) as e;
select realtime_sync.enable(null);
select realtime_sync.enable('nowhere');
select realtime_sync.enable(1::regclass);
rollback;
