//! Databases that come and go leave no trace in shared memory, which has room for 30 of them; one more that stays is
//! served by hand.

use client::Server;
use client::postgres::Client;
use client::postgres::fallible_iterator::FallibleIterator;
use std::time::Duration;

/// What health() says of the relay, with the fix.
fn health(client: &mut Client) -> Vec<(String, String)> {
    let query =
        "select problem, fix from realtime_sync.health() where subject = 'relay' and level <> 'ok'";
    let rows = client.query(query, &[]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn a_database_without_shared_memory_is_served_by_hand() {
    let server = Server::with(&[("log_min_messages", "log")]);
    server
        .create("first", "")
        .batch_execute(
            "create table t (id int primary key);
             select count(*) from realtime_sync.enable('t');
             alter database first set realtime_sync.delivery = manual",
        )
        .unwrap();
    let mut admin = server.connect("postgres");
    let without = (2..40).find(|n| {
        admin
            .batch_execute(&format!("create database d{n} template first"))
            .unwrap();
        let own = server
            .connect(&format!("d{n}"))
            .query_one("select own_memory from realtime_sync.relay_state()", &[])
            .unwrap();
        !own.get::<_, bool>(0)
    });
    let name = format!("d{}", without.expect("one without memory"));
    assert!(without > Some(30), "{name} is without memory already");
    // As it is unless somebody says otherwise.
    admin
        .batch_execute(&format!(
            "alter database {name} set realtime_sync.delivery = worker"
        ))
        .unwrap();
    let mut client = server.connect(&name);
    let mut listener = server.connect(&name);
    listener.batch_execute("listen realtime_sync").unwrap();
    client.batch_execute("insert into t values (1)").unwrap();
    let [(problem, fix)] = &health(&mut client)[..] else {
        panic!("{:?}", health(&mut client));
    };
    assert!(problem.contains("no shared memory left"), "{problem}");
    client.batch_execute(fix).unwrap();
    // The setting is of sessions that begin after it.
    let mut client = server.connect(&name);
    client.batch_execute("insert into t values (2)").unwrap();
    client
        .batch_execute("select realtime_sync.relay()")
        .unwrap();
    let mut notifications = listener.notifications();
    let mut heard = notifications.timeout_iter(Duration::from_secs(10));
    for id in [1, 2] {
        let notification = heard.next().unwrap().expect("an event");
        let key = format!("\"key\":{{\"id\":{id}}}");
        assert!(
            notification.payload().contains(&key),
            "{id}: {notification:?}"
        );
    }
    assert_eq!(health(&mut client), [], "the fix has mended it");
}

#[test]
fn a_dropped_database_gives_its_shared_memory_up() {
    let server = Server::with(&[("realtime_sync.delivery", "manual")]);
    let mut admin = server.connect("postgres");
    for n in 0..40 {
        let name = format!("passing_{n}");
        let mut client = server.create(&name, "");
        let (own, written): (bool, i64) = {
            let row = client
                .query_one(
                    "select own_memory, (select value from realtime_sync.counters() where name = 'written')
                     from realtime_sync.relay_state()",
                    &[],
                )
                .unwrap();
            (row.get(0), row.get(1))
        };
        assert!(own, "database {n} has no shared memory of its own");
        assert_eq!(written, 0, "database {n} counts another's events");
        client
            .batch_execute(
                "create table t (id int primary key);
                 select count(*) from realtime_sync.enable('t');
                 insert into t values (1)",
            )
            .unwrap();
        drop(client);
        admin
            .batch_execute(&format!("drop database {name} with (force)"))
            .unwrap();
    }
}
