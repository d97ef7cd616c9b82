//! Rows of ticks and progress, added to the ring's current segment without the executor: as a statement with
//! its routing each was 53,000 instructions of a tick.

use crate::log::indexes::Indexes;
use crate::log::layout;
use pgrx::pg_sys::{self, Datum, Oid};
use std::ffi::CStr;

/// Adds a row; false where the segment is not as this library knows it, as after an update of the extension:
/// then a statement is to fill in what the new columns' defaults are.
pub fn add<const N: usize>(
    segment: Oid,
    columns: &[(&CStr, Oid); N],
    values: [Option<Datum>; N],
) -> bool {
    if segment == Oid::INVALID {
        return false;
    }
    // SAFETY: the usual sequence for a table whose indexes are maintained; `places` are attributes of this
    // very descriptor, checked by type, and all of them. The next command sees the row.
    unsafe {
        let table = pg_sys::table_open(segment, pg_sys::RowExclusiveLock as pg_sys::LOCKMODE);
        let desc = (*table).rd_att;
        let places = layout::places(desc, columns, |_| false);
        if let Some(places) = places {
            let indexes = Indexes::open(table);
            let slot = pg_sys::MakeSingleTupleTableSlot(desc, &raw const pg_sys::TTSOpsVirtual);
            // What is dropped is null.
            std::ptr::write_bytes((*slot).tts_isnull, 1, (*desc).natts as usize);
            for (place, value) in places.into_iter().zip(values) {
                *(*slot).tts_isnull.add(place) = value.is_none();
                *(*slot).tts_values.add(place) = value.unwrap_or(Datum::null());
            }
            pg_sys::ExecStoreVirtualTuple(slot);
            pg_sys::simple_table_tuple_insert(table, slot);
            indexes.add(slot);
            pg_sys::ExecDropSingleTupleTableSlot(slot);
            indexes.close();
            pg_sys::CommandCounterIncrement();
        }
        pg_sys::table_close(table, pg_sys::NoLock as pg_sys::LOCKMODE);
        places.is_some()
    }
}
