//! Readers: one that listens, one that comes and goes and replays, a naive one.

use crate::event::{self, Event, Source};
use crate::random::Random;
use postgres::fallible_iterator::FallibleIterator;
use postgres::{Client, Config, NoTls, Notification};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};
use wire::cursor::Place;

/// Where everything begins.
pub const BEGINNING: &str = "00000000-0000000000000000-0000000000000000";
/// Without an event for so long after the load's end, a reader gives up waiting for the last one.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked of a reader: each event once, all of them, in order.
struct Demands {
    once: bool,
    whole: bool,
    ordered: bool,
}

/// What one reader got, in the order it got it.
#[derive(Default)]
pub struct Seen {
    pub events: Vec<Event>,
    /// Where it stands.
    pub cursor: String,
    last: Option<Place>,
    pub sessions: usize,
    /// Events that came as a reference, without their row.
    pub references: usize,
    /// Live events it had from replay already.
    pub overlap: usize,
    pub resets: usize,
    /// Whether the load's last message came.
    pub ended: bool,
    /// What must not happen, the first few times it did.
    pub faults: Vec<String>,
}

impl Seen {
    /// A reader that stands somewhere.
    pub fn at(cursor: &str) -> Seen {
        Seen {
            cursor: cursor.to_owned(),
            ..Seen::default()
        }
    }

    fn fault(&mut self, fault: String) {
        if self.faults.len() < 5 {
            self.faults.push(fault);
        }
    }

    /// Cursors grow strictly, whatever happens to the server, but for events that come again: a crash may take
    /// back how far a big tick was sent, and not the tick.
    fn add(&mut self, event: Event) {
        let again = |known: &Event| (known.id, known.place) == (event.id, event.place);
        if let (Some(last), Some(place)) = (self.last, event.place)
            && place <= last
            && !self.events.iter().rev().any(again)
        {
            self.fault(format!("{event} came after {last}"));
        }
        self.last = event.place.or(self.last);
        if event.change.source == Source::End {
            self.ended = true;
        } else {
            self.events.push(event);
        }
    }

    /// Panics with all there is to say about this reader, unless it got what is committed, each
    /// event once where `once`, and each row's versions in order, without a gap.
    pub fn check(&self, name: &str, committed: &HashMap<i64, Event>, once: bool) {
        let demands = Demands {
            once,
            whole: true,
            ordered: true,
        };
        self.compare(name, committed, demands);
    }

    /// The same of one who was away at times: nothing but what is committed, a row's versions in order.
    pub fn check_but_gaps(&self, name: &str, committed: &HashMap<i64, Event>) {
        let demands = Demands {
            once: false,
            whole: false,
            ordered: true,
        };
        self.compare(name, committed, demands);
    }

    /// Everything once, in whatever order and with whatever cursor: inline delivery has none, and waits for no relay.
    pub fn check_but_order(&self, name: &str, committed: &HashMap<i64, Event>) {
        let demands = Demands {
            once: true,
            whole: true,
            ordered: false,
        };
        self.compare(name, committed, demands);
    }

    fn compare(&self, name: &str, committed: &HashMap<i64, Event>, demands: Demands) {
        let Demands {
            once,
            whole,
            ordered,
        } = demands;
        let mut faults = if ordered {
            self.faults.clone()
        } else {
            Vec::new()
        };
        let mut seen: HashMap<i64, &Event> = HashMap::new();
        let (mut repeated, mut first_repeated) = (0, None);
        let (mut alien, mut first_alien) = (0, None);
        let mut rows: HashMap<(Source, i64), &Event> = HashMap::new();
        for event in &self.events {
            if let Some(before) = seen.insert(event.id, event) {
                repeated += 1;
                first_repeated.get_or_insert((before, event));
                if (before.xid, &before.change) != (event.xid, &event.change) {
                    faults.push(format!("one id, two events: {before} and {event}"));
                }
                continue;
            }
            if committed
                .get(&event.id)
                .is_none_or(|known| (known.xid, &known.change) != (event.xid, &event.change))
            {
                alien += 1;
                first_alien.get_or_insert(event);
            }
            if let Some(before) = rows.insert((event.change.source, event.change.row), event) {
                let next = before.change.version + 1;
                let grows = event.change.version == next
                    || (!whole && event.change.version > next)
                    || (event.change.version, event.change.kind)
                        == (before.change.version, event::Kind::Delete);
                if ordered && !grows {
                    faults.push(format!("{event} came after {before}"));
                }
            }
        }
        let mut missing: Vec<&Event> = committed
            .values()
            .filter(|event| !seen.contains_key(&event.id))
            .collect();
        missing.sort_by_key(|event| event.id);
        println!(
            "{name}: {} events in {} sessions, {} as references, {} overlapping, {repeated} repeated, {} missing, {alien} not committed",
            self.events.len(),
            self.sessions,
            self.references,
            self.overlap,
            missing.len()
        );
        if let Some(event) = missing.first()
            && whole
        {
            faults.push(format!("{} missing, the first {event}", missing.len()));
        }
        if let Some(event) = first_alien {
            faults.push(format!("{alien} not committed, the first {event}"));
        }
        if once && let Some((before, event)) = first_repeated {
            faults.push(format!(
                "{repeated} came twice, the first {before} and {event}"
            ));
        }
        faults.truncate(8);
        assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
    }
}

/// A reader's thread, until the load's last message has come, or `stop`.
pub struct Reader {
    pub stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Reader {
    fn start(work: impl FnOnce(&AtomicBool) -> Seen + Send + 'static) -> Reader {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        let thread = std::thread::spawn(move || work(&flag));
        Reader { stop, thread }
    }

    pub fn join(self) -> Seen {
        self.thread.join().expect("a reader")
    }

    pub fn stop(self) -> Seen {
        self.stop.store(true, Relaxed);
        self.join()
    }

    /// Listens, and nothing else. It returns once it listens. A server that goes away it waits for.
    pub fn listen(config: &Config) -> Reader {
        let config = config.clone();
        let mut first = Some(listener(&config).expect("a listener"));
        Reader::start(move |stop| {
            let mut seen = Seen::default();
            let mut came = Instant::now();
            while !seen.ended && !stop.load(Relaxed) && came.elapsed() < PATIENCE {
                let Some(mut client) = first.take().or_else(|| listener(&config).ok()) else {
                    sleep(Duration::from_millis(10));
                    continue;
                };
                seen.sessions += 1;
                let mut side = None;
                while !seen.ended && !stop.load(Relaxed) {
                    let Ok(notified) = next(&mut client, Duration::from_millis(200)) else {
                        break;
                    };
                    if let Some(notification) = notified {
                        came = Instant::now();
                        if !take(&mut seen, &config, &mut side, &notification, false) {
                            break;
                        }
                    }
                    if came.elapsed() > PATIENCE {
                        let last = seen.last;
                        seen.fault(format!("nothing was notified after {last:?}"));
                        break;
                    }
                }
            }
            seen
        })
    }

    /// Comes and goes at random; each time it replays from where it stood, and most times listens then.
    pub fn follow(config: &Config, mut random: Random, since: &str) -> Reader {
        let config = config.clone();
        let mut seen = Seen::at(since);
        Reader::start(move |stop| {
            let mut progress = (Instant::now(), 0);
            while !seen.ended && !stop.load(Relaxed) {
                if session(&config, &mut random, &mut seen, stop).is_err() {
                    sleep(Duration::from_millis(10));
                }
                if progress.1 != seen.events.len() {
                    progress = (Instant::now(), seen.events.len());
                }
                if progress.0.elapsed() > PATIENCE {
                    let cursor = seen.cursor.clone();
                    seen.fault(format!("nothing came after {cursor}"));
                    break;
                }
            }
            seen
        })
    }
}

/// Polls for ids greater than the last, as one would without a relay; gives the ids it got to see.
pub struct Naive {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<HashSet<i64>>,
}

impl Naive {
    pub fn start(config: &Config) -> Naive {
        let stop = Arc::new(AtomicBool::new(false));
        let (config, flag) = (config.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let (mut seen, mut last) = (HashSet::new(), 0i64);
            let mut client = config.connect(NoTls).expect("a session");
            loop {
                let leaving = flag.load(Relaxed);
                let query = "select id from realtime_sync.event where id > $1 order by id";
                for row in client.query(query, &[&last]).expect("the log") {
                    last = row.get(0);
                    seen.insert(last);
                }
                if leaving {
                    return seen;
                }
                sleep(Duration::from_millis(20));
            }
        });
        Naive { stop, thread }
    }

    /// How many of the committed events it has missed.
    pub fn missed(self, committed: &HashMap<i64, Event>) -> usize {
        self.stop.store(true, Relaxed);
        let seen = self.thread.join().expect("the naive reader");
        committed.keys().filter(|id| !seen.contains(id)).count()
    }
}

fn listener(config: &Config) -> Result<Client, postgres::Error> {
    let mut client = config.connect(NoTls)?;
    client.batch_execute("listen realtime_sync")?;
    Ok(client)
}

fn next(client: &mut Client, wait: Duration) -> Result<Option<Notification>, postgres::Error> {
    client.notifications().timeout_iter(wait).next()
}

/// One notification. Of a reference, the event is read from the log, with the `side` session; false
/// where that was not to be had, and whoever went on to the next notification would have a gap.
fn take(
    seen: &mut Seen,
    config: &Config,
    side: &mut Option<Client>,
    notification: &Notification,
    replayed: bool,
) -> bool {
    let text = notification.payload();
    let value: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let place = event::place(&value);
    if replayed
        && let (Some(place), Some(last)) = (place, seen.last)
        && place <= last
    {
        seen.overlap += 1;
        return true;
    }
    let event = match Event::of(&value) {
        Some(event) => event,
        None => {
            seen.references += 1;
            if place.is_none() {
                seen.fault(format!("a reference without a cursor: {text}"));
            }
            let client = match side {
                Some(client) => client,
                None => match config.connect(NoTls) {
                    Ok(client) => side.insert(client),
                    Err(_) => return false,
                },
            };
            let (xid, id) = (event::xid(&value), value["id"].as_i64());
            let xid = xid.expect("a reference's txid").to_string();
            let row = client.query_opt(
                "select native::text from realtime_sync.events where xid = $1::text::xid8 and id = $2",
                &[&xid, &id],
            );
            match row {
                Ok(Some(row)) => Event {
                    place,
                    ..Event::parse(row.get(0)).expect("the event of a reference")
                },
                Ok(None) => {
                    seen.fault(format!("the event of a reference is not there: {text}"));
                    return true;
                }
                Err(_) => {
                    *side = None;
                    return false;
                }
            }
        }
    };
    if let Some(place) = place {
        seen.cursor = place.to_string();
    }
    seen.add(event);
    true
}

/// One call of replay().
pub fn replay(client: &mut Client, since: &str, max_events: i32) -> Result<Value, postgres::Error> {
    let row = client.query_one(
        "select realtime_sync.replay($1, max_events => $2)::text",
        &[&since, &max_events],
    )?;
    Ok(serde_json::from_str(row.get(0)).expect("replay's answer"))
}

/// Replays until there is no more: the events, and where it stands then.
pub fn replay_all(
    client: &mut Client,
    seen: &mut Seen,
    mut batch: impl FnMut() -> i32,
) -> Result<(), postgres::Error> {
    loop {
        let answer = replay(client, &seen.cursor, batch())?;
        if answer["reset"] == true {
            seen.resets += 1;
        }
        for value in answer["events"].as_array().expect("events") {
            let event = Event::of(value).expect("an event");
            if event.place.is_none() {
                seen.fault(format!("replayed without a cursor: {value}"));
            }
            seen.add(event);
        }
        let cursor = answer["cursor"].as_str().expect("a cursor");
        if cursor < seen.cursor.as_str() && answer["reset"] == false {
            let fault = format!("the cursor went from {} to {cursor}", seen.cursor);
            seen.fault(fault);
        }
        cursor.clone_into(&mut seen.cursor);
        if answer["more"] == false || seen.ended {
            return Ok(());
        }
    }
}

fn session(
    config: &Config,
    random: &mut Random,
    seen: &mut Seen,
    stop: &AtomicBool,
) -> Result<(), postgres::Error> {
    let mut client = config.connect(NoTls)?;
    seen.sessions += 1;
    let live = !random.one_in(3);
    if live {
        client.batch_execute("listen realtime_sync")?;
    }
    let sizes = [1, 7, 100, 1000, 5000];
    let size = sizes[random.below(5) as usize];
    // A batch of one would never catch up with the load.
    let mut calls = 0;
    replay_all(&mut client, seen, || {
        calls += 1;
        if calls > 20 { 10_000 } else { size }
    })?;
    let mut side = None;
    let until = Instant::now() + Duration::from_millis(random.below(if live { 700 } else { 50 }));
    while live && Instant::now() < until && !seen.ended && !stop.load(Relaxed) {
        if let Some(notification) = next(&mut client, Duration::from_millis(20))?
            && !take(seen, config, &mut side, &notification, true)
        {
            break;
        }
    }
    Ok(())
}
