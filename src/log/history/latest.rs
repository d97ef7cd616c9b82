//! The newest tick of a segment and the floor without the executor, whose two starts were 29,000 of the 56,000
//! instructions of a `cursor()`. For who may read all of these tables: to anybody else, and where one is not as
//! expected, statements answer.

use super::tick::Tick;
use crate::log::layout;
use crate::log::scan::open_index;
use crate::log::statement::{Row, Statement};
use pgrx::pg_sys::{self, Datum, Oid, Relation};
use std::ffi::CStr;
use std::ptr;

const COLUMNS: [(&CStr, Oid); 4] = [
    (c"timeline", pg_sys::INT4OID),
    (c"position", pg_sys::INT8OID),
    (c"snapshot", pg_sys::PG_SNAPSHOTOID),
    (c"wal_timeline", pg_sys::INT4OID),
];
type Places = [usize; COLUMNS.len()];

static FLOOR: Statement<0> = Statement::new(
    c"select f.timeline, f.position, null::pg_catalog.int4, f.snapshot, f.wal_timeline
    from realtime_sync.floor f
    order by f.timeline desc, f.position desc",
    [],
);

/// The newest tick of one segment that the active snapshot sees, without its count of events: all segments together
/// cost twelve times as much. None too where only a statement can tell.
pub fn newest_of(segment: usize) -> Option<Tick> {
    let layout = layout::find()?;
    let mut found = None;
    // SAFETY: table and index stay open until the scan has ended, and the slot has the row as long.
    unsafe {
        let (table, places) = open(layout.tick, layout.ticks[segment])?;
        if let Some(index) = open_index(table, |index| is_by_place(index, &places)) {
            let snapshot = pg_sys::GetActiveSnapshot();
            let scan =
                pg_sys::systable_beginscan_ordered(table, index, snapshot, 0, ptr::null_mut());
            let backward = pg_sys::ScanDirection::BackwardScanDirection;
            if !pg_sys::systable_getnext_ordered(scan, backward).is_null() {
                found = Some(tick((*scan).slot, &places));
            }
            pg_sys::systable_endscan_ordered(scan);
            pg_sys::index_close(index, pg_sys::NoLock as pg_sys::LOCKMODE);
        }
        pg_sys::table_close(table, pg_sys::NoLock as pg_sys::LOCKMODE);
    }
    found
}

/// The tick up to which the log has been truncated.
pub fn floor() -> Option<Tick> {
    stored_floor().or_else(|| {
        let mut found = None;
        FLOOR.run([], |row| {
            found = Some(Tick::of(row));
            false
        });
        found
    })
}

fn stored_floor() -> Option<Tick> {
    let layout = layout::find()?;
    let mut found: Option<Tick> = None;
    // SAFETY: the table stays open until the scan has ended; the slot has the row until the next.
    unsafe {
        let (table, places) = open(layout.floor, layout.floor)?;
        let snapshot = pg_sys::GetActiveSnapshot();
        let scan =
            pg_sys::systable_beginscan(table, Oid::INVALID, false, snapshot, 0, ptr::null_mut());
        // Without a key it may have several rows: the greatest counts.
        while !pg_sys::systable_getnext(scan).is_null() {
            let row = tick((*scan).slot, &places);
            if found.as_ref().is_none_or(|found| row.end() > found.end()) {
                found = Some(row);
            }
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(table, pg_sys::NoLock as pg_sys::LOCKMODE);
    }
    found
}

/// A part of a table, or the whole, whose lock stays until the transaction ends. The whole is locked before its part,
/// as by every statement: beside a TRUNCATE of it, the part alone and then a statement were a deadlock.
fn open(whole: Oid, part: Oid) -> Option<(Relation, Places)> {
    let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
    // SAFETY: what does not exist may be locked and asked for; the table is open while its columns are looked at.
    unsafe {
        pg_sys::LockRelationOid(whole, lock);
        if !may_read(whole) {
            return None;
        }
        let table = pg_sys::try_table_open(part, lock);
        if table.is_null() {
            return None;
        }
        let places = layout::places((*table).rd_att, &COLUMNS, |_| true);
        if places.is_none() {
            pg_sys::table_close(table, pg_sys::NoLock as pg_sys::LOCKMODE);
        }
        Some((table, places?))
    }
}

/// Whether the current user may read all rows and columns.
fn may_read(table: Oid) -> bool {
    let mut missing = false;
    // SAFETY: catalog lookups, of a table that need not exist.
    unsafe {
        let user = pg_sys::GetUserId();
        let select = pg_sys::ACL_SELECT as pg_sys::AclMode;
        let policies = pg_sys::check_enable_rls(table, Oid::INVALID, true);
        pg_sys::pg_class_aclcheck_ext(table, user, select, &mut missing)
            == pg_sys::AclResult::ACLCHECK_OK
            && policies != pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32
    }
}

/// Whether an index has the rows in order of timeline and position, for any snapshot.
///
/// # Safety
/// It is open, and of the table that the places are of.
unsafe fn is_by_place(index: Relation, places: &Places) -> bool {
    // SAFETY: the caller's promise: as many columns and options as it has keys.
    unsafe {
        let form = (*index).rd_index;
        let keys = (*form).indnkeyatts as usize;
        let columns = (*form).indkey.values.as_slice(keys);
        let ascending = |key| *(*index).rd_indoption.add(key) == 0;
        keys >= 2
            && (0..2).all(|key| columns[key] as usize == places[key] + 1 && ascending(key))
            && !(*form).indcheckxmin
    }
}

/// # Safety
/// A slot with a row of the table that the places are of.
unsafe fn tick(slot: *mut pg_sys::TupleTableSlot, places: &Places) -> Tick {
    // SAFETY: the caller's promise.
    unsafe {
        pg_sys::slot_getallattrs(slot);
        let row = |n: usize| {
            let place = places[n];
            (
                *(*slot).tts_values.add(place),
                *(*slot).tts_isnull.add(place),
            )
        };
        let no_events = (Datum::null(), true);
        let columns = [row(0), row(1), no_events, row(2), row(3)];
        let (values, nulls) = (
            columns.map(|column| column.0),
            columns.map(|column| column.1),
        );
        Tick::of(&Row::new(&values, &nulls))
    }
}
