-- Promise: what a token says is an id of the app's type or nobody's; a claim is never one of a token before.
select claim, realtime_sync.fleet_id(claim, null::uuid) as uuid, realtime_sync.fleet_id(claim, null::bigint) as bigint,
    realtime_sync.fleet_id(claim, null::integer) as integer, realtime_sync.fleet_id(claim, null::smallint) as smallint
from unnest(array[
    'b7a51bec-efdc-fcee-dfc0-c22cd992d058', 'B7A51BEC-EFDC-FCEE-DFC0-C22CD992D058', '{b7a51bec-efdc-fcee-dfc0-c22cd992d058}',
    'b7a51becefdcfceedfc0c22cd992d058', 'b7a51bec-efdc-fcee-dfc0-c22cd992d05', 'b7a51bec-efdc-fcee-dfc0-c22cd992d05g',
    'b7a51bec-efdc-fcee-dfc0-c22cd992d058 ', 'b7a51becefdc--fcee-dfc0-c22cd992d058', 'b7a51bec-efdc-fcee-dfc0-c22cd992dé8', '',
    '7', '-7', '+7', '007', ' 7', '7 ', '7.0', '1e3', '0x7', '-', '--7', '7-', e'7\n', '٧', '32767', '32768', '-32768', '-32769', '000007', '2147483647', '2147483648',
    '-2147483648', '00000000007', '9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809', '00000000000000000007', null
]) claim;
select realtime_sync.fleet_id('x', null::text) as text, realtime_sync.fleet_id('x', null::varchar(9)) as varchar, realtime_sync.fleet_id('7', null::numeric) as numeric,
    pg_typeof(realtime_sync.fleet_id('x', null::varchar)) as type, realtime_sync.fleet_id(null, null::text) is null as nobody;
-- nor of a type that only its input function knows
create domain regress_code as text check (value ~ '^d[0-9]+$');
create domain regress_number as bigint check (value > 0);
create type regress_kind as enum ('a', 'b');
select claim, realtime_sync.fleet_id(claim, null::regress_code) as code, realtime_sync.fleet_id(claim, null::regress_number) as number,
    realtime_sync.fleet_id(claim, null::numeric) as numeric, realtime_sync.fleet_id(claim, null::regress_kind) as kind,
    realtime_sync.fleet_id(claim, null::oid) as oid
from unnest(array['d1', '7', '-7', 'a', 'x', '', '99999999999999999999', null]) claim;
drop domain regress_code, regress_number;
drop type regress_kind;
select realtime_sync.fleet_id(repeat('9', 100000), null::bigint) is null as nobody, length(realtime_sync.fleet_id(repeat('9', 100000), null::text)) as length;
-- each as the setting stands, within a transaction and within a statement, and as it was after a rollback
begin;
set local request.jwt.claims = '{"sub": "a", "n": 1, "deep": {"role": "x"}}';
select realtime_sync.claim('sub'), realtime_sync.claim('n'), realtime_sync.claim('deep.role'), realtime_sync.claim('none');
select realtime_sync.claim('sub'), set_config('request.jwt.claims', '{"sub": "b"}', true), realtime_sync.claim('sub'), realtime_sync.claim('n') is null as gone;
savepoint s;
set local request.jwt.claims = 'no json';
select realtime_sync.claim('sub') is null as none;
rollback to s;
select realtime_sync.claim('sub');
set local request.jwt.claims = '';
select realtime_sync.claim('sub') is null as none;
select set_config('request.jwt.claims', json_build_object('sub', 'c', 'pad', repeat('x', 70000))::text, true) is not null as set, realtime_sync.claim('sub') is null as too_long;
rollback;
select realtime_sync.claim('sub') is null as none;
