-- as fleet_bench, writes, of 10
select id as offer from offer_trip(1000000000 + nextval('bench_trip'), max_drivers => 10) order by distance_m limit 1 \gset
select accept_offer(:offer);
