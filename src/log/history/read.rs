//! Events of ticks, read in one pass.

use super::event::{Event, Wanted};
use super::found::Found;
use super::tick::Tick;
use crate::log::layout::Layout;
use crate::log::scan;
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
/// many, or half as many bytes again as are wanted. With the active snapshot, which must be one that
/// sees the ticks, as the current user.
pub fn read(
    base: &Snapshot,
    ticks: &[Tick],
    after: i64,
    limit: usize,
    wanted: Wanted,
    each: impl FnMut(&Event),
) -> bool {
    let mut found = Found::new(limit, wanted.bytes);
    pass(base, ticks, after, wanted, |row, tick| {
        found.add(row, tick, wanted.topics);
        true
    });
    found.each(each)
}

/// All events of a tick, as [`read`] would give them, or false when they are more than `limit`: then
/// it stops reading and gives none. For the relay alone: see `log/scan.rs`.
pub fn read_whole(
    layout: &Layout,
    base: &Snapshot,
    tick: &Tick,
    limit: usize,
    each: impl FnMut(&Event),
) -> bool {
    let mut found = Found::new(usize::MAX, None);
    scan::each(layout, &ranges(base, &tick.snapshot), |row| {
        if tick.snapshot.sees(row.long(1) as u64) {
            found.add(row, 0, None);
        }
        found.list.len() <= limit
    });
    let whole = found.list.len() <= limit;
    if whole {
        found.each(each);
    }
    whole
}

fn pass(
    base: &Snapshot,
    ticks: &[Tick],
    after: i64,
    wanted: Wanted,
    mut each: impl FnMut(&Row, usize) -> bool,
) {
    let Some(last) = ticks.last() else { return };
    let (mut known, mut tick) = (0, None);
    EVENTS.run(arrays(&ranges(base, &last.snapshot)), |row| {
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
pub fn ranges(base: &Snapshot, last: &Snapshot) -> Vec<(u64, u64)> {
    /// Transactions still running at `last` are left out where they are the oldest: a bulk load has
    /// its rows in the log long before it ends, and they would be read to be passed over. Of all the
    /// others a range each would cost more than it saves.
    const LEFT_OUT: usize = 8;
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    let mut add = |from: u64, to: u64| match ranges.last_mut() {
        _ if from >= to => {}
        Some((_, past)) if *past == from => *past = to,
        _ => ranges.push((from, to)),
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
    ranges
}

/// As the statements take them.
pub fn arrays(ranges: &[(u64, u64)]) -> [Datum; 2] {
    let (first, past): (Vec<u64>, Vec<u64>) = ranges.iter().copied().unzip();
    [first, past].map(|xids| array(&xids, pg_sys::XID8OID))
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
