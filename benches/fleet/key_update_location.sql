-- as fleet_bench_driver, writes
\set d random(1, 1000)
\set move random(0, 20)
update hand_drivers set lat = 48.2 + 0.0006 * :d + 0.00001 * :move, lng = 11.2 + 0.001 * :d, heading = 90, speed = 8, location_at = now() where id = :d;
