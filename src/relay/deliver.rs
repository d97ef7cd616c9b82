//! What a relay does in one turn: tick, then send each sink what it has not got yet.

use super::batch::Batch;
use super::held;
use super::notify;
use super::progress::{Progress, now};
use super::sink::{Sink, Sinks};
use super::throttle::Valve;
use super::tick::{self, Marks};
use super::worker::Next;
use crate::error::Error;
use crate::log::history::{self, Tick, Wanted};
use crate::log::layout::Layout;
use crate::log::shared::{self, Counter};
use crate::log::{subtransaction, wal};
use crate::settings;
use pgrx::pg_sys;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use wire::cursor::Place;
use wire::snapshot::Snapshot;

/// Events of a batch. A tick that has more is delivered in several transactions.
const BATCH: usize = 500;
/// Bytes of a large tick's batch, about.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Ids of a large tick that are sorted at once: 16 bytes each.
const WINDOW: usize = 500_000;
/// Rows of a large tick read at once.
const CHUNK: usize = 50;
/// Ticks looked through at once for a sink that is behind.
const TICKS: usize = 100;
/// A tick of this many events says that more are coming. Ticks cost more than events: 600k instructions
/// against 19k.
const MANY: usize = 4;
/// A sink waits this long for room in the NOTIFY queue before it looks again, in microseconds.
const NO_ROOM: i64 = 100_000;
/// A sink that failed waits a tenth of a second, then twice as long each time, a minute at most.
const FIRST_WAIT: i64 = 100_000;
const LONGEST_WAIT: i64 = 60_000_000;

struct Target {
    sink: Rc<Sink>,
    progress: Progress,
    /// Not to be tried before.
    due: i64,
    window: Window,
    valve: Valve,
}

/// Ids of the large tick that a sink is in, sorted, not yet sent.
#[derive(Default)]
struct Window {
    position: u64,
    pairs: VecDeque<(i64, u64)>,
    /// There are no ids beyond `pairs`.
    complete: bool,
}

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
    /// Whether the last turn had anything to do.
    pub worked: bool,
    /// When a window ends whose updates are kept out of the log.
    pub held: Option<i64>,
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
            worked: false,
            held: None,
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
        let since = match relay.pending.swap(0, SeqCst) {
            0 => None,
            _ => Some(relay.since.load(Relaxed)),
        };
        let before = Marks::read();
        // SAFETY: popped below; an error ends the transaction and pops it too.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
        let turns = relay.turns.fetch_add(1, SeqCst);
        if turns != self.turns || !shared::is_own() || tick::is_another_at_work() {
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
        let ticked = self.tick(layout, newest);
        if ticked > 0 {
            shared::count(Counter::Ticks, 1);
            if self.marks.is_none_or(Marks::may_hide_one) {
                wal::flush();
            }
        }
        self.marks = Some(before);
        let behind = self.catch_up();
        let held = self.send_held(layout);
        // Who opens a window has logged an event.
        if anew || ticked > 0 {
            self.held = held::next_due(layout);
        }
        // SAFETY: pushed above.
        unsafe { pg_sys::PopActiveSnapshot() };
        shared::count(Counter::Sent, self.sent - sent);
        if let Some(since) = since
            && ticked > 0
        {
            shared::observe(now() - since);
        }
        relay.looked.store(now(), Relaxed);
        self.worked = ticked > 0 || self.sent > sent || behind == Some(0);
        match behind {
            Some(0) => Next::AtOnce,
            Some(due) => Next::Rest(Some(held.map_or(due, |held| due.min(held)))),
            None if held.is_some_and(|held| held <= now()) => Next::AtOnce,
            None if ticked >= MANY => Next::Linger,
            None if relay.pending.load(SeqCst) > 0 => Next::AtOnce,
            None => Next::Rest(held),
        }
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
        let whole = history::read_whole(&self.seen, &tick, batch_limit(), |event| {
            batch.push(event, tick.place_of(event.id as u64));
            events += 1;
        });
        self.seen.clone_from(&tick.snapshot);
        if whole && events == 0 {
            self.newest = Some(newest);
            return 0;
        }
        tick.events = whole.then_some(events);
        tick::insert(&tick);
        let (start, end) = (newest.end(), tick.end());
        if tick.events.is_some() {
            for target in &mut self.targets {
                if target.progress.place >= start && target.due <= now() {
                    self.sent += target.send(&self.batch, end);
                }
            }
        }
        let events = tick.events.map_or(usize::MAX, |events| events as usize);
        self.newest = Some(tick);
        events
    }

    /// A batch for each sink that is behind. None when none is any more, else when to go on, 0 at once.
    fn catch_up(&mut self) -> Option<i64> {
        let newest = self.newest.as_ref()?;
        let end = newest.end();
        let mut next: Option<i64> = None;
        for target in &mut self.targets {
            if target.progress.place < end && target.due <= now() {
                self.sent += target.catch_up(&mut self.batch);
            }
            if target.progress.place < end {
                next = Some(next.map_or(target.due, |due| due.min(target.due)));
            }
            target.progress.settle(target.sink.id);
        }
        next
    }

    /// Sends what was held back and is due, to sinks that have everything else: its cursor is after
    /// all of that. Gives when the next is due.
    fn send_held(&mut self, layout: &Layout) -> Option<i64> {
        let newest = self.newest.as_ref()?;
        let mut next: Option<i64> = None;
        for target in &mut self.targets {
            if target.progress.place >= newest.end() {
                if target.due <= now() {
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

impl Target {
    /// Sends what the sink wants of a batch and moves it to `place`; how many events were sent. A sink
    /// that fails stays where it is and is tried again later.
    fn send(&mut self, batch: &Batch, place: Place) -> u64 {
        let mut wanted = self.sink.choose(batch);
        self.valve.recall(batch, &mut wanted);
        if self.valve.recalls(place) {
            // It has been sent already.
            self.progress.place = place;
            return 0;
        }
        if !wanted.is_empty() && !self.has_room() {
            return 0;
        }
        self.valve.sift(batch, &mut wanted, now());
        let sent = wanted.len() as u64;
        if !wanted.is_empty() && !self.attempt(batch, &wanted) {
            return 0;
        }
        self.due = 0;
        self.progress.sent += sent;
        self.progress.advance(self.sink.id, place, sent > 0);
        sent
    }

    /// Sends a batch of what was held back and is due.
    fn send_held(&mut self, batch: &mut Batch, place: impl FnOnce() -> Place) -> u64 {
        let now = now();
        let due = self.valve.due(now, batch_limit());
        if due.is_empty() || !self.has_room() {
            return 0;
        }
        self.valve.read(&due, place(), batch);
        let wanted = self.sink.choose(batch);
        if !wanted.is_empty() && !self.attempt(batch, &wanted) {
            return 0;
        }
        self.due = 0;
        self.valve.sent(&due, now);
        self.progress.sent += wanted.len() as u64;
        wanted.len() as u64
    }

    fn has_room(&mut self) -> bool {
        let room = !self.sink.notifies() || notify::has_room();
        if !room {
            shared::relay().paused.store(1, Relaxed);
            self.due = now() + NO_ROOM;
        }
        room
    }

    fn attempt(&mut self, batch: &Batch, wanted: &[usize]) -> bool {
        let sink = &self.sink;
        let send = || sink.send(batch, wanted);
        let sent = if sink.can_fail() {
            subtransaction::attempt(send)
        } else {
            send();
            Ok(())
        };
        match sent {
            Ok(()) => {
                if sink.notifies() {
                    shared::relay().paused.store(0, Relaxed);
                }
                true
            }
            Err(error) => {
                self.progress.fail(sink.id, &error);
                let doublings = self.progress.retries.clamp(1, 10) - 1;
                self.due = now() + (FIRST_WAIT << doublings).min(LONGEST_WAIT);
                false
            }
        }
    }

    /// Sends the next batch of a sink that is behind.
    fn catch_up(&mut self, batch: &mut Batch) -> u64 {
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
        if self.progress.place == place {
            self.window.pass(place);
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

impl Window {
    fn fill(&mut self, base: &Snapshot, tick: &Tick, after: i64) {
        if self.position != tick.position || (self.pairs.is_empty() && !self.complete) {
            let pairs = history::pairs(base, tick, after, WINDOW, Wanted::default());
            self.position = tick.position;
            self.complete = pairs.len() < WINDOW;
            self.pairs = pairs.into();
        }
    }

    /// The window's next batch; the place its last event is at.
    fn read(&mut self, tick: &Tick, batch: &mut Batch) -> Place {
        let pairs = self.pairs.make_contiguous();
        let mut read = 0;
        while read < pairs.len().min(batch_limit()) && batch.size() < BATCH_BYTES {
            let chunk = &pairs[read..pairs.len().min(read + CHUNK)];
            history::fetch(chunk, Wanted::default(), |event| {
                batch.push(event, tick.place_of(event.id as u64));
            });
            read += chunk.len();
        }
        match pairs.get(read.wrapping_sub(1)) {
            Some((id, _)) if read < pairs.len() || !self.complete => tick.place_of(*id as u64),
            _ => tick.place_of(Place::END),
        }
    }

    /// Forgets what has been sent.
    fn pass(&mut self, place: Place) {
        while self
            .pairs
            .front()
            .is_some_and(|(id, _)| *id as u64 <= place.id)
        {
            self.pairs.pop_front();
        }
    }
}

/// Fewer where events may be huge, so that a batch stays within 32 MB.
fn batch_limit() -> usize {
    (32 * 1024 * 1024 / settings::max_event_size()).clamp(4, BATCH)
}
