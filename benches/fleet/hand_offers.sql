-- as fleet_bench, writes, of 10
select id as offer from hand_offer_trip(1000000000 + nextval('bench_trip'), 10) order by distance_m limit 1 \gset
select hand_accept_offer(:offer);
