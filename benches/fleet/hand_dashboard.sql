\set d random(1, :drivers)
select hand_dashboard(:d);
