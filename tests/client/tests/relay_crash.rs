//! The postmaster with all its processes, the relay or a writer is killed at random under load. What
//! was committed can be replayed, what was delivered is in the tables' own history, no id is another
//! event's, and no position comes back.

use client::event::{Event, committed};
use client::load::{DISAGREEING, Load, TABLES, connect};
use client::postgres::Client;
use client::process::{lives, relay_pid, wait_for};
use client::random::{Random, full};
use client::reader::{BEGINNING, Reader, Seen};
use client::{Server, signal, wal};
use std::collections::{HashMap, HashSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, PartialEq)]
enum Victim {
    Server,
    Relay,
    Writer,
}

/// Who is killed, and whether in the middle of a big tick.
const KILLS: [(&str, Victim, bool); 5] = [
    ("the server", Victim::Server, false),
    ("the relay", Victim::Relay, false),
    ("a writer", Victim::Writer, false),
    ("the relay within a big tick", Victim::Relay, true),
    ("the server within a big tick", Victim::Server, true),
];

/// Some sink has got a part of a tick that is too big for one batch.
const WITHIN: &str = "
    select exists (
        select from realtime_sync.sink s, lateral (
            select p.timeline, p.position, p.id from realtime_sync.progress p where p.sink = s.id
            order by p.timeline desc, p.position desc, p.id desc limit 1
        ) p join realtime_sync.tick t using (timeline, position)
        where t.events is null and p.id < 9223372036854775807
    )";

/// False where nobody was there to be killed.
fn kill(server: &mut Server, victim: Victim, bulk: Option<(usize, u64)>) -> bool {
    let Ok(mut client) = connect(&server.config("app")) else {
        return false;
    };
    if let Some((n, rows)) = bulk {
        // Rows of no other's.
        let insert = format!(
            "insert into bulk select -{n}::bigint * 10000000 + n, 1, 'bulk' from generate_series(1, {rows}) n"
        );
        client.batch_execute(&insert).unwrap();
        let until = Instant::now() + Duration::from_secs(2);
        while !client.query_one(WITHIN, &[]).unwrap().get::<_, bool>(0) {
            if Instant::now() > until {
                return false;
            }
        }
    }
    let pid = match victim {
        Victim::Server => {
            server.crash();
            server.start_postmaster();
            return true;
        }
        Victim::Relay => relay_pid(&mut client, "app"),
        Victim::Writer => {
            let query = "
                select pid from pg_stat_activity
                where backend_type = 'client backend' and xact_start is not null and pid <> pg_backend_pid()
                order by random() limit 1";
            let row = client.query_opt(query, &[]).unwrap();
            row.map(|row| row.get::<_, i32>(0) as u32)
        }
    };
    let Some(pid) = pid else { return false };
    signal(pid, "KILL");
    wait_for("the killed process to end", || (!lives(pid)).then_some(()));
    server.wait_until_ready();
    true
}

/// The whole log by replay, in one go.
fn replayed(client: &mut Client) -> Seen {
    let mut seen = Seen::at(BEGINNING);
    client::reader::replay_all(client, &mut seen, || 5_000).expect("a replay");
    seen
}

const BOX: &str = "
    create table box (n bigint generated always as identity, event_id bigint, cursor text);
    select realtime_sync.add_sink('box', target => 'table:box');
    create function only_id(e json) returns text language sql as $$ select e ->> 'id' $$;
    select realtime_sync.add_sink('wal', 'only_id', 'wal:outbox')";

fn settled(client: &mut Client) -> HashMap<i64, Event> {
    let row = client.query_one(DISAGREEING, &[]).expect(DISAGREEING);
    let (n, first): (i64, Option<&str>) = (row.get(0), row.get(1));
    assert_eq!(n, 0, "log and history disagree, first {first:?}");
    committed(client)
}

#[test]
fn a_crash_loses_nothing_and_takes_back_nothing() {
    let (rounds, rows) = if full() { (50, 20_000) } else { (10, 5_000) };
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
    let mut other = server.create("other", "");
    let (app, beside) = (server.config("app"), server.config("other"));
    let live = Reader::listen(&app);
    client.batch_execute(BOX).unwrap();
    wal::create_slot(&mut client);
    client.batch_execute(TABLES).unwrap();
    other.batch_execute(TABLES).unwrap();
    drop((client, other));
    let follower = Reader::follow(&app, random.fork(), BEGINNING);
    let load = Load::start(&app, &mut random, 8, 0);
    let elsewhere = Load::start(&beside, &mut random, 1, 0);
    let mut killed = [0; KILLS.len()];
    let (mut round, mut tries) = (0, 0);
    while round < rounds {
        sleep(Duration::from_millis(100 + random.below(900)));
        // Each kind at least once.
        let kind = match round < KILLS.len() {
            true => round,
            false => random.below(KILLS.len() as u64) as usize,
        };
        let (name, victim, within) = KILLS[kind];
        tries += 1;
        if kill(&mut server, victim, within.then_some((tries, rows))) {
            round += 1;
            killed[kind] += 1;
            println!("round {round}: {name} killed");
        }
        assert!(tries < 10 * rounds, "{name} is never there to be killed");
    }
    let tally = KILLS.iter().zip(killed);
    let tally: Vec<String> = tally
        .map(|((name, ..), times)| format!("{name} {times} times"))
        .collect();
    println!("killed: {}", tally.join(", "));
    sleep(Duration::from_millis(300));
    let confirmed = load.finish();
    elsewhere.finish();
    let mut client = server.connect("app");
    let mut other = server.connect("other");
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
    let others = settled(&mut other);
    replayed(&mut other).check("replay of the other database", &others, true);
    wait_for("the table sink's last event", || {
        let query = "
            select exists (select from box where event_id = (select max(id) from realtime_sync.events where topics[1] = 'end'))";
        let ended: bool = client.query_one(query, &[]).unwrap().get(0);
        ended.then_some(())
    });
    let row = client
        .query_one(
            "select count(*) filter (where b.event_id is null), count(*) filter (where e.id is null),
                 (select count(*) - count(distinct event_id) from box),
                 (select count(*) from (select cursor, lag(cursor) over (order by n) as before from box) b where cursor <= before)
             from realtime_sync.event e full join (select distinct event_id from box) b on b.event_id = e.id",
            &[],
        )
        .unwrap();
    let [missing, alien, repeated, inverted]: [i64; 4] = [0, 1, 2, 3].map(|n| row.get(n));
    println!(
        "table sink: {missing} missing, {alien} not committed, {repeated} repeated, {inverted} not in order"
    );
    // A crash takes the rows back with the note of how far the sink has come, or neither.
    let table = (missing, alien, repeated, inverted);
    let last = "select max(id) from realtime_sync.event";
    let last: i64 = client.query_one(last, &[]).unwrap().get(0);
    let mut sent = Vec::new();
    wait_for("the WAL sink's last event", || {
        sent.extend(wal::ids(&mut client));
        sent.contains(&last).then_some(())
    });
    let known: HashSet<i64> = client
        .query("select id from realtime_sync.event", &[])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let distinct: HashSet<i64> = sent.iter().copied().collect();
    let missing = known.difference(&distinct).count();
    let alien = distinct.difference(&known).count();
    let repeated = sent.len() - distinct.len();
    println!("WAL sink: {missing} missing, {alien} not committed, {repeated} repeated");
    assert_eq!(table, (0, 0, 0, 0), "table sink");
    assert_eq!((missing, alien, repeated), (0, 0, 0), "WAL sink");
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
