//! Replay: what a reader has missed since its cursor.

use super::history::{self, Event, Tick, Wanted};
use super::layout::{self, SEGMENTS};
use super::octets::Octets;
use super::server::Local;
use super::{native, shared, wal};
use crate::error::Error;
use crate::relay::wake;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo};
use pgrx::prelude::*;
use std::sync::atomic::Ordering::Relaxed;
use wire::buffer::Text;
use wire::cursor::{Cursor, Place};
use wire::selection::Selection;
use wire::snapshot::Snapshot;

/// More at once gain nothing: from some hundred events on a call costs what its events cost.
const MOST_EVENTS: usize = 10_000;

/// Events looked at for a reader who wants only some of them.
const LOOKED_AT: usize = 10_000;

/// The answer goes to the client as one value, of a gigabyte at most; events of 64 kB would reach it.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// Events of a tick that is read by their ids that are fetched at once: 32 MB of the largest. To begin reading
/// costs as much as some ten.
const CHUNK: usize = 500;

/// Topics a reader may name, and their bytes: they are sorted without a look at interrupts.
const MOST_TOPICS: usize = 10_000;
const LARGEST_TOPICS: usize = 8 * 1024 * 1024;

/// Memory kept for the next answer: new pages for each cost more than its events.
const KEPT: usize = 4 * 1024 * 1024;

/// Taken while in use: a policy may call replay() itself.
static SPARE: Local<Text> = Local::new(Text::new());

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_realtime_sync_replay() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// `(since, topics, max_events)`. Text goes through as PostgreSQL holds it, in any encoding.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn realtime_sync_replay(fcinfo: FunctionCallInfo) -> Datum {
    // SAFETY: declared in SQL with (text, text[], integer).
    let (since, topics, most) = unsafe {
        (
            Octets::argument(fcinfo, 0),
            pgrx::pg_getarg_datum(fcinfo, 1).map(|topics| selection(topics)),
            pgrx::pg_getarg_datum(fcinfo, 2).map_or(1000, |most| most.value() as i32),
        )
    };
    let since = since.unwrap_or_else(|| Error::NoCursor.raise());
    let Some(cursor) = std::str::from_utf8(since.bytes())
        .ok()
        .and_then(Cursor::parse)
    else {
        let begin = since.bytes();
        let text = String::from_utf8_lossy(&begin[..begin.len().min(400)]);
        let text = text.chars().take(100).collect();
        Error::MalformedCursor { text }.raise()
    };
    if most < 1 {
        Error::MaxEvents(most).raise();
    }
    let mut answer = replay(&cursor, topics.as_ref(), MOST_EVENTS.min(most as usize));
    wake::remind();
    let datum = Datum::from(pgrx::rust_byte_slice_to_bytea(answer.as_bytes()).into_pg());
    answer.clear();
    answer.shrink_to(KEPT);
    // SAFETY: the reference ends with this statement.
    unsafe { *SPARE.get() = answer };
    datum
}

/// A tick the caller's snapshot sees, the newest or one of the last, and that snapshot.
#[pg_extern(sql = false)]
fn cursor() -> String {
    let place = recent().unwrap_or_else(|| {
        let newest = history::newest().or_else(history::floor);
        // Without either table's row nothing was ever ticked: the beginning.
        newest.map_or(Place::end_of(0, 0), |tick| tick.end())
    });
    // SAFETY: reads shared memory.
    let seen = unsafe { !pg_sys::RecoveryInProgress() }.then(history::current);
    if let Some(seen) = &seen {
        keep_ids(seen);
    }
    Cursor { place, seen }.to_string()
}

/// The newest tick of the segment that is written to, unless that is not among the last: which segment
/// it is, shared memory knows as a hint only. A cursor of an older tick is as right as one of the newest,
/// because replay leaves out what its snapshot saw, but expires sooner. It may have expired already, where
/// retention could not empty the segment's ticks, or be of before a failover.
fn recent() -> Option<Place> {
    /// Positions handed out since. Not all have a tick.
    const FAR: u64 = 1000;
    let last = shared::relay().position.load(Relaxed);
    if last == 0 || !shared::is_own() {
        return None;
    }
    // SAFETY: not in recovery, where no position is handed out.
    let wal_timeline = unsafe { pg_sys::GetWALInsertionTimeLine() };
    let newest = history::newest_of(shared::segment() as usize % SEGMENTS)?;
    let (place, floor) = (newest.end(), history::floor()?.end());
    let near = last.saturating_sub(place.position) < FAR;
    (newest.wal_timeline == wal_timeline && near && place >= floor).then_some(place)
}

/// Makes sure that no crash gives the ids this snapshot saw to other transactions, whose events it would
/// then leave out: after one, ids go on from the last that reached the disk. Nothing to do when the
/// last transaction to end was a commit that waited for the disk.
fn keep_ids(seen: &Snapshot) {
    let last = pg_sys::TransactionId::from(seen.xmax.wrapping_sub(1) as u32);
    // SAFETY: not in recovery; an id the snapshot saw is recent enough to be looked up.
    unsafe {
        if pg_sys::TransactionIdDidCommit(last) {
            pg_sys::XLogFlush(pg_sys::TransactionIdGetCommitLSN(last));
        } else {
            wal::flush();
        }
    }
}

fn replay(since: &Cursor, topics: Option<&Selection>, most: usize) -> Text {
    lock_segments();
    let floor = latest_floor();
    let Some(base) = base(&since.place, floor.as_ref()) else {
        expired(since.place, floor)
    };
    let looked_at = match topics {
        Some(_) => most.max(LOOKED_AT),
        None if has_policies() => most.max(LOOKED_AT),
        None => most,
    };
    let (ticks, mut more) = ticks(&base, looked_at as u64);
    // Of the tick that the cursor is in the middle of, the rest.
    let rest = ticks.first().filter(|tick| tick.is_at(&since.place));
    let after = rest.map_or(i64::MIN, |_| since.place.id as i64);
    // The first floor knows of no tick before it: a cursor that does is of another log.
    if base.position == 0 && since.place.position > 0 && rest.is_none() {
        expired(since.place, floor);
    }
    let timeline = match ticks.first() {
        // A cursor made before the first tick has no timeline of its own.
        Some(first) if since.place.timeline == 0 && base.position == 0 => first.timeline,
        _ => since.place.timeline,
    };
    let reset = is_undone(since, timeline, floor.as_ref());
    let seen = since.seen.as_ref().filter(|_| !reset);
    let wanted = Wanted {
        topics,
        unseen: seen.map(|seen| (seen, timeline)),
        bytes: Some(LARGEST_ANSWER),
    };
    let mut answer = Answer::new(&ticks);
    let cut = match ticks.as_slice() {
        [big] if big.events.is_none_or(|n| n > looked_at as u64) => {
            // One more, to know whether it was all.
            let mut pairs = history::pairs(&base.snapshot, big, after, most + 1, wanted);
            let mut cut = pairs.len() > most;
            pairs.truncate(most);
            for chunk in pairs.chunks(CHUNK) {
                if answer.text.len() > LARGEST_ANSWER {
                    cut = true;
                    break;
                }
                cut |= history::fetch(chunk, wanted, |event| answer.add(event));
            }
            cut
        }
        ticks => history::read(&base.snapshot, ticks, after, most, wanted, |event| {
            answer.add(event)
        }),
    };
    // The locks keep the segments; what went with them before must have been told.
    let floor = latest_floor();
    if floor.as_ref().is_some_and(|floor| floor.end() > base.end()) {
        expired(since.place, floor);
    }

    let (place, read) = match (&answer.last, ticks.last()) {
        (Some((tick, place)), _) if cut || answer.full => {
            more = true;
            (*place, tick.checked_sub(1).map_or(&base, |n| &ticks[n]))
        }
        (_, Some(last)) => (last.end(), last),
        // Never back: a tick that was lost in a crash had a position that does not come again.
        (_, None) if !reset => (since.place, &base),
        (_, None) => (base.end(), &base),
    };
    let seen = seen.filter(|seen| {
        !read.snapshot.covers(seen) && (ticks.is_empty() || place.timeline == timeline)
    });
    answer.finish(
        &Cursor {
            place,
            seen: seen.cloned(),
        },
        more,
        reset,
    )
}

/// Nobody truncates them before this transaction ends.
fn lock_segments() {
    for segment in layout::find().iter().flat_map(|layout| layout.segments) {
        // SAFETY: the relation exists, or the lock is of nothing.
        unsafe { pg_sys::LockRelationOid(segment, pg_sys::AccessShareLock as pg_sys::LOCKMODE) };
    }
}

/// The newest tick, or the floor, whose end the reader has reached.
fn base(since: &Place, floor: Option<&Tick>) -> Option<Tick> {
    let whole = since.id == Place::END || since.position == 0;
    let position = since.position as i64 - i64::from(!whole);
    let tick = history::tick_up_to(since.timeline, position);
    let floor =
        floor.filter(|floor| (floor.timeline, floor.position as i64) <= (since.timeline, position));
    match (tick, floor) {
        (Some(tick), Some(floor)) if tick.end() >= floor.end() => Some(tick),
        (tick, None) => tick,
        (_, floor) => floor.cloned(),
    }
}

/// The ticks after `base` whose events are at most `limit` together, or one that has more; whether
/// there are more ticks.
fn ticks(base: &Tick, limit: u64) -> (Vec<Tick>, bool) {
    let mut ticks: Vec<Tick> = Vec::new();
    let (mut sum, mut more) = (0u64, false);
    history::after(base.timeline, base.position, |tick| {
        sum = sum.saturating_add(tick.events.unwrap_or(u64::MAX));
        more = sum > limit && !ticks.is_empty();
        if !more {
            ticks.push(tick);
        }
        !more
    });
    (ticks, more)
}

/// Whether the reader may have seen what failover or recovery has undone: a place beyond what this
/// history has of its timeline, or data of a load that reached beyond it.
fn is_undone(since: &Cursor, timeline: u32, floor: Option<&Tick>) -> bool {
    let (newest, ticked) = history::newest().map_or((0, 0), |tick| (tick.timeline, tick.position));
    let newest = newest.max(floor.map_or(0, |floor| floor.timeline));
    if timeline >= newest {
        return timeline > newest
            || since.place.position > ticked && is_ahead(since.place.position);
    }
    let own = |tick: &Tick| tick.timeline == timeline;
    let tick = history::tick_up_to(timeline, i64::MAX).filter(own);
    let last = tick.or_else(|| floor.cloned().filter(own));
    last.is_none_or(|last| {
        since.place.position > last.position
            || since
                .seen
                .as_ref()
                .is_some_and(|seen| !last.snapshot.covers(seen))
    })
}

/// Whether a position is beyond the last that was handed out here, as one is of a history that a copy of the server's
/// files without recovery has left behind, on the same timeline. Shared memory knows once there was a tick since the
/// server started, whose position is above all that a crash has lost; a standby never does, whose primary may be ahead. Nor
/// need it know of a relay of a newer library, installed while the server runs: what has a tick is not ahead either.
fn is_ahead(position: u64) -> bool {
    let last = shared::relay().position.load(Relaxed);
    shared::is_own() && last > 0 && position > last
}

/// The floor by a new snapshot: an older one sees a segment that has since been truncated as empty.
fn latest_floor() -> Option<Tick> {
    // SAFETY: popped below; an error aborts the (sub)transaction, which pops it.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) };
    let floor = history::floor();
    // SAFETY: pushed above.
    unsafe { pg_sys::PopActiveSnapshot() };
    floor
}

fn expired(since: Place, floor: Option<Tick>) -> ! {
    let oldest = floor.map(|floor| floor.end());
    Error::ExpiredCursor { since, oldest }.raise()
}

fn has_policies() -> bool {
    layout::find().is_some_and(|layout| {
        // SAFETY: a catalog lookup for the current user.
        let active = unsafe { pg_sys::check_enable_rls(layout.event, pg_sys::Oid::INVALID, true) };
        active == pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32
    })
}

/// # Safety
/// A text[].
unsafe fn selection(topics: Datum) -> Selection {
    // SAFETY: the caller's promise; detoasted, an array says how long it is and how many it has.
    let (list, count, bytes) = unsafe {
        let list = pg_sys::pg_detoast_datum(topics.cast_mut_ptr());
        let array = list.cast::<pg_sys::ArrayType>();
        let dimensions = array.add(1).cast::<i32>();
        let count = pg_sys::ArrayGetNItems((*array).ndim, dimensions);
        (Datum::from(list), count as usize, pgrx::varsize_any(list))
    };
    if count > MOST_TOPICS || bytes > LARGEST_TOPICS {
        Error::TooManyTopics { count, bytes }.raise();
    }
    let mut selection = Selection::default();
    // SAFETY: as above.
    for topic in unsafe { native::elements(list) } {
        if let Err(fault) = selection.add(topic.bytes()) {
            let pattern = String::from_utf8_lossy(topic.bytes()).into_owned();
            let fault = fault.to_string();
            Error::TopicSelection { pattern, fault }.raise();
        }
    }
    selection.sort();
    selection
}

struct Answer<'a> {
    ticks: &'a [Tick],
    text: Text,
    /// The last event's tick and place.
    last: Option<(usize, Place)>,
    full: bool,
}

impl Answer<'_> {
    fn new(ticks: &[Tick]) -> Answer<'_> {
        // SAFETY: the reference ends with this statement.
        let mut text = std::mem::take(unsafe { SPARE.get() });
        text.clear();
        text.extend(br#"{"events":["#);
        Answer {
            ticks,
            text,
            last: None,
            full: false,
        }
    }

    fn add(&mut self, event: &Event) {
        self.full |= self.text.len() > LARGEST_ANSWER;
        if self.full {
            return;
        }
        let tick = &self.ticks[event.tick];
        let place = tick.place_of(event.id as u64);
        if self.last.is_some() {
            self.text.push(b',');
        }
        self.last = Some((event.tick, place));
        event.write(&mut self.text, place);
    }

    fn finish(mut self, cursor: &Cursor, more: bool, reset: bool) -> Text {
        let end = format!(r#"],"cursor":"{cursor}","more":{more},"reset":{reset}}}"#);
        self.text.extend(end.as_bytes());
        self.text
    }
}
