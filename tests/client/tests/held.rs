//! Updates kept out of the log: what no writer may notice, and that the last of each row always comes, in
//! its order, whatever happens to relays and transactions.
//!
//! `SEED` repeats a run; `SECONDS` says how long it writes (default 4).

use client::Server;
use client::postgres::Client;
use client::postgres::error::SqlState;
use client::postgres::fallible_iterator::FallibleIterator;
use client::random::Random;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Nothing here takes longer, on a machine that does other things as well.
const LIMIT: Duration = Duration::from_secs(30);
const KEYS: u64 = 6;

fn start(delivery: &str, window: &str) -> (Server, Client) {
    let server = Server::with(&[("realtime_sync.delivery", delivery)]);
    let mut client = server.create("app", "");
    client
        .batch_execute(&format!(
            "create table driver (id bigint primary key, version bigint not null, status text);
             insert into driver select g, 0, 'free' from generate_series(1, {KEYS}) g;
             select realtime_sync.enable('driver', throttle => '{window}', throttle_columns => array['version'],
                throttle_log => 'last')"
        ))
        .unwrap();
    (server, client)
}

fn held(client: &mut Client) -> Vec<(i64, Option<i64>)> {
    let query = "select (key::json ->> 'id')::bigint, (body -> 'new' ->> 'version')::bigint from realtime_sync.held order by 1";
    let rows = client.query(query, &[]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Versions of a row in the order of ids.
fn logged(client: &mut Client, key: i64) -> Vec<i64> {
    let query = "select (new ->> 'version')::bigint from realtime_sync.events where (key ->> 'id')::bigint = $1 order by id";
    let rows = client.query(query, &[&key]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn set(client: &mut Client, key: i64, version: i64) {
    let update = "update driver set version = $2 where id = $1";
    client.execute(update, &[&key, &version]).unwrap();
}

/// The windows end now.
fn end_windows(client: &mut Client) {
    let end = "update realtime_sync.held set until = now() - interval '1 s'";
    client.execute(end, &[]).unwrap();
}

fn relay(client: &mut Client) {
    let call = "select from realtime_sync.relay()";
    client.execute(call, &[]).unwrap();
}

#[test]
fn what_changed_in_the_table_since_a_snapshot_fails_no_writer() {
    let (server, mut client) = start("manual", "1 h");
    let mut writer = server.connect("app");
    for level in ["repeatable read", "serializable"] {
        // rows that were held, moved, replaced and ended after the snapshot, and one that was not there
        for key in 1..5 {
            set(&mut client, key, 1);
        }
        for key in 1..5 {
            set(&mut client, key, 2);
        }
        let begin = format!("begin isolation level {level}; select count(*) from driver");
        writer.batch_execute(&begin).unwrap();
        end_windows(&mut client);
        relay(&mut client);
        relay(&mut client);
        client
            .execute(
                "delete from realtime_sync.held where key = '{\"id\":2}'",
                &[],
            )
            .unwrap();
        for key in 1..6 {
            set(&mut writer, key, 3);
        }
        writer
            .batch_execute(&format!(
                "update driver set status = '{level}' where id = 4; commit"
            ))
            .unwrap();
        assert_eq!(
            held(&mut client),
            [(1, Some(3)), (2, None), (3, Some(3)), (4, None), (5, None)],
            "{level}"
        );
        assert_eq!(logged(&mut client, 1), [1, 2], "{level}");
        assert_eq!(logged(&mut client, 2), [1, 2, 3], "{level}");
        assert_eq!(logged(&mut client, 4), [1, 2, 3], "{level}");
        client
            .batch_execute("truncate realtime_sync.held, realtime_sync.event")
            .unwrap();
    }
    // two at once, serializable: the table makes no dependency between them
    for key in 1..3 {
        set(&mut client, key, 1);
    }
    let begin = "begin isolation level serializable; select version from driver where id = ";
    writer.batch_execute(&format!("{begin}1")).unwrap();
    client.batch_execute(&format!("{begin}2")).unwrap();
    set(&mut writer, 1, 5);
    set(&mut client, 2, 5);
    writer.batch_execute("commit").unwrap();
    client.batch_execute("commit").unwrap();
    assert_eq!(held(&mut client), [(1, Some(5)), (2, Some(5))]);
}

#[test]
fn a_moved_update_is_before_the_change_that_met_it() {
    let (server, mut client) = start("manual", "1 h");
    set(&mut client, 1, 1);
    set(&mut client, 1, 2);
    set(&mut client, 2, 1);
    set(&mut client, 2, 2);
    end_windows(&mut client);
    let mut mover = server.connect("app");
    mover
        .batch_execute("begin; select realtime_sync.move_held(10)")
        .unwrap();
    let mut writer = server.connect("app");
    let pid: i32 = writer
        .query_one("select pg_backend_pid()", &[])
        .unwrap()
        .get(0);
    let waiting = std::thread::spawn(move || {
        writer
            .batch_execute("begin; update driver set version = 3, status = 'busy' where id = 1; update driver set version = 3 where id = 2; commit")
            .unwrap();
    });
    let limit = Instant::now() + LIMIT;
    let waits = "select wait_event_type = 'Lock' from pg_stat_activity where pid = $1";
    while client
        .query_one(waits, &[&pid])
        .unwrap()
        .get::<_, Option<bool>>(0)
        != Some(true)
    {
        assert!(Instant::now() < limit, "the writer waits for the mover");
    }
    mover.batch_execute("commit").unwrap();
    waiting.join().unwrap();
    assert_eq!(logged(&mut client, 1), [1, 2, 3]);
    assert_eq!(logged(&mut client, 2), [1, 2]);
    assert_eq!(held(&mut client), [(1, None), (2, Some(3))]);
    // and the other way round: who moves waits for nobody
    end_windows(&mut client);
    client
        .batch_execute(
            "begin; update driver set version = 4 where id = 2; select realtime_sync.flush()",
        )
        .unwrap();
    assert_eq!(logged(&mut client, 2), [1, 2, 4]);
    let moved: i64 = mover
        .query_one("select moved from realtime_sync.move_held(10)", &[])
        .unwrap()
        .get(0);
    assert_eq!(moved, 0);
    client.batch_execute("commit").unwrap();
}

#[test]
fn relay_by_hand_moves_what_is_due_but_not_in_a_transaction_block() {
    let (_server, mut client) = start("manual", "1 h");
    set(&mut client, 1, 1);
    set(&mut client, 1, 2);
    relay(&mut client);
    assert_eq!(held(&mut client), [(1, Some(2))]);
    end_windows(&mut client);
    client
        .batch_execute("begin; select realtime_sync.relay(); commit")
        .unwrap();
    assert_eq!(held(&mut client), [(1, Some(2))]);
    let more: bool = client
        .query_one("select more from realtime_sync.relay()", &[])
        .unwrap()
        .get(0);
    assert!(more, "it is in the log, and not sent yet");
    assert_eq!(held(&mut client), [(1, None)]);
    assert_eq!(logged(&mut client, 1), [1, 2]);
    // a window that ends with nothing held is forgotten
    end_windows(&mut client);
    relay(&mut client);
    assert_eq!(held(&mut client), []);
}

#[test]
fn a_crash_takes_what_was_held_and_nothing_else() {
    let (mut server, mut client) = start("worker", "1 h");
    set(&mut client, 1, 1);
    set(&mut client, 1, 2);
    assert_eq!(held(&mut client), [(1, Some(2))]);
    // a clean restart takes nothing
    drop(client);
    server.stop();
    server.start_postmaster();
    let mut client = server.connect("app");
    assert_eq!(held(&mut client), [(1, Some(2))]);
    drop(client);
    server.kill();
    server.start_postmaster();
    let mut client = server.connect("app");
    assert_eq!(held(&mut client), []);
    assert_eq!(logged(&mut client, 1), [1]);
    // the row's next change brings it
    set(&mut client, 1, 3);
    assert_eq!(logged(&mut client, 1), [1, 3]);
}

#[test]
fn a_relay_that_starts_late_brings_what_is_held() {
    let (mut server, mut client) = start("worker", "1500 ms");
    set(&mut client, 1, 1);
    set(&mut client, 1, 2);
    drop(client);
    // nobody is told of what is held when the server comes back, but by the next writer
    server.stop();
    server.start_postmaster();
    let mut client = server.connect("app");
    assert_eq!(held(&mut client), [(1, Some(2))]);
    set(&mut client, 1, 3);
    let limit = Instant::now() + LIMIT;
    while logged(&mut client, 1).last() != Some(&3) {
        assert!(Instant::now() < limit, "{:?}", held(&mut client));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn inline_delivery_leaves_what_is_held_to_the_relay() {
    let (server, mut client) = start("inline", "1 s");
    let mut listener = server.connect("app");
    listener.batch_execute("listen realtime_sync").unwrap();
    for version in 1..4 {
        set(&mut client, 1, version);
    }
    let mut heard = Vec::new();
    let limit = Instant::now() + LIMIT;
    while heard.len() < 2 {
        assert!(Instant::now() < limit, "{heard:?}");
        hear(&mut listener, &mut heard);
    }
    let told: Vec<_> = heard
        .iter()
        .map(|e| (&e["new"]["version"], e["cursor"].is_null()))
        .collect();
    assert_eq!(told, [(&Value::from(1), true), (&Value::from(3), false)]);
}

fn hear(listener: &mut Client, heard: &mut Vec<Value>) {
    let mut notifications = listener.notifications();
    let mut incoming = notifications.timeout_iter(Duration::from_millis(20));
    for _ in 0..20 {
        let Some(notification) = incoming.next().unwrap() else {
            break;
        };
        heard.push(serde_json::from_str(notification.payload()).unwrap());
    }
}

/// One transaction at random; whether it was committed.
fn transaction(client: &mut Client, random: &mut Random, name: &str) -> bool {
    let level = ["read committed", "repeatable read", "serializable"][random.below(3) as usize];
    let mut sql = format!("begin isolation level {level};");
    // in the order of keys, so that a deadlock would be ours
    let mut keys: Vec<u64> = (0..1 + random.below(3))
        .map(|_| 1 + random.below(KEYS))
        .collect();
    keys.sort_unstable();
    for key in keys {
        let bump = format!("update driver set version = version + 1 where id = {key};");
        match random.below(12) {
            0 => sql += &format!("savepoint a; {bump} rollback to a;"),
            1 => sql += &format!("savepoint a; {bump} release a;"),
            2 => {
                sql += &format!(
                    "update driver set version = version + 1, status = 's' || version where id = {key};"
                )
            }
            3 => {
                sql += &format!(
                    "create temp table if not exists gone (like driver); truncate gone;
                     with d as (delete from driver where id = {key} returning *) insert into gone select * from d;
                     insert into driver select id, version + 1, status from gone;"
                );
            }
            _ => sql += &bump,
        }
    }
    let end = match random.below(16) {
        0 => "rollback".to_owned(),
        // a temporary table cannot be part of it
        1 if !sql.contains("temp") => {
            format!("prepare transaction '{name}'")
        }
        2 => "select pg_sleep(0.02); commit".to_owned(),
        _ => "commit".to_owned(),
    };
    sql += &end;
    match client.batch_execute(&sql) {
        Ok(()) => {
            if end.starts_with("prepare") {
                let resolve = format!("commit prepared '{name}'");
                client.batch_execute(&resolve).unwrap();
            }
            end != "rollback"
        }
        Err(error) => {
            let code = error.code().cloned();
            // of a row of the source that changed since the snapshot
            let expected = SqlState::T_R_SERIALIZATION_FAILURE;
            assert_eq!(code, Some(expected), "{error:?}");
            client.batch_execute("rollback").unwrap();
            false
        }
    }
}

#[test]
fn the_last_version_of_every_row_comes_and_none_comes_late() {
    let seconds = std::env::var("SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let mut random = Random::seeded();
    let (server, mut client) = start("worker", "40 ms");
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(4));
    let mut listener = server.connect("app");
    listener.batch_execute("listen realtime_sync").unwrap();
    let writers: Vec<_> = (0..6)
        .map(|n| {
            let (mut client, mut random) = (server.connect("app"), random.fork());
            std::thread::spawn(move || {
                let mut committed = 0;
                while Instant::now() < until {
                    committed += u64::from(transaction(&mut client, &mut random, &format!("p{n}")));
                }
                committed
            })
        })
        .collect();
    let mut heard: Vec<Value> = Vec::new();
    let mut killed = 0;
    let mut kill_at = Instant::now() + Duration::from_millis(500);
    while Instant::now() < until {
        hear(&mut listener, &mut heard);
        if Instant::now() > kill_at {
            kill_at = Instant::now() + Duration::from_millis(300 + random.below(1_000));
            let relay = "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'realtime_sync relay'";
            killed += client.query(relay, &[]).unwrap().len();
        }
    }
    let committed: u64 = writers
        .into_iter()
        .map(|writer| writer.join().unwrap())
        .sum();
    let rows = client.query("select id, version from driver", &[]).unwrap();
    let wanted: BTreeMap<i64, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let limit = Instant::now() + LIMIT;
    let mut last = BTreeMap::new();
    let mut seen = 0;
    let mut cursors = BTreeSet::new();
    while last != wanted {
        assert!(Instant::now() < limit, "{last:?} and not {wanted:?}");
        // a relay that was killed is started again by the next writer, or by itself after a second
        hear(&mut listener, &mut heard);
        for event in &heard[seen..] {
            if !cursors.insert(event["cursor"].as_str().unwrap().to_owned()) {
                continue;
            }
            let key = event["key"]["id"].as_i64().unwrap();
            if let Some(version) = event["new"]["version"].as_i64() {
                let before = last.insert(key, version);
                assert!(
                    before.is_none_or(|before| before < version),
                    "{key}: {before:?}, then {event}"
                );
            }
        }
        seen = heard.len();
    }
    // in the log too, from its beginning
    let mut replayed = BTreeMap::new();
    let mut cursor = String::from("00000000-0000000000000000-0000000000000000");
    loop {
        let answer: String = client
            .query_one("select realtime_sync.replay($1)::text", &[&cursor])
            .unwrap()
            .get(0);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        for event in answer["events"].as_array().unwrap() {
            let key = event["key"]["id"].as_i64().unwrap();
            if let Some(version) = event["new"]["version"].as_i64() {
                let before = replayed.insert(key, version);
                assert!(
                    before.is_none_or(|before| before < version),
                    "{key}: {before:?}, then {event}"
                );
            }
        }
        cursor = answer["cursor"].as_str().unwrap().to_owned();
        if answer["more"] == false {
            break;
        }
    }
    assert_eq!(replayed, wanted);
    // nothing stays behind
    while !held(&mut client).is_empty() {
        assert!(Instant::now() < limit, "{:?}", held(&mut client));
        std::thread::sleep(Duration::from_millis(20));
    }
    println!(
        "{committed} transactions, {} events heard, {killed} relays killed",
        heard.len()
    );
    assert!(committed > 50 && killed > 0);
}
