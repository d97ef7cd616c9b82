//! A tick too big to be read at once: the ids of its events first, then the events of some of them.

use super::event::{Event, Wanted};
use super::found::{Found, reserve};
use super::read::{RANGES, array, arrays, ranges};
use super::tick::Tick;
use super::value::write_topics;
use crate::log::layout::SEGMENTS;
use crate::log::record;
use crate::log::statement::{Row, Statement};
use pgrx::pg_sys::{self, Datum};
use wire::buffer::Text;
use wire::selection::Selection;
use wire::snapshot::Snapshot;

/// Where an event is: eight bytes of id, seven of transaction and one of segment. There may be half a
/// million at once; no server ever gets to 2^56 transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    pub id: i64,
    place: u64,
}

impl Pair {
    const SHIFT: u32 = 56;
    const UNKNOWN: u64 = 0xff;

    /// Of an event in any segment.
    pub fn anywhere(id: i64, xid: u64) -> Pair {
        let place = xid | Pair::UNKNOWN << Pair::SHIFT;
        Pair { id, place }
    }

    /// As the statements here select it.
    fn of(row: &Row) -> Pair {
        let (id, xid, segment) = (row.long(0), row.long(1) as u64, row.long(3) as u64);
        let place = xid | segment << Pair::SHIFT;
        Pair { id, place }
    }

    pub fn xid(self) -> u64 {
        self.place & ((1 << Pair::SHIFT) - 1)
    }

    fn segments(self) -> std::ops::Range<u64> {
        match self.place >> Pair::SHIFT {
            Pair::UNKNOWN => 0..SEGMENTS as u64,
            segment => segment..segment + 1,
        }
    }
}

// Of each row of r only its segment is looked into: that is chosen as the statement runs.
static EVENTS_OF: Statement<4> = Statement::new(
    c"select e.id, e.xid, e.topics, e.notified, e.event, e.payload, e.body, e.throttle, e.at
    from rows from (
        pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4)
    ) as r(segment, xid, first, last)
    join realtime_sync.event e
        on e.segment operator(pg_catalog.=) r.segment and e.xid operator(pg_catalog.=) r.xid
            and e.id operator(pg_catalog.>=) r.first and e.id operator(pg_catalog.<=) r.last",
    [
        pg_sys::INT8ARRAYOID,
        pg_sys::XID8ARRAYOID,
        pg_sys::INT8ARRAYOID,
        pg_sys::INT8ARRAYOID,
    ],
);

static PAIRS: Statement<2> = Statement::new(
    c"select e.id, e.xid, e.topics, e.segment
    from rows from (pg_catalog.unnest($1), pg_catalog.unnest($2)) as r(first, past)
    join realtime_sync.event e
        on e.xid operator(pg_catalog.>=) r.first and e.xid operator(pg_catalog.<) r.past",
    RANGES,
);

static PAIRS_OF: Statement<2> = Statement::new(
    c"select e.id, e.xid, e.topics, e.segment
    from realtime_sync.event e
    where e.xid operator(pg_catalog.=) $1 and e.id operator(pg_catalog.>) $2
    order by e.xid, e.id",
    [pg_sys::XID8OID, pg_sys::INT8OID],
);

static NEXT_TRANSACTION: Statement<2> = Statement::new(
    c"select e.xid
    from realtime_sync.event e
    where e.xid operator(pg_catalog.>=) $1 and e.xid operator(pg_catalog.<) $2
    order by e.xid
    limit 1",
    [pg_sys::XID8OID, pg_sys::XID8OID],
);

/// Where the events of one tick are, with id > `after`: the smallest `max` of them, ascending. For a
/// tick too big to be read at once; memory is bounded by `max`. Where the tick is few transactions it
/// costs `max` index entries of each, else a pass over the tick's.
pub fn pairs(base: &Snapshot, tick: &Tick, after: i64, max: usize, wanted: Wanted) -> Vec<Pair> {
    let mut smallest = Smallest::new(max);
    let mut scratch = Text::new();
    match few_transactions(base, tick) {
        Some(xids) => {
            for xid in xids {
                if !wanted.has_transaction(tick, xid) {
                    continue;
                }
                // Ascending: after `max` of them none can be among the smallest.
                let mut taken = 0;
                PAIRS_OF.run([Datum::from(xid), Datum::from(after)], |row| {
                    let id = row.long(0);
                    let room = smallest.has_room_for(id);
                    if room && has_topic(row, wanted.topics, &mut scratch) {
                        smallest.add(Pair::of(row));
                        taken += 1;
                    }
                    room && taken < max
                });
            }
        }
        None => PAIRS.run(arrays(&ranges(base, &tick.snapshot)), |row| {
            let (id, xid) = (row.long(0), row.long(1) as u64);
            if id > after
                && smallest.has_room_for(id)
                && tick.snapshot.sees(xid)
                && wanted.has_transaction(tick, xid)
                && has_topic(row, wanted.topics, &mut scratch)
            {
                smallest.add(Pair::of(row));
            }
            true
        }),
    }
    smallest.into_sorted()
}

/// The events of some of a tick's pairs: neighbours in its order of ids. Whether there are more than the bytes
/// that are wanted.
pub fn fetch(pairs: &[Pair], wanted: Wanted, each: impl FnMut(&Event)) -> bool {
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable_by_key(|pair| (pair.place, pair.id));
    let (mut segments, mut xids, mut first, mut last) =
        <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    for same in pairs.chunk_by(|a, b| a.place == b.place) {
        for segment in same[0].segments() {
            segments.push(segment);
            xids.push(same[0].xid());
            first.push(same[0].id as u64);
            last.push(same[same.len() - 1].id as u64);
        }
    }
    let mut found = Found::new(usize::MAX, wanted.bytes);
    EVENTS_OF.run(
        [
            array(&segments, pg_sys::INT8OID),
            array(&xids, pg_sys::XID8OID),
            array(&first, pg_sys::INT8OID),
            array(&last, pg_sys::INT8OID),
        ],
        |row| {
            found.add(row, 0, wanted.topics);
            true
        },
    );
    found.each(each)
}

/// The tick's transactions that have events, if they are few.
fn few_transactions(base: &Snapshot, tick: &Tick) -> Option<Vec<u64>> {
    /// Each costs up to a whole chunk of index entries a call, so that a tick of this many is read
    /// about as often as by one pass a chunk.
    const FEW: usize = 32;
    let mut found: Vec<u64> = base.ended_by(&tick.snapshot).take(FEW + 1).collect();
    let mut next = base.xmax;
    while found.len() <= FEW {
        let mut xid = None;
        let range = [Datum::from(next), Datum::from(tick.snapshot.xmax)];
        NEXT_TRANSACTION.run(range, |row| {
            xid = Some(row.long(0) as u64);
            false
        });
        match xid {
            None => return Some(found),
            Some(xid) => {
                if tick.snapshot.sees(xid) {
                    found.push(xid);
                }
                next = xid + 1;
            }
        }
    }
    None
}

/// The smallest so many ids of any number.
struct Smallest {
    max: usize,
    pairs: Vec<Pair>,
    /// Ids from here on are too large.
    bound: i64,
}

impl Smallest {
    fn new(max: usize) -> Smallest {
        Smallest {
            max,
            pairs: Vec::new(),
            bound: i64::MAX,
        }
    }

    fn has_room_for(&self, id: i64) -> bool {
        id < self.bound
    }

    fn add(&mut self, pair: Pair) {
        reserve(&mut self.pairs);
        self.pairs.push(pair);
        if self.pairs.len() >= 2 * self.max.max(1) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.pairs.len() > self.max {
            let (_, next, _) = self.pairs.select_nth_unstable(self.max);
            self.bound = next.id;
            self.pairs.truncate(self.max);
        }
    }

    fn into_sorted(mut self) -> Vec<Pair> {
        self.cut();
        self.pairs.sort_unstable();
        self.pairs
    }
}

fn has_topic(row: &Row, topics: Option<&Selection>, scratch: &mut Text) -> bool {
    let Some(topics) = topics else { return true };
    scratch.clear();
    let Some(list) = row.get(2) else { return false };
    // SAFETY: a text[].
    unsafe { write_topics(scratch, list) };
    record::topic_texts(scratch.as_bytes()).any(|topic| topics.fits(topic))
}
