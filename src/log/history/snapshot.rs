//! What a moment saw, from PostgreSQL's form of it.

use crate::log::record;
use pgrx::pg_sys::{self, Datum};
use wire::snapshot::Snapshot;

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
pub unsafe fn snapshot(datum: Datum) -> Snapshot {
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

/// As PostgreSQL stores it: its header is the first half of the first word.
pub fn stored(snapshot: &Snapshot) -> Vec<u64> {
    let size = 8 * (3 + snapshot.running.len());
    let [a, b, c, d] = record::varlena(size);
    let [e, f, g, h] = (snapshot.running.len() as u32).to_ne_bytes();
    let mut words = Vec::with_capacity(size / 8);
    words.push(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    words.extend([snapshot.xmin, snapshot.xmax]);
    words.extend(&snapshot.running);
    words
}
