-- as fleet_bench_driver
select get_driver_dashboard();
