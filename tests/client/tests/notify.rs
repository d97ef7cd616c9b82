//! Inline delivery: what a listener gets is the event's native text, once, in the log's order; what
//! is longer than a NOTIFY payload comes as a reference.

use client::Server;
use client::postgres::fallible_iterator::FallibleIterator;
use client::postgres::{Client, Notification};
use std::time::Duration;

fn received(client: &mut Client) -> Vec<Notification> {
    client
        .notifications()
        .timeout_iter(Duration::from_millis(300))
        .collect()
        .expect("notifications")
}

fn payloads(client: &mut Client) -> Vec<String> {
    received(client)
        .iter()
        .map(|n| n.payload().to_owned())
        .collect()
}

fn log(client: &mut Client) -> Vec<String> {
    client
        .query(
            "select native::text from realtime_sync.events order by id",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

#[test]
fn a_listener_gets_the_log_in_order() {
    let server = Server::with(&[("realtime_sync.delivery", "inline")]);
    let mut client = server.create("app", "");
    client
        .batch_execute("create table t (id int primary key, n int); select count(*) from realtime_sync.enable('t')")
        .unwrap();
    let mut listener = server.connect("app");
    listener.batch_execute("listen realtime_sync").unwrap();
    client
        .batch_execute(
            "begin; insert into t values (1, 1), (2, 2); savepoint a; update t set n = 5; rollback to a;
             update t set n = 3 where id = 2; savepoint b; delete from t where id = 1; release b; commit;
             begin; update t set n = 9; rollback;
             update t set n = 3; update t set n = 3; truncate t;
             begin; insert into t values (3, 3); select realtime_sync.send('t', 'said', '1'); commit",
        )
        .unwrap();
    let log = log(&mut client);
    assert_eq!(log.len(), 9);
    assert_eq!(payloads(&mut listener), log);
    // What was sent is marked, so that a relay does not send it again.
    let marked: bool = client
        .query_one("select bool_and(notified) from realtime_sync.event", &[])
        .unwrap()
        .get(0);
    assert!(marked);
}

#[test]
fn what_is_too_long_comes_as_a_reference() {
    let server = Server::with(&[("realtime_sync.delivery", "inline")]);
    let mut client = server.create("app", "");
    client
        .batch_execute(
            "create table t (id text primary key, x text); select count(*) from realtime_sync.enable('t');
             create table k (id text, x text); select count(*) from realtime_sync.enable('k', key_columns => array['id'], topics => array['k:{id}'])",
        )
        .unwrap();
    let mut listener = server.connect("app");
    listener.batch_execute("listen realtime_sync").unwrap();
    // The border itself: 7,999 octets go as they are.
    client
        .batch_execute("insert into t values ('a', '')")
        .unwrap();
    let first = payloads(&mut listener);
    // The next ones differ by their id alone, whose digits may become one more.
    let room = 7_990 - first[0].len();
    client
        .batch_execute(&format!(
            "insert into t values ('b', repeat('x', {room}));
             insert into t values ('c', repeat('x', {room} + 20));
             insert into t values ('d', repeat('é', 30000));
             insert into k values (repeat('k', 9000), 'x');
             insert into k values (repeat(chr(1), 3000), 'x');"
        ))
        .unwrap();
    let log = log(&mut client);
    let got = payloads(&mut listener);
    assert_eq!(got.len(), 5);
    assert_eq!(got[0], log[1]);
    assert!(got[0].len() > 7_900 && got[0].len() <= 7_999);
    for (reference, whole) in got[1..].iter().zip(&log[2..]) {
        assert!(reference.len() <= 7_999, "{} octets", reference.len());
        let same: bool = client
            .query_one(
                "select bool_and(r.value is null or r.value = 'null'::jsonb or r.value = w.value) and count(*) = 8
                 from jsonb_each($1::text::jsonb - 'partial') r left join jsonb_each($2::text::jsonb) w using (key)",
                &[reference, whole],
            )
            .unwrap()
            .get(0);
        assert!(same, "{reference}");
        assert!(reference.ends_with(r#","partial":true}"#), "{reference}");
    }
    assert!(got[1].contains(r#""topics":["t","t:c"],"key":{"id":"c"}"#));
}

#[test]
fn a_channel_for_each_topic() {
    let server = Server::with(&[("realtime_sync.delivery", "inline")]);
    let mut client = server.create("app", "");
    let long = "l".repeat(80);
    client
        .batch_execute(
            "alter database app set realtime_sync.channel = 'to:{topic}';
             create table t (id int primary key, room text);
             select count(*) from realtime_sync.enable('t', topics => array['all', '{room}'])",
        )
        .unwrap();
    let mut client = server.connect("app");
    let hashed: String = client
        .query_one(
            "select 'to:' || repeat('l', 27) || '#' || md5('to:' || repeat('l', 80))",
            &[],
        )
        .unwrap()
        .get(0);
    let mut listener = server.connect("app");
    listener
        .batch_execute(&format!(
            r#"listen "to:all"; listen "to:a b"; listen "{hashed}""#
        ))
        .unwrap();
    client
        .batch_execute(&format!(
            "insert into t values (1, 'a b'), (2, null), (3, '{long}'), (4, ''), (5, 'elsewhere')"
        ))
        .unwrap();
    let log = log(&mut client);
    let got: Vec<(String, String)> = received(&mut listener)
        .iter()
        .map(|n| (n.channel().to_owned(), n.payload().to_owned()))
        .collect();
    let expected: Vec<(String, String)> = [
        ("to:all", 0),
        ("to:a b", 0),
        ("to:all", 1),
        ("to:all", 2),
        (&hashed, 2),
        ("to:all", 3),
        ("to:all", 4),
    ]
    .iter()
    .map(|&(channel, n)| (channel.to_owned(), log[n].clone()))
    .collect();
    assert_eq!(got, expected);
}

/// What went through the temporary file is not in memory at the commit: then the commit sends nothing,
/// nothing is marked as sent, and it is counted, rather than half of it sent and all of it marked. The
/// relay sends it, with a cursor.
#[test]
fn what_is_left_to_the_relay_is_not_marked() {
    let server = Server::with(&[("realtime_sync.delivery", "inline")]);
    let mut client = server.create("app", "");
    client
        .batch_execute("create table t (id int primary key, x text); select count(*) from realtime_sync.enable('t')")
        .unwrap();
    let mut listener = server.connect("app");
    listener.batch_execute("listen realtime_sync").unwrap();
    client
        .batch_execute(
            "begin; savepoint a; insert into t select g, repeat('x', 1000) from generate_series(1, 12000) g; commit;
             begin; insert into t values (-1, ''); select realtime_sync.flush(); commit;
             begin; insert into t values (-2, ''); prepare transaction 'p'",
        )
        .unwrap();
    client.batch_execute("commit prepared 'p'").unwrap();
    let mut sent = Vec::new();
    while sent.len() < 12_002 {
        let more = payloads(&mut listener);
        assert!(!more.is_empty(), "{} of 12,002 have come", sent.len());
        sent.extend(more);
    }
    assert_eq!((sent.len(), payloads(&mut listener).len()), (12_002, 0));
    assert!(sent.iter().all(|text| !text.contains(r#""cursor":null"#)));
    let row = client
        .query_one(
            "select count(*) filter (where notified), count(*) filter (where not notified),
                (select value from realtime_sync.counters() where name = 'left_to_relay')
             from realtime_sync.event",
            &[],
        )
        .unwrap();
    let (marked, unmarked, counted): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    assert_eq!((marked, unmarked, counted), (0, 12_002, 12_002));
}
