//! What a relay does in one turn: tick, then send each sink what it has not got yet.

use super::batch::Batch;
use super::clock::{now, wall};
use super::held;
use super::pace::Pace;
use super::progress::Progress;
use super::sink::{ENOUGH, Sink, Sinks};
use super::target::Target;
use super::throttle::Valve;
use super::tick::{self, Marks};
use super::window::{Window, batch_limit};
use super::worker::Next;
use crate::log::history::{self, Tick};
use crate::log::layout::Layout;
use crate::log::shared::{self, Counter};
use crate::log::wal;
use pgrx::pg_sys;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Instant;
use wire::cursor::Place;
use wire::snapshot::Snapshot;

/// A tick of this many events says that more are coming. Ticks cost more than events: 306k instructions
/// against 19k.
const MANY: usize = 4;
/// Two such ticks within this time, in microseconds, are a load; one is some writers that met. Of 1,000 events a
/// second, whose writers meet now and then, 1 in 100 waited 2.7 to 3.0 ms when one was enough, 1.2 to 1.6 since and once 3.7.
const CLOSE: i64 = 4_000;
/// How long the relay then waits for the next tick to grow, in microseconds: 32 writers gave it 9 events a tick
/// without.
const LINGER: i64 = 2_000;

/// What one process knows from turn to turn.
pub struct Relay {
    /// None until it has been looked up.
    newest: Option<Tick>,
    /// A later snapshot that saw no event after `newest`.
    seen: Snapshot,
    turns: u64,
    /// Asynchronous commits before `seen` was taken; None when unknown.
    marks: Option<Marks>,
    sinks: Sinks,
    targets: Vec<Target>,
    batch: Batch,
    pub sent: u64,
    /// Whether the next turn is for the sinks that can fail: one of their own, in a transaction of its own where
    /// the worker calls it, so that what others are sent does not wait for a user's code or table.
    pub aside: bool,
    /// When the oldest commit ended of which NOTIFY sinks have not got everything.
    since: Option<i64>,
    /// When the last tick of many events was made.
    many: i64,
    /// Whether the last two such ticks came close to each other.
    loaded: bool,
    /// Whether the last turn had anything to do.
    pub worked: bool,
    /// When a window ends whose updates are kept out of the log.
    pub held: Option<i64>,
    /// None of a relay by hand: its caller waits for it.
    pub pace: Option<Pace>,
}

impl Relay {
    pub const fn new() -> Relay {
        Relay {
            newest: None,
            seen: Snapshot::NONE,
            turns: 0,
            marks: None,
            sinks: Sinks::new(),
            targets: Vec::new(),
            batch: Batch::new(),
            sent: 0,
            aside: false,
            since: None,
            many: 0,
            loaded: false,
            worked: false,
            held: None,
            pace: None,
        }
    }

    /// Whether some sink had not got everything when the last turn ended.
    pub fn is_behind(&self) -> bool {
        self.newest.as_ref().is_some_and(|newest| {
            let end = newest.end();
            self.targets
                .iter()
                .any(|target| target.progress.place < end)
        })
    }

    /// Ticks, and sends a batch to each sink that has not got everything.
    pub fn turn(&mut self, layout: &Layout) -> Next {
        tick::lock(layout);
        let relay = shared::relay();
        let aside = std::mem::take(&mut self.aside);
        let since = match aside {
            true => 0,
            false => {
                relay.pending.store(0, SeqCst);
                relay.since.swap(0, SeqCst)
            }
        };
        let before = Marks::read();
        // SAFETY: popped below; an error ends the transaction and pops it too.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
        let turns = relay.turns.fetch_add(1, SeqCst);
        // Asked first: an extension dropped and made anew has reserved nothing of what shared memory says.
        if tick::is_another_at_work(layout) || turns != self.turns || !shared::is_own() {
            self.newest = None;
            self.marks = None;
        }
        self.turns = turns + 1;
        let anew = self.newest.is_none();
        let newest = self.newest.take().unwrap_or_else(|| {
            self.sinks.forget();
            self.targets.clear();
            let newest = history::last();
            self.seen = newest.snapshot.clone();
            newest
        });
        self.match_sinks(newest.end());
        let sent = self.sent;
        let ticked = match aside {
            true => {
                self.newest = Some(newest);
                0
            }
            false => self.tick(layout, newest),
        };
        if ticked > 0 {
            shared::count(Counter::Ticks, 1);
            if self.marks.is_none_or(Marks::may_hide_one) {
                wal::flush();
            }
        }
        if !aside {
            self.marks = Some(before);
        }
        if aside && !self.targets.is_empty() {
            // Several that are slow take turns: which is first changes.
            self.targets.rotate_left(1);
        }
        let began = Instant::now();
        let has_turn =
            |sink: &Sink| sink.can_fail() == aside && !(aside && began.elapsed() > ENOUGH);
        let (behind, rest) = self.catch_up(layout, has_turn);
        let held = self.send_held(layout, has_turn);
        self.aside = !aside && self.is_one_to_be_served_aside();
        // Who opens a window has logged an event.
        if anew || ticked > 0 {
            self.held = held::next_due(layout);
        }
        // SAFETY: pushed above.
        unsafe { pg_sys::PopActiveSnapshot() };
        shared::count(Counter::Sent, self.sent - sent);
        let (now, wall) = (now(), wall());
        if since != 0 && ticked > 0 {
            self.since = Some(self.since.map_or(since, |oldest| oldest.min(since)));
        }
        match self.is_everybody_notified() {
            None => self.since = None,
            Some(true) => {
                if let Some(since) = self.since.take() {
                    shared::observe(wall - since);
                }
            }
            Some(false) => {}
        }
        relay.looked.store(wall, Relaxed);
        self.worked = ticked > 0 || self.sent > sent || behind == Some(0);
        if !aside {
            self.loaded = ticked >= MANY && now - std::mem::replace(&mut self.many, now) < CLOSE;
        }
        match behind {
            Some(0) => Next::AtOnce,
            _ if self.aside => Next::AtOnce,
            Some(_) if rest > 0 => Next::Linger(rest),
            Some(due) if self.loaded => Next::Linger((due - now).clamp(0, LINGER)),
            // A commit came while the sinks that can fail had their turn.
            Some(_) if relay.pending.load(SeqCst) > 0 => Next::AtOnce,
            Some(due) => Next::Rest(Some(held.map_or(due, |held| due.min(held)))),
            None if held.is_some_and(|held| held <= now) => Next::AtOnce,
            None if self.loaded => Next::Linger(LINGER),
            None if relay.pending.load(SeqCst) > 0 => Next::AtOnce,
            None => Next::Rest(held),
        }
    }

    /// Whether a sink that can fail has something to get, now.
    fn is_one_to_be_served_aside(&self) -> bool {
        let (end, now) = (self.newest.as_ref().map(Tick::end), now());
        self.targets.iter().any(|target| {
            target.sink.can_fail()
                && target.due <= now
                && (Some(target.progress.place) < end
                    || target.valve.next_due().is_some_and(|due| due <= now))
        })
    }

    /// Whether the sinks that cannot fail, which only notify, have got everything; None where there are none.
    fn is_everybody_notified(&self) -> Option<bool> {
        let end = self.newest.as_ref().map(Tick::end);
        let sinks = self.targets.iter().filter(|target| !target.sink.can_fail());
        sinks
            .map(|target| Some(target.progress.place) >= end)
            .reduce(|all, one| all && one)
    }

    /// Sinks are data: they may have changed since the last turn. A new one starts here.
    fn match_sinks(&mut self, start: Place) {
        let Some(sinks) = self.sinks.changed() else {
            return;
        };
        let mut known = std::mem::take(&mut self.targets);
        for sink in sinks {
            let place = known.iter().position(|target| target.sink.id == sink.id);
            let target = match place.map(|n| known.swap_remove(n)) {
                Some(target) => Target { sink, ..target },
                None => {
                    let mut progress = Progress::load(sink.id, start);
                    Target {
                        valve: Valve::open(sink.id, &mut progress.place),
                        progress,
                        due: 0,
                        window: Window::default(),
                        sink,
                    }
                }
            };
            self.targets.push(target);
        }
    }

    /// Makes a tick of what came since the last, if anything did; how many events it has.
    fn tick(&mut self, layout: &Layout, newest: Tick) -> usize {
        let snapshot = history::current();
        if snapshot == self.seen {
            self.newest = Some(newest);
            return 0;
        }
        let mut tick = tick::next(layout, &newest, snapshot);
        self.batch.clear();
        let batch = &mut self.batch;
        let mut events = 0;
        let whole = history::read_whole(layout, &self.seen, &tick, batch_limit(), |event| {
            batch.push(event, tick.place_of(event.id as u64));
            events += 1;
        });
        self.seen.clone_from(&tick.snapshot);
        if whole && events == 0 {
            self.newest = Some(newest);
            return 0;
        }
        tick.events = whole.then_some(events);
        tick::insert(layout, &tick);
        let (start, end) = (newest.end(), tick.end());
        if tick.events.is_some() {
            for target in &mut self.targets {
                let aside =
                    || target.sink.can_fail() && !target.sink.choose(&self.batch).is_empty();
                if target.progress.place >= start && target.due <= now() && !aside() {
                    self.sent += target.send(&self.batch, end);
                }
            }
        }
        let events = tick.events.map_or(usize::MAX, |events| events as usize);
        self.newest = Some(tick);
        events
    }

    /// A batch for each sink that is behind and has a turn. None when none is any more, else when to go on, 0 at once; and
    /// how long to rest before, where no sink waits for the next tick.
    fn catch_up(
        &mut self,
        layout: &Layout,
        has_turn: impl Fn(&Sink) -> bool,
    ) -> (Option<i64>, i64) {
        let Some(newest) = self.newest.as_ref() else {
            return (None, 0);
        };
        let end = newest.end();
        let mut passed: Option<usize> = None;
        for target in &mut self.targets {
            if has_turn(&target.sink) && target.progress.place < end && target.due <= now() {
                target.due = 0;
                self.sent += target.catch_up(&mut self.batch);
                if target.due == 0 {
                    let events = self.batch.entries.len();
                    passed = Some(passed.map_or(events, |least| least.min(events)));
                }
            }
            target.progress.settle(target.sink.id);
        }
        let all = self.targets.len();
        let mut behind: Vec<&mut Target> = (self.targets.iter_mut())
            .filter(|target| target.progress.place < end)
            .collect();
        let mut rest = 0;
        match (&mut self.pace, passed) {
            // One that fails may be behind for ever.
            (Some(pace), _) if behind.iter().all(|target| target.progress.retries > 0) => {
                pace.forget()
            }
            (Some(pace), Some(events)) => rest = pace.rest(layout, events),
            _ => {}
        }
        if rest > 0 {
            let due = now() + rest;
            for target in &mut behind {
                target.due = target.due.max(due);
            }
        }
        let next = behind.iter().map(|target| target.due).min();
        (next, if behind.len() == all { rest } else { 0 })
    }

    /// Sends what was held back and is due, to sinks that have everything else: its cursor is after
    /// all of that. Gives when the next is due.
    fn send_held(&mut self, layout: &Layout, has_turn: impl Fn(&Sink) -> bool) -> Option<i64> {
        let newest = self.newest.as_ref()?;
        let mut next: Option<i64> = None;
        for target in &mut self.targets {
            if target.progress.place >= newest.end() {
                if target.due <= now() && has_turn(&target.sink) {
                    self.sent +=
                        target.send_held(&mut self.batch, || tick::place_after(layout, newest));
                }
                if let Some(due) = target.valve.next_due() {
                    let due = due.max(target.due);
                    next = Some(next.map_or(due, |next| next.min(due)));
                }
            }
            target.valve.save(target.sink.id, target.progress.place);
        }
        next
    }
}
