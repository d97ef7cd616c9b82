//! The postmaster with all its processes, the relay or a writer is killed at random under load. What
//! was committed can be replayed, what was delivered is in the tables' own history, no id is another
//! event's, and no position comes back.

use client::event::{Event, committed};
use client::load::{DISAGREEING, Load, TABLES, connect};
use client::postgres::Client;
use client::process::{lives, relay_pid, wait_for};
use client::random::{Random, full};
use client::reader::{BEGINNING, Reader, Seen};
use client::{Server, signal};
use std::collections::{HashMap, HashSet};
use std::thread::sleep;
use std::time::Duration;

fn kill_one(server: &mut Server, random: &mut Random) -> &'static str {
    if random.one_in(3) {
        server.crash();
        server.start_postmaster();
        return "the server";
    }
    let relay = random.one_in(2);
    let Ok(mut client) = connect(&server.config("app")) else {
        return "nobody";
    };
    let victim = if relay {
        relay_pid(&mut client, "app")
    } else {
        let query = "
            select pid from pg_stat_activity
            where backend_type = 'client backend' and xact_start is not null and pid <> pg_backend_pid()
            order by random() limit 1";
        client
            .query_opt(query, &[])
            .ok()
            .flatten()
            .map(|row| row.get::<_, i32>(0) as u32)
    };
    let Some(pid) = victim else { return "nobody" };
    signal(pid, "KILL");
    wait_for("the killed process to end", || (!lives(pid)).then_some(()));
    server.wait_until_ready();
    if relay { "the relay" } else { "a writer" }
}

/// The whole log by replay, in one go.
fn replayed(client: &mut Client) -> Seen {
    let mut seen = Seen::at(BEGINNING);
    client::reader::replay_all(client, &mut seen, || 5_000).expect("a replay");
    seen
}

fn settled(client: &mut Client) -> HashMap<i64, Event> {
    let row = client.query_one(DISAGREEING, &[]).expect(DISAGREEING);
    let (n, first): (i64, Option<&str>) = (row.get(0), row.get(1));
    assert_eq!(n, 0, "log and history disagree, first {first:?}");
    committed(client)
}

#[test]
fn a_crash_loses_nothing_and_takes_back_nothing() {
    let rounds = if full() { 50 } else { 10 };
    let mut random = Random::seeded();
    let mut server = Server::with(&[
        ("log_min_messages", "log"),
        ("max_connections", "100"),
        ("max_prepared_transactions", "64"),
        // The more is lost by a crash the more there is to get wrong.
        ("wal_writer_delay", "10s"),
        ("wal_writer_flush_after", "0"),
        ("checkpoint_timeout", "30s"),
    ]);
    let mut client = server.create("app", "");
    let app = server.config("app");
    let live = Reader::listen(&app);
    client.batch_execute(TABLES).unwrap();
    drop(client);
    let follower = Reader::follow(&app, random.fork(), BEGINNING);
    let load = Load::start(&app, &mut random, 6, 0);
    for round in 1..=rounds {
        sleep(Duration::from_millis(100 + random.below(900)));
        let victim = kill_one(&mut server, &mut random);
        println!("round {round}: {victim} killed");
    }
    sleep(Duration::from_millis(300));
    let confirmed = load.finish();
    let mut client = server.connect("app");
    client
        .batch_execute("select realtime_sync.send('end', 'end', '{\"id\":0,\"version\":1}')")
        .unwrap();
    let events = settled(&mut client);
    println!(
        "{} transactions, {} events",
        confirmed.transactions,
        events.len()
    );
    let done: HashSet<u64> = client
        .query("select xid::text from done", &[])
        .unwrap()
        .iter()
        .map(|row| row.get::<_, &str>(0).parse().unwrap())
        .collect();
    let gone = confirmed.durable.iter().filter(|xid| !done.contains(xid));
    assert_eq!(gone.count(), 0, "PostgreSQL itself has lost commits");

    let (live, follower) = (live.join(), follower.join());
    follower.check("reader that comes and goes", &events, false);
    // What was sent while it was away, the listener has missed.
    live.check_but_gaps("listener", &events);
    replayed(&mut client).check("replay of everything", &events, true);
    let positions = client
        .query_one(
            "select count(*) - count(distinct (timeline, position)), max(position) <= (select last_value from realtime_sync.position)
             from realtime_sync.tick",
            &[],
        )
        .unwrap();
    assert_eq!(positions.get::<_, i64>(0), 0, "one position, two ticks");
    assert!(
        positions.get::<_, bool>(1),
        "a position beyond what is reserved"
    );
}
