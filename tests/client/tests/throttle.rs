//! Throttled sources with a real listener: what arrives, when, and under which cursor; across a relay that
//! is killed while it holds something back.

use client::postgres::Client;
use client::postgres::fallible_iterator::FallibleIterator;
use client::process::{lives, relay_pid, wait_for};
use client::random::Random;
use client::{Server, signal};
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
        // which the iterator takes for silence
        assert!(!self.client.is_closed(), "the listener's session has ended");
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

/// Ends the relay, and waits until it has ended.
fn end_relay(client: &mut Client) {
    let pid = relay_pid(client, "app").expect("a relay");
    signal(pid, "TERM");
    wait_for("the relay to end", || (!lives(pid)).then_some(()));
}

/// Asks until the answer is yes.
fn asked(client: &mut Client, query: &str) {
    wait_for(query, || {
        let row = client.query_one(query, &[]).unwrap();
        row.get::<_, bool>(0).then_some(())
    });
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
    end_relay(&mut client);
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
    end_relay(&mut client);
    client
        .batch_execute("update driver set status = 'z' where id = 32")
        .unwrap();
    listener.until("the marker", |event| event["key"]["id"] == 32);
    assert_eq!(listener.heard.len(), before + 2);
}

/// A relay leaves whenever there is nothing to do, and another begins with the next change.
#[test]
fn the_next_relay_sends_nothing_again() {
    let (server, mut client) = start("worker");
    let mut listener = Listener::new(&server);
    client
        .batch_execute(
            "update driver set lat = 1 where id = 1; update driver set lat = 2 where id = 1",
        )
        .unwrap();
    listener.until("the held one", is_at(1, 2));
    // nothing is held any more, and this is not held back either
    client
        .batch_execute("update driver set lat = 5 where id = 2")
        .unwrap();
    listener.until("the first of its row", is_at(2, 5));
    end_relay(&mut client);
    // by the end of this one's window what the next relay had taken for held would be there
    client
        .batch_execute(
            "update driver set lat = 1 where id = 3; update driver set lat = 2 where id = 3",
        )
        .unwrap();
    listener.until("the next held one", is_at(3, 2));
    assert_eq!(listener.of(2).len(), 1, "{:#?}", listener.ids());
    listener.cursors_grow();
}

/// A slow sink and one that fails, beside NOTIFY, each with a throttle of its own.
const SINKS: &str = "
    set local realtime_sync.capture = off;
    insert into driver select g, 'free', 0, 0 from generate_series(51, 200) g;
    set local realtime_sync.capture = on;
    create table broken (id int);
    create table slow (n bigint generated always as identity, event_id bigint, key text, payload text);
    create table picky (n bigint generated always as identity, event_id bigint, key text, payload text);
    create function slow(event json) returns text language sql as $$ select event #>> '{new,lat}' from pg_sleep(0.03) $$;
    create function picky(event json) returns text language plpgsql as $$
    begin
        if exists (select from public.broken) then
            raise exception 'broken';
        end if;
        return event #>> '{new,lat}';
    end $$;
    select realtime_sync.add_sink('slow', 'slow', 'table:slow');
    select realtime_sync.add_sink('picky', 'picky', 'table:picky')";

#[derive(Clone, Copy, Debug)]
enum Kill {
    Relay,
    /// PostgreSQL then ends all sessions, and starts anew in the memory of before.
    RelayAtOnce,
    Server,
}

/// More of it than a batch.
#[test]
fn what_a_crash_held_comes_though_nobody_writes() {
    let (mut server, mut client) = start("worker");
    let mut listener = Listener::new(&server);
    let update = |lat| format!("update driver set lat = {lat} where id >= 1000;");
    let rows = "insert into driver select g, 'free', 0, 0 from generate_series(1000, 2999) g";
    client.batch_execute(rows).unwrap();
    client.batch_execute(&update(1)).unwrap();
    client.batch_execute(&update(2)).unwrap();
    let cursor: String = client
        .query_one("select realtime_sync.cursor()", &[])
        .unwrap()
        .get(0);
    listener.until("the first of its window", is_at(2999, 1));
    server.crash();
    server.start_postmaster();
    let mut listener = Listener::new(&server);
    // a reader starts the relay
    server
        .connect("app")
        .query_one("select realtime_sync.replay($1)", &[&cursor])
        .unwrap();
    listener.until("what was held back", is_at(2999, 2));
}

#[test]
fn no_kill_in_a_window_takes_from_any_sink_what_it_held() {
    let mut random = Random::seeded();
    let (mut server, mut client) = start("worker");
    client.batch_execute(SINKS).unwrap();
    let mut listener = Listener::new(&server);
    let kills = [Kill::Relay, Kill::RelayAtOnce, Kill::Server];
    for (round, kill) in kills.into_iter().cycle().take(6).enumerate() {
        let keys = 100 + 10 * round as i64..105 + 10 * round as i64;
        let (first, last) = (keys.start, keys.end - 1);
        let change =
            |lat| format!("update driver set lat = {lat} where id between {first} and {last};");
        client
            .batch_execute("insert into broken values (1)")
            .unwrap();
        // a transaction, so that the second is never sent, however slow the machine
        let began = Instant::now();
        client
            .batch_execute(&[change(1), change(2), change(3)].concat())
            .unwrap();
        let at_once = listener.until("the first of its window", is_at(last, 1)) - began;
        assert!(at_once < WINDOW, "{kill:?}: the first took {at_once:?}");
        std::thread::sleep(Duration::from_millis(random.below(500)));
        match kill {
            Kill::Relay => end_relay(&mut client),
            Kill::RelayAtOnce => {
                let pid = relay_pid(&mut client, "app").expect("a relay");
                signal(pid, "KILL");
                wait_for("the server to end its sessions", || {
                    client.batch_execute("select 1").err()
                });
                server.wait_until_ready();
            }
            Kill::Server => server.crash(),
        }
        let held = began.elapsed() < WINDOW;
        if !matches!(kill, Kill::Relay) {
            if matches!(kill, Kill::Server) {
                server.start_postmaster();
            }
            // who listens before the next relay begins misses nothing
            let heard = std::mem::take(&mut listener.heard);
            listener = Listener {
                heard,
                ..Listener::new(&server)
            };
            client = server.connect("app");
        }
        client
            .batch_execute(&format!(
                "update driver set status = 'x' where id = {}",
                round + 1
            ))
            .unwrap();
        for key in keys.clone() {
            listener.until("what was held back", is_at(key, 3));
        }
        client.batch_execute("delete from broken").unwrap();
        for sink in ["slow", "picky"] {
            let wanted = format!(
                "select count(*) = 5 from {sink} where payload = '3' and (key::json ->> 'id')::int between {first} and {last}"
            );
            asked(&mut client, &wanted);
        }
        for key in keys.clone() {
            let told = listener
                .of(key)
                .into_iter()
                .map(|(_, e)| e["new"]["lat"].to_string());
            let mut told: Vec<_> = told.map(|lat| lat.replace(".0", "")).collect();
            if matches!(kill, Kill::Relay) || told.len() != 3 {
                assert_eq!(told, ["1", "3"], "{kill:?}: notified");
            } else {
                // a commit that did not wait for the disk is undone with the server, and made again
                told.dedup();
                assert!(
                    told == ["1", "3"] || !held && told == ["1", "3", "1", "3"],
                    "{kill:?}: {told:?}"
                );
            }
            for sink in ["slow", "picky"] {
                let query = format!(
                    "select payload from {sink} where (key::json ->> 'id')::bigint = $1 order by n"
                );
                let rows = client.query(&query, &[&key]).unwrap();
                let told: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
                // what failed for a window's time is at its last already
                let late = sink == "picky" || !held;
                assert!(
                    told == ["1", "3"] || late && told == ["3"],
                    "{kill:?}: {sink}: {told:?}"
                );
            }
        }
        println!(
            "{kill:?} {}",
            if held { "in the window" } else { "after it" }
        );
    }
    listener.cursors_grow();
}

/// What a sink did not take comes to it again, from the beginning.
#[test]
fn a_sink_that_failed_gets_the_last_too() {
    let (_server, mut client) = start("worker");
    client.batch_execute(SINKS).unwrap();
    client
        .batch_execute("insert into broken values (1)")
        .unwrap();
    client
        .batch_execute(
            "insert into driver values (300, 'free', 0, 0);
             update driver set lat = 1 where id = 300; update driver set lat = 2 where id = 300",
        )
        .unwrap();
    asked(
        &mut client,
        "select retries > 0 from realtime_sync.sink where name = 'picky'",
    );
    client.batch_execute("delete from broken").unwrap();
    asked(
        &mut client,
        "select coalesce(max(payload), '') = '2' from picky where key like '%300%'",
    );
}

/// A relay that begins goes back to where something may be held; what a sink fails on is after that.
#[test]
fn a_sink_that_fails_after_a_restart_is_seen_to_fail() {
    let (_server, mut client) = start("worker");
    client.batch_execute(SINKS).unwrap();
    client
        .batch_execute(
            "update driver set lat = 1 where id = 1; update driver set lat = 2 where id = 1",
        )
        .unwrap();
    asked(&mut client, "select count(*) = 1 from picky");
    client
        .batch_execute("insert into broken values (1)")
        .unwrap();
    end_relay(&mut client);
    client
        .batch_execute("update driver set status = 'x' where id = 2")
        .unwrap();
    asked(
        &mut client,
        "select state = 'failing' from realtime_sync.sink where name = 'picky'",
    );
    client.batch_execute("delete from broken").unwrap();
    asked(&mut client, "select count(*) = 3 from picky");
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
