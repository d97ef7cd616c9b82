//! Segments are truncated while readers with old snapshots read, transactions stay open or prepared, a
//! standby follows and a sink is slow: a reader gets everything, or is told that its cursor has
//! expired. It never gets a gap.

use client::event::{Event, Kind, Source, committed};
use client::load::{Load, TABLES};
use client::postgres::error::SqlState;
use client::postgres::{self, Client, Config, NoTls};
use client::process::wait_for;
use client::random::Random;
use client::reader::{BEGINNING, Reader, Seen, replay_all};
use client::{Server, wal};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

const END: &str = "select realtime_sync.send('end', 'end', '{\"id\":0,\"version\":1}')";

/// That long the load of a machine that is too slow for it lasts.
const LONGEST: Duration = Duration::from_secs(60);

const RELAY: &str = "select realtime_sync.relay()";

/// What a reader got without being told of a gap.
struct Chase {
    stretches: Vec<Vec<Event>>,
    faults: Vec<String>,
}

/// A standby ends whatever stands in the way of its recovery, sessions too, and where it lags it does not wait for
/// them; a reader tries again.
fn is_in_the_way(error: &postgres::Error) -> bool {
    error.is_closed() || error.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE)
}

/// A standby locks what a TRUNCATE had locked in the order of the WAL, which is nobody's; a primary's readers meet no deadlock.
fn is_against_recovery(config: &Config, error: &postgres::Error) -> bool {
    error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED)
        && config
            .connect(NoTls)
            .and_then(|mut client| client.query_one("select pg_is_in_recovery()", &[]))
            .is_ok_and(|row| row.get(0))
}

/// Where a reader whose cursor has expired begins anew.
fn cursor(config: &Config, client: &mut Client) -> String {
    loop {
        let cursor = client
            .batch_execute("rollback")
            .and_then(|()| client.query_one("select realtime_sync.cursor()", &[]));
        match cursor {
            Ok(row) => return row.get(0),
            Err(error) if is_in_the_way(&error) => {
                *client = config.connect(NoTls).expect("a session");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn look(client: &mut Client, seen: &mut Seen, age: Duration) -> Result<(), postgres::Error> {
    client.batch_execute(
        "begin isolation level repeatable read, read only; select count(*) from hot",
    )?;
    sleep(age);
    replay_all(client, seen, || 500)?;
    client.batch_execute("commit")
}

/// Replays in transactions whose snapshot is `age` milliseconds old at most when they do.
fn chase(
    config: &Config,
    mut random: Random,
    age: u64,
    stop: &Arc<AtomicBool>,
    expired: &Arc<AtomicUsize>,
) -> JoinHandle<Chase> {
    let (config, stop, expired) = (config.clone(), stop.clone(), expired.clone());
    std::thread::spawn(move || {
        let mut all = Chase {
            stretches: Vec::new(),
            faults: Vec::new(),
        };
        let mut client = config.connect(NoTls).expect("a session");
        let mut seen = Seen::at(BEGINNING);
        let mut last = false;
        while !last {
            last = stop.load(Relaxed);
            let age = if last { 0 } else { random.below(age) };
            let Err(error) = look(&mut client, &mut seen, Duration::from_millis(age)) else {
                continue;
            };
            last = false;
            if error.code() == Some(&SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE) {
                expired.fetch_add(1, Relaxed);
                let next = Seen::at(&cursor(&config, &mut client));
                let past = std::mem::replace(&mut seen, next);
                all.faults.extend(past.faults);
                all.stretches.push(past.events);
            } else if is_in_the_way(&error) || is_against_recovery(&config, &error) {
                client = config.connect(NoTls).expect("a session");
            } else {
                panic!("{error:?}");
            }
        }
        all.faults.extend(seen.faults);
        all.stretches.push(seen.events);
        all
    })
}

impl Chase {
    /// In each stretch each of the hot rows' versions are there without a gap, and to the end in the last.
    fn check(&self, name: &str, versions: &HashMap<i64, i64>) {
        let mut faults = self.faults.clone();
        let mut last = HashMap::new();
        for stretch in &self.stretches {
            last.clear();
            for event in stretch.iter().filter(|e| e.change.source == Source::Hot) {
                let change = &event.change;
                if let Some(before) = last.insert(change.row, change.version)
                    && change.version != before + 1
                {
                    faults.push(format!("{event} came after version {before}"));
                }
            }
        }
        for (row, version) in &last {
            if versions[row] != *version {
                faults.push(format!(
                    "row {row} ends at {version}, not at {}",
                    versions[row]
                ));
            }
        }
        let events: usize = self.stretches.iter().map(Vec::len).sum();
        println!(
            "{name}: {events} events, expired {} times",
            self.stretches.len() - 1
        );
        assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
        assert!(events > 0);
    }
}

fn versions(client: &mut Client) -> HashMap<i64, i64> {
    let rows = client
        .query("select id::int8, version from hot", &[])
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// retain() again and again; counts the segments that it truncated.
fn retain(config: &Config, stop: &Arc<AtomicBool>, truncated: &Arc<AtomicUsize>) -> JoinHandle<()> {
    let (config, stop, truncated) = (config.clone(), stop.clone(), truncated.clone());
    std::thread::spawn(move || {
        let mut client = config.connect(NoTls).expect("a session");
        while !stop.load(Relaxed) {
            let query = "select action from realtime_sync.retain()";
            // A writer or the relay may win a deadlock.
            for row in client.query(query, &[]).unwrap_or_default() {
                truncated.fetch_add(usize::from(row.get::<_, &str>(0) == "truncated"), Relaxed);
            }
            sleep(Duration::from_millis(30));
        }
    })
}

#[test]
fn truncation_never_makes_a_gap() {
    let mut random = Random::seeded();
    let settings = [
        ("max_connections", "100"),
        ("max_prepared_transactions", "64"),
        ("log_min_messages", "log"),
        ("realtime_sync.max_log_size", "2MB"),
        ("wal_keep_size", "1GB"),
        ("max_standby_streaming_delay", "300ms"),
    ];
    let server = Server::with(&settings);
    let mut client = server.create("app", "");
    let app = server.config("app");
    client.batch_execute(TABLES).unwrap();
    let mut standby = server.base_backup(&settings);
    standby.follow(&server);
    let (stop, stop_retaining) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
    let (truncated, expired, other) =
        <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let truncator = retain(&app, &stop_retaining, &truncated);
    let quick = chase(&app, random.fork(), 10, &stop, &other);
    let slow = chase(&app, random.fork(), 700, &stop, &expired);
    let distant = chase(&standby.config("app"), random.fork(), 500, &stop, &other);
    let load = Load::start(&app, &mut random, 6, 5_000);
    // Twice around the ring, and past where a reader stood, however long that takes a busy machine.
    let began = Instant::now();
    while (truncated.load(Relaxed) < 16 || expired.load(Relaxed) < 2) && began.elapsed() < LONGEST {
        sleep(Duration::from_millis(20));
    }
    load.finish();
    stop_retaining.store(true, Relaxed);
    truncator.join().expect("who truncates");
    let (truncated, expired) = (truncated.load(Relaxed), expired.load(Relaxed));
    println!("{truncated} segments truncated in {:?}", began.elapsed());
    client.batch_execute(END).unwrap();
    wait_for(
        "the relay to have ticked all, and the standby to have it",
        || {
            let here = newest(&mut client);
            let there = newest(&mut standby.connect("app"));
            (here.1 && here == there).then_some(())
        },
    );
    stop.store(true, Relaxed);
    let versions = versions(&mut client);
    let (quick, slow, distant) = (quick.join(), slow.join(), distant.join());
    quick.unwrap().check("quick reader", &versions);
    slow.unwrap()
        .check("reader with an old snapshot", &versions);
    distant.unwrap().check("reader on the standby", &versions);
    assert!(
        truncated > 3 && expired > 0,
        "nothing was hard about this load"
    );
}

/// The newest tick, and whether it has the load's last message.
/// Nothing where a standby ended the query.
fn newest(client: &mut Client) -> (String, bool) {
    let query = "
        select t.timeline || ' ' || t.position, pg_visible_in_snapshot(e.xid, t.snapshot)
        from realtime_sync.tick t, realtime_sync.event e
        where e.topics = array['end']
        order by t.timeline desc, t.position desc limit 1";
    let found = match client.query_opt(query, &[]) {
        Err(error) if is_in_the_way(&error) => None,
        found => found.unwrap(),
    };
    found.map_or((String::new(), false), |row| (row.get(0), row.get(1)))
}

#[test]
fn what_is_open_or_prepared_is_not_truncated() {
    let server = Server::with(&[
        ("log_min_messages", "log"),
        ("realtime_sync.max_log_size", "1MB"),
        ("realtime_sync.delivery", "manual"),
    ]);
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    let mut open = server.connect("app");
    open.batch_execute("begin; insert into cold values (1000001, 1); select realtime_sync.flush()")
        .unwrap();
    client
        .batch_execute("begin; insert into cold values (1000002, 1); prepare transaction 'p'")
        .unwrap();
    let live = Reader::listen(&server.config("app"));
    let mut truncated = 0;
    for _ in 0..40 {
        client
            .batch_execute(
                "insert into bulk select b.last + n, 1, repeat('x', 1000)
                 from generate_series(1, 300) n, (select coalesce(max(id), 0) as last from bulk) b",
            )
            .unwrap();
        client.batch_execute(RELAY).unwrap();
        for row in client
            .query("select action from realtime_sync.retain()", &[])
            .unwrap()
        {
            truncated += usize::from(row.get::<_, &str>(0) == "truncated");
        }
    }
    println!("{truncated} segments truncated");
    assert!(truncated > 2);
    open.batch_execute("commit").unwrap();
    client.batch_execute("commit prepared 'p'").unwrap();
    client.batch_execute(END).unwrap();
    client.batch_execute(RELAY).unwrap();
    let live = live.join();
    for row in [1_000_001, 1_000_002] {
        let came = live.events.iter().filter(|event| {
            event.change.source == Source::Cold
                && (event.change.row, event.change.kind) == (row, Kind::Insert)
        });
        assert_eq!(came.count(), 1, "row {row}");
    }
    let bulk = live
        .events
        .iter()
        .filter(|event| event.change.source == Source::Bulk);
    assert_eq!(bulk.count(), 40 * 300);
}

#[test]
fn what_no_sink_has_got_does_not_go_by_age() {
    let server = Server::with(&[
        ("realtime_sync.delivery", "manual"),
        ("log_min_messages", "log"),
    ]);
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    client.batch_execute(RELAY).unwrap();
    client
        .batch_execute("insert into bulk select n, 1, 'x' from generate_series(1, 1000) n")
        .unwrap();
    let age = "
        update realtime_sync.event set at = at - interval '3 days';
        update realtime_sync.tick set at = at - interval '3 days'";
    let retain = |client: &mut Client| {
        let mut actions = Vec::new();
        for _ in 0..10 {
            for row in client
                .query("select action from realtime_sync.retain()", &[])
                .unwrap()
            {
                actions.push(row.get::<_, String>(0));
            }
        }
        actions
            .iter()
            .filter(|action| *action == "truncated")
            .count()
    };
    client.batch_execute(age).unwrap();
    assert_eq!(retain(&mut client), 0, "events went that nobody had got");
    let events = committed(&mut client);
    assert_eq!(events.len(), 1020);
    let live = Reader::listen(&server.config("app"));
    client.batch_execute(END).unwrap();
    client.batch_execute(RELAY).unwrap();
    let mut seen = live.join();
    let bulk = seen
        .events
        .drain(..)
        .filter(|event| event.change.source == Source::Bulk);
    assert_eq!(bulk.count(), 1000);
    let mut replayed = Seen::at(BEGINNING);
    replay_all(&mut client, &mut replayed, || 100).unwrap();
    replayed.check("replay", &events, true);

    // Once they are sent, they go, and a cursor of before has expired.
    client.batch_execute(age).unwrap();
    client
        .batch_execute("insert into bulk values (0, 1, 'x')")
        .unwrap();
    client.batch_execute(RELAY).unwrap();
    assert!(retain(&mut client) > 0);
    let error = replay_all(&mut client, &mut Seen::at(BEGINNING), || 100).unwrap_err();
    assert_eq!(error.code().unwrap().code(), "55000");
}

/// With an outbox and messages in the WAL, to which nothing goes but by the client's own calls.
fn with_sinks(settings: &[(&str, &str)]) -> (Server, Client) {
    let own = [
        ("log_min_messages", "log"),
        ("realtime_sync.delivery", "manual"),
    ];
    let server = Server::with(&[&own, settings].concat());
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    client.batch_execute(RELAY).unwrap();
    client
        .batch_execute(
            "create table box (n bigint generated always as identity, event_id bigint);
             create function name(event json) returns text language sql as $$ select event ->> 'id' $$;
             select realtime_sync.add_sink('box', 'name', 'table:box');
             select realtime_sync.add_sink('wal', 'name', 'wal:outbox');
             select realtime_sync.drop_sink('notify')",
        )
        .unwrap();
    wal::create_slot(&mut client);
    (server, client)
}

/// A transaction of 700 events, of which a turn of the relay sends each sink 500: its sinks fall ever
/// further behind. Gives the events' ids.
fn write_more_than_is_sent(client: &mut Client, round: i64) -> Vec<i64> {
    client
        .batch_execute(&format!(
            "insert into bulk select {round} * 1000 + n, 1, repeat('x', 300) from generate_series(1, 700) n"
        ))
        .unwrap();
    let query = "select id from realtime_sync.event order by id desc limit 700";
    let mut ids: Vec<i64> = client
        .query(query, &[])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    ids.reverse();
    client
        .batch_execute("select realtime_sync.relay(1)")
        .unwrap();
    ids
}

/// How many segments retain() let go, and how many it kept for a sink.
fn retain_once(client: &mut Client) -> (usize, usize) {
    let query = "select action, coalesce(reason, '') from realtime_sync.retain()";
    let rows = client.query(query, &[]).unwrap();
    let of = |wanted: fn(&str, &str) -> bool| {
        let found = rows.iter().filter(|row| wanted(row.get(0), row.get(1)));
        found.count()
    };
    (
        of(|action, _| action == "truncated"),
        of(|_, reason| reason.starts_with("sink ")),
    )
}

/// What each of the two has got, in its order.
fn got(client: &mut Client) -> [Vec<i64>; 2] {
    let query = "select event_id from box order by n";
    let rows = client.query(query, &[]).unwrap();
    let ids = rows.iter().map(|row| row.get(0)).collect();
    [ids, wal::ids(client)]
}

fn lost(client: &mut Client) -> i64 {
    let query = "select value::int8 from realtime_sync.stats where name = 'lost'";
    client.query_one(query, &[]).unwrap().get(0)
}

#[test]
fn what_a_slow_sink_has_not_got_does_not_go() {
    let (_server, mut client) = with_sinks(&[]);
    let age = "
        update realtime_sync.event set at = at - interval '3 days';
        update realtime_sync.tick set at = at - interval '3 days'";
    let (mut ids, mut truncated, mut waited) = (Vec::new(), 0, 0);
    for round in 0..40 {
        if round < 8 {
            ids.extend(write_more_than_is_sent(&mut client, round));
        } else {
            client
                .batch_execute("select realtime_sync.relay(1)")
                .unwrap();
        }
        client.batch_execute(age).unwrap();
        let (gone, kept) = retain_once(&mut client);
        truncated += gone;
        waited += kept;
    }
    println!(
        "{} events, {truncated} segments truncated, {waited} times one waited for a sink",
        ids.len()
    );
    for got in got(&mut client) {
        assert_eq!(got, ids);
    }
    assert!(truncated > 5 && waited > 5, "nothing was slow");
    assert_eq!(lost(&mut client), 0);
}

#[test]
fn what_a_slow_sink_loses_to_the_size_is_counted_and_said() {
    let (_server, mut client) = with_sinks(&[("realtime_sync.max_log_size", "1MB")]);
    let (mut ids, mut truncated) = (Vec::new(), 0);
    for round in 0..20 {
        ids.extend(write_more_than_is_sent(&mut client, round));
        // Twice: what went the first time is not counted again.
        truncated += retain_once(&mut client).0 + retain_once(&mut client).0;
    }
    client.batch_execute(RELAY).unwrap();
    let lost = lost(&mut client);
    let got = got(&mut client);
    println!("{} events, {truncated} segments truncated", ids.len());
    for (got, name) in got.iter().zip(["table", "WAL"]) {
        let missing = ids.iter().filter(|id| !got.contains(id)).count() as i64;
        println!(
            "{name}: {} events, {missing} missing, {lost} counted",
            got.len()
        );
        // In order and once, before the gap and after it, and up to the last.
        assert!(got.is_sorted_by(|a, b| a < b), "{name}: {got:?}");
        assert_eq!(got.last(), ids.last(), "{name}");
        assert!(missing > 0, "{name}: nothing was lost");
    }
    // One may be ahead of the other: what either has not got is lost.
    let missing = ids
        .iter()
        .filter(|id| got.iter().any(|got| !got.contains(id)));
    assert_eq!(missing.count() as i64, lost);
    let query = "select level || ': ' || problem from realtime_sync.health() where problem like '%max_log_size let%'";
    let problem: String = client.query_one(query, &[]).unwrap().get(0);
    let expected = format!("error: {lost} since the server started: events");
    assert!(problem.starts_with(&expected), "{problem}");
}

#[test]
fn a_sink_in_the_middle_of_what_goes_comes_to_an_end() {
    let (server, mut client) = with_sinks(&[("realtime_sync.max_log_size", "1MB")]);
    // One tick with events in two segments, of which the older goes after a part of the tick was sent.
    let segment = |client: &mut Client, n: i32| {
        let query = format!("select realtime_sync.set_segment({n}::smallint)");
        client.batch_execute(&query).unwrap();
    };
    segment(&mut client, 1);
    let mut other = server.connect("app");
    other
        .batch_execute(
            "begin; insert into bulk select n, 1, repeat('x', 500) from generate_series(1, 3000) n",
        )
        .unwrap();
    segment(&mut client, 2);
    client
        .batch_execute("insert into bulk values (9000, 1, 'x')")
        .unwrap();
    other.batch_execute("commit").unwrap();
    client
        .batch_execute("select realtime_sync.relay(1)")
        .unwrap();
    // That and the one of before.
    assert_eq!(retain_once(&mut client).0, 2);
    let relay =
        "set statement_timeout = '10s'; select realtime_sync.relay(); set statement_timeout = 0";
    client.batch_execute(relay).unwrap();
    let even = "select count(*) from realtime_sync.sink where state = 'even'";
    let even: i64 = client.query_one(even, &[]).unwrap().get(0);
    let next = write(&mut client, 10_000);
    client.batch_execute(relay).unwrap();
    for got in got(&mut client) {
        assert_eq!(got.len(), 501);
        assert_eq!(got.last(), Some(&next));
    }
    println!("{even} sinks were even");
    // Its own count says how many it did not get, the first part of the tick aside.
    assert_eq!(lost(&mut client), 2_501);
}

/// Two prepared transactions, one of which outlives a restart, and an open one, all with events in a
/// segment that writers have left twice since.
#[test]
fn who_commits_two_segments_later_is_sent_and_replayed() {
    let mut server = Server::with(&[
        ("log_min_messages", "log"),
        ("max_prepared_transactions", "8"),
    ]);
    let mut client = server.create("app", "");
    client
        .batch_execute(
            "create table box (n bigint generated always as identity, event_id bigint);
             select realtime_sync.add_sink('box', target => 'table:box')",
        )
        .unwrap();
    client.batch_execute(TABLES).unwrap();
    let segment = |client: &mut Client, n: i32| {
        let query = format!("select realtime_sync.set_segment({n}::smallint)");
        client.batch_execute(&query).unwrap();
    };
    // The sink has all that is committed, each event once.
    let all_came = |client: &mut Client, what: &str| {
        let query = "
            select count(*) = (select count(*) from realtime_sync.event)
                and count(*) = count(distinct event_id)
            from box";
        wait_for(what, || {
            let row = client.query_one(query, &[]).unwrap();
            row.get::<_, bool>(0).then_some(())
        });
    };
    segment(&mut client, 1);
    let mut open = server.connect("app");
    open.batch_execute("begin; insert into cold values (1, 1); select realtime_sync.flush()")
        .unwrap();
    for (row, name) in [(2, "p"), (3, "q")] {
        client
            .batch_execute(&format!(
                "begin; insert into cold values ({row}, 1); prepare transaction '{name}'"
            ))
            .unwrap();
    }
    for n in [2, 3] {
        segment(&mut client, n);
        for row in 0..5 {
            write(&mut client, i64::from(10 * n + row));
            all_came(&mut client, "what is written meanwhile");
        }
    }
    open.batch_execute("commit").unwrap();
    all_came(&mut client, "the open transaction's event");
    client.batch_execute("commit prepared 'p'").unwrap();
    write(&mut client, 100);
    all_came(&mut client, "the prepared transaction's event");
    drop((client, open));
    server.stop();
    server.start_postmaster();
    let mut client = server.connect("app");
    segment(&mut client, 3);
    write(&mut client, 101);
    all_came(&mut client, "what is written after the restart");
    client.batch_execute("commit prepared 'q'").unwrap();
    write(&mut client, 102);
    all_came(
        &mut client,
        "the event of the transaction that outlived the restart",
    );
    let used =
        "select string_agg(distinct segment::text, ' ') from realtime_sync.event where segment > 0";
    let used: String = client.query_one(used, &[]).unwrap().get(0);
    assert_eq!(used, "1 2 3");
    client.batch_execute(END).unwrap();
    wait_for("the last tick", || newest(&mut client).1.then_some(()));
    let events = committed(&mut client);
    let mut seen = Seen::at(BEGINNING);
    replay_all(&mut client, &mut seen, || 3).unwrap();
    seen.check("replay", &events, true);
}

/// Writes an event and gives its id.
fn write(client: &mut Client, row: i64) -> i64 {
    let insert = format!("insert into bulk values ({row}, 1, 'x')");
    client.batch_execute(&insert).unwrap();
    let query = "select max(id) from realtime_sync.event";
    client.query_one(query, &[]).unwrap().get(0)
}

/// Nobody is advised to end an autovacuum, which ends by itself and would only come again.
#[test]
fn an_autovacuum_of_a_segment_is_left_alone() {
    let server = Server::with(&[
        ("realtime_sync.delivery", "manual"),
        ("autovacuum_naptime", "1s"),
    ]);
    let mut client = server.create("app", "");
    // It takes minutes for this segment: a page and more is 20 of what may cost 1 in a tenth of a second.
    for statement in [
        "alter table realtime_sync.event_0 set (
            autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_insert_threshold = 0)",
        "insert into realtime_sync.event (segment, at, topics, event, payload)
         select 0, now() - interval '3 days', array['t'], 'e', to_json(repeat('x', 1000)) from generate_series(1, 20000)",
        "select realtime_sync.send('t', 'e', '1')",
        RELAY,
    ] {
        client.batch_execute(statement).unwrap();
    }
    let pid: i32 = wait_for("an autovacuum", || {
        let query = "select pid from pg_stat_progress_vacuum where relid = 'realtime_sync.event_0'::regclass";
        Some(client.query_opt(query, &[]).unwrap()?.get(0))
    });
    let query =
        "select problem, fix from realtime_sync.health() where problem like 'its oldest event%'";
    let row = client.query_one(query, &[]).unwrap();
    let (problem, fix): (&str, &str) = (row.get(0), row.get(1));
    let expected = format!("autovacuum (process {pid}) is at work on its segment");
    assert!(problem.ends_with(&expected), "{problem}");
    assert!(!fix.contains("pg_terminate_backend"), "{fix}");
    client.batch_execute(fix).unwrap();
}
