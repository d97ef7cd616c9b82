//! One step of the relay: a snapshot with a position. What it sees and the one before did not is the
//! tick's.

use super::statement;
use crate::log::history::Tick;
use crate::log::layout::Layout;
use crate::log::statement::Statement;
use crate::log::{shared, wal};
use pgrx::pg_sys::{self, Datum};
use std::cell::Cell;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use wire::cursor::Place;
use wire::snapshot::Snapshot;

/// Positions reserved at once: one synchronous write for so many ticks.
const RESERVED: u64 = 10_000;

thread_local! {
    /// The last position this process handed out, where shared memory has none for the database.
    static POSITION: Cell<u64> = const { Cell::new(0) };
    static RESERVATION: Cell<u64> = const { Cell::new(0) };
}

/// Whoever ticks or sends holds this until its transaction ends. Nobody else wants that mode on a
/// partitioned table's root: vacuum leaves roots alone.
pub fn lock(layout: &Layout) {
    // SAFETY: the table exists, or it is gone and what follows raises.
    unsafe {
        pg_sys::LockRelationOid(layout.tick, pg_sys::ExclusiveLock as pg_sys::LOCKMODE);
    }
}

/// Asynchronous commits up to some moment.
#[derive(Clone, Copy, Default)]
pub struct Marks {
    begun: u64,
    unfinished: bool,
}

impl Marks {
    pub fn read() -> Marks {
        let relay = shared::relay();
        // In this order: one that begins in between is counted by `begun` of the next reading.
        let unfinished = relay.unflushed.load(SeqCst) > 0;
        Marks {
            begun: relay.asynchronous.load(SeqCst),
            unfinished,
        }
    }

    /// Whether a transaction that does not wait for the disk may have become visible since, by now.
    pub fn may_hide_one(self) -> bool {
        self.unfinished || shared::relay().asynchronous.load(SeqCst) != self.begun
    }
}

/// The tick after `newest`, at the timeline of now; its position is never handed out again.
pub fn next(layout: &Layout, newest: &Tick, snapshot: Snapshot) -> Tick {
    // SAFETY: not in recovery.
    let wal_timeline = unsafe { pg_sys::GetWALInsertionTimeLine() };
    Tick {
        timeline: timeline(wal_timeline, newest),
        wal_timeline,
        position: take_position(layout, newest.position),
        snapshot,
        events: None,
    }
}

/// pg_upgrade starts the WAL's timeline over; a cursor's only grows.
fn timeline(wal_timeline: u32, newest: &Tick) -> u32 {
    if wal_timeline == newest.wal_timeline {
        newest.timeline
    } else {
        wal_timeline.max(newest.timeline + 1)
    }
}

/// A place after all that was sent, before all that will be: for what was held back. No tick is stored
/// for it; a cursor that says so goes on after `newest`, and the place is as unique as a tick's.
pub fn place_after(layout: &Layout, newest: &Tick) -> Place {
    // SAFETY: not in recovery.
    let wal_timeline = unsafe { pg_sys::GetWALInsertionTimeLine() };
    let position = take_position(layout, newest.position);
    Place::end_of(timeline(wal_timeline, newest), position)
}

/// The next position above all handed out, whatever a crash has undone of their ticks.
fn take_position(layout: &Layout, newest: u64) -> u64 {
    let relay = shared::relay();
    let own = shared::is_own();
    let (mut last, mut reserved) = if own {
        (relay.position.load(Relaxed), relay.reserved.load(Relaxed))
    } else {
        (POSITION.get(), RESERVATION.get())
    };
    if last == 0 {
        // The first tick since the server started: those before it may be lost, the reservation is not.
        last = reservation();
    }
    let position = last.max(newest) + 1;
    if position > reserved {
        reserved = position + RESERVED;
        reserve(layout, reserved);
    }
    if own {
        relay.position.store(position, Relaxed);
        relay.reserved.store(reserved, Relaxed);
    } else {
        POSITION.set(position);
        RESERVATION.set(reserved);
    }
    position
}

/// Whether a relay has been at work that does not share our memory, as that of a library with another
/// layout, installed while the server runs: positions are reserved that we know nothing of. Ours are then
/// forgotten.
pub fn is_another_at_work() -> bool {
    let relay = shared::relay();
    let reserved = relay.reserved.load(Relaxed);
    let another = reserved == 0 || reservation() != reserved;
    if another {
        relay.position.store(0, Relaxed);
        relay.reserved.store(0, Relaxed);
    }
    another
}

static RESERVED_UP_TO: Statement<0> =
    Statement::new(c"select s.last_value from realtime_sync.position s", []);

fn reservation() -> u64 {
    let mut found = 0;
    RESERVED_UP_TO.run([], |row| {
        found = row.long(0) as u64;
        false
    });
    found
}

/// A sequence's value is no part of a transaction, so it is durable once its WAL is.
fn reserve(layout: &Layout, until: u64) {
    // SAFETY: setval(regclass, bigint), on a sequence that exists.
    unsafe {
        pgrx::direct_function_call_as_datum(
            pg_sys::setval_oid,
            &[
                Some(Datum::from(layout.position)),
                Some(Datum::from(until as i64)),
            ],
        );
    }
    wal::flush();
}

const INSERT: &str =
    "insert into realtime_sync.tick (timeline, wal_timeline, position, events, snapshot)
    values ($1, $2, $3, $4, $5::text::pg_snapshot)";

pub fn insert(tick: &Tick) {
    statement::run(
        INSERT,
        &[
            (tick.timeline as i32).into(),
            (tick.wal_timeline as i32).into(),
            (tick.position as i64).into(),
            tick.events.map(|events| events as i32).into(),
            tick.snapshot.to_string().into(),
        ],
    );
}
