-- as fleet_bench_gateway, writes, of 1000
\set n random(0, 9)
select hand_heartbeats((select beats from beats where n = :n));
