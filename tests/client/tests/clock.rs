//! The relay's waits go by time that passes, not by what the clock says: an hour set back stops none of them, and one
//! set forward, as after a machine's sleep, lets nothing wait that is due.

use client::postgres::Client;
use client::postgres::fallible_iterator::FallibleIterator;
use client::process::{relay_pid, wait_for};
use client::{Server, signal};
use serde_json::Value;
use std::thread::sleep;
use std::time::{Duration, Instant};

const HOUR: u32 = 3_600;

/// What a relay may have to wait for: a throttle's window, in the log and out of it, a sink that fails, a timer.
const WAITS: &str = "
    create table cold (id int primary key);
    create table driver (id int primary key, lat int);
    create table place (id int primary key, lat int);
    insert into driver values (1, 0);
    insert into place values (1, 0);
    create table box (event_id bigint);
    create table call (at timestamptz default clock_timestamp());
    create function note() returns timestamptz language plpgsql as $$
    begin
        insert into public.call default values;
        return clock_timestamp() + interval '1 s';
    end
    $$;
    create table late (at timestamptz default clock_timestamp());
    create function note_late() returns timestamptz language plpgsql as $$
    begin
        insert into public.late default values;
        return clock_timestamp() + interval '30 min';
    end
    $$;
    select realtime_sync.enable('cold'),
        realtime_sync.enable('driver', throttle => '5 s', throttle_columns => array['lat']),
        realtime_sync.enable('place', throttle => '5 s', throttle_columns => array['lat'], throttle_log => 'last'),
        realtime_sync.add_sink('box', target => 'table:box', topics => array['cold']),
        realtime_sync.add_timer('note', 'note()'), realtime_sync.add_timer('late', 'note_late()')";

fn seconds(client: &mut Client) -> f64 {
    let query = "select extract(epoch from clock_timestamp())::float8";
    client.query_one(query, &[]).unwrap().get(0)
}

/// Asks until the answer is yes, for half a minute.
fn asked(client: &mut Client, query: &str) {
    wait_for(query, || {
        let row = client.query_one(query, &[]).unwrap();
        row.get::<_, bool>(0).then_some(())
    });
}

/// Until a row's event is heard.
fn hears(listener: &mut Client, wanted: &[(&str, i64)]) {
    let mut wanted = wanted.to_vec();
    let mut notifications = listener.notifications();
    let mut heard = notifications.timeout_iter(Duration::from_secs(20));
    while !wanted.is_empty() {
        let Some(notification) = heard.next().unwrap() else {
            panic!("{wanted:?} did not come");
        };
        let event: Value = serde_json::from_str(notification.payload()).unwrap();
        let new = &event["new"];
        let number = new["lat"].as_i64().or(new["id"].as_i64());
        wanted.retain(|(table, n)| event["table"] != *table || number != Some(*n));
    }
}

#[test]
fn a_clock_set_back_or_forward_by_an_hour_keeps_nothing_waiting() {
    let mut server = Server::with(&[("log_min_messages", "log")]);
    server.stop();
    if !server.set_clock_behind(0) {
        println!("skipped: libfaketime is missing (scripts/setup installs it)");
        return;
    }
    server.start_postmaster();
    let mut client = server.create("app", "");
    let mut listener = server.connect("app");
    listener.batch_execute("listen realtime_sync").unwrap();
    client.batch_execute(WAITS).unwrap();
    let before = seconds(&mut client);
    client.batch_execute("insert into cold values (1)").unwrap();
    hears(&mut listener, &[("cold", 1)]);
    // PostgreSQL 15 forks a worker in a signal handler, amid a select() of which libfaketime has not returned: that one
    // has the machine's clock for good. Not so one that is started again, a second after its end.
    let first = relay_pid(&mut client, "app").expect("a relay");
    signal(first, "TERM");
    // One that begins reads what is locked below.
    let rests = format!(
        "select from pg_stat_activity where backend_type = 'realtime_sync relay'
        and pid <> {first} and state = 'idle' and query = 'waiting for commits'"
    );
    wait_for("another relay, at rest", || {
        client.query_opt(&rests, &[]).unwrap().map(|_| ())
    });

    // The relay calls retain() five seconds after its start, and every minute, which takes long enough to be seen where
    // somebody has a segment locked.
    let mut holder = server.connect("app");
    holder
        .batch_execute("begin; lock table realtime_sync.progress_5 in access exclusive mode")
        .unwrap();
    server.set_clock_behind(HOUR);
    let back = before - seconds(&mut client);
    assert!(back > f64::from(HOUR - 60), "set back by {back} s");
    let retains = "select from pg_stat_activity
        where backend_type = 'realtime_sync relay' and query = 'select realtime_sync.retain()' and state = 'active'";
    let until = Instant::now() + Duration::from_secs(75);
    while client.query_opt(retains, &[]).unwrap().is_none() {
        assert!(Instant::now() < until, "it does not call retain()");
        sleep(Duration::from_millis(5));
    }
    holder.batch_execute("commit").unwrap();
    drop(holder);
    asked(
        &mut client,
        &format!("select min(at) < to_timestamp({before}) - interval '30 min' from call"),
    );

    // A failing sink waits for 3.2 seconds after its sixth try.
    client
        .batch_execute("alter table box rename to gone")
        .unwrap();
    client.batch_execute("insert into cold values (2)").unwrap();
    asked(
        &mut client,
        "select retries >= 6 from realtime_sync.sink where name = 'box'",
    );
    client
        .batch_execute("alter table gone rename to box")
        .unwrap();
    for lat in 1..4 {
        let update = format!("update driver set lat = {lat}; update place set lat = {lat}");
        client.batch_execute(&update).unwrap();
    }
    hears(&mut listener, &[("driver", 1), ("place", 1)]);
    let calls = "select count(*) from call";
    let called: i64 = client.query_one(calls, &[]).unwrap().get(0);
    server.set_clock_behind(2 * HOUR);
    client.batch_execute("insert into cold values (3)").unwrap();
    hears(&mut listener, &[("cold", 3), ("driver", 3), ("place", 3)]);
    asked(&mut client, "select count(*) = 3 from box");
    asked(
        &mut client,
        &format!("select count(*) > {called} + 2 from call"),
    );
    let state = "select state from realtime_sync.sink where name = 'box'";
    let state: String = client.query_one(state, &[]).unwrap().get(0);
    assert_eq!(state, "even");

    // Half an hour from now is over when the clock says so. For half a second after events timers are asked anyway.
    sleep(Duration::from_secs(2));
    client.batch_execute("truncate late").unwrap();
    server.set_clock_behind(HOUR);
    asked(&mut client, "select count(*) > 0 from late");

    // It looks twice a second whether it is in somebody's way, who waits for five seconds.
    let relay = relay_pid(&mut client, "app");
    assert!(relay.is_some(), "it has left");
    drop((client, listener));
    server.set_clock_behind(3 * HOUR);
    let mut client = server.connect("postgres");
    client
        .batch_execute("create database copy template app")
        .unwrap();
}
