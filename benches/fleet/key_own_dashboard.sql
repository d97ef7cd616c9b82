-- as fleet_bench_driver
select * from drivers where id = 43;
