//! Events of ticks, read in one pass.

use super::event::{Event, Wanted};
use super::found::Found;
use super::tick::Tick;
use crate::log::statement::{Row, Statement};
use pgrx::pg_sys::{self, Datum, Oid};
use std::ffi::c_char;
use wire::snapshot::Snapshot;

pub const RANGES: [Oid; 2] = [pg_sys::XID8ARRAYOID, pg_sys::XID8ARRAYOID];

static EVENTS: Statement<2> = Statement::new(
    c"select e.id, e.xid, e.topics, e.notified, e.event, e.payload, e.body, e.throttle, e.at
    from rows from (pg_catalog.unnest($1), pg_catalog.unnest($2)) as r(first, past)
    join realtime_sync.event e
        on e.xid operator(pg_catalog.>=) r.first and e.xid operator(pg_catalog.<) r.past",
    RANGES,
);

/// Events of consecutive ascending `ticks` that `base`, the snapshot of the tick before them, does not
/// see, in the order of tick and id; of the first tick only those whose id is greater than `after`.
/// Gives the first `limit` of them to `each`, says whether there are more, and holds at most twice as
/// many. With the active snapshot, which must be one that sees the ticks, as the current user.
pub fn read(
    base: &Snapshot,
    ticks: &[Tick],
    after: i64,
    limit: usize,
    wanted: Wanted,
    each: impl FnMut(&Event),
) -> bool {
    let mut found = Found::new(limit);
    scan(base, ticks, after, wanted, |row, tick| {
        found.add(row, tick, wanted.topics);
        true
    });
    found.each(each)
}

/// All events of a tick, as [`read`] would give them, or false when they are more than `limit`: then
/// it stops reading and gives none.
pub fn read_whole(base: &Snapshot, tick: &Tick, limit: usize, each: impl FnMut(&Event)) -> bool {
    let mut found = Found::new(usize::MAX);
    let ticks = std::slice::from_ref(tick);
    scan(base, ticks, i64::MIN, Wanted::default(), |row, tick| {
        found.add(row, tick, None);
        found.list.len() <= limit
    });
    let whole = found.list.len() <= limit;
    if whole {
        found.each(each);
    }
    whole
}

fn scan(
    base: &Snapshot,
    ticks: &[Tick],
    after: i64,
    wanted: Wanted,
    mut each: impl FnMut(&Row, usize) -> bool,
) {
    let Some(last) = ticks.last() else { return };
    let (mut known, mut tick) = (0, None);
    EVENTS.run(ranges(base, &last.snapshot), |row| {
        let (id, xid) = (row.long(0), row.long(1) as u64);
        if xid != known {
            known = xid;
            // The first tick that sees it.
            let index = ticks.partition_point(|tick| !tick.snapshot.sees(xid));
            tick = (index < ticks.len() && wanted.has_transaction(&ticks[index], xid))
                .then_some(index);
        }
        match tick {
            Some(tick) if tick > 0 || id > after => each(row, tick),
            _ => true,
        }
    });
}

/// Transaction ids that `last` sees and `base` does not, as ranges: first ids, and the ids past them.
pub fn ranges(base: &Snapshot, last: &Snapshot) -> [Datum; 2] {
    /// Transactions still running at `last` are left out where they are the oldest: a bulk load has
    /// its rows in the log long before it ends, and they would be read to be passed over. Of all the
    /// others a range each would cost more than it saves.
    const LEFT_OUT: usize = 8;
    let (mut first, mut past) = (Vec::new(), Vec::new());
    let mut add = |from: u64, to: u64| match past.last_mut() {
        _ if from >= to => {}
        Some(end) if *end == from => *end = to,
        _ => {
            first.push(from);
            past.push(to);
        }
    };
    for xid in base.ended_by(last) {
        add(xid, xid + 1);
    }
    let mut from = base.xmax;
    let running = last.running.iter().filter(|xid| **xid >= base.xmax);
    for xid in running.take(LEFT_OUT) {
        add(from, *xid);
        from = xid + 1;
    }
    add(from, last.xmax);
    [
        array(&first, pg_sys::XID8OID),
        array(&past, pg_sys::XID8OID),
    ]
}

/// An array of bigint or xid8, in the current memory context.
pub fn array(values: &[u64], element: Oid) -> Datum {
    // SAFETY: a Datum is as long as both types, which pass by value.
    unsafe {
        Datum::from(pg_sys::construct_array(
            values.as_ptr().cast_mut().cast(),
            values.len() as i32,
            element,
            8,
            true,
            b'd' as c_char,
        ))
    }
}
