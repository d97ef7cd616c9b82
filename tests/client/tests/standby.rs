//! The fleet kit read on a standby: what the primary says, but for presence, whose unlogged tables a standby has not.

use client::Server;
use client::process::wait_for;

const CITY: &str = "
    create extension realtime_sync;
    do $$
    begin
        perform realtime_sync.fleet_setup('public', create_missing => true);
    end
    $$;
    insert into drivers (id, user_id, is_online) overriding system value select n, 'driver ' || n, true from generate_series(1, 20) n;
    select realtime_sync.presence_track('drivers', n::text) from generate_series(1, 20) n;
    select update_location(n, 52.5 + n * 0.0001, 13.4) from generate_series(1, 20) n;
    insert into trips (id, driver_id, status) overriding system value values (1, 1, 'in_progress');
    insert into trips (id, pickup_lat, pickup_lng) overriding system value values (2, 52.5, 13.4);
    select offer_trip(2, array[2])";

/// What a query must say on both sides; the moment and the cursor differ.
const ALIKE: [&str; 4] = [
    "select string_agg((get_driver_dashboard(n) - array['presence', 'generated_at', 'cursor', 'offers'])::text, ',' order by n)
     from generate_series(1, 3) n",
    "select count(*)::text from jsonb_array_elements(get_driver_dashboard(2) -> 'offers')",
    "select string_agg(d::text, ',' order by d ->> 'id')
     from jsonb_array_elements(get_fleet_overview() -> 'drivers') e, lateral (select e - 'presence') d(d)",
    "select string_agg(t::text, ',') from generate_series(1, 3) n, driver_trail(n) t",
];

#[test]
fn the_fleet_kit_is_read_on_a_standby() {
    let primary = Server::start();
    let mut client = primary.connect("postgres");
    client.batch_execute(CITY).unwrap();
    let mut standby = primary.base_backup(&[("hot_standby", "on")]);
    standby.follow(&primary);
    let mut reading = standby.connect("postgres");
    let end: String = client
        .query_one("select pg_current_wal_lsn()::text", &[])
        .unwrap()
        .get(0);
    wait_for("the standby to have it all", || {
        let query = format!("select 1 where pg_last_wal_replay_lsn() >= '{end}'::text::pg_lsn");
        reading.query_opt(&query, &[]).unwrap()
    });
    for query in ALIKE {
        let said = [&mut client, &mut reading].map(|client| {
            client
                .query_one(query, &[])
                .unwrap()
                .get::<_, Option<String>>(0)
        });
        assert!(
            said[0]
                .as_ref()
                .is_some_and(|text| !text.is_empty() && text != "0"),
            "{query}"
        );
        assert_eq!(said[0], said[1], "{query}");
    }
    let presence = "select (get_driver_dashboard(1) -> 'presence')::text,
        (get_fleet_overview() -> 'drivers' -> 0 -> 'presence')::text, driver_presence(1) is null";
    let row = client.query_one(presence, &[]).unwrap();
    assert!(row.get::<_, String>(0).contains("online"));
    assert_eq!(row.get::<_, String>(1), "\"online\"");
    // Not known, which is not offline.
    let row = reading.query_one(presence, &[]).unwrap();
    assert_eq!(
        (row.get::<_, String>(0), row.get::<_, String>(1), row.get(2)),
        ("null".to_owned(), "null".to_owned(), true)
    );
}
