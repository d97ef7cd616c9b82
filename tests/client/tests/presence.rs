//! Presence under load: who stops leaves in time and once, whatever beats and expires at the same moment,
//! and a crash is survived by those who come back.

use client::Server;
use client::postgres::Client;
use client::random::Random;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

fn wait(client: &mut Client, query: &str) {
    let until = Instant::now() + LIMIT;
    while !client.query_one(query, &[]).unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < until, "never: {query}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn number(client: &mut Client, query: &str) -> i64 {
    client.query_one(query, &[]).unwrap().get(0)
}

fn started(server: &Server) -> Client {
    let mut client = server.connect("postgres");
    client
        .batch_execute("create extension realtime_sync")
        .unwrap();
    client
}

/// Members `from` to `to` are heard of.
fn beat(client: &mut Client, from: i32, to: i32, ttl: &str) {
    client
        .execute(
            "select realtime_sync.presence_heartbeats(
                (select jsonb_agg(jsonb_build_object('member', m)) from generate_series($1::integer, $2::integer) m), 'room', $3::text::interval)",
            &[&from, &to, &ttl],
        )
        .unwrap();
}

#[test]
fn who_stops_leaves_within_a_second() {
    let server = Server::start();
    let mut client = started(&server);
    let done = AtomicBool::new(false);
    beat(&mut client, 1, 2_000, "2 s");
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (server, done) = (&server, &done);
            scope.spawn(move || {
                let mut client = server.connect("postgres");
                while !done.load(Relaxed) {
                    beat(&mut client, 1_001 + n * 250, 1_250 + n * 250, "2 s");
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
        }
        wait(
            &mut client,
            "select count(*) = 1000 from realtime_sync.events where event = 'presence.leave'",
        );
        std::thread::sleep(Duration::from_secs(1));
        done.store(true, Relaxed);
    });
    assert_eq!(
        number(
            &mut client,
            "select count(distinct payload ->> 'member') from realtime_sync.events
             where event = 'presence.leave' and (payload ->> 'member')::int <= 1000",
        ),
        1_000
    );
    assert_eq!(
        number(
            &mut client,
            "select count(*) from realtime_sync.events where event = 'presence.join'"
        ),
        2_000
    );
    let late: f64 = client
        .query_one(
            "select max(extract(epoch from at - ((payload ->> 'seen')::timestamptz + interval '2 s')))::float8
             from realtime_sync.events where event = 'presence.leave'",
            &[],
        )
        .unwrap()
        .get(0);
    assert!((0.0..1.0).contains(&late), "{late} s late");
}

/// A gateway dies, and with it all that it spoke for. Late is when the last of them can be seen to have left.
#[test]
fn ten_thousand_who_stop_at_once_leave_once() {
    const MEMBERS: i32 = 10_000;
    let server = Server::start();
    let mut client = started(&server);
    // A row of the app's for each, which follows, and a thousand others who stay and beat.
    client
        .batch_execute(
            "create table driver (id text primary key, is_online boolean);
             insert into driver select n, false from generate_series(1, 11000) n;
             create function drive(member text, state text) returns void language plpgsql set search_path = '' as
             $$ begin update public.driver set is_online = state <> 'offline' where id = member; end $$;
             select realtime_sync.presence_hook('room', 'drive(text, text)')",
        )
        .unwrap();
    for thousand in 0..11 {
        beat(
            &mut client,
            thousand * 1_000 + 1,
            thousand * 1_000 + 1_000,
            "1 hour",
        );
    }
    // Their time ends at one moment, in two seconds.
    client
        .batch_execute(
            "with ends as (select clock_timestamp() + interval '2 s' as at)
             update realtime_sync.presence set expires = ends.at, due = ends.at, ttl = '2 s', seen = ends.at - interval '2 s'
             from ends where member::integer <= 10000",
        )
        .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (server, done) = (&server, &done);
        scope.spawn(move || {
            let mut client = server.connect("postgres");
            while !done.load(Relaxed) {
                beat(&mut client, MEMBERS + 1, MEMBERS + 1_000, "1 hour");
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        wait(
            &mut client,
            "select count(*) >= 10000 from realtime_sync.presence_member where state = 'offline'",
        );
        done.store(true, Relaxed);
    });
    let late: f64 = client
        .query_one(
            "select extract(epoch from clock_timestamp() - max(seen) - interval '2 s')::float8
             from realtime_sync.presence_member where state = 'offline'",
            &[],
        )
        .unwrap()
        .get(0);
    println!("the last of {MEMBERS} left {late:.3} s late");
    assert_eq!(
        number(&mut client, "select count(*) from driver where is_online"),
        1_000
    );
    assert_eq!(
        number(
            &mut client,
            "select count(distinct payload ->> 'member') from realtime_sync.events where event = 'presence.leave'"
        ),
        i64::from(MEMBERS)
    );
    // It is half a second of one processor (docs/reliability.md); beside eight other processes it was 1.8.
    assert!((0.0..30.0).contains(&late), "{late} s late");
}

#[test]
fn a_member_joins_and_leaves_in_turn() {
    let server = Server::start();
    let mut client = started(&server);
    let mut random = Random::seeded();
    let until = Instant::now() + Duration::from_secs(4);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let mut random = random.fork();
            let server = &server;
            scope.spawn(move || {
                let mut client = server.connect("postgres");
                while Instant::now() < until {
                    let (member, device) = (random.below(5).to_string(), random.below(3).to_string());
                    let query = match random.below(6) {
                        0 | 1 => "select realtime_sync.presence_track('room', $1, device => $2, ttl => '1 s')",
                        2 => "select realtime_sync.presence_track('room', $1, 'away', device => $2, ttl => '1 s')",
                        3 => "select realtime_sync.presence_heartbeat('room', $1, $2, ttl => '1 s')",
                        4 => "select realtime_sync.presence_untrack('room', $1, $2)",
                        _ => {
                            client
                                .execute(
                                    "update realtime_sync.presence
                                     set seen = now() - interval '1 min', expires = now() - interval '1 s', due = now() - interval '1 s'
                                     where member = $1 and device = $2",
                                    &[&member, &device],
                                )
                                .unwrap();
                            "select realtime_sync.presence_expire() where $1::text || $2 <> ''"
                        }
                    };
                    client.execute(query, &[&member, &device]).unwrap();
                }
            });
        }
    });
    wait(
        &mut client,
        "select count(*) = 0 from realtime_sync.presence",
    );
    assert!(
        number(
            &mut client,
            "select count(*) from realtime_sync.events where event = 'presence.join'"
        ) > 20
    );
    // Each event goes on from where the one before it ended, and the last is what the member is seen as.
    assert_eq!(
        number(
            &mut client,
            "select count(*)
             from (
                select payload ->> 'previous' as previous, payload ->> 'state' as state,
                    lag(payload ->> 'state', 1, 'offline') over (partition by payload ->> 'member' order by id) as before
                from realtime_sync.events
             ) e
             where previous <> before or state = previous",
        ),
        0
    );
    assert_eq!(
        number(
            &mut client,
            "select count(*) from realtime_sync.presence_member where state <> 'offline'"
        ),
        0
    );
}

#[test]
fn a_crash_is_survived_by_who_comes_back() {
    let mut server = Server::start();
    let mut client = started(&server);
    beat(&mut client, 1, 100, "1 hour");
    drop(client);
    server.crash();
    server.start_postmaster();
    server.wait_until_ready();
    let mut client = server.connect("postgres");
    assert_eq!(
        number(&mut client, "select count(*) from realtime_sync.presence"),
        0
    );
    beat(&mut client, 1, 50, "1 hour");
    // The message wakes a relay: nobody has joined.
    client
        .batch_execute("select realtime_sync.send('room', 'hello', null)")
        .unwrap();
    wait(
        &mut client,
        "select count(*) = 1 from realtime_sync.presence_sweep where at > now()",
    );
    assert_eq!(
        number(
            &mut client,
            "select count(*) from realtime_sync.events where event like 'presence.%'"
        ),
        100
    );
    client
        .batch_execute("update realtime_sync.presence_sweep set at = now(); select realtime_sync.send('room', 'hello', null)")
        .unwrap();
    wait(
        &mut client,
        "select count(*) = 50 from realtime_sync.events
         where event = 'presence.leave' and (payload ->> 'member')::int > 50",
    );
    assert_eq!(
        number(
            &mut client,
            "select count(*) from realtime_sync.events where event like 'presence.%'"
        ),
        150
    );
    assert_eq!(
        number(
            &mut client,
            "select count(*) from realtime_sync.presence_member where state = 'online' and member::int <= 50"
        ),
        50
    );
}
