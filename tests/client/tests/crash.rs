//! After a crash, what was committed and what the log has are the same, to the row.

use client::postgres::Client;
use client::{Server, signal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Each transaction says in `done`, which is not captured, how many changes it made.
const TABLES: &str = "
    create table done (xid xid8 primary key default pg_current_xact_id(), changes int not null);
    create table t (id serial primary key, writer int, n int, note text);
    create unlogged table fleeting (id serial primary key);
    select count(*) from realtime_sync.enable('t');
";

const DISAGREEING: &str = "
    select count(*) from done
    full join (select xid, count(*)::int as events from realtime_sync.event group by xid) e using (xid)
    where done.changes is distinct from e.events";

/// One transaction of a writer; some are long, some have savepoints, some of those go back.
fn work(round: i32, writer: i32) -> (String, i32) {
    let rows = [1, 3, 40, 2500][(round % 4) as usize];
    let insert = format!(
        "insert into t (writer, n, note) select {writer}, g, repeat('x', 300) from generate_series(1, {rows}) g;"
    );
    match round % 3 {
        0 => (
            format!("begin; {insert} insert into done (changes) values ({rows}); commit"),
            rows,
        ),
        1 => (
            format!(
                "begin; savepoint a; {insert} rollback to a; savepoint b; {insert} release b;
                 insert into done (changes) values ({rows}); commit"
            ),
            rows,
        ),
        _ => (
            format!(
                "begin; {insert} select realtime_sync.flush(); savepoint a; {insert} release a;
                 insert into done (changes) values ({}); commit",
                2 * rows
            ),
            2 * rows,
        ),
    }
}

struct Writers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<i32>>,
}

impl Writers {
    /// Writers that go on until the server is gone; each says how many transactions it was told of.
    fn start(server: &Server, n: i32) -> Writers {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..n)
            .map(|writer| {
                let mut client = server.connect("app");
                let stop = stop.clone();
                std::thread::spawn(move || {
                    let mut committed = 0;
                    for round in writer.. {
                        let (statements, _) = work(round, writer);
                        if stop.load(Ordering::Relaxed)
                            || client.batch_execute(&statements).is_err()
                        {
                            break;
                        }
                        committed += 1;
                    }
                    committed
                })
            })
            .collect();
        Writers { stop, threads }
    }

    fn join(self) -> i64 {
        self.stop.store(true, Ordering::Relaxed);
        self.threads
            .into_iter()
            .map(|thread| i64::from(thread.join().expect("a writer")))
            .sum()
    }
}

fn check(client: &mut Client, told: i64) {
    let number = |client: &mut Client, query: &str| -> i64 {
        client.query_one(query, &[]).expect(query).get(0)
    };
    assert_eq!(
        number(client, DISAGREEING),
        0,
        "transactions and log disagree"
    );
    let transactions = number(client, "select count(*) from done");
    let events = number(client, "select count(*) from realtime_sync.event");
    println!("{transactions} transactions, {told} of them confirmed, {events} events");
    assert!(transactions >= told, "a confirmed commit is gone");
    assert_eq!(
        number(client, "select coalesce(sum(changes), 0)::int8 from done"),
        events
    );
    assert_eq!(
        number(
            client,
            "select count(*) - count(distinct id) from realtime_sync.event"
        ),
        0
    );
    // Ids go on growing.
    let last = number(
        client,
        "select coalesce(max(id), 0) from realtime_sync.event",
    );
    client
        .batch_execute(
            "begin; insert into t (n) values (0); insert into done (changes) values (1); commit",
        )
        .expect("a change after the crash");
    assert!(number(client, "select max(id) from realtime_sync.event") > last);
}

#[test]
fn a_killed_backend_costs_its_own_transaction() {
    let mut server = Server::with(&[("realtime_sync.delivery", "inline")]);
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    let mut told = 0;
    for round in 0..3 {
        let writers = Writers::start(&server, 3);
        let mut victim = server.connect("app");
        let pid: i32 = victim
            .query_one("select pg_backend_pid()", &[])
            .unwrap()
            .get(0);
        victim
            .batch_execute("begin; savepoint a; insert into t (n, note) select g, repeat('v', 300) from generate_series(1, 5000) g; release a")
            .unwrap();
        if round == 1 {
            // Some of it in the log already.
            victim
                .batch_execute("select realtime_sync.flush()")
                .unwrap();
        }
        std::thread::sleep(Duration::from_millis(300));
        signal(pid as u32, "KILL");
        std::thread::sleep(Duration::from_millis(300));
        told += writers.join();
        server.wait_until_ready();
        check(&mut server.connect("app"), told);
        told += 1;
    }
}

#[test]
fn a_killed_postmaster_loses_and_invents_nothing() {
    let mut server = Server::with(&[
        ("realtime_sync.delivery", "manual"),
        ("full_page_writes", "on"),
    ]);
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    drop(client);
    let mut told = 0;
    for round in 0..4 {
        let writers = Writers::start(&server, 4);
        std::thread::sleep(Duration::from_millis(300 + 130 * round));
        let mut any = server.connect("app");
        let pids: Vec<i32> = any
            .query("select pid from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'", &[])
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        server.kill();
        for pid in pids {
            signal(pid as u32, "KILL");
        }
        drop(any);
        told += writers.join();
        std::thread::sleep(Duration::from_millis(300));
        server.start_postmaster();
        check(&mut server.connect("app"), told);
        told += 1;
    }
}

#[test]
fn a_prepared_transaction_outlives_a_crash_with_its_events() {
    let mut server = Server::with(&[("realtime_sync.delivery", "inline")]);
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    client
        .batch_execute(
            "begin; insert into t (n) values (1), (2); insert into done (changes) values (2);
             prepare transaction 'kept';
             begin; insert into t (n) values (3); insert into done (changes) values (1);
             prepare transaction 'undone'",
        )
        .unwrap();
    drop(client);
    server.kill();
    server.start_postmaster();
    let mut client = server.connect("app");
    let locked = client
        .batch_execute("set lock_timeout = '200ms'; truncate realtime_sync.event")
        .is_err();
    assert!(
        locked,
        "the segment of a prepared transaction can be truncated"
    );
    for statement in ["rollback prepared 'undone'", "commit prepared 'kept'"] {
        client.batch_execute(statement).unwrap();
    }
    check(&mut client, 1);
}
