-- as fleet_bench_driver, writes
\set d random(1, 1000)
select driver_heartbeat('{"battery": 80}', '60 s')
from set_config('request.jwt.claims', '{"sub": "' || md5('driver' || :d)::uuid || '"}', false);
