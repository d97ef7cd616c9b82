//! What a crash cannot undo.

use pgrx::pg_sys;

/// Makes durable all that is visible by now. Not in recovery.
pub fn flush() {
    // SAFETY: what has been inserted is flushed.
    unsafe { pg_sys::XLogFlush(end()) };
}

/// The end of the last record inserted. At a page's border GetXLogInsertRecPtr() gives the place of
/// the next record, past the header of a page that has nothing yet, and XLogFlush() raises when asked
/// for more than there is (XLogBytePosToRecPtr, xlog.c).
fn end() -> u64 {
    /// Sizes of a page's header, and of that of a segment's first page (xlog_internal.h).
    const SHORT: u64 = 24;
    const LONG: u64 = 40;
    // SAFETY: reads shared memory and a setting that is fixed at the server's start.
    let (next, segment) = unsafe {
        (
            pg_sys::GetXLogInsertRecPtr(),
            pg_sys::wal_segment_size as u64,
        )
    };
    if next % segment == LONG {
        next - LONG
    } else if next % u64::from(pg_sys::XLOG_BLCKSZ) == SHORT {
        next - SHORT
    } else {
        next
    }
}
