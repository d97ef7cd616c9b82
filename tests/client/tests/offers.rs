//! Offers of trips: of many who accept at the same moment one wins, what is over expires within a second
//! though the server is busy, and `kill -9` of the server takes back nothing that was answered and
//! loses nothing that was open.

use client::Server;
use client::postgres::error::SqlState;
use client::postgres::{Client, Config, Error, NoTls};
use client::process::wait_for;
use client::random::{Random, full};
use client::reader::BEGINNING;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, SystemTime};

/// A city: drivers, each with a login, and the role their apps connect as.
const CITY: &str = "
    create role app login;
    do $$
    begin
        perform realtime_sync.fleet_setup('public', create_missing => true);
    end
    $$;
    insert into drivers (id, user_id, is_online, status, lat, lng) overriding system value
    select n, 'driver ' || n, true, 'available', 52.5 + n * 0.0001, 13.4 from generate_series(1, 100) n;
    grant execute on function accept_offer(bigint), decline_offer(bigint, text) to app;
";

/// No trip has two drivers, no driver two trips, and every offer has come to one end.
const UNSOUND: &str = "
    select format('trip %s has %s accepted offers', trip_id, count(*)) from trip_offers where state = 'accepted'
    group by trip_id having count(*) > 1
    union all
    select format('driver %s is on %s trips', driver_id, count(*)) from trips where status = 'accepted'
    group by driver_id having count(*) > 1
    union all
    select format('trip %s is not its winner''s', t.id) from trips t join trip_offers o on o.trip_id = t.id and o.state = 'accepted'
    where t.status <> 'accepted' and t.completed_at is null or t.driver_id is distinct from o.driver_id
    union all
    select format('offer %s is %s, answered %s', id, state, answered_at) from trip_offers
    where (state in ('queued', 'waiting', 'open')) <> (answered_at is null)
    union all
    select format('offer %s is open, its trip %s', o.id, t.status) from trip_offers o join trips t on t.id = o.trip_id
    where o.state in ('queued', 'waiting', 'open') and t.status not in ('requested', 'offered')";

fn sound(client: &mut Client) {
    let found = client.query(UNSOUND, &[]).expect(UNSOUND);
    let found: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// A session as a driver's app has it: an ordinary role, with his login's claims.
fn driver(config: &Config, id: i64) -> Result<Client, Error> {
    let mut client = config.clone().user("app").connect(NoTls)?;
    client.batch_execute(&format!(
        "set request.jwt.claims = '{{\"sub\": \"driver {id}\"}}'"
    ))?;
    Ok(client)
}

struct Phone {
    ask: Sender<i64>,
    thread: JoinHandle<()>,
}

#[test]
fn of_fifty_accepts_one_wins() {
    const DRIVERS: i64 = 50;
    let rounds = if full() { 1_000 } else { 100 };
    let server = Server::start();
    let mut client = server.create("city", "");
    client.batch_execute(CITY).unwrap();
    let (answer, answers): (_, Receiver<Result<i64, String>>) = channel();
    let phones: Vec<_> = (1..=DRIVERS)
        .map(|id| {
            let mut client = driver(&server.config("city"), id).unwrap();
            let accept = client
                .prepare("select driver_id from accept_offer($1)")
                .unwrap();
            let (ask, asked) = channel::<i64>();
            let answer = answer.clone();
            let thread = spawn(move || {
                for offer in asked {
                    let accepted = client.query_one(&accept, &[&offer]);
                    let told = match accepted {
                        Ok(row) => Ok(row.get(0)),
                        Err(error)
                            if error.code()
                                == Some(&SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE) =>
                        {
                            Err(error.as_db_error().unwrap().message().to_owned())
                        }
                        Err(error) => Err(format!("{error:?}")),
                    };
                    answer.send(told).unwrap();
                }
            });
            Phone { ask, thread }
        })
        .collect();
    let drivers: Vec<i64> = (1..=DRIVERS).collect();
    let mut won = HashMap::<i64, u32>::new();
    for round in 1..=rounds {
        let trip: i64 = client
            .query_one(
                "insert into trips (pickup_lat, pickup_lng) values (52.5, 13.4) returning id",
                &[],
            )
            .unwrap()
            .get(0);
        let offers = client
            .query(
                "select id, driver_id from offer_trip($1, $2, timeout => '1 minute')",
                &[&trip, &drivers],
            )
            .unwrap();
        assert_eq!(offers.len(), DRIVERS as usize, "round {round}");
        for offer in &offers {
            let driver: i64 = offer.get(1);
            phones[driver as usize - 1].ask.send(offer.get(0)).unwrap();
        }
        let told: Vec<_> = offers.iter().map(|_| answers.recv().unwrap()).collect();
        let winners: Vec<_> = told.iter().filter_map(|told| told.as_ref().ok()).collect();
        assert_eq!(winners.len(), 1, "round {round}: {told:?}");
        let taken = |told: &&Result<i64, String>| matches!(told, Err(message) if message.ends_with("was taken by another driver"));
        assert_eq!(
            told.iter().filter(taken).count(),
            DRIVERS as usize - 1,
            "round {round}: {told:?}"
        );
        let row = client
            .query_one(
                "select driver_id, status, (select count(*) from trip_offers where trip_id = $1 and state = 'taken')
                 from trips where id = $1",
                &[&trip],
            )
            .unwrap();
        let (driver, status, taken): (i64, &str, i64) = (row.get(0), row.get(1), row.get(2));
        assert_eq!(
            (driver, status, taken),
            (*winners[0], "accepted", DRIVERS - 1)
        );
        sound(&mut client);
        *won.entry(driver).or_default() += 1;
        client
            .execute(
                "update trips set status = 'completed', completed_at = now() where id = $1",
                &[&trip],
            )
            .unwrap();
    }
    for Phone { ask, thread } in phones {
        drop(ask);
        thread.join().unwrap();
    }
    println!("{rounds} rounds, {} different winners", won.len());
}

/// Connections that keep the server busy until it is dropped.
struct Busy {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
}

impl Busy {
    fn start(config: &Config, n: u64) -> Busy {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..n)
            .map(|thread| {
                let mut client = config.connect(NoTls).unwrap();
                let stop = stop.clone();
                spawn(move || {
                    let mut updates = 0;
                    while !stop.load(Relaxed) {
                        let id = (updates * n + thread) % 100 + 1;
                        client
                            .execute(
                                "update drivers set lat = lat + 0.00001 where id = $1",
                                &[&(id as i64)],
                            )
                            .unwrap();
                        updates += 1;
                    }
                    updates
                })
            })
            .collect();
        Busy { stop, threads }
    }

    fn finish(self) -> u64 {
        self.stop.store(true, Relaxed);
        self.threads.into_iter().map(|t| t.join().unwrap()).sum()
    }
}

#[test]
fn offers_expire_within_a_second_under_load() {
    let trips = if full() { 2_000 } else { 200 };
    let mut random = Random::seeded();
    let server = Server::start();
    let mut client = server.create("city", "");
    client.batch_execute(CITY).unwrap();
    let busy = Busy::start(&server.config("city"), 6);
    for _ in 0..trips {
        // Three drivers by name, one after another or all at once; nobody answers.
        let strategy = if random.one_in(2) {
            "one_by_one"
        } else {
            "all"
        };
        let first = random.below(97) as i64 + 1;
        client
            .execute(
                "with trip as (insert into trips default values returning id)
                 select count(*) from trip, set_config('a.trip', trip.id::text, false)",
                &[],
            )
            .unwrap();
        client
            .execute(
                "select count(*) from offer_trip(current_setting('a.trip')::bigint, $1, strategy => $2,
                     timeout => $3::bigint * interval '1 ms')",
                &[&[first, first + 1, first + 2].as_slice(), &strategy, &(random.below(1_000) as i64 + 100)],
            )
            .unwrap();
    }
    wait_for("the last offer to expire", || {
        let open = "select count(*) from trip_offers where state in ('queued', 'waiting', 'open')";
        (client.query_one(open, &[]).unwrap().get::<_, i64>(0) == 0).then_some(())
    });
    let updates = busy.finish();
    let row = client
        .query_one(
            "select count(*), max(extract(epoch from answered_at - expires_at))::float8,
                percentile_disc(0.5) within group (order by extract(epoch from answered_at - expires_at))::float8,
                count(*) filter (where state <> 'expired' or answered_at < expires_at)
             from trip_offers",
            &[],
        )
        .unwrap();
    let (offers, late, median, wrong): (i64, f64, f64, i64) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    println!(
        "{offers} offers expired {median:.3} s late, {late:.3} s at most, beside {updates} updates"
    );
    assert_eq!((offers, wrong), (trips * 3, 0));
    assert!(late < 1.0, "{late} s late");
    let told: i64 = client
        .query_one(
            "select count(distinct payload ->> 'offer_id') from realtime_sync.event where event = 'trip_offer.expired'",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(told, offers, "drivers who were told");
    let unassigned: i64 = client
        .query_one(
            "select count(*) from realtime_sync.event where event = 'trip.unassigned'",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(unassigned, trips, "trips that were reported");
    sound(&mut client);
}

/// The relay reads past row-level security; what it calls for an ordinary owner may not, and must not fail for that.
#[test]
fn offers_of_an_ordinary_owner_expire() {
    let server = Server::start();
    let mut client = server.create("city", "");
    client
        .batch_execute(
            "create role town_owner;
             create schema town authorization town_owner;
             select realtime_sync.allow('town_owner', 'migrate');
             select realtime_sync.allow('town_owner', 'send', topics => array['*']);
             set role town_owner;
             select count(*) from realtime_sync.fleet_setup('town', create_missing => true);
             insert into town.drivers (id, user_id, is_online, lat, lng) overriding system value values (1, 'd', true, 52.5, 13.4);
             insert into town.trips (id, status, pickup_lat, pickup_lng) overriding system value values (1, 'requested', 52.5, 13.4);
             select realtime_sync.presence_track('drivers', '1', 'online');
             select town.offer_trip(1, timeout => '0.3 s');
             reset role",
        )
        .unwrap();
    let state: String = wait_for("the offer to end", || {
        let query = "select state from town.trip_offers where state <> 'open'";
        Some(client.query_opt(query, &[]).unwrap()?.get(0))
    });
    assert_eq!(state, "expired");
    let query =
        "select coalesce(string_agg(name || ': ' || error, '; '), '') from realtime_sync.timer";
    let errors: String = client.query_one(query, &[]).unwrap().get(0);
    assert_eq!(errors, "");
}

/// Whose turn comes while he is offline has the offer when he is back, by his row or by a heartbeat.
#[test]
fn an_offer_waits_for_who_is_offline() {
    let server = Server::start();
    let mut client = server.create("city", "");
    client.batch_execute(CITY).unwrap();
    client
        .batch_execute(
            "update drivers set is_online = false where id = 1;
             select realtime_sync.presence_track('drivers', '2');
             select realtime_sync.presence_untrack('drivers', '2')",
        )
        .unwrap();
    for (id, back) in [
        (1i64, "update drivers set is_online = true where id = 1"),
        (2, "select realtime_sync.presence_heartbeat('drivers', '2')"),
    ] {
        client
            .execute(
                "with trip as (insert into trips (pickup_lat, pickup_lng) values (52.5, 13.4) returning id)
                 select count(*) from trip, set_config('a.trip', trip.id::text, false)",
                &[],
            )
            .unwrap();
        let offer: i64 = client
            .query_one(
                "select id from offer_trip(current_setting('a.trip')::bigint, array[$1::bigint], timeout => '1 minute', hold => '1 minute')",
                &[&id],
            )
            .unwrap()
            .get(0);
        let state = |client: &mut Client| -> String {
            let query = "select state from trip_offers where id = $1";
            client.query_one(query, &[&offer]).unwrap().get(0)
        };
        // Longer than the relay takes to look at what came before.
        sleep(Duration::from_secs(2));
        assert_eq!(state(&mut client), "waiting");
        let at: SystemTime = client
            .query_one("select clock_timestamp()", &[])
            .unwrap()
            .get(0);
        client.execute(back, &[]).unwrap();
        wait_for("the offer to go out", || {
            (state(&mut client) == "open").then_some(())
        });
        let row = client
            .query_one(
                "select extract(epoch from o.offered_at - $2)::float8, (
                    select count(*) from realtime_sync.events e
                    where e.event = 'trip_offer.created' and e.topics = array['driver:' || o.driver_id]
                        and (e.payload ->> 'offer_id')::bigint = o.id
                 )
                 from trip_offers o where o.id = $1",
                &[&offer, &at],
            )
            .unwrap();
        let (late, told): (f64, i64) = (row.get(0), row.get(1));
        println!("driver {id} had his offer {late:.3} s after he was back");
        assert_eq!(told, 1);
        assert!(late < 1.0, "{late} s late");
    }
}

#[test]
fn offers_survive_a_crash() {
    let rounds = if full() { 30 } else { 4 };
    let mut random = Random::seeded();
    let mut server = Server::start();
    let mut client = server.create("city", "");
    client.batch_execute(CITY).unwrap();
    for round in 1..=rounds {
        let trips: i64 = client
            .query_one(
                "with trip as (insert into trips (pickup_lat, pickup_lng) select 52.5, 13.4 from generate_series(1, 40) returning id)
                 select count(*) from trip",
                &[],
            )
            .unwrap()
            .get(0);
        assert_eq!(trips, 40);
        client
            .execute(
                "select count(o.id) from trips t cross join lateral offer_trip(t.id, max_drivers => 5, timeout => '1 s',
                     strategy => case when t.id % 2 = 0 then 'all' else 'one_by_one' end) o
                 where t.status = 'requested'",
                &[],
            )
            .unwrap();
        let open = client
            .query(
                "select id, driver_id from trip_offers where state = 'open' order by random()",
                &[],
            )
            .unwrap();
        assert!(!open.is_empty());
        let work: Vec<(i64, i64)> = open.iter().map(|row| (row.get(0), row.get(1))).collect();
        let work = Arc::new(Mutex::new(work));
        let phones: Vec<_> = (0..4)
            .map(|_| {
                let (config, work) = (server.config("city"), work.clone());
                spawn(move || answer(&config, &work))
            })
            .collect();
        drop(client);
        sleep(Duration::from_millis(20 + random.below(300)));
        server.crash();
        let answered: Vec<(i64, bool)> = phones
            .into_iter()
            .flat_map(|phone| phone.join().unwrap())
            .collect();
        server.start_postmaster();
        client = server.connect("city");
        // A client that reconnects starts the relay, as it does everywhere.
        client
            .query_one("select realtime_sync.replay($1)", &[&BEGINNING])
            .unwrap();
        for (offer, accepted) in &answered {
            let state = if *accepted { "accepted" } else { "declined" };
            let row = client
                .query_one("select state from trip_offers where id = $1", &[offer])
                .unwrap();
            assert_eq!(
                row.get::<_, &str>(0),
                state,
                "offer {offer} after the crash"
            );
        }
        sound(&mut client);
        let restart: SystemTime = client
            .query_one("select clock_timestamp()", &[])
            .unwrap()
            .get(0);
        wait_for("what is open to expire", || {
            let open =
                "select count(*) from trip_offers where state in ('queued', 'waiting', 'open')";
            (client.query_one(open, &[]).unwrap().get::<_, i64>(0) == 0).then_some(())
        });
        let late: f64 = client
            .query_one(
                "select coalesce(max(extract(epoch from answered_at - greatest(expires_at, $1))), 0)::float8
                 from trip_offers where state = 'expired' and answered_at > $1",
                &[&restart],
            )
            .unwrap()
            .get(0);
        assert!(late < 1.0, "{late} s late");
        println!(
            "round {round}: {} answers before the crash; what was open expired {late:.3} s late at most",
            answered.len()
        );
        client
            .batch_execute(
                "update trips set status = 'completed', completed_at = now() where status = 'accepted';
                 update trips set status = 'canceled' where status = 'requested'",
            )
            .unwrap();
        sound(&mut client);
    }
}

/// Accepts and declines until the server is gone; what it confirmed.
fn answer(config: &Config, work: &Mutex<Vec<(i64, i64)>>) -> Vec<(i64, bool)> {
    let mut confirmed = Vec::new();
    loop {
        let Some((offer, id)) = work.lock().unwrap().pop() else {
            return confirmed;
        };
        let Ok(mut client) = driver(config, id) else {
            return confirmed;
        };
        let accepts = offer % 3 != 0;
        let call = if accepts {
            "select accept_offer($1)"
        } else {
            "select decline_offer($1)"
        };
        match client.execute(call, &[&offer]) {
            Ok(_) => confirmed.push((offer, accepts)),
            Err(error) if error.code() == Some(&SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE) => {}
            Err(_) => return confirmed,
        }
    }
}
