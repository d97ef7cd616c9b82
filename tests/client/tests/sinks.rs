//! Sinks at work, the relay's worker sending: NOTIFY channels, outbox tables, the WAL, functions that
//! fail. What one sink cannot do holds up no other.

use client::postgres::fallible_iterator::FallibleIterator;
use client::postgres::types::FromSqlOwned;
use client::postgres::{Client, Notification};
use client::{Server, wal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

const LIMIT: Duration = Duration::from_secs(20);

/// Each statement in a transaction of its own.
fn run(client: &mut Client, statements: &[&str]) {
    for statement in statements {
        client.batch_execute(statement).unwrap();
    }
}

/// Asks again until the answer is the one waited for.
fn wait_for<T: FromSqlOwned + PartialEq + std::fmt::Debug>(
    client: &mut Client,
    query: &str,
    expected: T,
) {
    let until = Instant::now() + LIMIT;
    loop {
        let found: T = client.query_one(query, &[]).unwrap().get(0);
        if found == expected {
            return;
        }
        assert!(
            Instant::now() < until,
            "{query}: {found:?}, not {expected:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn texts(client: &mut Client, query: &str) -> Vec<String> {
    let rows = client.query(query, &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn next(listener: &mut Client) -> Notification {
    let mut notifications = listener.notifications();
    let mut waiting = notifications.timeout_iter(LIMIT);
    waiting
        .next()
        .unwrap()
        .expect("a notification within 20 seconds")
}

/// What has come when the last event has, which says so or is for the topic end.
fn up_to_the_last(listener: &mut Client) -> Vec<(String, String)> {
    let mut got = Vec::new();
    loop {
        let notification = next(listener);
        let (channel, payload) = (notification.channel(), notification.payload());
        if payload.contains("last") || payload.contains(r#"["end"]"#) {
            return got;
        }
        got.push((channel.to_owned(), payload.to_owned()));
    }
}

const TABLES: &str = "
    create table t (id int primary key, room text, x text);
    select count(*) from realtime_sync.enable('t', topics => array['t', 'room:{room}']);
    create table box (n bigint generated always as identity, event_id bigint, cursor text, topics text[], payload text);
    create table other (n bigint generated always as identity, event_id bigint, payload text)";

#[test]
fn channels_are_made_of_topics_and_carry_what_they_are_told() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    let long = format!("room:{}", "é".repeat(40));
    client
        .batch_execute(
            "select realtime_sync.add_sink('rooms', target => 'notify:rt:{topic}', topics => array['room:*', 'end']);
             select realtime_sync.add_sink('open', target => 'notify:open', payload => 'reference')",
        )
        .unwrap();
    let mut listener = server.connect("app");
    let channel: String = client
        .query_one(
            "select left($1, 19) || '#' || md5($1)",
            &[&format!("rt:{long}")],
        )
        .unwrap()
        .get(0);
    listener
        .batch_execute(&format!(
            "listen realtime_sync; listen open; listen \"rt:room:1\"; listen \"rt:t\"; listen \"{channel}\"; listen \"rt:end\""
        ))
        .unwrap();
    client
        .batch_execute(
            "insert into t values (1, '1', 'secret'), (2, null, 'secret'), (3, repeat('é', 40), repeat('x', 9000));
             select realtime_sync.send('end', 'last', '1')",
        )
        .unwrap();
    // The order of channels within an event is the sinks'; each ends with the last event.
    let mut got = Vec::new();
    for _ in 0..3 {
        got.extend(up_to_the_last(&mut listener));
    }
    let of = |name: &str| -> Vec<&str> {
        got.iter()
            .filter(|(channel, _)| channel == name)
            .map(|(_, payload)| payload.as_str())
            .collect()
    };
    let native = texts(
        &mut client,
        "select native::text from realtime_sync.events order by id",
    );
    // The relay's text is the log's but for its cursor.
    let without_cursor = |text: &str| {
        let at = text.find("\"cursor\":").unwrap();
        let end = at + text[at..].find(",\"type\"").unwrap();
        format!("{}{}", &text[..at], &text[end..])
    };
    assert_eq!(of("realtime_sync").len(), 3);
    for (sent, logged) in of("realtime_sync")[..2].iter().zip(&native) {
        assert_eq!(without_cursor(sent), without_cursor(logged));
        assert!(!sent.contains("\"cursor\":null"), "{sent}");
    }
    assert!(of("realtime_sync")[2].ends_with(r#""partial":true}"#));
    assert_eq!(of("rt:room:1"), of("realtime_sync")[..1]);
    assert_eq!(of(&channel), of("realtime_sync")[2..]);
    assert_eq!(of("rt:t").len(), 0);
    // Anyone may listen to it, so it says nothing of the row but its key.
    assert_eq!(of("open").len(), 3);
    for (reference, whole) in of("open").iter().zip(of("realtime_sync")) {
        assert!(
            !reference.contains("secret") && !reference.contains("\"new\""),
            "{reference}"
        );
        let cursor = |text: &str| {
            let at = text.find("\"cursor\":\"").unwrap() + 10;
            text[at..at + 42].to_owned()
        };
        assert_eq!(cursor(reference), cursor(whole));
        assert!(reference.contains("\"key\":{\"id\":"), "{reference}");
    }
}

#[test]
fn channels_are_spelled_in_the_server_s_encoding() {
    let server = Server::start();
    let mut client = server.create(
        "latin",
        "template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'",
    );
    client
        .batch_execute(
            "select realtime_sync.add_sink('é', target => 'notify:ü:{topic}', topics => array['é*'])",
        )
        .unwrap();
    let mut listener = server.connect("latin");
    let long = format!("ü:é{}", "ö".repeat(80));
    // 30 octets are 30 characters there, and its md5 is that of LATIN1.
    let hashed: String = client
        .query_one("select left($1, 30) || '#' || md5($1)", &[&long])
        .unwrap()
        .get(0);
    listener
        .batch_execute(&format!("listen \"ü:é1\"; listen \"{hashed}\""))
        .unwrap();
    client
        .batch_execute(&format!(
            "select realtime_sync.send('é1', 'a', '1'), realtime_sync.send('è1', 'a', '1'), realtime_sync.send('é{}', 'a', '1')",
            "ö".repeat(80)
        ))
        .unwrap();
    assert_eq!(next(&mut listener).channel(), "ü:é1");
    assert_eq!(next(&mut listener).channel(), hashed);
    let names = texts(
        &mut client,
        "select name from realtime_sync.sink order by id",
    );
    assert_eq!(names, ["notify", "é"]);
}

#[test]
fn messages_in_the_wal_are_decoded_in_order() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    client
        .batch_execute(
            "create function upper_case(event json) returns text language sql
                 as $$ select nullif(upper(event #>> '{new,x}'), 'SKIP') $$;
             select realtime_sync.add_sink('wal', 'upper_case', 'wal:outbox', topics => array['t'])",
        )
        .unwrap();
    wal::create_slot(&mut client);
    run(
        &mut client,
        &[
            "insert into t values (1, null, 'one'), (2, null, 'skip')",
            "begin; insert into t values (3, null, 'undone'); rollback",
            "begin; insert into t values (4, null, 'two'); insert into t values (5, null, 'dreißig'); commit",
            "select realtime_sync.send('elsewhere', 'e', '1')",
        ],
    );
    let mut messages = Vec::new();
    client::process::wait_for("three messages", || {
        messages.extend(wal::messages(&mut client));
        (messages.len() >= 3).then_some(())
    });
    assert_eq!(messages, ["ONE", "TWO", "DREIßIG"]);
}

#[test]
fn messages_in_the_wal_need_it_logical() {
    let server = Server::with(&[("wal_level", "replica")]);
    let mut client = server.create("app", "");
    let error = client
        .batch_execute("select realtime_sync.add_sink('wal', target => 'wal:outbox')")
        .unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(
        (error.code().code(), error.message()),
        ("55000", "wal_level is replica")
    );
    assert_eq!(
        error.hint(),
        Some("alter system set wal_level = 'logical', and restart the server.")
    );
}

#[test]
fn a_sink_that_fails_stops_itself_alone_and_catches_up_in_order() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    client
        .batch_execute(
            "create function picky(event json) returns text language plpgsql as $$
             begin
                 if event #>> '{new,x}' = 'bad' then
                     raise exception 'not this one';
                 end if;
                 return event #>> '{new,id}';
             end $$;
             select realtime_sync.add_sink('picky', 'picky', 'table:box', topics => array['t']);
             select realtime_sync.add_sink('easy', target => 'table:other', topics => array['t'])",
        )
        .unwrap();
    let mut listener = server.connect("app");
    listener.batch_execute("listen realtime_sync").unwrap();
    run(
        &mut client,
        &[
            "insert into t values (1, null, 'good')",
            "insert into t values (2, null, 'good'), (3, null, 'bad'), (4, null, 'good')",
            "do $$ begin for n in 5..400 loop insert into t values (n, null, 'good'); commit; end loop; end $$",
            "select realtime_sync.send('end', 'last', '1')",
        ],
    );
    assert_eq!(up_to_the_last(&mut listener).len(), 400);
    wait_for(&mut client, "select count(*) from other", 400i64);
    // It goes on trying, ever more rarely.
    wait_for(
        &mut client,
        "select retries >= 4 from realtime_sync.sink where name = 'picky'",
        true,
    );
    let waits: bool = client
        .query_one(
            "select bool_and(w >= interval '0.09 s' * 2 ^ (retries - 2)) from (
                 select p.retries, p.at - lag(p.at) over (order by p.retries) as w
                 from realtime_sync.progress p join realtime_sync.sink s on s.id = p.sink
                 where s.name = 'picky' and p.retries > 0) w where retries > 1",
            &[],
        )
        .unwrap()
        .get(0);
    assert!(waits);
    let row = client
        .query_one(
            "select state, behind, error, (select count(*) from box where payload::int > 2) from realtime_sync.sink where name = 'picky'",
            &[],
        )
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "failing");
    assert!(row.get::<_, i64>(1) >= 1);
    let bad: i64 = client
        .query_one(
            "select event_id from other where payload like '%\"bad\"%'",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(row.get::<_, &str>(2), format!("event {bad}: not this one"));
    wait_for(
        &mut client,
        "select count(*) from realtime_sync.health()
         where level = 'error' and subject = 'sink picky' and problem like 'it has failed % times, the first time at %: event % not this one'",
        1i64,
    );
    wait_for(
        &mut client,
        "select count(*) from pg_stat_activity where backend_type = 'realtime_sync relay' and state = 'idle'
             and query = 'waiting until something held back or failed is due'",
        1i64,
    );
    assert_eq!(row.get::<_, i64>(3), 0, "sent past the one that failed");
    client
        .batch_execute(
            "create or replace function picky(event json) returns text language sql
                 as $$ select case event #>> '{new,x}' when 'bad' then 'mended' else event #>> '{new,id}' end $$",
        )
        .unwrap();
    wait_for(&mut client, "select count(*) from box", 400i64);
    let expected: Vec<String> = (1..=400)
        .map(|n| {
            if n == 3 {
                "mended".into()
            } else {
                n.to_string()
            }
        })
        .collect();
    assert_eq!(
        texts(&mut client, "select payload from box order by n"),
        expected
    );
    assert_eq!(
        texts(&mut client, "select cursor from box order by n"),
        texts(&mut client, "select cursor from box order by cursor")
    );
    wait_for(
        &mut client,
        "select state from realtime_sync.sink where name = 'picky'",
        "even".to_owned(),
    );
}

#[test]
fn a_sink_that_hangs_is_stopped_and_one_on_a_locked_table_waits_its_turn() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    client
        .batch_execute(
            "create function slow(event json) returns text language sql as $$ select pg_sleep(3600)::text $$;
             create function stubborn(event json) returns text language plpgsql as $$
             begin
                 perform pg_sleep(3600);
             exception when query_canceled then
                 return 'in time';
             end $$;
             select realtime_sync.add_sink('slow', 'slow', 'notify:slow', topics => array['t']);
             select realtime_sync.add_sink('stubborn', 'stubborn', 'notify:slow', topics => array['t']);
             select realtime_sync.add_sink('box', target => 'table:box', topics => array['t']);
             select realtime_sync.add_sink('other', target => 'table:other', topics => array['t'])",
        )
        .unwrap();
    let mut holder = server.connect("app");
    holder
        .batch_execute("begin; lock table box in exclusive mode")
        .unwrap();
    client
        .batch_execute("insert into t values (1, null, 'x')")
        .unwrap();
    wait_for(&mut client, "select count(*) from other", 1i64);
    let event: i64 = client
        .query_one("select event_id from other", &[])
        .unwrap()
        .get(0);
    wait_for(
        &mut client,
        "select error from realtime_sync.sink where name = 'slow'",
        Some(format!("event {event}: the sink took longer than 1 s")),
    );
    wait_for(
        &mut client,
        "select error from realtime_sync.sink where name = 'stubborn'",
        Some(format!("event {event}: the sink took longer than 1 s")),
    );
    wait_for(
        &mut client,
        "select error from realtime_sync.sink where name = 'box'",
        Some("canceling statement due to lock timeout".to_owned()),
    );
    client
        .batch_execute("select realtime_sync.drop_sink('slow')")
        .unwrap();
    holder.batch_execute("commit").unwrap();
    wait_for(&mut client, "select count(*) from box", 1i64);
}

#[test]
fn a_sink_that_hears_its_cancel_too_late_does_not_end_the_relay() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    // Products of numbers this long, in which nobody asks for cancels: two seconds of them.
    let products = |count| vec!["n * n"; count].join(" + ");
    let query = format!(
        "select ({}) > 0 from (select repeat('7', 60000)::numeric as n) r",
        products(20)
    );
    let mut twenty = u128::MAX;
    for _ in 0..3 {
        let began = Instant::now();
        client.batch_execute(&query).unwrap();
        twenty = twenty.min(began.elapsed().as_millis().max(1));
    }
    let products = products(20 * 2_000 / twenty as usize);
    client
        .batch_execute(&format!(
            "create function deaf(event json) returns text language plpgsql as $$
             declare
                 n numeric := repeat('7', 60000);
             begin
                 return ({products}) / 0;
             end $$;
             select realtime_sync.add_sink('deaf', 'deaf', 'notify:deaf', topics => array['t']);
             insert into t values (1, null, 'x')"
        ))
        .unwrap();
    wait_for(
        &mut client,
        "select error ~ 'the sink took longer than 1 s' and retries >= 2 from realtime_sync.sink where name = 'deaf'",
        Some(true),
    );
    let ended = server.log();
    assert!(
        !ended.contains("background worker \"realtime_sync relay\""),
        "{ended}"
    );
}

#[test]
fn a_sink_that_hangs_or_is_slow_holds_nobody_up() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    client
        .batch_execute(
            "create function hangs(event json) returns text language sql as $$ select pg_sleep(3600)::text $$;
             create function slow(event json) returns text language sql as $$ select event ->> 'id' from pg_sleep(0.05) $$;
             select realtime_sync.add_sink('hangs', 'hangs', 'notify:hangs', topics => array['t']);
             select realtime_sync.add_sink('slow', 'slow', 'notify:slow', topics => array['t'])",
        )
        .unwrap();
    let mut listener = server.connect("app");
    listener
        .batch_execute("listen realtime_sync; listen slow")
        .unwrap();
    // Eight seconds of the slow one's time.
    client
        .batch_execute("insert into t select n, null, 'x' from generate_series(1, 150) n")
        .unwrap();
    let mut slow = 0;
    for n in 1..=150 {
        while next(&mut listener).channel() == "slow" {
            slow += 1;
        }
        assert!(n < 150 || slow < 50, "it waited for the slow one");
    }
    let mut longest = Duration::ZERO;
    for n in 151..=160 {
        let began = Instant::now();
        client
            .batch_execute(&format!("insert into t values ({n}, null, 'x')"))
            .unwrap();
        while next(&mut listener).channel() == "slow" {
            slow += 1;
        }
        longest = longest.max(began.elapsed());
    }
    println!("while one sink hangs and one is slow, an event took {longest:?} at most");
    assert!(
        longest < Duration::from_secs(3),
        "others were held up for {longest:?}"
    );
    // And each event of the slow one comes once.
    while slow < 160 {
        assert_eq!(next(&mut listener).channel(), "slow");
        slow += 1;
    }
}

/// Each event is heard while the sinks that can fail still work on it or wait for it, by the server's clock: the
/// notification was not part of their transaction, and did not wait for it.
#[test]
fn notify_is_heard_while_others_work_and_wait() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    // A lock is waited for half a second.
    client
        .batch_execute(
            "create function slow(event json) returns text language plpgsql as $$
             begin
                 perform pg_sleep(0.6);
                 return clock_timestamp();
             end $$;
             select realtime_sync.add_sink('slow', 'slow', 'table:other', topics => array['slow']);
             select realtime_sync.add_sink('box', target => 'table:box', topics => array['box'])",
        )
        .unwrap();
    let mut listener = server.connect("app");
    listener.batch_execute("listen realtime_sync").unwrap();
    let mut holder = server.connect("app");
    for n in 1..=4i64 {
        for (topic, ended) in [
            (
                "slow",
                "select payload::timestamptz from other where payload is not null order by n desc limit 1",
            ),
            (
                "box",
                "select at from realtime_sync.progress where error is not null order by at desc limit 1",
            ),
        ] {
            if topic == "box" {
                holder
                    .batch_execute("begin; lock table box in exclusive mode")
                    .unwrap();
            }
            client
                .batch_execute(&format!("select realtime_sync.send('{topic}', 'e', '{n}')"))
                .unwrap();
            next(&mut listener);
            let heard = SystemTime::now();
            if topic == "box" {
                let failing = "select retries > 0 from realtime_sync.sink where name = 'box'";
                wait_for(&mut client, failing, true);
                holder.batch_execute("commit").unwrap();
                wait_for(&mut client, "select count(*) from box", n);
            } else {
                wait_for(&mut client, "select count(*) from other", n);
            }
            let ended: SystemTime = client.query_one(ended, &[]).unwrap().get(0);
            let ahead = ended.duration_since(heard);
            println!("{topic}: heard {ahead:?} before it ended");
            assert!(
                ahead.is_ok(),
                "heard after '{topic}' had its turn: {ahead:?}"
            );
        }
    }
}

/// What a slow sink does not get in its turn of 0.2 seconds it gets in the next, which comes though nothing else does: of a
/// batch, of what was held back, and of two sinks that take turns.
#[test]
fn a_slow_sink_goes_on_though_nothing_else_happens() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    client
        .batch_execute(
            "create function slow(event json) returns text language sql as $$ select event ->> 'id' from pg_sleep(0.05) $$;
             create table place (id int primary key, x int);
             insert into place select n, 0 from generate_series(1, 20) n;
             select count(*) from realtime_sync.enable('place', throttle => '1 s', throttle_columns => array['x']);
             select realtime_sync.add_sink('held', 'slow', 'table:box', topics => array['place']);
             select realtime_sync.add_sink('one', 'slow', 'table:box', topics => array['t']);
             select realtime_sync.add_sink('other', 'slow', 'table:other', topics => array['t'])",
        )
        .unwrap();
    // A second's work is five turns; a relay at rest looks once a second by itself.
    let mut complete = |what: &str, change: &str, query: &str, work: Duration| {
        let began = Instant::now();
        client.batch_execute(change).unwrap();
        wait_for(&mut client, query, true);
        let took = began.elapsed();
        println!("{what}: {took:?} for {work:?} of work");
        assert!(
            took < work + Duration::from_millis(1_900),
            "{what}: {took:?}"
        );
    };
    let second = Duration::from_secs(1);
    complete(
        "a batch for two",
        "insert into t select n, null, 'x' from generate_series(1, 20) n",
        "select (select count(*) from box) = 20 and (select count(*) from other) = 20",
        2 * second,
    );
    complete(
        "what was held back",
        "update place set x = 1; update place set x = 2",
        "select count(*) = 60 from box",
        2 * second,
    );
}

#[test]
fn a_dialect_too_long_for_notify_is_asked_for_a_reference() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    client
        .batch_execute(
            "create function told(event json) returns text language sql
                 as $$ select coalesce(event #>> '{new,x}', repeat('k', (event #>> '{key,id}')::int)) $$;
             select realtime_sync.add_sink('told', 'told', 'notify:told', topics => array['t'])",
        )
        .unwrap();
    let mut listener = server.connect("app");
    listener.batch_execute("listen told").unwrap();
    client
        .batch_execute("insert into t values (7, null, 'short'), (8, null, repeat('x', 7999)), (9, null, repeat('x', 8000))")
        .unwrap();
    assert_eq!(next(&mut listener).payload(), "short");
    assert_eq!(next(&mut listener).payload(), "x".repeat(7999));
    assert_eq!(next(&mut listener).payload(), "k".repeat(9));
    client
        .batch_execute("insert into t values (8000, null, repeat('x', 8000))")
        .unwrap();
    wait_for(
        &mut client,
        "select regexp_replace(error, '^event \\d+: ', '') from realtime_sync.sink where name = 'told'",
        Some("the dialect's text of 8000 bytes is too long for NOTIFY".to_owned()),
    );
}

#[test]
fn inline_delivery_serves_the_sink_out_of_the_box_alone() {
    let server = Server::with(&[("realtime_sync.delivery", "inline")]);
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    let mut listener = server.connect("app");
    listener.batch_execute("listen realtime_sync").unwrap();
    run(
        &mut client,
        &[
            "select realtime_sync.add_sink('box', target => 'table:box')",
            "insert into t values (1, null, 'inline')",
            "select realtime_sync.drop_sink('notify')",
            "insert into t values (2, null, 'dropped')",
            "select realtime_sync.send('end', 'dropped', '1')",
            "notify realtime_sync, 'last'",
        ],
    );
    let got = up_to_the_last(&mut listener);
    assert_eq!(got.len(), 1, "{got:?}");
    assert!(got[0].1.contains("inline"));
    let notified = texts(
        &mut client,
        "select notified::text from realtime_sync.event order by id",
    );
    assert_eq!(notified, ["true", "false", "false"]);
    // What has been notified is new to the other sinks.
    client
        .batch_execute("select count(*) from realtime_sync.relay()")
        .unwrap();
    wait_for(&mut client, "select count(*) from box", 3i64);
}

#[test]
fn a_restored_dump_has_the_sinks_it_had() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    client
        .batch_execute(
            "create role \"Odd role\" bypassrls;
             grant select on realtime_sync.event to \"Odd role\";
             grant usage on schema realtime_sync to \"Odd role\";
             grant execute on function realtime_sync.add_sink to \"Odd role\";
             grant insert on box to \"Odd role\";
             create function told(event json) returns text language sql as $$ select event #>> '{new,x}' $$;
             set role \"Odd role\";
             select realtime_sync.add_sink('told', 'told', 'table:box', array['t', 'a\"b:*'], 'reference');
             reset role;
             select realtime_sync.drop_sink('notify');
             select realtime_sync.add_sink('passing');
             select realtime_sync.drop_sink('passing')",
        )
        .unwrap();
    let all = "select row_to_json(d)::text from (select id, name, dialect, target, topics, payload, owner from realtime_sync.sink) d order by id";
    let sinks = texts(&mut client, all);
    assert_eq!(sinks.len(), 1);
    let highest = "select nextval('realtime_sync.sink_id')::int";
    let file = server.dir().join("dump");
    let file = file.to_str().unwrap();
    for (name, arguments) in [
        ("pg_dump", vec!["-Fc", "-f", file, "app"]),
        ("createdb", vec!["-T", "template0", "restored"]),
        (
            "pg_restore",
            vec!["--exit-on-error", "-d", "restored", file],
        ),
    ] {
        let output = server.program(name).args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let mut restored = server.connect("restored");
    assert_eq!(texts(&mut restored, all), sinks);
    let (here, there): (i32, i32) = (
        client.query_one(highest, &[]).unwrap().get(0),
        restored.query_one(highest, &[]).unwrap().get(0),
    );
    assert!(there >= here, "ids start again: {there} after {here}");
    let mut listener = server.connect("restored");
    listener.batch_execute("listen realtime_sync").unwrap();
    restored
        .batch_execute("create or replace function told(event json) returns text language sql as $$ select event ->> 'type' $$;
            insert into t values (1, null, 'x')")
        .unwrap();
    wait_for(
        &mut restored,
        "select array_agg(payload) from box",
        Some(vec!["INSERT".to_owned()]),
    );
    restored
        .batch_execute("notify realtime_sync, 'last'")
        .unwrap();
    assert_eq!(up_to_the_last(&mut listener), []);
}

/// The relay keeps the sinks it knows from turn to turn: while it is busy, one that has just been added
/// misses nothing.
#[test]
fn a_new_sink_gets_all_that_comes_after_it() {
    const SINKS: i32 = 200;
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    let mut listener = server.connect("app");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut busy = server.connect("app");
            let until = Instant::now() + 4 * LIMIT;
            while !stop.load(Ordering::Relaxed) && Instant::now() < until {
                busy.batch_execute("select realtime_sync.send('noise', 'noise', '1')")
                    .unwrap();
            }
        });
        for n in 0..SINKS {
            listener.batch_execute(&format!("listen new_{n}")).unwrap();
            run(
                &mut client,
                &[
                    &format!(
                        "select realtime_sync.add_sink('new {n}', target => 'notify:new_{n}', topics => array['t'])"
                    ),
                    &format!("insert into t values ({n})"),
                ],
            );
            let got = next(&mut listener);
            assert_eq!(got.channel(), format!("new_{n}"));
            assert!(
                got.payload().contains(&format!(r#""key":{{"id":{n}}}"#)),
                "{}",
                got.payload()
            );
            run(
                &mut client,
                &[&format!("select realtime_sync.drop_sink('new {n}')")],
            );
            listener
                .batch_execute(&format!("unlisten new_{n}"))
                .unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
}
