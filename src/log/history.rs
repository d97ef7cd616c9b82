//! The log read in its order: ticks, and the events of ticks.

use super::record;
use super::server::Local;
use super::statement::{Row, Statement};
use crate::error::Error;
use pgrx::pg_sys::{self, Datum, Oid};
use std::ffi::c_char;
use wire::buffer::Text;
use wire::cursor::Place;
use wire::native;
use wire::selection::Selection;
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

    fn of(row: &Row) -> Tick {
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

static FLOOR: Statement<0> = Statement::new(
    c"select f.timeline, f.position, null::pg_catalog.int4, f.snapshot, f.wal_timeline
    from realtime_sync.floor f
    order by f.timeline desc, f.position desc",
    [],
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

/// The tick up to which the log has been truncated.
pub fn floor() -> Option<Tick> {
    let mut found = None;
    FLOOR.run([], |row| {
        found = Some(Tick::of(row));
        false
    });
    found
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

/// What of an event is asked for: by default, everything.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// An event with at least one of these topics.
    pub topics: Option<&'a Selection>,
    /// Not of transactions that this snapshot saw, taken while this was the timeline: on a later one
    /// their ids may have come again.
    pub unseen: Option<(&'a Snapshot, u32)>,
}

impl Wanted<'_> {
    fn has_transaction(&self, tick: &Tick, xid: u64) -> bool {
        self.unseen
            .is_none_or(|(seen, timeline)| tick.timeline != timeline || !seen.sees(xid))
    }
}

pub struct Event<'a> {
    /// Index into the ticks it was read from.
    pub tick: usize,
    pub id: i64,
    pub xid: u64,
    pub notified: bool,
    /// Milliseconds that it may be held back; 0: none.
    pub throttle: u32,
    /// The time of the statement.
    pub at: i64,
    /// A text[] as [`record::topic_texts`] takes it.
    pub topics: &'a [u8],
    /// Of a message.
    pub event: Option<&'a [u8]>,
    pub payload: Option<&'a [u8]>,
    /// JSON text.
    pub body: &'a [u8],
}

impl Event<'_> {
    /// Appends it in the native dialect, as its reader at this place gets it.
    pub fn write(&self, out: &mut Text, place: Place) {
        let cursor = place.text();
        let cursor = std::str::from_utf8(&cursor).ok();
        if self.event.is_none() && self.payload.is_none() {
            native::write_captured(out, self.id, self.xid, cursor, self.body);
        } else {
            native::write_message(
                out,
                self.id,
                self.xid,
                cursor,
                record::topic_texts(self.topics),
                self.event,
                self.payload.unwrap_or(b"null"),
                self.body,
            );
        }
    }
}

const RANGES: [Oid; 2] = [pg_sys::XID8ARRAYOID, pg_sys::XID8ARRAYOID];

static EVENTS: Statement<2> = Statement::new(
    c"select e.id, e.xid, e.topics, e.notified, e.event, e.payload, e.body, e.throttle, e.at
    from rows from (pg_catalog.unnest($1), pg_catalog.unnest($2)) as r(first, past)
    join realtime_sync.event e
        on e.xid operator(pg_catalog.>=) r.first and e.xid operator(pg_catalog.<) r.past",
    RANGES,
);

static EVENTS_OF: Statement<3> = Statement::new(
    c"select e.id, e.xid, e.topics, e.notified, e.event, e.payload, e.body, e.throttle, e.at
    from rows from (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)) as r(xid, first, last)
    join realtime_sync.event e
        on e.xid operator(pg_catalog.=) r.xid
            and e.id operator(pg_catalog.>=) r.first and e.id operator(pg_catalog.<=) r.last",
    [
        pg_sys::XID8ARRAYOID,
        pg_sys::INT8ARRAYOID,
        pg_sys::INT8ARRAYOID,
    ],
);

static PAIRS: Statement<2> = Statement::new(
    c"select e.id, e.xid, e.topics
    from rows from (pg_catalog.unnest($1), pg_catalog.unnest($2)) as r(first, past)
    join realtime_sync.event e
        on e.xid operator(pg_catalog.>=) r.first and e.xid operator(pg_catalog.<) r.past",
    RANGES,
);

static PAIRS_OF: Statement<2> = Statement::new(
    c"select e.id, e.xid, e.topics
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

/// (id, xid) of the events of one tick, with id > `after`: the smallest `max` of them, ascending. For a
/// tick too big to be read at once; memory is bounded by `max`. Where the tick is few transactions it
/// costs `max` index entries of each, else a pass over the tick's.
pub fn pairs(
    base: &Snapshot,
    tick: &Tick,
    after: i64,
    max: usize,
    wanted: Wanted,
) -> Vec<(i64, u64)> {
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
                        smallest.add(id, xid);
                        taken += 1;
                    }
                    room && taken < max
                });
            }
        }
        None => PAIRS.run(ranges(base, &tick.snapshot), |row| {
            let (id, xid) = (row.long(0), row.long(1) as u64);
            if id > after
                && smallest.has_room_for(id)
                && tick.snapshot.sees(xid)
                && wanted.has_transaction(tick, xid)
                && has_topic(row, wanted.topics, &mut scratch)
            {
                smallest.add(id, xid);
            }
            true
        }),
    }
    smallest.into_sorted()
}

/// The events of some of a tick's pairs: neighbours in its order of ids.
pub fn fetch(pairs: &[(i64, u64)], wanted: Wanted, each: impl FnMut(&Event)) {
    let mut by_xid = pairs.to_vec();
    by_xid.sort_unstable_by_key(|&(id, xid)| (xid, id));
    let (mut xids, mut first, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for same in by_xid.chunk_by(|a, b| a.1 == b.1) {
        xids.push(same[0].1);
        first.push(same[0].0 as u64);
        last.push(same[same.len() - 1].0 as u64);
    }
    let mut found = Found::new(usize::MAX);
    EVENTS_OF.run(
        [
            array(&xids, pg_sys::XID8OID),
            array(&first, pg_sys::INT8OID),
            array(&last, pg_sys::INT8OID),
        ],
        |row| {
            found.add(row, 0, wanted.topics);
            true
        },
    );
    found.each(each);
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

/// Transaction ids that `last` sees and `base` does not, as ranges: first ids, and the ids past them.
fn ranges(base: &Snapshot, last: &Snapshot) -> [Datum; 2] {
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
fn array(values: &[u64], element: Oid) -> Datum {
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

/// The smallest so many ids of any number.
struct Smallest {
    max: usize,
    pairs: Vec<(i64, u64)>,
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

    fn add(&mut self, id: i64, xid: u64) {
        reserve(&mut self.pairs);
        self.pairs.push((id, xid));
        if self.pairs.len() >= 2 * self.max.max(1) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.pairs.len() > self.max {
            let (_, next, _) = self.pairs.select_nth_unstable(self.max);
            self.bound = next.0;
            self.pairs.truncate(self.max);
        }
    }

    fn into_sorted(mut self) -> Vec<(i64, u64)> {
        self.cut();
        self.pairs.sort_unstable();
        self.pairs
    }
}

/// Memory kept for the next reading: new pages for each cost more than its events.
const KEPT: usize = 4 * 1024 * 1024;

/// Taken while in use: what is done with an event may read again.
static SPARE: Local<(Text, Vec<Entry>)> = Local::new((Text::new(), Vec::new()));

/// The first events in the order of tick and id, copied from rows in any order.
struct Found {
    text: Text,
    list: Vec<Entry>,
    limit: usize,
    /// What is not before this is not among the first.
    bound: (usize, i64),
    more: bool,
}

#[derive(Clone, Copy)]
struct Entry {
    tick: usize,
    id: i64,
    xid: u64,
    notified: bool,
    throttle: u32,
    at: i64,
    /// Where topics, event, payload and body end in the text; the first begins at `start`.
    start: usize,
    ends: [usize; 4],
    nulls: [bool; 2],
}

impl Found {
    fn new(limit: usize) -> Found {
        // SAFETY: the reference ends with this statement.
        let (mut text, mut list) = std::mem::take(unsafe { SPARE.get() });
        text.clear();
        list.clear();
        Found {
            text,
            list,
            limit,
            bound: (usize::MAX, i64::MAX),
            more: false,
        }
    }

    fn add(&mut self, row: &Row, tick: usize, topics: Option<&Selection>) {
        let place = (tick, row.long(0));
        if place >= self.bound {
            return;
        }
        let start = self.text.len();
        let Some(list) = row.get(2) else { return };
        // SAFETY: the columns are of these types.
        unsafe { write_topics(&mut self.text, list) };
        if let Some(topics) = topics
            && !record::topic_texts(&self.text.as_bytes()[start..]).any(|topic| topics.fits(topic))
        {
            self.text.truncate(start);
            return;
        }
        let mut ends = [self.text.len(); 4];
        for (end, column) in ends[1..].iter_mut().zip(4..) {
            if let Some(value) = row.get(column) {
                // SAFETY: text or json.
                unsafe { write_value(&mut self.text, value) };
            }
            *end = self.text.len();
        }
        reserve(&mut self.list);
        self.list.push(Entry {
            tick,
            id: row.long(0),
            xid: row.long(1) as u64,
            notified: row.long(3) != 0,
            throttle: row.get(7).map_or(0, |throttle| throttle.value() as u32),
            at: row.long(8),
            start,
            ends,
            nulls: [row.get(4).is_none(), row.get(5).is_none()],
        });
        if self.list.len() > self.limit.saturating_mul(2) {
            self.cut();
        }
    }

    /// Keeps the first.
    fn cut(&mut self) {
        self.list.sort_unstable_by_key(Entry::place);
        let Some(next) = self.list.get(self.limit) else {
            return;
        };
        self.bound = next.place();
        self.more = true;
        self.list.truncate(self.limit);
        let all = std::mem::take(&mut self.text);
        for entry in &mut self.list {
            let (from, to) = (self.text.len(), entry.ends[3]);
            self.text.extend(&all.as_bytes()[entry.start..to]);
            entry.ends = entry.ends.map(|end| from + end - entry.start);
            entry.start = from;
        }
    }

    /// In order; whether there were more.
    fn each(mut self, mut each: impl FnMut(&Event)) -> bool {
        self.list.sort_unstable_by_key(Entry::place);
        let text = self.text.as_bytes();
        for entry in self.list.iter().take(self.limit) {
            let [topics, event, payload, body] = entry.ends;
            each(&Event {
                tick: entry.tick,
                id: entry.id,
                xid: entry.xid,
                notified: entry.notified,
                throttle: entry.throttle,
                at: entry.at,
                topics: &text[entry.start..topics],
                event: (!entry.nulls[0]).then(|| &text[topics..event]),
                payload: (!entry.nulls[1]).then(|| &text[event..payload]),
                body: &text[payload..body],
            });
        }
        let more = self.more || self.list.len() > self.limit;
        self.text.clear();
        self.text.shrink_to(KEPT);
        if self.list.len() * size_of::<Entry>() <= KEPT {
            // SAFETY: the reference ends with this statement.
            unsafe { *SPARE.get() = (self.text, self.list) };
        }
        more
    }
}

impl Entry {
    fn place(&self) -> (usize, i64) {
        (self.tick, self.id)
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

fn reserve<T>(list: &mut Vec<T>) {
    if list.try_reserve(1).is_err() {
        let bytes = list.len().saturating_mul(2 * size_of::<T>());
        Error::OutOfMemory { bytes }.raise()
    }
}

/// Appends a value's bytes without its header.
///
/// # Safety
/// A varlena, as it is stored.
unsafe fn write_value(out: &mut Text, datum: Datum) {
    let value = datum.cast_mut_ptr::<pg_sys::varlena>();
    // SAFETY: the caller's promise. What is detoasted is given back at once: the executor's memory
    // lasts for the whole statement.
    unsafe {
        if pgrx::varatt_is_1b_e(value) || pgrx::varatt_is_4b_c(value) {
            let plain = pg_sys::pg_detoast_datum(value);
            out.extend(pgrx::varlena_to_byte_slice(plain));
            pg_sys::pfree(plain.cast());
        } else {
            out.extend(pgrx::varlena_to_byte_slice(value));
        }
    }
}

/// Appends a text[] in the form [`record::topic_texts`] takes: with a long header, of one dimension,
/// without nulls. Only an INSERT by hand makes others.
///
/// # Safety
/// A text[], as it is stored.
unsafe fn write_topics(out: &mut Text, datum: Datum) {
    let start = out.len();
    out.extend(&[0; 4]);
    // SAFETY: the caller's promise.
    unsafe { write_value(out, datum) };
    // ArrayType (array.h): dimensions, offset of the data where there are nulls.
    let word = |out: &Text, at: usize| {
        let bytes = &out.as_bytes()[start + at..start + at + 4];
        i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    };
    if word(out, 4) > 1 || word(out, 8) != 0 {
        out.truncate(start);
        out.extend(&[0; 4]);
        // SAFETY: as above; the copies go with the statement.
        unsafe {
            let (mut values, mut nulls, mut n) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
            let list = pg_sys::pg_detoast_datum(datum.cast_mut_ptr());
            let (element, align) = (pg_sys::TEXTOID, b'i' as c_char);
            pg_sys::deconstruct_array(
                list.cast(),
                element,
                -1,
                false,
                align,
                &mut values,
                &mut nulls,
                &mut n,
            );
            let mut kept = 0;
            for index in 0..n as usize {
                if !*nulls.add(index) {
                    *values.add(kept) = *values.add(index);
                    kept += 1;
                }
            }
            let plain = pg_sys::construct_array(values, kept as i32, element, -1, false, align);
            write_value(out, Datum::from(plain));
        }
    }
    let size = out.len() - start;
    out.as_mut_bytes()[start..start + 4].copy_from_slice(&record::varlena(size));
}

/// What the active snapshot sees, but for what this transaction may still write. Not for a standby,
/// whose snapshots show running transactions as ended.
pub fn current() -> Snapshot {
    // SAFETY: a function without arguments that gives a pg_snapshot.
    let mut current = unsafe {
        let datum = pgrx::direct_function_call_as_datum(pg_sys::pg_current_snapshot, &[]);
        datum.map_or(Snapshot::NONE, |datum| snapshot(datum))
    };
    // A snapshot does not list its own transaction as running.
    // SAFETY: reads this backend's state.
    let own = unsafe { pg_sys::GetTopFullTransactionIdIfAny() }.value;
    if own != 0
        && own < current.xmax
        && let Err(at) = current.running.binary_search(&own)
    {
        current.running.insert(at, own);
        current.xmin = current.xmin.min(own);
    }
    current
}

/// # Safety
/// A pg_snapshot, as it is stored.
unsafe fn snapshot(datum: Datum) -> Snapshot {
    // SAFETY: the caller's promise. Its form (xid8funcs.c), after the header: the count of running
    // transactions in four bytes, then xmin, xmax and those in eight each.
    unsafe {
        let value = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
        let bytes = pgrx::varlena_to_byte_slice(value);
        let (xids, _) = bytes[4..].as_chunks::<8>();
        let mut xids = xids.iter().map(|xid| u64::from_ne_bytes(*xid));
        Snapshot {
            xmin: xids.next().unwrap_or(0),
            xmax: xids.next().unwrap_or(0),
            running: xids.collect(),
        }
    }
}
