//! The segment to write to, locked so that it cannot be truncated before the commit.

use super::append;
use super::layout::{Layout, SEGMENTS};
use super::shared;
use pgrx::pg_sys;
use pgrx::prelude::*;

/// Locks a segment for this transaction: the current one, or the next that nobody is truncating, so
/// that no writer ever waits for retention. Taken for the whole transaction even inside a savepoint,
/// or its rollback would give the lock up while outer events still need it.
pub fn lock(layout: &Layout) -> usize {
    append::take_part();
    let current = shared::segment() as usize % SEGMENTS;
    // SAFETY: the resource owner is put back; an error in between aborts the (sub)transaction, which
    // sets its own.
    unsafe {
        let owner = pg_sys::CurrentResourceOwner;
        pg_sys::CurrentResourceOwner = pg_sys::TopTransactionResourceOwner;
        let mode = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
        let free = (0..SEGMENTS)
            .map(|n| (current + n) % SEGMENTS)
            .find(|&n| pg_sys::ConditionalLockRelationOid(layout.segments[n], mode));
        let segment = free.unwrap_or_else(|| {
            pg_sys::LockRelationOid(layout.segments[current], mode);
            current
        });
        pg_sys::CurrentResourceOwner = owner;
        segment
    }
}

#[pg_extern(sql = false)]
fn current_segment() -> i16 {
    shared::segment() as i16
}

/// Makes new events of this database go to another segment.
#[pg_extern(sql = false)]
fn set_segment(segment: i16) {
    shared::set_segment(u32::from(segment.unsigned_abs()) % SEGMENTS as u32);
}
