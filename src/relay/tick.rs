//! One step of the relay: a snapshot with a position. What it sees and the one before did not is the
//! tick's.

use super::clock::wall;
use super::{ring, statement};
use crate::log::history::{self, Tick};
use crate::log::layout::{Layout, SEGMENTS};
use crate::log::{shared, wal};
use pgrx::pg_sys::{self, Datum, Oid};
use std::cell::Cell;
use std::ffi::CStr;
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

/// Whoever ticks or sends holds this until its transaction ends. Of others only ANALYZE by hand wants such a
/// mode on a partitioned table's root, for as long as it runs: autovacuum leaves roots alone. A stronger one
/// would have PostgreSQL look through every backend's own list of locks, with 100 connections 14,000
/// instructions a tick.
pub fn lock(layout: &Layout) {
    // SAFETY: the table exists, or it is gone and what follows raises.
    unsafe {
        let mode = pg_sys::ShareUpdateExclusiveLock as pg_sys::LOCKMODE;
        pg_sys::LockRelationOid(layout.tick, mode);
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
        // In this order, the opposite of announce()'s: one that `begun` counts is among the unflushed by now, unless
        // it has ended.
        let begun = relay.asynchronous.load(SeqCst);
        Marks {
            begun,
            unfinished: relay.unflushed.load(SeqCst) > 0,
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
        last = reservation(layout);
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
pub fn is_another_at_work(layout: &Layout) -> bool {
    let relay = shared::relay();
    let reserved = relay.reserved.load(Relaxed);
    let another = reserved == 0 || reservation(layout) != reserved;
    if another {
        relay.position.store(0, Relaxed);
        relay.reserved.store(0, Relaxed);
    }
    another
}

/// As the sequence begins, before the first.
fn reservation(layout: &Layout) -> u64 {
    last_value(layout.position).unwrap_or(1)
}

/// The last value of a sequence that exists, given in a transaction that committed or not. None before the first.
pub fn last_value(sequence: Oid) -> Option<u64> {
    // SAFETY: pg_sequence_last_value(regclass), of a sequence that exists.
    let last = unsafe {
        let sequence = [Some(Datum::from(sequence))];
        pgrx::direct_function_call_as_datum(pg_sys::pg_sequence_last_value, &sequence)
    };
    last.map(|last| last.value() as u64)
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

const COLUMNS: [(&CStr, Oid); 7] = [
    (c"timeline", pg_sys::INT4OID),
    (c"wal_timeline", pg_sys::INT4OID),
    (c"position", pg_sys::INT8OID),
    (c"at", pg_sys::TIMESTAMPTZOID),
    (c"events", pg_sys::INT4OID),
    (c"segment", pg_sys::INT2OID),
    (c"snapshot", pg_sys::PG_SNAPSHOTOID),
];

const INSERT: &str =
    "insert into realtime_sync.tick (timeline, wal_timeline, position, events, snapshot)
    values ($1, $2, $3, $4, $5::text::pg_snapshot)";

pub fn insert(layout: &Layout, tick: &Tick) {
    let (timeline, wal_timeline) = (tick.timeline as i32, tick.wal_timeline as i32);
    let position = tick.position as i64;
    let events = tick.events.map(|events| events as i32);
    let segment = shared::segment() as usize % SEGMENTS;
    let snapshot = history::stored(&tick.snapshot);
    let row = [
        Some(timeline.into()),
        Some(wal_timeline.into()),
        Some(position.into()),
        Some(wall().into()),
        events.map(Datum::from),
        Some((segment as i16).into()),
        Some(Datum::from(snapshot.as_ptr())),
    ];
    if !ring::add(layout.ticks[segment], &COLUMNS, row) {
        statement::run(
            INSERT,
            &[
                timeline.into(),
                wal_timeline.into(),
                position.into(),
                events.into(),
                tick.snapshot.to_string().into(),
            ],
        );
    }
}
