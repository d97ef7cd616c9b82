\set d random(1, :drivers)
select * from drivers where id = :d;
