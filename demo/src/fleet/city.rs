//! Who does what: drivers' phones, riders, and what the listener has told of it.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::feed::Event;
use crate::{Fallible, connect};

/// Connections of the drivers' and riders' apps together, as behind a pooler.
const POOL: usize = 12;
const BOOKINGS_A_SECOND: u64 = 6;
const FIXES_A_SECOND: u64 = 100;
/// Where the city is: south west, north east.
pub const BOUNDS: [f64; 4] = [52.45, 13.25, 52.59, 13.55];

/// What an event makes somebody do.
enum Ring {
    Offer { offer: i64, driver: i64 },
    Unassigned { trip: i64 },
}

pub struct City {
    pool: Mutex<Vec<Client>>,
    free: Semaphore,
    rings: mpsc::UnboundedSender<Ring>,
    phones: Mutex<Option<mpsc::UnboundedReceiver<Ring>>>,
    pub seen: Mutex<Seen>,
    drivers: u32,
}

/// What the board shows, all of it from events and answers.
#[derive(Default)]
pub struct Seen {
    pub ids: HashSet<i64>,
    pub twice: u64,
    pub counts: BTreeMap<&'static str, u64>,
    pub news: VecDeque<String>,
    /// Where each driver is, and whether he is on a trip.
    pub places: Vec<(f64, f64)>,
    pub on_trip: HashSet<i64>,
    /// Trips the dispatcher has offered again.
    again: HashSet<i64>,
    random: u64,
}

impl Seen {
    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn tell(&mut self, news: String) {
        self.news.push_front(news);
        self.news.truncate(6);
    }
}

impl City {
    pub async fn new(drivers: u32) -> Fallible<Self> {
        let mut pool = Vec::new();
        for _ in 0..POOL {
            pool.push(connect("app").await?);
        }
        let (rings, phones) = mpsc::unbounded_channel();
        let seen = Seen {
            places: vec![(0.0, 0.0); drivers as usize + 1],
            random: 42,
            ..Seen::default()
        };
        Ok(Self {
            pool: Mutex::new(pool),
            free: Semaphore::new(POOL),
            rings,
            phones: Mutex::new(Some(phones)),
            seen: Mutex::new(seen),
            drivers,
        })
    }

    /// SplitMix64: a few lines, any seed will do.
    fn below(&self, n: u64) -> u64 {
        let mut seen = self.seen.lock().expect("one thread");
        seen.random = seen.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = seen.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn between(&self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.below(1 << 20) as f64 / f64::from(1 << 20)
    }

    fn count(&self, what: &'static str) {
        self.seen.lock().expect("one thread").count(what);
    }

    /// A call by a login, as PostgREST makes it: one transaction with its claims.
    async fn call(&self, login: &str, call: &str) -> Result<(), String> {
        let claims = match login {
            "dispatcher" => r#"{"sub": "dispatcher", "user_role": "dispatcher"}"#.to_owned(),
            login => format!(r#"{{"sub": "{login}"}}"#),
        };
        let _permit = self.free.acquire().await.expect("the pool is open");
        let client = self.pool.lock().expect("one thread").pop();
        let client = client.expect("a permit is a connection");
        let called = client
            .batch_execute(&format!(
                "begin; set local request.jwt.claims = '{claims}'; {call}; commit"
            ))
            .await;
        if called.is_err() {
            let _ = client.batch_execute("rollback").await;
        }
        self.pool.lock().expect("one thread").push(client);
        called.map_err(|error| crate::describe(&error))
    }

    /// A call was refused, for a reason that belongs to the game or not.
    fn refused(&self, error: &str, game: &[&str], what: &'static str) {
        let mut seen = self.seen.lock().expect("one thread");
        if game.iter().any(|code| error.starts_with(code)) {
            seen.count(what);
        } else {
            seen.count("failed calls");
            seen.tell(error.to_owned());
        }
    }

    /// Everybody at work, riders until `until`.
    pub async fn start(self: &Arc<Self>, until: Instant) -> Fallible<Vec<JoinHandle<()>>> {
        let back_end = connect("postgres").await?;
        let phones = self.phones.lock().expect("one thread").take();
        let mut phones = phones.ok_or("started twice")?;
        let city = self.clone();
        let phones = tokio::spawn(async move {
            while let Some(ring) = phones.recv().await {
                let city = city.clone();
                match ring {
                    Ring::Offer { offer, driver } => {
                        tokio::spawn(async move { city.answer(offer, driver).await });
                    }
                    Ring::Unassigned { trip } if Instant::now() < until => {
                        tokio::spawn(async move { city.dispatch(trip).await });
                    }
                    Ring::Unassigned { .. } => {}
                }
            }
        });
        let city = self.clone();
        let riders = tokio::spawn(async move {
            while Instant::now() < until {
                city.book(&back_end).await;
                sleep(Duration::from_millis(1_000 / BOOKINGS_A_SECOND)).await;
            }
        });
        let mut work = vec![phones, riders];
        for _ in 0..2 {
            let city = self.clone();
            work.push(tokio::spawn(async move {
                loop {
                    city.drive().await;
                    sleep(Duration::from_millis(2_000 / FIXES_A_SECOND)).await;
                }
            }));
        }
        let shifts = connect("postgres").await?;
        let city = self.clone();
        work.push(tokio::spawn(async move {
            loop {
                let driver = city.below(u64::from(city.drivers)) as i64 + 1;
                let _ = shifts
                    .execute(
                        "update drivers set is_online = not is_online where id = $1",
                        &[&driver],
                    )
                    .await;
                sleep(Duration::from_millis(150)).await;
            }
        }));
        Ok(work)
    }

    async fn book(self: &Arc<Self>, back_end: &Client) {
        let rider = self.below(300) as i64 + 1;
        let [south, west, north, east] = BOUNDS;
        let fare = self.below(3_000) as i64 + 500;
        let booked = back_end
            .query_one(
                "insert into trips (passenger_id, pickup_lat, pickup_lng, dropoff_lat, dropoff_lng, fare, earnings)
                 values ($1, $2, $3, $4, $5, $6::bigint / 100.0, $6::bigint / 125.0) returning id",
                &[
                    &rider,
                    &self.between(south, north),
                    &self.between(west, east),
                    &self.between(south, north),
                    &self.between(west, east),
                    &fare,
                ],
            )
            .await;
        let booked = match booked {
            Ok(booked) => booked,
            Err(error) => return self.refused(&crate::describe(&error), &[], ""),
        };
        self.count("bookings");
        if self.below(12) == 0 {
            let (city, trip) = (self.clone(), booked.get::<_, i64>(0));
            tokio::spawn(async move {
                sleep(Duration::from_millis(500 + city.below(5_000))).await;
                let call = format!("select set_trip_status({trip}, 'canceled')");
                match city.call(&format!("rider-{rider}"), &call).await {
                    Ok(()) => city.count("canceled by riders"),
                    // Too late: the trip is under way, or done.
                    Err(error) => city.refused(&error, &["42501", "23514"], "steps too late"),
                }
            });
        }
    }

    /// A driver's fix, a little further than the last.
    async fn drive(&self) {
        let driver = self.below(u64::from(self.drivers)) as usize + 1;
        let [south, west, north, east] = BOUNDS;
        let (lat, lng) = self.seen.lock().expect("one thread").places[driver];
        let (lat, lng) = match lat {
            0.0 => (self.between(south, north), self.between(west, east)),
            _ => (
                (lat + self.between(-0.002, 0.002)).clamp(south, north),
                (lng + self.between(-0.003, 0.003)).clamp(west, east),
            ),
        };
        self.seen.lock().expect("one thread").places[driver] = (lat, lng);
        let call = format!("select update_location(lat => {lat}, lng => {lng})");
        match self.call(&format!("driver-{driver}"), &call).await {
            Ok(()) => self.count("places reported"),
            Err(error) => self.refused(&error, &[], ""),
        }
    }

    /// The dispatcher tries once more, one driver after another.
    async fn dispatch(&self, trip: i64) {
        let call = format!(
            "select offer_trip({trip}, radius_m => 6000, max_drivers => 4, timeout => '2 s', strategy => 'one_by_one')"
        );
        match self.call("dispatcher", &call).await {
            Ok(()) => self.count("offered again"),
            // The rider has canceled.
            Err(error) => self.refused(&error, &["55000"], "steps too late"),
        }
    }

    /// His phone has rung.
    async fn answer(self: Arc<Self>, offer: i64, driver: i64) {
        let login = format!("driver-{driver}");
        let mood = self.below(10);
        // Nobody at the phone: it expires.
        if mood >= 8 {
            return;
        }
        sleep(Duration::from_millis(300 + self.below(4_000))).await;
        if mood >= 5 {
            let call = format!("select decline_offer({offer}, 'too far')");
            match self.call(&login, &call).await {
                Ok(()) => self.count("declined"),
                Err(error) => self.refused(&error, &["55000"], "answers too late"),
            }
            return;
        }
        let call = format!("select accept_offer({offer})");
        if let Err(error) = self.call(&login, &call).await {
            self.refused(&error, &["55000"], "answers too late");
            return;
        }
        self.count("accepted");
        let trip = format!("(select trip_id from trip_offers where id = {offer})");
        for status in ["arriving", "arrived", "in_progress", "completed"] {
            sleep(Duration::from_millis(400 + self.below(1_200))).await;
            let call = format!("select set_trip_status({trip}, '{status}')");
            if let Err(error) = self.call(&login, &call).await {
                // The rider has canceled.
                self.refused(&error, &["23514"], "steps too late");
                return;
            }
        }
    }

    /// An event has come in. Offers ring the phones they are for.
    pub fn hear(&self, event: &Event) {
        let mut seen = self.seen.lock().expect("one thread");
        if !seen.ids.insert(event.id) {
            seen.twice += 1;
        }
        let Some(name) = event.event.as_deref() else {
            return;
        };
        let topic = event.topics.first().map_or("", String::as_str);
        let trip = &event.payload["trip_id"];
        let driver = event.payload["driver_id"].as_i64();
        match name {
            "trip_offer.created" => {
                seen.count("offers made");
                if let (Some(offer), Some(driver)) = (event.payload["offer_id"].as_i64(), driver) {
                    let _ = self.rings.send(Ring::Offer { offer, driver });
                }
            }
            "trip_offer.taken" => seen.count("offers taken by others"),
            "trip_offer.expired" => seen.count("offers expired"),
            "trip_offer.canceled" => seen.count("offers canceled"),
            "trip_offer.declined" => seen.count("offers declined"),
            "trip.unassigned" => {
                seen.count("trips nobody took");
                seen.tell(format!("trip {trip}: nobody took it"));
                if let Some(trip) = trip.as_i64()
                    && seen.again.insert(trip)
                {
                    let _ = self.rings.send(Ring::Unassigned { trip });
                }
            }
            "trip.status" if topic.starts_with("trip:") => {
                let to = event.payload["to"].as_str().unwrap_or("");
                match (to, driver) {
                    ("accepted", Some(driver)) => {
                        seen.on_trip.insert(driver);
                        seen.count("trips accepted");
                    }
                    ("completed", Some(driver)) => {
                        seen.on_trip.remove(&driver);
                        seen.count("trips completed");
                    }
                    ("canceled", driver) => {
                        driver.map(|driver| seen.on_trip.remove(&driver));
                        seen.count("trips canceled");
                    }
                    _ => {}
                }
                seen.tell(format!(
                    "trip {trip}: {} -> {to} after {} s",
                    event.payload["from"].as_str().unwrap_or(""),
                    event.payload["duration_s"]
                ));
            }
            _ => {}
        }
    }

    /// The day ends: what nobody is working on any more is canceled by the back end.
    pub async fn settle(&self, owner: &Client) -> Fallible<()> {
        owner
            .batch_execute(
                "select set_trip_status(id, 'canceled') from trips where status not in ('completed', 'canceled')",
            )
            .await?;
        Ok(())
    }
}
