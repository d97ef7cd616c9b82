//! Updates that are kept out of the log while the window of their row is open: realtime_sync.held has the
//! last of each row, and the relay moves it into the log when the window ends.
//!
//! The table is read and written without the executor: that would take predicate locks, and refuse a row
//! that changed since a REPEATABLE READ transaction began, so that the user's own COMMIT failed.

mod table;

use super::layout::Layout;
use super::record;
use super::shared::{self, Counter};
use crate::error::Error;
use pgrx::pg_sys;
use table::Held;
use wire::throttle::Subject;

/// An index entry has room for 2,704 bytes. Updates of rows with longer keys are logged.
const LONGEST_KEY: usize = 2000;

/// A record as far as it matters here. Ordered by row, then as they were captured.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    table: u32,
    /// Empty: every row of the table.
    key: Vec<u8>,
    place: usize,
    /// May be held back.
    throttled: bool,
}

/// Takes out of a transaction's records, by taking them back, what is not to be logged: of a row's
/// updates that may be held back all but the last, and that too while the row's window is open or when
/// another change of the row follows.
pub fn settle(layout: &Layout, records: &mut [u8]) {
    let mut steps = steps(records);
    if steps.is_empty() {
        return;
    }
    // What a transaction has written in its command so far, it cannot lock; and it may have been here.
    // SAFETY: as between any two commands.
    unsafe { pg_sys::CommandCounterIncrement() };
    let Some(mut held) = Held::open(layout) else {
        return;
    };
    steps.sort_unstable();
    let mut suppressed = 0;
    let mut truncated = None;
    for steps in steps.chunk_by(|a, b| (a.table, &a.key) == (b.table, &b.key)) {
        let Some((last, before)) = steps.split_last() else {
            continue;
        };
        if last.key.is_empty() {
            suppressed += held.clear_table(last.table);
            truncated = Some((last.table, last.place));
            continue;
        }
        for step in before.iter().filter(|step| step.throttled) {
            record::take_back(&mut records[step.place..]);
            suppressed += 1;
        }
        let bytes = &mut records[last.place..];
        if truncated.is_some_and(|(table, place)| table == last.table && place > last.place) {
            if last.throttled {
                record::take_back(bytes);
                suppressed += 1;
            }
        } else if !last.throttled {
            suppressed += held.clear(last);
        } else {
            let (kept_out, replaced) = held.update(last, bytes);
            suppressed += replaced;
            if kept_out {
                record::take_back(bytes);
            } else {
                // It has been throttled.
                record::set_throttle(bytes, 0);
            }
        }
    }
    held.close();
    shared::count(Counter::Suppressed, suppressed);
}

fn steps(records: &mut [u8]) -> Vec<Step> {
    let mut steps = Vec::new();
    // Rust ends the process where one of the small allocations for keys fails.
    let mut probe = Vec::<u8>::new();
    if probe.try_reserve_exact(records.len()).is_err() {
        let bytes = records.len();
        Error::OutOfMemory { bytes }.raise();
    }
    drop(probe);
    let mut place = 0;
    for bytes in record::each(records) {
        let here = place;
        place += bytes.len();
        let Some(table) = record::table(bytes).filter(|_| record::is_pending(bytes)) else {
            continue;
        };
        // Ids that were taken before the row in the table is locked could be below that of an older
        // event which the relay moves meanwhile.
        record::set_id(bytes, 0);
        let throttled = record::throttle(bytes) > 0;
        let mut add = |key: Vec<u8>| {
            if key.len() > LONGEST_KEY {
                return;
            }
            if steps.try_reserve(1).is_err() {
                let bytes = size_of::<Step>() * steps.len();
                Error::OutOfMemory { bytes }.raise();
            }
            steps.push(Step {
                table,
                key,
                place: here,
                throttled,
            });
        };
        match Subject::in_table(&record::body(bytes)[4..], throttled) {
            Subject::Row(key) => add(key),
            Subject::Renamed(key, former) => {
                add(former);
                add(key);
            }
            Subject::Table(_) => add(Vec::new()),
            Subject::None => {}
        }
    }
    steps
}
