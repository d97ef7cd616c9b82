//! Ticks, as they are stored.

use super::latest::floor;
use super::snapshot::snapshot;
use crate::error::Error;
use crate::log::statement::{Row, Statement};
use pgrx::pg_sys::{self, Datum, Oid};
use wire::cursor::Place;
use wire::snapshot::Snapshot;

/// A row of realtime_sync.tick, or of realtime_sync.floor, which has no events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    pub timeline: u32,
    pub wal_timeline: u32,
    pub position: u64,
    /// None of a big one, whose events were not counted.
    pub events: Option<u64>,
    pub snapshot: Snapshot,
}

impl Tick {
    pub fn end(&self) -> Place {
        Place::end_of(self.timeline, self.position)
    }

    pub fn place_of(&self, id: u64) -> Place {
        Place {
            timeline: self.timeline,
            position: self.position,
            id,
        }
    }

    pub fn is_at(&self, place: &Place) -> bool {
        (self.timeline, self.position) == (place.timeline, place.position)
    }

    pub fn of(row: &Row) -> Tick {
        Tick {
            timeline: row.long(0) as u32,
            wal_timeline: row.long(4) as u32,
            position: row.long(1) as u64,
            events: row.get(2).map(|events| events.value() as u64),
            // SAFETY: the column is a pg_snapshot, never null.
            snapshot: row
                .get(3)
                .map_or(Snapshot::NONE, |datum| unsafe { snapshot(datum) }),
        }
    }
}

const PLACE: [Oid; 2] = [pg_sys::INT4OID, pg_sys::INT8OID];

static AFTER: Statement<2> = Statement::new(
    c"select t.timeline, t.position, t.events, t.snapshot, t.wal_timeline
    from realtime_sync.tick t
    where (t.timeline, t.position) operator(pg_catalog.>) ($1, $2)
    order by t.timeline, t.position",
    PLACE,
);

static UP_TO: Statement<2> = Statement::new(
    c"select t.timeline, t.position, t.events, t.snapshot, t.wal_timeline
    from realtime_sync.tick t
    where (t.timeline, t.position) operator(pg_catalog.<=) ($1, $2)
    order by t.timeline desc, t.position desc",
    PLACE,
);

/// Ticks after this one in order, until `each` returns false.
pub fn after(timeline: u32, position: u64, mut each: impl FnMut(Tick) -> bool) {
    AFTER.run(place(timeline, position as i64), |row| each(Tick::of(row)));
}

/// The newest tick at or before a place, but not the floor. A negative position is before a timeline's
/// first tick.
pub fn tick_up_to(timeline: u32, position: i64) -> Option<Tick> {
    let mut found = None;
    UP_TO.run(place(timeline, position), |row| {
        found = Some(Tick::of(row));
        false
    });
    found
}

/// The newest tick, but not the floor.
pub fn newest() -> Option<Tick> {
    tick_up_to(u32::MAX, i64::MAX)
}

/// The tick that the next one comes after: the newest, else the floor, which always has a row.
pub fn last() -> Tick {
    newest()
        .or_else(floor)
        .unwrap_or_else(|| Error::LogDamaged.raise())
}

fn place(timeline: u32, position: i64) -> [Datum; 2] {
    let timeline = i32::try_from(timeline).unwrap_or(i32::MAX);
    [Datum::from(timeline), Datum::from(position)]
}
