//! Under every kind of writer at once, a listener and a reader that comes and goes each get exactly
//! what was committed, each row's changes in order. RELIABILITY=full is a minute and a million rows.

use client::Server;
use client::event::{Event, committed};
use client::load::{DISAGREEING, Load, TABLES};
use client::postgres::Client;
use client::random::{Random, full};
use client::reader::{BEGINNING, Naive, Reader};
use std::collections::HashMap;
use std::thread::sleep;
use std::time::Duration;

fn settled(client: &mut Client) -> HashMap<i64, Event> {
    let row = client.query_one(DISAGREEING, &[]).expect(DISAGREEING);
    let (n, first): (i64, Option<&str>) = (row.get(0), row.get(1));
    assert_eq!(n, 0, "log and history disagree, first {first:?}");
    committed(client)
}

#[test]
fn readers_get_what_was_committed_once_and_in_order() {
    let (seconds, bulk) = if full() {
        (60, 1_000_000)
    } else {
        (15, 50_000)
    };
    let mut random = Random::seeded();
    let server = Server::with(&[
        ("max_connections", "100"),
        ("log_min_messages", "log"),
        ("max_prepared_transactions", "64"),
    ]);
    let mut client = server.create("app", "");
    let mut other = server.create("other", "");
    let (app, beside) = (server.config("app"), server.config("other"));
    // A relay that began later would not send the first events to a listener.
    let live = Reader::listen(&app);
    client.batch_execute(TABLES).unwrap();
    other.batch_execute(TABLES).unwrap();
    let follower = Reader::follow(&app, random.fork(), BEGINNING);
    let second = Reader::follow(&app, random.fork(), BEGINNING);
    let alone = Reader::listen(&beside);
    let naive = Naive::start(&app);
    let load = Load::start(&app, &mut random, 8, bulk);
    let elsewhere = Load::start(&beside, &mut random, 1, 0);
    sleep(Duration::from_secs(seconds));
    let confirmed = load.finish();
    elsewhere.finish();
    for client in [&mut client, &mut other] {
        client
            .batch_execute("select realtime_sync.send('end', 'end', '{\"id\":0,\"version\":1}')")
            .unwrap();
    }
    let events = settled(&mut client);
    println!(
        "{} transactions, {} events",
        confirmed.transactions,
        events.len()
    );
    let missed = naive.missed(&events);
    println!(
        "a reader that polls for greater ids: {missed} of {} events missed",
        events.len()
    );
    let (live, follower, second) = (live.join(), follower.join(), second.join());
    live.check("listener", &events, true);
    follower.check("reader that comes and goes", &events, true);
    second.check("another", &events, true);
    alone.join();
    assert!(follower.sessions > 5);
    assert!(missed > 0, "nothing was hard about this load");
}
