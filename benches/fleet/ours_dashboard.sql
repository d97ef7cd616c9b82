\set d random(1, :drivers)
select get_driver_dashboard(:d);
