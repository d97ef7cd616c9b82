//! Under every kind of writer at once, a listener and a reader that comes and goes each get exactly
//! what was committed, each row's changes in order. RELIABILITY=full is a minute and a million rows.

use client::Server;
use client::causal::Views;
use client::event::{Event, committed};
use client::load::{DISAGREEING, Load, TABLES};
use client::postgres::Client;
use client::process::wait_for;
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
    let query = "select last_value from realtime_sync.position";
    let begin: i64 = client.query_one(query, &[]).unwrap().get(0);
    let (app, beside) = (server.config("app"), server.config("other"));
    // A relay that began later would not send the first events to a listener.
    let live = Reader::listen(&app);
    let alone = Reader::listen(&beside);
    client.batch_execute(TABLES).unwrap();
    other.batch_execute(TABLES).unwrap();
    let follower = Reader::follow(&app, random.fork(), BEGINNING);
    let second = Reader::follow(&app, random.fork(), BEGINNING);
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
    let views = Views::read(&mut client);
    views.check("listener", &live);
    views.check("reader that comes and goes", &follower);
    let elsewhere = settled(&mut other);
    alone
        .join()
        .check("listener of the other database", &elsewhere, true);
    assert!(follower.sessions > 5);
    assert!(missed > 0, "nothing was hard about this load");
    // Positions are reserved 10,000 at a time, with the one that wants them, from the end of what was reserved.
    let row = client
        .query_one(
            "select p.last_value, max(t.position), count(*) from realtime_sync.position p, realtime_sync.tick t group by 1",
            &[],
        )
        .unwrap();
    let (reserved, newest, ticks): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    println!("{ticks} ticks, positions up to {newest} of {reserved} reserved");
    assert_eq!(
        (reserved - begin) % 10_001,
        0,
        "reserved before they were needed"
    );
    assert!(newest <= reserved && reserved - newest <= 10_001);
    // Rows of ticks and progress are only ever added. A process reports what it did once it is idle.
    wait_for("the relay's statistics", || {
        let query = "
            select sum(n_tup_upd + n_tup_del)::int8, sum(n_tup_ins) filter (where relname like 'tick%') >= $1::int8
            from pg_stat_all_tables where schemaname = 'realtime_sync' and relname ~ '^(tick|progress)_'";
        let row = client.query_one(query, &[&ticks]).unwrap();
        assert_eq!(row.get::<_, i64>(0), 0, "rows were changed");
        row.get::<_, bool>(1).then_some(())
    });
}
