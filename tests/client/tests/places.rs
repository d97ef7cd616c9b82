//! Places of drivers that wait, since they are near the one last written: the last arrives when its time is over,
//! though the phone never sends again, and whatever the relay does while two phones send for one driver.

use client::Server;
use client::postgres::{Client, NoTls};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

const CITY: &str = "
    insert into realtime_sync.fleet_limit (schema, place_seconds, place_distance) values ('public', 1, 20);
    do $$
    begin
        perform realtime_sync.fleet_setup('public', create_missing => true);
    end
    $$;
    insert into drivers (id, user_id) overriding system value select n, 'driver ' || n from generate_series(1, 200) n;
";

fn city() -> (Server, Client) {
    let server = Server::start();
    let mut client = server.connect("postgres");
    client
        .batch_execute("create extension realtime_sync")
        .unwrap();
    client.batch_execute(CITY).unwrap();
    (server, client)
}

fn wait(client: &mut Client, query: &str) -> Duration {
    let began = Instant::now();
    while !client.query_one(query, &[]).unwrap().get::<_, bool>(0) {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {query}");
        sleep(Duration::from_millis(20));
    }
    began.elapsed()
}

#[test]
fn the_last_fix_arrives_though_the_phone_is_silent() {
    let (_server, mut client) = city();
    client
        .batch_execute("select update_location(n, 52.5, 13.4, 1) from generate_series(1, 200) n")
        .unwrap();
    client
        .batch_execute(
            "select update_location(n, 52.50001, 13.4, 2) from generate_series(1, 200) n",
        )
        .unwrap();
    let written: i64 = client
        .query_one("select count(*) from drivers where heading = 2", &[])
        .unwrap()
        .get(0);
    assert_eq!(written, 0, "near, and written at once");
    let first = wait(
        &mut client,
        "select count(*) > 0 from drivers where heading = 2",
    );
    assert!(first > Duration::from_millis(500), "after {first:?}");
    let all = wait(
        &mut client,
        "select count(*) = 200 from drivers where heading = 2 and lat = 52.50001",
    );
    assert!(
        first + all < Duration::from_secs(4),
        "after {first:?} and {all:?}"
    );
    wait(
        &mut client,
        "select count(distinct key::text) = 200 from realtime_sync.events
        where type = 'UPDATE' and topics @> '{drivers}' and new ->> 'heading' = '2'",
    );
}

/// Of twenty fixes nineteen are near the first, each newer than what its own phone has sent before.
const FIX: &str = "
    select update_location(
            1, 52.5 + (random() < 0.05)::integer * 0.0003, 13.4, recorded_at => f.at
        ) ->> 'reason', (extract(epoch from f.at) * 1e6)::bigint
    from (select clock_timestamp() as at offset 0) f";

#[test]
fn two_phones_of_one_driver_and_the_relay_lose_nothing() {
    let (server, mut client) = city();
    let senders: Vec<_> = (0..2)
        .map(|_| {
            let config = server.config("postgres");
            spawn(move || {
                let mut client = config.connect(NoTls).unwrap();
                let until = Instant::now() + Duration::from_secs(6);
                let (mut held, mut last) = (0, 0);
                while Instant::now() < until {
                    let row = client.query_one(FIX, &[]).expect("no deadlock");
                    let at: i64 = row.get(1);
                    match row.get(0) {
                        Some("held") => held += 1,
                        Some("out_of_order") => continue,
                        reason => assert_eq!(reason, None),
                    }
                    last = at;
                    sleep(Duration::from_millis(1));
                }
                (held, last)
            })
        })
        .collect();
    let (mut held, mut last) = (0, 0);
    for sender in senders {
        let found = sender.join().unwrap();
        held += found.0;
        last = last.max(found.1);
    }
    assert!(held > 100, "{held} were held");
    wait(
        &mut client,
        &format!("select extract(epoch from location_at) * 1e6 = {last} from drivers where id = 1"),
    );
}
