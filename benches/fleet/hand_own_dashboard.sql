-- as fleet_bench_driver
select hand_dashboard(realtime_driver());
