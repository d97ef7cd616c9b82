\set lat random(48100, 48900)
\set lng random(11100, 12400)
select * from nearby_drivers(:lat / 1000.0, :lng / 1000.0, 5000, 20);
