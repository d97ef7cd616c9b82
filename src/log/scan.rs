//! The log read by its index without the executor: to prepare a statement over eight segments was a third of
//! what a tick of one event costs. For the relay, which may read everything: no policy is asked.

use super::layout::{self, Layout};
use super::statement::Row;
use crate::error::Error;
use pgrx::PgList;
use pgrx::pg_sys::{self, Datum, Oid};
use std::ffi::CStr;

/// As the statements that read events select them.
const COLUMNS: [(&CStr, Oid); 9] = [
    (c"id", pg_sys::INT8OID),
    (c"xid", pg_sys::XID8OID),
    (c"topics", pg_sys::TEXTARRAYOID),
    (c"notified", pg_sys::BOOLOID),
    (c"event", pg_sys::TEXTOID),
    (c"payload", pg_sys::JSONOID),
    (c"body", pg_sys::JSONOID),
    (c"throttle", pg_sys::INT4OID),
    (c"at", pg_sys::TIMESTAMPTZOID),
];

/// Every event that the active snapshot sees of the transactions in these ranges (first id, id past the
/// last), until `each` returns false. All segments are looked into, whatever was written to last: of a
/// transaction that is open or prepared for long, others may have gone on to the next segments since.
pub fn each(layout: &Layout, ranges: &[(u64, u64)], mut each: impl FnMut(&Row) -> bool) {
    // The whole before its parts, as every statement does: beside a TRUNCATE of the log, segments alone and
    // then a statement of the same transaction were a deadlock.
    // SAFETY: the table exists, or what follows raises.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        pg_sys::LockRelationOid(layout.event, lock);
    }
    for segment in layout.segments {
        if !each_of(segment, ranges, &mut each) {
            return;
        }
    }
}

fn each_of(segment: Oid, ranges: &[(u64, u64)], each: &mut dyn FnMut(&Row) -> bool) -> bool {
    let mut reader = Reader::open(segment);
    let read_on = ranges
        .iter()
        .all(|&(first, past)| reader.each(first, past, each));
    reader.close();
    read_on
}

struct Reader {
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    scan: pg_sys::IndexScanDesc,
    /// None until there is a row: most segments have none.
    row: Option<(*mut pg_sys::TupleTableSlot, [usize; COLUMNS.len()])>,
}

impl Reader {
    fn open(segment: Oid) -> Reader {
        // SAFETY: the segment exists, or PostgreSQL raises; the lock keeps it.
        unsafe {
            let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
            let table = pg_sys::table_open(segment, lock);
            // By transaction and id.
            let index = open_index(table, |index| *(*index).rd_opcintype == pg_sys::XID8OID);
            let index = index.unwrap_or_else(|| Error::LogDamaged.raise());
            Reader {
                table,
                index,
                scan: begin_scan(table, index, pg_sys::GetActiveSnapshot(), 2),
                row: None,
            }
        }
    }

    fn each(&mut self, first: u64, past: u64, each: &mut dyn FnMut(&Row) -> bool) -> bool {
        let mut keys: [pg_sys::ScanKeyData; 2] = Default::default();
        // SAFETY: two keys of the index's first column; they are copied into the scan. A slot's values
        // are good until its next row.
        unsafe {
            let from = pg_sys::BTGreaterEqualStrategyNumber as pg_sys::StrategyNumber;
            let below = pg_sys::BTLessStrategyNumber as pg_sys::StrategyNumber;
            let [first, past] = [first, past].map(Datum::from);
            pg_sys::ScanKeyInit(&mut keys[0], 1, from, pg_sys::F_XID8GE.into(), first);
            pg_sys::ScanKeyInit(&mut keys[1], 1, below, pg_sys::F_XID8LT.into(), past);
            pg_sys::index_rescan(self.scan, keys.as_mut_ptr(), 2, std::ptr::null_mut(), 0);
            let forward = pg_sys::ScanDirection::ForwardScanDirection;
            while !pg_sys::index_getnext_tid(self.scan, forward).is_null() {
                let (slot, places) = *self.row.get_or_insert_with(|| row_of(self.table));
                // False of a version that the snapshot does not see.
                if !pg_sys::index_fetch_heap(self.scan, slot) {
                    continue;
                }
                pg_sys::slot_getallattrs(slot);
                let values = places.map(|place| *(*slot).tts_values.add(place));
                let nulls = places.map(|place| *(*slot).tts_isnull.add(place));
                if !each(&Row::new(&values, &nulls)) {
                    return false;
                }
                pgrx::check_for_interrupts!();
            }
        }
        true
    }

    fn close(self) {
        // SAFETY: the reverse of open(). The locks stay until the transaction ends, which is cheaper than to
        // give them back one by one.
        unsafe {
            let no_lock = pg_sys::NoLock as pg_sys::LOCKMODE;
            if let Some((slot, _)) = self.row {
                pg_sys::ExecDropSingleTupleTableSlot(slot);
            }
            pg_sys::index_endscan(self.scan);
            pg_sys::index_close(self.index, no_lock);
            pg_sys::table_close(self.table, no_lock);
        }
    }
}

/// A slot for a table's rows, and where in it the columns are.
fn row_of(table: pg_sys::Relation) -> (*mut pg_sys::TupleTableSlot, [usize; COLUMNS.len()]) {
    // SAFETY: the table is open.
    unsafe {
        let places = layout::places((*table).rd_att, &COLUMNS, |_| true);
        let places = places.unwrap_or_else(|| Error::LogDamaged.raise());
        let slot = pg_sys::table_slot_create(table, std::ptr::null_mut());
        (slot, places)
    }
}

/// The index of this shape: REINDEX CONCURRENTLY makes another of another oid.
///
/// # Safety
/// The table is open and locked, so that its indexes stay.
pub unsafe fn open_index(
    table: pg_sys::Relation,
    fits: impl Fn(pg_sys::Relation) -> bool,
) -> Option<pg_sys::Relation> {
    // SAFETY: the caller's promise.
    unsafe {
        let list = PgList::<Oid>::from_pg(pg_sys::RelationGetIndexList(table));
        for oid in list.iter_oid() {
            let index = pg_sys::index_open(oid, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
            if (*(*index).rd_rel).relam == pg_sys::BTREE_AM_OID
                && (*(*index).rd_index).indisvalid
                && pg_sys::RelationGetIndexPredicate(index).is_null()
                && fits(index)
            {
                return Some(index);
            }
            pg_sys::index_close(index, pg_sys::NoLock as pg_sys::LOCKMODE);
        }
    }
    None
}

/// # Safety
/// As index_beginscan().
pub unsafe fn begin_scan(
    relation: pg_sys::Relation,
    index: pg_sys::Relation,
    snapshot: pg_sys::Snapshot,
    keys: i32,
) -> pg_sys::IndexScanDesc {
    // SAFETY: the caller's promise; from PostgreSQL 18 on EXPLAIN ANALYZE may count.
    #[cfg(not(feature = "pg18"))]
    unsafe {
        pg_sys::index_beginscan(relation, index, snapshot, keys, 0)
    }
    #[cfg(feature = "pg18")]
    unsafe {
        pg_sys::index_beginscan(relation, index, snapshot, std::ptr::null_mut(), keys, 0)
    }
}
