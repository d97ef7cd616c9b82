//! What sources keep out of the log until the window of its row ends, see `log/held.rs`.

use super::clock::{now, until, wall};
use super::{owner, statement};
use crate::log::layout::{self, Layout};
use crate::log::shared::{self, Counter};
use crate::log::statement::Statement;
use crate::log::subtransaction;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;

/// Rows moved at once: whoever writes one of them waits for the transaction.
const BATCH: i32 = 200;
/// What a transaction that has not ended yet locks is looked for again after so many microseconds.
const LOCKED: i64 = 100_000;
/// After a failure.
const FAILED: i64 = 1_000_000;

static NEXT: Statement<0> = Statement::new(
    c"select l.until, l.throttle, (select f.until from realtime_sync.held f order by f.until limit 1)
    from realtime_sync.held l
    order by l.until desc
    limit 1",
    [],
);

/// When the next window ends, as the active snapshot has it: at once where the last ends later than any that was
/// opened by now, by a clock that has been set back. A database without any such source pays a look at the table's
/// size.
pub fn next_due(layout: &Layout) -> Option<i64> {
    if layout.held == Oid::INVALID || is_empty(layout.held) {
        return None;
    }
    let mut due = None;
    NEXT.run([], |row| {
        let longest = wall().saturating_add(row.long(1) * 1_000);
        due = Some(match row.long(0) <= longest {
            true => until(row.long(2)),
            false => now(),
        });
        false
    });
    due
}

fn is_empty(table: Oid) -> bool {
    // SAFETY: a table that is there, or PostgreSQL raises.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::table_open(table, lock);
        let main = pg_sys::ForkNumber::MAIN_FORKNUM;
        let blocks = pg_sys::RelationGetNumberOfBlocksInFork(relation, main);
        pg_sys::table_close(relation, lock);
        blocks == 0
    }
}

/// Moves a batch of what is due into the log, in the caller's transaction: whether there was any, and
/// when to come again.
pub fn turn(layout: &Layout) -> (bool, Option<i64>) {
    let (mut moved, mut ended) = (0, 0);
    // SAFETY: popped below; an error ends the transaction and pops it too. The second sees what was done.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
    let done = subtransaction::attempt(|| (moved, ended) = statement::pair(MOVE, &[BATCH.into()]));
    // SAFETY: as above.
    unsafe {
        pg_sys::PopActiveSnapshot();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
    }
    let next = next_due(layout);
    // SAFETY: as above.
    unsafe { pg_sys::PopActiveSnapshot() };
    shared::count(Counter::Written, moved as u64);
    let wait = match done {
        Ok(()) if ended > 0 => 0,
        Ok(()) => LOCKED,
        Err(error) => {
            log!("realtime_sync could not log what was held back: {error}");
            FAILED
        }
    };
    (ended > 0, next.map(|due| due.max(now() + wait)))
}

/// Moves all that is held back of a table, whose options have changed: later events will not ask for it.
/// The table is locked against writers.
pub fn release(table: Oid) {
    let Some(layout) = layout::find() else { return };
    if layout.held == Oid::INVALID || is_empty(layout.held) {
        return;
    }
    owner::as_role(pg_sys::BOOTSTRAP_SUPERUSERID.into(), || {
        statement::run(RELEASE, &[table.into()]);
    });
}

const RELEASE: &str = "select realtime_sync.release_held($1)";
const MOVE: &str = "select m.moved, m.ended from realtime_sync.move_held($1) m";
