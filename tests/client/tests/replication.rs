//! A subscriber's apply worker and its table sync write like any session: with replica_mode always,
//! what arrives by logical replication is captured there.

use client::Server;
use client::postgres::Client;
use std::time::{Duration, Instant};

fn events(client: &mut Client) -> Vec<String> {
    client
        .query(
            "select concat_ws(' ', type, key, new, old, changed) from realtime_sync.events order by id",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

fn wait_for(client: &mut Client, n: usize) -> Vec<String> {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let events = events(client);
        if events.len() >= n || Instant::now() > until {
            return events;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_apply_worker_is_captured_where_replica_mode_is_always() {
    let settings = [("wal_level", "logical"), ("max_worker_processes", "16")];
    let publisher = Server::with(&settings);
    let subscriber = Server::with(&settings);
    let mut source = publisher.create("app", "");
    let mut target = subscriber.create("app", "");
    for client in [&mut source, &mut target] {
        client
            .batch_execute(
                "create table t (id int primary key, n int); alter table t replica identity full;
                 create table quiet (id int primary key)",
            )
            .unwrap();
    }
    source
        .batch_execute("insert into t values (1, 1); create publication p for table t, quiet")
        .unwrap();
    target
        .batch_execute(
            "select count(*) from realtime_sync.enable('t', replica_mode => 'always');
             select count(*) from realtime_sync.enable('quiet')",
        )
        .unwrap();
    let connection = format!(
        "host={} port=5432 user=postgres dbname=app",
        publisher.dir().display()
    );
    // The publisher's directory is its server user's own, which is the subscriber's too.
    target
        .batch_execute(&format!(
            "create subscription s connection '{connection}' publication p"
        ))
        .unwrap();
    assert_eq!(
        wait_for(&mut target, 1),
        [r#"INSERT {"id":1} {"id":1,"n":1}"#]
    );
    source
        .batch_execute(
            "insert into quiet values (1);
             begin; insert into t values (2, 2); savepoint a; insert into t values (3, 3); rollback to a;
             update t set n = 20 where id = 2; commit;
             delete from t where id = 1; truncate t",
        )
        .unwrap();
    let mut got = wait_for(&mut target, 5);
    got.remove(0);
    assert_eq!(
        got,
        [
            r#"INSERT {"id":2} {"id":2,"n":2}"#,
            r#"UPDATE {"id":2} {"id":2,"n":20} {"id":2,"n":2} {n}"#,
            r#"DELETE {"id":1} {"id":1,"n":1}"#,
            "TRUNCATE",
        ]
    );
    target
        .batch_execute("alter subscription s disable; alter subscription s set (slot_name = none); drop subscription s")
        .unwrap();
}
