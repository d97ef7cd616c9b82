//! A sink as the relay serves it: how far it has come, and when to try it again.

use super::batch::Batch;
use super::clock::now;
use super::progress::Progress;
use super::queue;
use super::refusal;
use super::sink::Sink;
use super::throttle::Valve;
use super::window::{Window, batch_limit};
use crate::error::Error;
use crate::log::history::{self, Tick, Wanted};
use crate::log::{shared, subtransaction};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use wire::cursor::Place;

/// Ticks looked through at once for a sink that is behind.
const TICKS: usize = 100;
/// A sink waits this long for room in the NOTIFY queue before it looks again, in microseconds.
const NO_ROOM: i64 = 100_000;
/// A sink that failed waits a tenth of a second, then twice as long each time, a minute at most.
const FIRST_WAIT: i64 = 100_000;
const LONGEST_WAIT: i64 = 60_000_000;

pub struct Target {
    pub sink: Rc<Sink>,
    pub progress: Progress,
    /// Not to be tried before.
    pub due: i64,
    pub window: Window,
    pub valve: Valve,
}

impl Target {
    /// Sends what the sink wants of a batch and moves it to `place`; how many events were sent. A sink
    /// that fails stays where it is and is tried again later.
    pub fn send(&mut self, batch: &Batch, place: Place) -> u64 {
        let mut wanted = self.sink.choose(batch);
        if let Some(again) = self.valve.recall(batch, &mut wanted) {
            // It has been sent already, and a failure is one of what comes after it.
            self.progress.place = again.min(place);
            if place <= again {
                return 0;
            }
        }
        if !wanted.is_empty() && !self.has_room() {
            return 0;
        }
        self.valve.sift(batch, &mut wanted, now());
        let Some(sent) = self.attempt(batch, &wanted) else {
            return 0;
        };
        let place = match wanted.get(sent) {
            Some(_) => batch.entries[wanted[sent - 1]].place,
            None => place,
        };
        self.due = 0;
        self.progress.sent += sent as u64;
        self.progress.advance(self.sink.id, place, sent > 0);
        sent as u64
    }

    /// Sends a batch of what was held back and is due.
    pub fn send_held(&mut self, batch: &mut Batch, place: impl FnOnce() -> Place) -> u64 {
        let now = now();
        let mut due = self.valve.due(now, batch_limit());
        if due.is_empty() || !self.has_room() {
            return 0;
        }
        self.valve.read(&due, place(), batch);
        let wanted = self.sink.choose(batch);
        let Some(sent) = self.attempt(batch, &wanted) else {
            return 0;
        };
        // What time did not suffice for stays due.
        let left: Vec<u64> = wanted[sent..]
            .iter()
            .map(|&n| batch.entries[n].place.id)
            .collect();
        due.retain(|due| !left.contains(&due.event.id()));
        self.due = 0;
        self.valve.sent(&due, now);
        self.progress.sent += sent as u64;
        sent as u64
    }

    fn has_room(&mut self) -> bool {
        let room = !self.sink.notifies() || queue::has_room();
        if !room {
            shared::relay().paused.store(1, Relaxed);
            self.due = now() + NO_ROOM;
        }
        room
    }

    /// How many of the wanted events were sent; None where the sink failed.
    fn attempt(&mut self, batch: &Batch, wanted: &[usize]) -> Option<usize> {
        if wanted.is_empty() {
            return Some(0);
        }
        let sink = &self.sink;
        let attempt = |carefully| subtransaction::attempt(|| sink.send(batch, wanted, carefully));
        let mut sent = match sink.can_fail() {
            true => attempt(false),
            false => Ok(sink.send(batch, wanted, false)),
        };
        if (sent.as_ref()).is_err_and(|failure| refusal::is_one(failure.code)) {
            sent = attempt(true);
        }
        match sent {
            Ok(given) => {
                if sink.notifies() {
                    shared::relay().paused.store(0, Relaxed);
                }
                self.progress.refused += given.refused;
                Some(given.sent)
            }
            Err(error) => {
                self.progress.fail(sink.id, &error.message);
                let doublings = self.progress.retries.clamp(1, 10) - 1;
                self.due = now() + (FIRST_WAIT << doublings).min(LONGEST_WAIT);
                None
            }
        }
    }

    /// Sends the next batch of a sink that is behind.
    pub fn catch_up(&mut self, batch: &mut Batch) -> u64 {
        // Before a batch is read for nothing, ten times a second.
        if !self.has_room() {
            return 0;
        }
        batch.clear();
        let from = self.progress.place;
        let base = base(from);
        let (mut ticks, mut events) = (Vec::new(), 0);
        history::after(base.timeline, base.position, |tick| {
            events = tick
                .events
                .map_or(usize::MAX, |more| events + more as usize);
            let fits = events <= batch_limit();
            if fits || ticks.is_empty() {
                ticks.push(tick);
            }
            fits && ticks.len() < TICKS
        });
        let Some((first, last)) = ticks.first().zip(ticks.last()) else {
            // The log went up to the newest tick while the sink was in the middle of it.
            self.progress.place = from.max(base.end());
            return 0;
        };
        // Of the tick it is in, a sink wants the rest.
        let after = if first.place_of(from.id) == from {
            from.id as i64
        } else {
            0
        };
        let place = if first
            .events
            .is_some_and(|events| events as usize <= batch_limit())
        {
            let wanted = Wanted::default();
            history::read(&base.snapshot, &ticks, after, usize::MAX, wanted, |event| {
                batch.push(event, ticks[event.tick].place_of(event.id as u64));
            });
            last.end()
        } else {
            self.window.fill(&base.snapshot, first, after);
            self.window.read(first, batch)
        };
        let sent = self.send(batch, place);
        if self.progress.place != from {
            self.window.pass(self.progress.place);
        }
        sent
    }
}

/// The tick from which to go on after a place: the one before it, or the floor where retention has gone
/// past it, as realtime_sync.max_log_size can make it.
fn base(place: Place) -> Tick {
    let end = i64::from(place.id != Place::END);
    let tick = history::tick_up_to(place.timeline, place.position as i64 - end);
    let floor = history::floor();
    [tick, floor]
        .into_iter()
        .flatten()
        .max_by_key(Tick::end)
        .unwrap_or_else(|| Error::LogDamaged.raise())
}
