//! Throttled sources with a real listener: what arrives, when, and under which cursor; across a relay that
//! is killed while it holds something back.

use client::Server;
use client::postgres::Client;
use client::postgres::fallible_iterator::FallibleIterator;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Nothing here takes longer, on a machine that does other things as well.
const LIMIT: Duration = Duration::from_secs(30);
const WINDOW: Duration = Duration::from_millis(800);

struct Listener {
    client: Client,
    /// When each came, and what.
    heard: Vec<(Instant, Value)>,
}

impl Listener {
    fn new(server: &Server) -> Listener {
        let mut client = server.connect("app");
        client.batch_execute("listen realtime_sync").unwrap();
        Listener {
            client,
            heard: Vec::new(),
        }
    }

    fn hear(&mut self, timeout: Duration) {
        let mut notifications = self.client.notifications();
        let mut incoming = notifications.timeout_iter(timeout);
        if let Some(notification) = incoming.next().unwrap() {
            let event: Value = serde_json::from_str(notification.payload()).unwrap();
            self.heard.push((Instant::now(), event));
        }
    }

    /// Until an event is as it is wanted.
    fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Instant {
        let limit = Instant::now() + LIMIT;
        let mut looked = 0;
        loop {
            for (at, event) in &self.heard[looked..] {
                if wanted(event) {
                    return *at;
                }
            }
            looked = self.heard.len();
            assert!(
                Instant::now() < limit,
                "{what} did not come: {:#?}",
                self.ids()
            );
            self.hear(Duration::from_millis(100));
        }
    }

    fn ids(&self) -> Vec<(i64, String, String)> {
        let text = |event: &Value, name: &str| event[name].to_string();
        self.heard
            .iter()
            .map(|(_, event)| {
                (
                    event["id"].as_i64().unwrap(),
                    text(event, "new"),
                    text(event, "cursor"),
                )
            })
            .collect()
    }

    fn of(&self, key: i64) -> Vec<(Instant, &Value)> {
        self.heard
            .iter()
            .filter(|(_, event)| event["key"]["id"] == key)
            .map(|(at, event)| (*at, event))
            .collect()
    }

    fn cursors_grow(&self) {
        let cursors: Vec<&str> = self
            .heard
            .iter()
            .map(|(_, e)| e["cursor"].as_str().unwrap())
            .collect();
        assert!(cursors.is_sorted_by(|a, b| a < b), "{cursors:#?}");
    }
}

fn start(delivery: &str) -> (Server, Client) {
    let server = Server::with(&[("realtime_sync.delivery", delivery)]);
    let mut client = server.create("app", "");
    client
        .batch_execute(&format!(
            "create table driver (id int primary key, status text, lat float8, lng float8);
             insert into driver select g, 'free', 0, 0 from generate_series(1, 50) g;
             select realtime_sync.enable('driver', throttle => '{} ms', throttle_columns => array['lat', 'lng'])",
            WINDOW.as_millis()
        ))
        .unwrap();
    (server, client)
}

fn count(client: &mut Client, name: &str) -> i64 {
    let query = "select value::bigint from realtime_sync.stats where name = $1";
    client.query_one(query, &[&name]).unwrap().get(0)
}

fn is_at(key: i64, lat: i64) -> impl Fn(&Value) -> bool {
    move |event| event["key"]["id"] == key && event["new"]["lat"] == lat
}

#[test]
fn the_first_at_once_then_one_a_window_and_the_last_always() {
    let (server, mut client) = start("worker");
    let mut listener = Listener::new(&server);
    let until = Instant::now() + 3 * WINDOW;
    let mut lat = 0;
    while Instant::now() < until {
        lat += 1;
        client
            .execute("update driver set lat = $1::int where id = 1", &[&lat])
            .unwrap();
        listener.hear(Duration::from_millis(5));
    }
    let ended = Instant::now();
    let arrived = listener.until("the last position", is_at(1, lat.into()));
    assert!(arrived < ended + 2 * WINDOW, "{:?} late", arrived - ended);
    let heard = listener.of(1);
    assert_eq!(heard[0].1["new"]["lat"], 1, "the first at once");
    assert!(
        (4..=6).contains(&heard.len()),
        "{} of {lat} events",
        heard.len()
    );
    for pair in heard.windows(2) {
        // a window is the relay's, and the listener may hear the first late and the second at once
        assert!(
            pair[1].0 - pair[0].0 > WINDOW / 2,
            "{:?}",
            pair[1].0 - pair[0].0
        );
    }
    listener.cursors_grow();
    // the log has all of them, and what was not sent is counted
    let logged: i64 = client
        .query_one(
            "select count(*) from realtime_sync.event where throttle is not null",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(logged, i64::from(lat));
    assert_eq!(
        count(&mut client, "suppressed"),
        logged - heard.len() as i64
    );
    // a cursor of what was held back is one to go on from
    let cursor = heard.last().unwrap().1["cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    client
        .execute("update driver set status = 'busy' where id = 2", &[])
        .unwrap();
    listener.until("the next event", |event| event["key"]["id"] == 2);
    let replayed: String = client
        .query_one("select realtime_sync.replay($1)::text", &[&cursor])
        .unwrap()
        .get(0);
    let replayed: Value = serde_json::from_str(&replayed).unwrap();
    let keys: Vec<&Value> = replayed["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["key"]["id"])
        .collect();
    assert_eq!(keys, [2]);
    assert_eq!(replayed["reset"], false);
}

#[test]
fn what_is_not_throttled_comes_at_once_and_in_place_of_what_is() {
    let (server, mut client) = start("worker");
    let mut listener = Listener::new(&server);
    // by key: the second is held back, then comes ...
    client
        .batch_execute(
            "update driver set lat = 1 where id < 7;
             update driver set lat = 2 where id < 7;
             update driver set status = 'busy' where id = 1;
             delete from driver where id = 2;
             update driver set id = 103 where id = 3;
             update driver set lat = 3, status = 'busy' where id = 4;
             begin; update driver set lat = 4 where id = 5; update driver set status = 'off' where id = 5; commit;",
        )
        .unwrap();
    let at = Instant::now();
    let busy = listener.until("the status", |event| event["new"]["status"] == "off");
    assert!(busy - at < WINDOW, "it did not wait");
    // six is the only one of which the last is throttled
    listener.until("the held one", is_at(6, 2));
    client
        .execute("update driver set lat = 9 where id = 50", &[])
        .unwrap();
    listener.until("the end", is_at(50, 9));
    let told = |key: i64| -> Vec<String> {
        let list = listener.of(key);
        list.iter()
            .map(|(_, e)| format!("{} {}", e["type"].as_str().unwrap(), e["new"]["lat"]))
            .collect()
    };
    assert_eq!(told(1), ["UPDATE 1", "UPDATE 2"]);
    assert_eq!(told(2), ["UPDATE 1", "DELETE null"]);
    assert_eq!(told(3), ["UPDATE 1", "LEAVE null"]);
    assert_eq!(told(103), ["UPDATE 2"]);
    assert_eq!(told(4), ["UPDATE 1", "UPDATE 3"]);
    assert_eq!(told(5), ["UPDATE 1", "UPDATE 4"]);
    assert_eq!(told(6), ["UPDATE 1", "UPDATE 2"]);
    listener.cursors_grow();
    // a TRUNCATE as well
    client
        .batch_execute("update driver set lat = 20; update driver set lat = 21; truncate driver")
        .unwrap();
    listener.until("the truncate", |event| event["type"] == "TRUNCATE");
    client.batch_execute("insert into driver values (60, 'new', 0, 0); update driver set lat = 1; update driver set lat = 2").unwrap();
    listener.until("a later one that was held", is_at(60, 2));
    assert!(
        !listener
            .heard
            .iter()
            .any(|(_, event)| event["new"]["lat"] == 21)
    );
}

#[test]
fn a_large_tick_is_throttled_too() {
    let (server, mut client) = start("worker");
    client
        .batch_execute(
            "insert into driver select g, 'free', 0, 0 from generate_series(1000, 2999) g",
        )
        .unwrap();
    let mut listener = Listener::new(&server);
    client
        .batch_execute(
            "begin; update driver set lat = 1 where id >= 1000; update driver set lat = 2 where id >= 1000;
             update driver set lat = 3 where id >= 1000; commit",
        )
        .unwrap();
    let limit = Instant::now() + LIMIT;
    while listener
        .heard
        .iter()
        .filter(|(_, e)| e["new"]["lat"] == 3)
        .count()
        < 2000
    {
        assert!(Instant::now() < limit, "{} came", listener.heard.len());
        listener.hear(Duration::from_millis(100));
    }
    let of = |lat: i64| {
        listener
            .heard
            .iter()
            .filter(|(_, e)| e["new"]["lat"] == lat)
            .count()
    };
    assert_eq!((of(1), of(2), of(3)), (2000, 0, 2000));
    listener.cursors_grow();
}

#[test]
fn what_a_killed_relay_held_back_arrives() {
    let (server, mut client) = start("worker");
    let mut listener = Listener::new(&server);
    client
        .batch_execute("update driver set lat = 1 where id < 21")
        .unwrap();
    listener.until("the first", is_at(20, 1));
    client
        .batch_execute("update driver set lat = 2 where id < 21")
        .unwrap();
    // a tick later than that, so that it is held by now
    client
        .batch_execute("update driver set status = 'x' where id = 30")
        .unwrap();
    listener.until("the marker", |event| event["key"]["id"] == 30);
    let relay = "select pid from pg_stat_activity where backend_type = 'realtime_sync relay'";
    let pid: i32 = client.query_one(relay, &[]).unwrap().get(0);
    client
        .execute("select pg_terminate_backend($1)", &[&pid])
        .unwrap();
    for key in 1..21 {
        listener.until("a held one", is_at(key, 2));
    }
    listener.cursors_grow();
    // nothing is held now, so the next process does not begin with the same
    let before = listener.heard.len();
    client
        .batch_execute("update driver set status = 'y' where id = 31")
        .unwrap();
    listener.until("the marker", |event| event["key"]["id"] == 31);
    let pid: i32 = client.query_one(relay, &[]).unwrap().get(0);
    client
        .execute("select pg_terminate_backend($1)", &[&pid])
        .unwrap();
    client
        .batch_execute("update driver set status = 'z' where id = 32")
        .unwrap();
    listener.until("the marker", |event| event["key"]["id"] == 32);
    assert_eq!(listener.heard.len(), before + 2);
}

#[test]
fn relay_by_hand_sends_what_is_due() {
    let (server, mut client) = start("manual");
    let mut listener = Listener::new(&server);
    client
        .batch_execute(
            "update driver set lat = 1 where id < 4; update driver set lat = 2 where id < 4",
        )
        .unwrap();
    // each call is a relay of its own
    let limit = Instant::now() + LIMIT;
    while listener
        .heard
        .iter()
        .filter(|(_, event)| event["new"]["lat"] == 2)
        .count()
        < 3
    {
        assert!(Instant::now() < limit, "{:?}", listener.ids());
        client
            .execute("select * from realtime_sync.relay()", &[])
            .unwrap();
        listener.hear(Duration::from_millis(50));
    }
    listener.cursors_grow();
}
