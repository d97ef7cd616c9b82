\set x random(0, 1450)
\set y random(0, 970)
select get_fleet_overview(jsonb_build_object($$west$$, 11 + :x / 1000.0, $$south$$, 48 + :y / 1000.0, $$east$$, 11.05 + :x / 1000.0, $$north$$, 48.03 + :y / 1000.0));
