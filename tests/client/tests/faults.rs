//! What goes wrong inside a captured write stays an ordinary error of that write: timeouts, cancels,
//! locks, memory. All or nothing of its events, and the server lives on.

use client::Server;
use client::postgres::error::SqlState;
use client::postgres::{Client, Error};
use std::time::Duration;

fn code(error: &Error) -> SqlState {
    error
        .code()
        .cloned()
        .unwrap_or(SqlState::CONNECTION_FAILURE)
}

fn count(client: &mut Client, query: &str) -> i64 {
    client.query_one(query, &[]).expect(query).get(0)
}

fn pid(client: &mut Client) -> i32 {
    client
        .query_one("select pg_backend_pid()", &[])
        .expect("a pid")
        .get(0)
}

/// A table of `rows` rows of about a hundred bytes, captured, and an empty log.
fn table(client: &mut Client, rows: i32) {
    client
        .batch_execute(&format!(
            "create table t (id int primary key, n int, note text);
             insert into t select g, 0, repeat('x', 80) from generate_series(1, {rows}) g;
             select count(*) from realtime_sync.enable('t')"
        ))
        .expect("a table");
}

const EVENTS: &str = "select count(*) from realtime_sync.event";
const CHANGED: &str = "select count(*) from t where n = 1";

fn expect_nothing_happened(client: &mut Client) {
    assert_eq!(count(client, EVENTS), 0, "events of a write that failed");
    assert_eq!(count(client, CHANGED), 0);
    client
        .batch_execute("update t set n = 2 where id = 1")
        .expect("the session goes on");
    assert_eq!(count(client, EVENTS), 1);
    client
        .batch_execute("truncate realtime_sync.event; set session_replication_role = replica; update t set n = 0; reset session_replication_role")
        .expect("cleared");
}

#[test]
fn timeouts_end_a_captured_write_whole() {
    let server = Server::with(&[("realtime_sync.delivery", "manual")]);
    let mut client = server.create("app", "");
    table(&mut client, 200_000);
    for timeout in ["20ms", "150ms", "400ms"] {
        client
            .batch_execute(&format!("set statement_timeout = '{timeout}'"))
            .unwrap();
        let error = client.batch_execute("update t set n = 1").unwrap_err();
        assert_eq!(code(&error), SqlState::QUERY_CANCELED, "{error}");
        client.batch_execute("reset statement_timeout").unwrap();
        expect_nothing_happened(&mut client);
    }
    let mut other = server.connect("app");
    other
        .batch_execute("begin; update t set n = n where id = 150000")
        .unwrap();
    client.batch_execute("set lock_timeout = '50ms'").unwrap();
    let error = client.batch_execute("update t set n = 1").unwrap_err();
    assert_eq!(code(&error), SqlState::LOCK_NOT_AVAILABLE, "{error}");
    client.batch_execute("reset lock_timeout").unwrap();
    other.batch_execute("rollback").unwrap();
    expect_nothing_happened(&mut client);
}

/// The cancel comes at another moment each time: while rows change, while the temporary file is
/// written, while the log is at the commit.
#[test]
fn a_cancel_at_any_moment_leaves_all_or_nothing() {
    let server = Server::with(&[("realtime_sync.delivery", "manual")]);
    let mut client = server.create("app", "");
    let rows = 60_000;
    table(&mut client, rows);
    let pid: i32 = client
        .query_one("select pg_backend_pid()", &[])
        .unwrap()
        .get(0);
    let mut other = server.connect("app");
    let (mut whole, mut nothing) = (0, 0);
    for round in 0..24 {
        let delay = Duration::from_millis(40 * round);
        let result = std::thread::scope(|scope| {
            // It has been signalled when this returns, which a cancel request of the protocol does not wait for.
            scope.spawn(|| {
                std::thread::sleep(delay);
                other
                    .execute("select pg_cancel_backend($1)", &[&pid])
                    .unwrap()
            });
            [
                "begin",
                "savepoint a",
                "update t set n = 1",
                "release a",
                "commit",
            ]
            .iter()
            .try_for_each(|statement| client.batch_execute(statement))
        });
        let _ = client.batch_execute("rollback");
        // The cancel may also hit what comes next.
        let _ = client.batch_execute("select pg_sleep(0.01)");
        match result {
            Ok(()) => whole += 1,
            Err(error) => {
                assert_eq!(code(&error), SqlState::QUERY_CANCELED, "{error}");
                nothing += 1;
            }
        }
        let (events, changed) = (count(&mut client, EVENTS), count(&mut client, CHANGED));
        assert_eq!(events, changed, "after {delay:?}");
        assert!(events == 0 || events == i64::from(rows), "{events} events");
        client
            .batch_execute("truncate realtime_sync.event; set session_replication_role = replica; update t set n = 0; reset session_replication_role")
            .unwrap();
    }
    println!("cancelled {nothing} times, committed {whole} times");
    assert!(nothing > 0);
}

/// By the server's own user: another one's limits take more than being root in a container.
fn limit_memory(server: &Server, pid: i32, bytes: &str) {
    let status = server
        .program("/usr/bin/prlimit")
        .args(["--pid", &pid.to_string(), &format!("--as={bytes}")])
        .status()
        .expect("prlimit runs");
    assert!(status.success());
}

fn kilobytes(pid: i32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the backend lives");
    let line = status.lines().find(|line| line.starts_with(name));
    let word = line.and_then(|line| line.split_whitespace().nth(1));
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// The backend's address space is limited (as `ulimit -v` does) to what it has and a bit more, a
/// larger bit each time, so that another allocation fails each time: of the trigger queue, a plan,
/// the buffer, the log's rows, a notification.
#[test]
fn out_of_memory_is_an_ordinary_error() {
    for (delivery, work) in [
        ("manual", "update t set n = 1"),
        (
            "manual",
            "do $$ begin update t set n = 1; exception when division_by_zero then null; end $$",
        ),
        ("inline", "update t set n = 1 where id <= 20000"),
        ("manual", "update wide set n = 1"),
        ("inline", "update wide set n = 1"),
    ] {
        let server = Server::with(&[
            ("realtime_sync.delivery", delivery),
            ("shared_buffers", "32MB"),
            ("realtime_sync.max_event_size", "16MB"),
        ]);
        let mut client = server.create("app", "");
        table(&mut client, 30_000);
        client
            .batch_execute(
                "create table wide (id int primary key, n int, x text);
                 alter table wide alter column x set storage external;
                 insert into wide select g, 0, repeat('y', 3000000) from generate_series(1, 6) g;
                 select count(*) from realtime_sync.enable('wide', old_row => 'full')",
            )
            .expect("a wide table");
        let postmaster = server.postmaster_pid();
        let (mut failed, mut passed) = (0, 0);
        for step in 0..24_u64 {
            let mut client = server.connect("app");
            // With a plan and buffers from before, and with nothing but the libraries.
            client
                .batch_execute(if step % 2 == 0 {
                    "begin; insert into t values (-1, 0, ''); rollback; load 'plpgsql'"
                } else {
                    "load 'realtime_sync'; load 'plpgsql'"
                })
                .expect("the libraries");
            let pid = pid(&mut client);
            let limit = (kilobytes(pid, "VmSize") + step * step * 80) * 1024;
            limit_memory(&server, pid, &format!("{limit}:unlimited"));
            let result = client.batch_execute(work);
            match result {
                Ok(()) => passed += 1,
                Err(error) => {
                    assert_eq!(
                        code(&error),
                        SqlState::OUT_OF_MEMORY,
                        "{delivery}, {work}, {step}: {error}"
                    );
                    failed += 1;
                }
            }
            limit_memory(&server, pid, "unlimited:unlimited");
            client
                .batch_execute("update t set n = 2 where id = 1")
                .unwrap_or_else(|error| panic!("{delivery}, {work}, {step}: {error}"));
            let mut other = server.connect("app");
            let consistent = count(
                &mut other,
                "select count(*) from (select xid, count(*) from realtime_sync.event group by xid) e
                 where count not in (1, 6, 20000, 30000)",
            );
            assert_eq!(consistent, 0, "{delivery}, {work}, {step}");
            other.batch_execute("truncate realtime_sync.event").unwrap();
        }
        println!("{delivery}, {work}: {failed} out of memory, {passed} not");
        assert!(failed > 0, "{delivery}, {work}: the limit was never met");
        assert_eq!(server.postmaster_pid(), postmaster);
        let log = server.log();
        for word in ["terminated by signal", "PANIC", "reinitializing"] {
            assert!(
                !log.contains(word),
                "{delivery}, {work}: {word} in the server's log"
            );
        }
    }
}
