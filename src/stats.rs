//! What shared memory tells in SQL.

use crate::log::shared::{self, LATENCIES};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The counters of the current database: name and value.
#[pg_extern(sql = false)]
fn counters() -> TableIterator<'static, (name!(name, &'static str), name!(value, i64))> {
    TableIterator::new(
        shared::Counter::ALL
            .iter()
            .map(|&counter| (counter.name(), shared::read(counter))),
    )
}

/// What writers and the relay of the current database have told each other.
#[allow(clippy::type_complexity)] // pgrx reads the columns off this very type
#[pg_extern(sql = false)]
fn relay_state() -> TableIterator<
    'static,
    (
        name!(running, bool),
        name!(pending, bool),
        name!(paused, bool),
        name!(own_memory, bool),
        name!(position, Option<i64>),
        name!(launched, Option<TimestampWithTimeZone>),
        name!(refused, Option<TimestampWithTimeZone>),
        name!(since, Option<TimestampWithTimeZone>),
        name!(looked, Option<TimestampWithTimeZone>),
    ),
> {
    let relay = shared::relay();
    let position = relay.position.load(Relaxed);
    TableIterator::once((
        relay.latch.load(Relaxed) != 0,
        relay.pending.load(Relaxed) != 0,
        relay.paused.load(Relaxed) != 0,
        shared::is_own(),
        (position != 0).then_some(position as i64),
        time(&relay.launched),
        time(&relay.refused),
        time(&relay.since),
        time(&relay.looked),
    ))
}

/// None of what has never been.
fn time(place: &AtomicI64) -> Option<TimestampWithTimeZone> {
    match place.load(Relaxed) {
        0 => None,
        microseconds => TimestampWithTimeZone::try_from(microseconds).ok(),
    }
}

/// Ticks by how long they took: upper bounds in seconds, the last without one; with that, all of them took
/// so many seconds together.
#[allow(clippy::type_complexity)] // pgrx reads the columns off this very type
#[pg_extern(sql = false)]
fn latencies() -> TableIterator<
    'static,
    (
        name!(bound, Option<f64>),
        name!(ticks, i64),
        name!(seconds, Option<f64>),
    ),
> {
    let sum = shared::relay().latency_sum.load(Relaxed) as f64 / 1e6;
    let bounds = LATENCIES.iter().map(|&bound| Some(bound as f64 / 1e6));
    let counts = &shared::relay().latency;
    TableIterator::new(bounds.chain([None]).zip(counts).map(move |(bound, count)| {
        let seconds = bound.is_none().then_some(sum);
        (bound, count.load(Relaxed) as i64, seconds)
    }))
}

/// Counts events that went before every sink had got them.
#[pg_extern(sql = false)]
fn count_lost(events: i64) {
    shared::count(shared::Counter::Lost, events.unsigned_abs());
}
