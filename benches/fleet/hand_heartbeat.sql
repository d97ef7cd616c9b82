-- as fleet_bench_driver, writes
\set d random(1, 1000)
select hand_heartbeat('{"battery": 80}')
from set_config('request.jwt.claims', '{"sub": "' || md5('driver' || :d)::uuid || '"}', false);
