//! Replay against what the log says, under writers that overlap in every way; on a standby, and after
//! its promotion; and after a crash.

use client::Server;
use client::postgres::{Client, Config, IsolationLevel, NoTls};
use client::process::memory;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const START: &str = "00000000-0000000000000000-7fffffffffffffff";

struct Random(u64);

impl Random {
    /// From SEED, or else the clock; printed, so that a failure can be run again.
    fn seeded() -> Random {
        let seed = std::env::var("SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seed = seed.unwrap_or(now.unwrap().as_millis() as u64);
        println!("SEED={seed}");
        Random(seed)
    }

    fn below(&mut self, n: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

struct Answer {
    ids: Vec<i64>,
    cursors: Vec<String>,
    cursor: String,
    more: bool,
    reset: bool,
}

fn replay(client: &mut Client, since: &str, topics: Option<&[String]>, max: i32) -> Answer {
    let row = client
        .query_one(
            "select array(select (e->>'id')::bigint from json_array_elements(r->'events') with ordinality a(e, n) order by n),
                array(select e->>'cursor' from json_array_elements(r->'events') with ordinality a(e, n) order by n),
                r->>'cursor', (r->>'more')::boolean, (r->>'reset')::boolean
             from realtime_sync.replay($1, $2, $3) r",
            &[&since, &topics, &max],
        )
        .unwrap_or_else(|error| panic!("replay from {since}: {error}"));
    Answer {
        ids: row.get(0),
        cursors: row.get(1),
        cursor: row.get(2),
        more: row.get(3),
        reset: row.get(4),
    }
}

/// Everything from a cursor on, in parts of changing size.
fn all(
    client: &mut Client,
    since: &str,
    topics: Option<&[String]>,
    random: &mut Random,
) -> (Vec<i64>, Vec<String>) {
    let (mut ids, mut cursors, mut since) = (Vec::new(), Vec::new(), since.to_owned());
    loop {
        let answer = replay(client, &since, topics, 1 + random.below(40) as i32);
        assert!(!answer.reset, "reset from {since}");
        ids.extend(answer.ids);
        cursors.extend(answer.cursors);
        if !answer.more {
            return (ids, cursors);
        }
        assert_ne!(since, answer.cursor, "it moves on");
        since = answer.cursor;
    }
}

fn relay(client: &mut Client) {
    client
        .batch_execute("select * from realtime_sync.relay()")
        .expect("relay()");
}

fn ids(client: &mut Client, query: &str) -> Vec<i64> {
    let rows = client.query(query, &[]).expect("ids");
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn agrees_with_the_snapshots_of_the_ticks() {
    let mut random = Random::seeded();
    let server = Server::with(&[("realtime_sync.delivery", "manual")]);
    let mut client = server.create("app", "");
    client
        .batch_execute(
            "create table t (id int primary key, room int, n int);
             insert into t select g, g % 3, 0 from generate_series(1, 4000) g;
             select count(*) from realtime_sync.enable('t', topics => array['t:{id}', 'room:{room}'])",
        )
        .unwrap();
    let mut writers: Vec<(Client, bool)> = (0..6).map(|_| (server.connect("app"), false)).collect();
    let mut reader = server.connect("app");
    let mut prepared: Vec<String> = Vec::new();
    let mut rows = [0; 6];
    let mut loads: Vec<(String, BTreeSet<i64>)> = Vec::new();
    for step in 0..700 {
        let n = random.below(6) as usize;
        let (writer, open) = &mut writers[n];
        // Rows of its own, so that none waits for another.
        let id = rows[n] + 1 + n as u64 + 6 * random.below(6);
        let change = format!(
            "update t set n = {step}, room = {} where id = {id};",
            random.below(3)
        );
        let run = |writer: &mut Client, sql: &str| {
            writer
                .batch_execute(sql)
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
        };
        match random.below(12) {
            0..4 if !*open => run(writer, &change),
            4..7 if !*open => {
                run(writer, &format!("begin; {change}"));
                *open = true;
            }
            0..2 if *open => run(writer, &change),
            2 if *open => run(
                writer,
                &format!("savepoint s; {change} rollback to s; {change}"),
            ),
            3 if *open => run(writer, "select realtime_sync.send('room:1', 'm', '1')"),
            4..6 if *open => {
                run(writer, "commit");
                *open = false;
            }
            6 if *open => {
                run(writer, "rollback");
                *open = false;
            }
            7 if *open && prepared.len() < 3 => {
                // Its rows stay locked, so the session goes on with others.
                run(writer, &format!("prepare transaction 'p{step}'"));
                prepared.push(format!("p{step}"));
                rows[n] += 36;
                *open = false;
            }
            8 if !prepared.is_empty() => {
                let name = prepared.swap_remove(random.below(prepared.len() as u64) as usize);
                let verb = ["commit", "rollback"][random.below(3).min(1) as usize];
                client
                    .batch_execute(&format!("{verb} prepared '{name}'"))
                    .unwrap();
            }
            9 => {
                let mut load = reader
                    .build_transaction()
                    .isolation_level(IsolationLevel::RepeatableRead)
                    .read_only(true)
                    .start()
                    .unwrap();
                let cursor: String = load
                    .query_one("select realtime_sync.cursor()", &[])
                    .unwrap()
                    .get(0);
                let rows = load
                    .query("select id from realtime_sync.event", &[])
                    .unwrap();
                loads.push((cursor, rows.iter().map(|row| row.get(0)).collect()));
            }
            10..12 => relay(&mut client),
            _ => {}
        }
    }
    for (writer, open) in &mut writers {
        if *open {
            writer.batch_execute("commit").unwrap();
        }
    }
    for name in prepared {
        client
            .batch_execute(&format!("commit prepared '{name}'"))
            .unwrap();
    }
    relay(&mut client);

    let oracle = "select e.id from (
            select t.*, lag(t.snapshot, 1, '1:1:') over (order by timeline, position) as base from realtime_sync.tick t
        ) t join realtime_sync.event e on pg_visible_in_snapshot(e.xid, t.snapshot) and not pg_visible_in_snapshot(e.xid, t.base)";
    let order = "order by t.timeline, t.position, e.id";
    let expected = ids(&mut client, &format!("{oracle} {order}"));
    let logged = ids(&mut client, "select id from realtime_sync.event");
    println!("{} events, {} loads", expected.len(), loads.len());
    assert_eq!(expected.len(), logged.len(), "every event is of one tick");
    assert!(expected.len() > 200);
    assert_ne!(
        expected,
        ids(
            &mut client,
            "select id from realtime_sync.event order by id"
        ),
        "ids alone are another order"
    );

    for round in 0..2 {
        let (got, cursors) = all(&mut client, START, None, &mut random);
        assert_eq!(got, expected);
        assert!(cursors.is_sorted_by(|a, b| a < b), "cursors grow");
        // From anywhere on, the rest.
        for _ in 0..40 {
            let at = random.below(cursors.len() as u64) as usize;
            let (rest, _) = all(&mut client, &cursors[at], None, &mut random);
            assert_eq!(rest, expected[at + 1..], "after {}", cursors[at]);
        }
        for (cursor, seen) in &loads {
            let rest: Vec<i64> = expected
                .iter()
                .copied()
                .filter(|id| !seen.contains(id))
                .collect();
            let (got, _) = all(&mut client, cursor, None, &mut random);
            assert_eq!(got, rest, "after the load at {cursor}");
        }
        for topics in [
            vec!["t:1".to_owned(), "room:2".to_owned()],
            vec!["room:*".to_owned()],
        ] {
            let fit = topics[0].replace('*', "%");
            let query = format!(
                "{oracle} where exists (select from unnest(e.topics) x where x like '{fit}' or x = '{}') {order}",
                topics[topics.len() - 1]
            );
            let expected = ids(&mut client, &query);
            let (got, _) = all(&mut client, START, Some(&topics), &mut random);
            assert_eq!(got, expected, "{topics:?}");
        }
        // Once more with every tick too big to be read at once.
        if round == 0 {
            client
                .batch_execute("update realtime_sync.tick set events = null")
                .unwrap();
        }
    }
}

struct Standby {
    dir: PathBuf,
    child: Child,
}

impl Standby {
    fn of(server: &Server) -> Standby {
        let dir = server.dir().join("standby");
        let copied = server
            .program("pg_basebackup")
            .args([
                "-D",
                "standby/data",
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "--no-sync",
            ])
            .status()
            .expect("pg_basebackup runs");
        assert!(copied.success());
        let child = server
            .program("postgres")
            .args([
                "-D",
                "standby/data",
                "-p",
                "5433",
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "hot_standby=on",
            ])
            .args([
                "-c",
                "max_prepared_transactions=16",
                "-c",
                "realtime_sync.delivery=manual",
            ])
            .args([
                "-c",
                &format!("unix_socket_directories={}", server.dir().display()),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the standby starts");
        Standby { dir, child }
    }

    fn connect(&self, server: &Server) -> Client {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            // In the primary's directory, by another port.
            let mut config = Config::new();
            config.host_path(server.dir()).port(5433);
            match config.user("postgres").dbname("app").connect(NoTls) {
                Ok(client) => return client,
                Err(error) => assert!(
                    Instant::now() < until,
                    "the standby does not answer: {error}"
                ),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        client::signal(self.child.id(), "QUIT");
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn text(client: &mut Client, query: &str) -> String {
    client.query_one(query, &[]).expect(query).get(0)
}

#[test]
fn a_standby_replays_and_goes_on_after_its_promotion() {
    let server = Server::with(&[("realtime_sync.delivery", "manual")]);
    let mut primary = server.create("app", "");
    primary
        .batch_execute("create table t (id int primary key, n int); select count(*) from realtime_sync.enable('t');")
        .unwrap();
    let standby = Standby::of(&server);
    let mut writer = server.connect("app");
    writer
        .batch_execute("begin; insert into t values (1, 1)")
        .unwrap();
    primary
        .batch_execute("insert into t values (2, 2)")
        .unwrap();
    relay(&mut primary);
    let mut replica = standby.connect(&server);
    let until = Instant::now() + Duration::from_secs(30);
    let caught_up = |primary: &mut Client, replica: &mut Client| {
        let end = text(primary, "select pg_current_wal_insert_lsn()::text");
        while text(
            replica,
            &format!("select (pg_last_wal_replay_lsn() >= '{end}')::text"),
        ) != "true"
        {
            assert!(Instant::now() < until, "the standby does not follow");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    caught_up(&mut primary, &mut replica);
    let query = "select realtime_sync.replay('00000000-0000000000000000-7fffffffffffffff')::text";
    assert_eq!(text(&mut replica, query), text(&mut primary, query));
    // Its own snapshot would say that the open transaction has ended: it must not be in the cursor.
    let cursor = text(&mut replica, "select realtime_sync.cursor()");
    assert!(!cursor.contains('/'), "{cursor}");
    writer.batch_execute("commit").unwrap();
    relay(&mut primary);
    caught_up(&mut primary, &mut replica);
    let mut random = Random::seeded();
    let (got, _) = all(&mut replica, &cursor, None, &mut random);
    assert_eq!(got.len(), 1, "the transaction that was open");

    // What the standby does not get any more.
    let reached = text(&mut primary, "select realtime_sync.cursor()");
    let known = reached.split('/').next().unwrap().to_owned();
    text(&mut replica, "select pg_promote()::text");
    primary
        .batch_execute("insert into t values (3, 3)")
        .unwrap();
    relay(&mut primary);
    let lost = text(&mut primary, "select realtime_sync.cursor()");
    replica
        .batch_execute("insert into t values (4, 4)")
        .unwrap();
    relay(&mut replica);
    let answer = replay(&mut replica, &known, None, 1000);
    assert_eq!(
        (answer.ids.len(), answer.reset),
        (1, false),
        "it goes on from what both have"
    );
    assert!(answer.cursor > known);
    let answer = replay(&mut replica, &lost, None, 1000);
    assert_eq!(
        (answer.ids.len(), answer.reset),
        (1, true),
        "what the old primary did alone is undone"
    );
    // The old primary, asked by one who has seen the new.
    let newer = text(
        &mut replica,
        "select split_part(realtime_sync.cursor(), '/', 1)",
    );
    assert!(replay(&mut primary, &newer, None, 1000).reset);
}

#[test]
fn a_crash_gives_no_id_again_that_a_load_has_seen() {
    // The WAL writer would hide it by flushing on its own.
    let mut server = Server::with(&[
        ("realtime_sync.delivery", "manual"),
        ("wal_writer_delay", "10s"),
    ]);
    let mut client = server.create("app", "");
    client
        .batch_execute(
            "create table t (id int primary key); select count(*) from realtime_sync.enable('t');
             insert into t values (1)",
        )
        .unwrap();
    relay(&mut client);
    client.batch_execute("checkpoint").unwrap();
    // What has only an id leaves so little WAL that nobody is woken to write it.
    let id = "select pg_current_xact_id()::text";
    let mut last = String::new();
    for _ in 0..2 {
        client.batch_execute("begin").unwrap();
        last = text(&mut client, id);
        client.batch_execute("rollback").unwrap();
    }
    let cursor = text(&mut client, "select realtime_sync.cursor()");
    drop(client);
    server.kill();
    server.start_postmaster();
    let mut client = server.connect("app");
    client.batch_execute("insert into t values (2)").unwrap();
    relay(&mut client);
    println!("{last} was the last before, {cursor} the cursor");
    assert_eq!(replay(&mut client, &cursor, None, 1000).ids.len(), 1);
    let again = text(
        &mut client,
        "select max(xid)::text from realtime_sync.event",
    );
    let number = |text: &str| text.parse::<u64>().unwrap();
    assert!(number(&again) > number(&last), "{again} is not given again");
}

#[test]
fn a_cursor_of_a_log_that_is_gone_never_goes_on_in_another() {
    let server = Server::with(&[("realtime_sync.delivery", "manual")]);
    let mut client = server.create("app", "");
    client
        .batch_execute("create table t (id int primary key)")
        .unwrap();
    let begin = "create extension if not exists realtime_sync; select count(*) from realtime_sync.enable('t')";
    client.batch_execute(begin).unwrap();
    for n in 0..20 {
        client
            .batch_execute(&format!("insert into t values ({n})"))
            .unwrap();
        relay(&mut client);
    }
    let former = text(
        &mut client,
        "select split_part(realtime_sync.cursor(), '/', 1)",
    );
    client
        .batch_execute(
            "select count(*) from realtime_sync.disable_all(); drop extension realtime_sync",
        )
        .unwrap();
    client.batch_execute(begin).unwrap();
    // At once, after one tick, and when it has had as many as the other.
    for n in 20..50 {
        let refused = client
            .query_one("select realtime_sync.replay($1)", &[&former])
            .expect_err("it goes on from a cursor of the log that was dropped");
        assert_eq!(refused.code().unwrap().code(), "55000", "{refused}");
        client
            .batch_execute(&format!("insert into t values ({n})"))
            .unwrap();
        relay(&mut client);
    }
    // Of files that were copied and started without recovery, the same timeline goes on from where it was: what the
    // other server did after that is ahead.
    let cursor = text(
        &mut client,
        "select split_part(realtime_sync.cursor(), '/', 1)",
    );
    let (timeline, position) = (&cursor[..8], &cursor[9..25]);
    let position = u64::from_str_radix(position, 16).unwrap();
    let ahead = format!("{timeline}-{:016x}-7fffffffffffffff", position + 1);
    let answer = replay(&mut client, &ahead, None, 1000);
    assert_eq!((answer.ids.len(), answer.reset), (0, true));
    assert_eq!(answer.cursor, cursor, "it begins where this log ends");
}

/// 20,000 events of 30 kB, of which an answer has some 2,200: first as a tick that is read in one pass, then
/// as one that is read by the ids of its events.
#[test]
fn memory_is_bounded_by_the_answer_not_by_the_events_asked_for() {
    /// The answer, in kilobytes, and what a call may take: half as much again of events, and the answer as it grows.
    const ANSWER: i64 = 64 * 1024;
    const ALLOWED: u64 = 288 * 1024;
    let server = Server::with(&[
        ("realtime_sync.delivery", "manual"),
        ("shared_buffers", "16MB"),
    ]);
    let mut client = server.create("app", "");
    let start = text(&mut client, "select realtime_sync.cursor()");
    // The transaction that is read first has the larger ids.
    let mut other = server.connect("app");
    for half in [2_500, 7_500] {
        let insert = format!(
            "insert into realtime_sync.event (topics, event, payload)
             select array['t'], 'e', to_json(n || repeat('x', 30000)) from generate_series(1, {half}) n"
        );
        client
            .batch_execute("begin; select pg_current_xact_id()")
            .unwrap();
        other.batch_execute(&insert).unwrap();
        client.batch_execute(&insert).unwrap();
        client.batch_execute("commit").unwrap();
        relay(&mut client);
    }
    let expected = ids(
        &mut client,
        "select id from realtime_sync.event order by id",
    );
    assert_eq!(expected.len(), 20_000);

    let mut since = start;
    let (mut read, mut worst) = (Vec::new(), 0);
    loop {
        let mut fresh = server.connect("app");
        let row = fresh
            .query_one("select pg_backend_pid(), realtime_sync.cursor()", &[])
            .unwrap();
        let pid = row.get::<_, i32>(0) as u32;
        let before = memory(pid, "VmHWM").expect("its memory");
        let size: i32 = fresh
            .query_one(
                "select pg_column_size(realtime_sync.replay($1, null, 10000))",
                &[&since],
            )
            .unwrap()
            .get(0);
        let grown = memory(pid, "VmHWM").expect("its memory") - before;
        worst = worst.max(grown);
        let answer = replay(&mut fresh, &since, None, 10_000);
        println!(
            "{} events, {size} bytes: the backend grew by {grown} kB",
            answer.ids.len()
        );
        let kilobytes = i64::from(size) / 1024;
        assert!(kilobytes < ANSWER + 40, "no more than the answer may have");
        read.extend(answer.ids);
        assert!(
            kilobytes >= ANSWER || [5_000, 20_000].contains(&read.len()),
            "as much as the answer may have"
        );
        if !answer.more {
            break;
        }
        since = answer.cursor;
    }
    assert!(read == expected, "each once, in order");
    assert!(worst < ALLOWED, "a call took {worst} kB");
}
