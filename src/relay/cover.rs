//! A tick without delivery, for retention: what realtime_sync.max_log_size makes go before a relay has
//! come to it needs one that tells readers how far the log is gone.

use super::tick;
use crate::error::Error;
use crate::log::shared;
use crate::log::{history, layout, wal};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::sync::atomic::Ordering::SeqCst;

/// Makes a tick of what is committed by now, up to this transaction; all that is ticked already is in it
/// too. Later transactions wait for the relay: what the log loses they are not part of.
#[pg_extern(sql = false)]
fn make_tick(newest_xid: i64) {
    let layout = layout::find().unwrap_or_else(|| Error::LogDamaged.raise());
    tick::lock(&layout);
    // SAFETY: popped below; an error ends the transaction and pops it too.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
    let newest = history::last();
    let mut snapshot = history::current();
    let past = newest.snapshot.xmax.max(newest_xid as u64 + 1);
    if past < snapshot.xmax {
        snapshot.running.retain(|xid| *xid < past);
        snapshot.xmax = past;
        snapshot.xmin = snapshot.running.first().copied().unwrap_or(past);
    }
    tick::insert(&layout, &tick::next(&layout, &newest, snapshot));
    // Whoever sends it later does not know which of its commits the disk had by then.
    wal::flush();
    // A relay that ticked before has to look again.
    shared::relay().turns.fetch_add(1, SeqCst);
    // SAFETY: pushed above.
    unsafe { pg_sys::PopActiveSnapshot() };
}
