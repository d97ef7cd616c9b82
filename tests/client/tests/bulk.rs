//! Large transactions: the memory capture holds stays bounded, at top level and inside a
//! subtransaction, printed beside what PostgreSQL's own queue of trigger events takes.
//!
//! `BULK_ROWS` says how many rows (default half a million; five million take some ten minutes).

use client::Server;
use client::postgres::Client;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Our bound is 1 MB of events and one more event, doubled where the buffer grows, and the rows of
/// a batch on their way to the log; 8 MB where delivery is inline. Rows of half a kilobyte that
/// were kept would be a gigabyte.
const ALLOWED: u64 = 12 * 1024;
const ALLOWED_INLINE: u64 = 28 * 1024;

fn rows() -> i32 {
    let rows = std::env::var("BULK_ROWS").ok();
    rows.map_or(500_000, |rows| rows.parse().expect("a number of rows"))
}

/// Private memory, in kilobytes: shared buffers come and go with what is read.
fn private_memory(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon"));
    let word = line.and_then(|line| line.split_whitespace().nth(1));
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// Runs the statements in a fresh session; how far its private memory grew.
fn growth(server: &Server, statements: &[&str]) -> (u64, Duration) {
    let mut client = server.connect("app");
    client
        .batch_execute("begin; update t set n = n where id = 0; rollback")
        .unwrap();
    let pid: i32 = client
        .query_one("select pg_backend_pid()", &[])
        .unwrap()
        .get(0);
    let before = private_memory(pid);
    let stop = Arc::new(AtomicBool::new(false));
    let sampler = {
        let stop = stop.clone();
        std::thread::spawn(move || {
            let mut peak = 0;
            while !stop.load(Ordering::Relaxed) {
                peak = peak.max(private_memory(pid));
                std::thread::sleep(Duration::from_millis(5));
            }
            peak
        })
    };
    let began = Instant::now();
    for statement in statements {
        client.batch_execute(statement).expect(statement);
    }
    stop.store(true, Ordering::Relaxed);
    let took = began.elapsed();
    let peak = sampler.join().unwrap();
    // The rows as they were, for the next one.
    (peak.saturating_sub(before), took)
}

fn events(client: &mut Client) -> i64 {
    let count: i64 = client
        .query_one("select count(*) from realtime_sync.event", &[])
        .unwrap()
        .get(0);
    client
        .batch_execute("truncate realtime_sync.event")
        .unwrap();
    count
}

#[test]
fn memory_stays_bounded_whatever_a_transaction_changes() {
    let rows = rows();
    let server = Server::with(&[
        ("realtime_sync.delivery", "manual"),
        ("shared_buffers", "64MB"),
        ("full_page_writes", "off"),
        ("max_wal_size", "4GB"),
        ("autovacuum", "off"),
    ]);
    let mut client = server.create("app", "");
    client
        .batch_execute(&format!(
            "create table t (id int primary key, n int) with (fillfactor = 50);
             insert into t select g, 0 from generate_series(1, {rows}) g;
             create function nothing() returns trigger language plpgsql as 'begin return null; end';
             create trigger nothing after update on t for each row execute function nothing()"
        ))
        .unwrap();
    let update = "update t set n = n + 1";
    let (queue, took) = growth(&server, &[update]);
    println!("{rows} rows, an empty trigger: {queue} kB, all of it PostgreSQL's queue, {took:.1?}");
    client
        .batch_execute("drop trigger nothing on t; select count(*) from realtime_sync.enable('t')")
        .unwrap();
    let plain: &[&str] = &[update];
    let nested: &[&str] = &["begin", "savepoint a", update, "release a", "commit"];
    let block: &[&str] =
        &["do $$ begin update t set n = n + 1; exception when division_by_zero then null; end $$"];
    let undone: &[&str] = &["begin", "savepoint a", update, "rollback to a", "commit"];
    let inline: &[&str] = &[
        "set realtime_sync.delivery = inline",
        "begin",
        "savepoint a",
        update,
        "commit",
    ];
    for (name, statements, changes, allowed) in [
        ("captured", plain, rows, ALLOWED),
        ("captured in a savepoint", nested, rows, ALLOWED),
        ("captured in an exception block", block, rows, ALLOWED),
        (
            "captured and rolled back to a savepoint",
            undone,
            0,
            ALLOWED,
        ),
        (
            "captured, inline delivery, in a savepoint",
            inline,
            rows,
            ALLOWED_INLINE,
        ),
    ] {
        client.batch_execute("vacuum t").unwrap();
        let (peak, took) = growth(&server, statements);
        let ours = peak.saturating_sub(queue);
        println!(
            "{rows} rows, {name}: {peak} kB, {ours} kB more than PostgreSQL's queue, {took:.1?}"
        );
        assert_eq!(events(&mut client), i64::from(changes), "{name}");
        assert!(ours < allowed, "{name}: {ours} kB");
    }
}

/// A DELETE on a partition may be half of a moved row, so its event waits for the next one: but only
/// for that.
#[test]
fn deleting_from_partitions_is_bounded_too() {
    let server = Server::with(&[("realtime_sync.delivery", "manual"), ("autovacuum", "off")]);
    let mut client = server.create("app", "");
    client
        .batch_execute(
            "create table t (id int primary key, n int) partition by range (id);
             create table t1 partition of t for values from (0) to (1000000);
             create table t2 partition of t for values from (1000000) to (2000000);
             insert into t select g, 0 from generate_series(1, 300000) g;
             create function nothing() returns trigger language plpgsql as 'begin return null; end';
             create trigger nothing after delete on t for each row execute function nothing()",
        )
        .unwrap();
    let (queue, _) = growth(&server, &["begin", "delete from t", "rollback"]);
    client
        .batch_execute("drop trigger nothing on t; select count(*) from realtime_sync.enable('t')")
        .unwrap();
    for (name, statements) in [
        ("deleted", &["delete from t"][..]),
        ("moved", &["update t set id = id + 1000000"]),
        (
            "deleted in a savepoint",
            &["begin", "savepoint a", "delete from t", "commit"],
        ),
    ] {
        client
            .batch_execute("set session_replication_role = replica; delete from t; insert into t select g, 0 from generate_series(1, 300000) g; reset session_replication_role; truncate realtime_sync.event")
            .unwrap();
        let (peak, took) = growth(&server, statements);
        let ours = peak.saturating_sub(queue);
        println!(
            "300000 rows {name}: {peak} kB, {ours} kB more than PostgreSQL's queue of a DELETE, {took:.1?}"
        );
        // A moved row is two entries in PostgreSQL's queue.
        assert!(ours < ALLOWED + queue, "{name}: {ours} kB");
    }
}

/// Blocks in a loop inside another: what is kept of each must go with it, or it is 32 bytes a turn.
#[test]
fn a_loop_of_exception_blocks_is_bounded_too() {
    let server = Server::with(&[("realtime_sync.delivery", "manual"), ("autovacuum", "off")]);
    let mut client = server.create("app", "");
    client
        .batch_execute("create table t (id int primary key, n int)")
        .unwrap();
    let work = &[
        "begin",
        "do $$ begin
             for turn in 1..500000 loop
                 begin insert into t values (turn); exception when division_by_zero then null; end;
             end loop;
         exception when division_by_zero then null; end $$",
        "rollback",
    ];
    let (without, _) = growth(&server, work);
    client
        .batch_execute("select count(*) from realtime_sync.enable('t')")
        .unwrap();
    let (peak, took) = growth(&server, work);
    let ours = peak.saturating_sub(without);
    println!("500000 blocks: {peak} kB, {ours} kB more than without capture, {took:.1?}");
    assert!(ours < ALLOWED, "{ours} kB");
}
