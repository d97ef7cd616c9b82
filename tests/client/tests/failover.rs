//! A consumer goes on from its cursor where a standby was promoted or the server went back to an
//! earlier moment: it misses nothing that this server has, and is told where what it saw was undone.

use client::Server;
use client::event::{Event, committed};
use client::load::{DISAGREEING, Load, TABLES};
use client::postgres::Client;
use client::postgres::error::SqlState;
use client::postgres::fallible_iterator::FallibleIterator;
use client::process::{relay_pid, wait_for};
use client::random::Random;
use client::reader::{BEGINNING, Reader, Seen, replay, replay_all};
use client::signal;
use std::collections::{HashMap, HashSet};
use std::thread::sleep;
use std::time::Duration;

const SETTINGS: [(&str, &str); 4] = [
    ("log_min_messages", "log"),
    ("max_connections", "100"),
    ("max_prepared_transactions", "64"),
    ("wal_keep_size", "1GB"),
];
const END: &str = "select realtime_sync.send('end', 'end', '{\"id\":0,\"version\":1}')";

/// What was prepared before is committed now.
fn commit_prepared(client: &mut Client) {
    let left = "select gid from pg_prepared_xacts where database = current_database()";
    for row in client.query(left, &[]).unwrap() {
        let name: &str = row.get(0);
        client
            .batch_execute(&format!("commit prepared '{name}'"))
            .unwrap();
    }
}

fn settled(client: &mut Client) -> HashMap<i64, Event> {
    client.batch_execute(END).unwrap();
    let row = client.query_one(DISAGREEING, &[]).expect(DISAGREEING);
    let (n, first): (i64, Option<&str>) = (row.get(0), row.get(1));
    assert_eq!(n, 0, "log and history disagree, first {first:?}");
    committed(client)
}

/// The consumer's set of changes, those it had and those it got since, has all that is committed here.
fn has_all(before: &Seen, after: &Seen, events: &HashMap<i64, Event>) {
    let seen: HashSet<_> = before
        .events
        .iter()
        .chain(&after.events)
        .map(|event| (event.xid, event.id, &event.change))
        .collect();
    let mut missing: Vec<_> = events
        .values()
        .filter(|event| !seen.contains(&(event.xid, event.id, &event.change)))
        .collect();
    missing.sort_by_key(|event| event.id);
    let first = missing.first().map(ToString::to_string);
    let n = missing.len();
    println!(
        "{} events before, {} after, {} committed here, {n} missing",
        before.events.len(),
        after.events.len(),
        events.len()
    );
    assert_eq!(n, 0, "missing, the first {first:?}");
    assert!(after.faults.is_empty(), "{:?}", after.faults);
}

fn clock(client: &mut Client) -> f64 {
    let query = "select extract(epoch from clock_timestamp())::float8";
    client.query_one(query, &[]).unwrap().get(0)
}

fn walreceiver(client: &mut Client) -> u32 {
    let query = "select pid from pg_stat_wal_receiver where status = 'streaming'";
    wait_for("the standby to stream", || {
        let row = client.query_opt(query, &[]).unwrap()?;
        Some(row.get::<_, i32>(0) as u32)
    })
}

#[test]
fn a_consumer_goes_on_after_a_failover_that_lost_wal() {
    let mut random = Random::seeded();
    let mut primary = Server::with(&SETTINGS);
    let mut client = primary.create("app", "");
    let app = primary.config("app");
    client.batch_execute(TABLES).unwrap();
    let mut settings = SETTINGS.to_vec();
    settings.push(("shared_preload_libraries", "realtime_sync"));
    let mut standby = primary.base_backup(&settings);
    let fakes = standby.set_clock_behind(5);
    standby.follow(&primary);
    let mut reading = standby.connect("app");
    let behind = clock(&mut client) - clock(&mut reading);
    println!(
        "the standby's clock is {behind:.1} s behind{}",
        if fakes {
            ""
        } else {
            ": skipped, libfaketime is missing (scripts/setup installs it)"
        }
    );
    assert!(!fakes || (behind - 5.0).abs() < 1.0);
    let receiver = walreceiver(&mut reading);
    let follower = Reader::follow(&app, random.fork(), BEGINNING);
    // Another reads from the standby all along.
    let on_standby = Reader::follow(&standby.config("app"), random.fork(), BEGINNING);
    let load = Load::start(&app, &mut random, 6, 0);
    sleep(Duration::from_secs(3));
    // One that was up to date when it went, in the standby's history: nothing it saw is undone.
    let mut early = Seen::at(BEGINNING);
    replay_all(&mut reading, &mut early, || 5_000).unwrap();
    assert!(early.events.len() > 100, "the standby replays what it has");
    early.check_but_gaps("replay on the standby", &committed(&mut client));

    // From here on the standby receives nothing, and the consumer goes on reading what it will not have.
    signal(receiver, "STOP");
    sleep(Duration::from_millis(1500));
    let follower = follower.stop();
    let standby_reader = on_standby.stop();
    let ahead = follower.events.len() - early.events.len();
    println!("{ahead} events of the consumer were not on the standby yet");
    primary.crash();
    load.finish();
    signal(receiver, "CONT");
    assert_eq!(relay_pid(&mut reading, "app"), None, "a standby's relay");
    standby.promote();

    // The library is preloaded: nobody has to write first.
    wait_for("a relay at the promotion", || {
        relay_pid(&mut reading, "app")
    });
    let mut client = standby.connect("app");
    commit_prepared(&mut client);
    let new_load = Load::start(&standby.config("app"), &mut random, 4, 0);
    sleep(Duration::from_secs(1));
    new_load.finish();
    let events = settled(&mut client);
    let (mut after, mut early_after, mut standby_after) = (
        Seen::at(&follower.cursor),
        Seen::at(&early.cursor),
        Seen::at(&standby_reader.cursor),
    );
    for seen in [&mut after, &mut early_after, &mut standby_after] {
        wait_for("the promoted server's relay", || {
            replay_all(&mut client, seen, || 1_000).unwrap();
            seen.ended.then_some(())
        });
    }
    assert_eq!(
        after.resets, 1,
        "what it saw was undone, and it was told so once"
    );
    assert_eq!(early_after.resets, 0, "nothing that it saw was undone");
    assert_eq!(
        standby_after.resets, 0,
        "a standby shows nothing that it will not have"
    );
    has_all(&follower, &after, &events);
    has_all(&early, &early_after, &events);
    has_all(&standby_reader, &standby_after, &events);
    // Its timeline is another one, and cursors grow.
    let old = follower
        .events
        .iter()
        .filter_map(|event| event.place)
        .max()
        .unwrap();
    let new = after.events.iter().filter_map(|event| event.place);
    let new: Vec<_> = new.filter(|place| place.timeline > old.timeline).collect();
    assert!(!new.is_empty());
    assert!(new.iter().all(|place| *place > old));
    // The whole of it by replay, as ever.
    let mut whole = Seen::at(BEGINNING);
    replay_all(&mut client, &mut whole, || 5_000).unwrap();
    whole.check("replay of everything on the promoted server", &events, true);
}

/// Where the library is not preloaded nothing starts a relay at the promotion, but the first change does.
#[test]
fn the_first_change_on_a_promoted_standby_starts_a_relay() {
    let mut primary = Server::with(&SETTINGS);
    let mut client = primary.create("app", "");
    client
        .batch_execute(
            "create table cold (id bigint primary key, version int);
             select count(*) from realtime_sync.enable('cold')",
        )
        .unwrap();
    let mut standby = primary.base_backup(&SETTINGS);
    standby.follow(&primary);
    let mut reading = standby.connect("app");
    client
        .batch_execute("insert into cold values (1, 1)")
        .unwrap();
    let cold = "select from cold where id = 1";
    wait_for("the standby to have it", || {
        reading.query_opt(cold, &[]).unwrap()
    });
    let refused = reading.batch_execute("select realtime_sync.relay()");
    let refused = refused.expect_err("relay() on a standby");
    let error = refused.as_db_error().expect("PostgreSQL's answer");
    assert_eq!(*error.code(), SqlState::READ_ONLY_SQL_TRANSACTION);
    assert_eq!(
        error.message(),
        "realtime_sync.relay() cannot run during recovery"
    );
    drop(client);
    primary.stop();
    standby.promote();
    let mut client = standby.connect("app");
    client.batch_execute("listen realtime_sync").unwrap();
    assert_eq!(relay_pid(&mut reading, "app"), None, "a relay by itself");
    client
        .batch_execute("insert into cold values (2, 1)")
        .unwrap();
    wait_for("a relay", || relay_pid(&mut reading, "app"));
    let mut notifications = client.notifications();
    let mut heard = notifications.timeout_iter(Duration::from_secs(30));
    while let Some(notification) = heard.next().unwrap() {
        if Event::parse(notification.payload()).is_some_and(|event| event.change.row == 2) {
            return;
        }
    }
    panic!("the promoted server's change was not heard");
}

#[test]
fn a_consumer_goes_on_after_a_recovery_to_an_earlier_moment() {
    let mut random = Random::seeded();
    let archive = Server::archive_of("archive");
    let command = format!("cp %p {}/%f", archive.display());
    let mut settings = SETTINGS.to_vec();
    settings.extend([("archive_mode", "on"), ("archive_command", &command)]);
    let server = Server::with(&settings);
    let mut client = server.create("app", "");
    let app = server.config("app");
    client.batch_execute(TABLES).unwrap();
    let mut copy = server.base_backup(&SETTINGS);
    let follower = Reader::follow(&app, random.fork(), BEGINNING);
    let load = Load::start(&app, &mut random, 6, 0);
    sleep(Duration::from_secs(2));
    // Up to here a reader has seen what the recovered server has, and this is the moment to go back to.
    let mut early = Seen::at(BEGINNING);
    replay_all(&mut client, &mut early, || 5_000).unwrap();
    let target: String = client
        .query_one(
            "with x as (insert into done default values returning xid) select xid::text from x",
            &[],
        )
        .unwrap()
        .get(0);
    sleep(Duration::from_secs(1));
    load.finish();
    let follower = follower.stop();
    // Before the switch, which names the next where nothing was written since.
    let query = "select pg_walfile_name(pg_current_wal_insert_lsn())";
    let last: String = client.query_one(query, &[]).unwrap().get(0);
    client
        .batch_execute("select pg_switch_wal(); checkpoint")
        .unwrap();
    wait_for("the archive to have it all", || {
        let query = "select last_archived_wal >= $1 from pg_stat_archiver";
        let done: Option<bool> = client.query_one(query, &[&last]).unwrap().get(0);
        (done == Some(true)).then_some(())
    });
    copy.recover(&archive, &format!("recovery_target_xid={target}"));
    wait_for("the end of the recovery", || {
        (copy.is_in_recovery() == Some(false)).then_some(())
    });

    let mut client = copy.connect("app");
    commit_prepared(&mut client);
    let events = settled(&mut client);
    let (mut after, mut early_after) = (Seen::at(&follower.cursor), Seen::at(&early.cursor));
    for seen in [&mut after, &mut early_after] {
        wait_for("the recovered server's relay", || {
            replay_all(&mut client, seen, || 1_000).unwrap();
            seen.ended.then_some(())
        });
    }
    assert_eq!((after.resets, early_after.resets), (1, 0));
    has_all(&follower, &after, &events);
    has_all(&early, &early_after, &events);
    assert!(
        follower
            .events
            .iter()
            .any(|event| !events.contains_key(&event.id)),
        "nothing was undone"
    );
    // A cursor of the time after is told so for as long as it is used, and then goes on as any other.
    let answer = replay(&mut client, &after.cursor, 10).unwrap();
    assert_eq!(answer["reset"], false);
    let mut whole = Seen::at(BEGINNING);
    replay_all(&mut client, &mut whole, || 5_000).unwrap();
    whole.check(
        "replay of everything on the recovered server",
        &events,
        true,
    );
    std::fs::remove_dir_all(archive).unwrap();
}
