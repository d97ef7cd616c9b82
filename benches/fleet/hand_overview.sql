\set x random(0, 1450)
\set y random(0, 970)
select hand_overview(11 + :x / 1000.0, 48 + :y / 1000.0, 11.05 + :x / 1000.0, 48.03 + :y / 1000.0);
