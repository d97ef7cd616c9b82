//! The table of what is held back, opened for writing.

use super::Step;
use crate::log::indexes::Indexes;
use crate::log::layout::Layout;
use crate::log::record;
use crate::log::scan::begin_scan;
use crate::log::server;
use pgrx::pg_sys::{self, Datum, Oid};

/// In the order of the table's columns.
const COLUMNS: [Oid; 7] = [
    pg_sys::OIDOID,
    pg_sys::TEXTOID,
    pg_sys::TIMESTAMPTZOID,
    pg_sys::INT4OID,
    pg_sys::TIMESTAMPTZOID,
    pg_sys::TEXTARRAYOID,
    pg_sys::JSONOID,
];
const UNTIL: usize = 2;
const BODY: usize = 6;

/// The table opened for writing. Everything it allocates is in `memory`; an error frees that with the
/// transaction.
pub struct Held {
    relation: pg_sys::Relation,
    indexes: Indexes,
    index: pg_sys::Relation,
    scan: pg_sys::IndexScanDesc,
    /// Sees what is not committed as well, and says whose it is.
    dirty: *mut pg_sys::SnapshotData,
    keys: [pg_sys::ScanKeyData; 2],
    wanted: i32,
    found: *mut pg_sys::TupleTableSlot,
    written: *mut pg_sys::TupleTableSlot,
    memory: pg_sys::MemoryContext,
    now: i64,
}

/// A row of the table, locked.
struct Found {
    tid: pg_sys::ItemPointerData,
    until: i64,
    holds: bool,
}

impl Held {
    /// None where the table is not there, or not as this library knows it.
    pub fn open(layout: &Layout) -> Option<Held> {
        if layout.held == Oid::INVALID {
            return None;
        }
        // SAFETY: the usual sequence of a table whose indexes are maintained, as in append.rs.
        unsafe {
            let memory = pg_sys::AllocSetContextCreateInternal(
                pg_sys::CurrentMemoryContext,
                c"realtime_sync held".as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            );
            let caller = pg_sys::MemoryContextSwitchTo(memory);
            let lock = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
            let relation = pg_sys::table_open(layout.held, lock);
            let desc = (*relation).rd_att;
            let known = (*desc).natts as usize == COLUMNS.len()
                && (0..COLUMNS.len()).all(|n| server::attribute(desc, n).atttypid == COLUMNS[n]);
            let mut opened = None;
            if known {
                let indexes = Indexes::open(relation);
                let dirty = pg_sys::palloc0(size_of::<pg_sys::SnapshotData>())
                    .cast::<pg_sys::SnapshotData>();
                (*dirty).snapshot_type = pg_sys::SnapshotType::SNAPSHOT_DIRTY;
                if let Some(index) = indexes.find(layout.held_row) {
                    opened = Some(Held {
                        relation,
                        indexes,
                        index,
                        scan: begin_scan(relation, index, dirty, 2),
                        dirty,
                        keys: Default::default(),
                        wanted: 2,
                        found: pg_sys::table_slot_create(relation, std::ptr::null_mut()),
                        written: pg_sys::MakeSingleTupleTableSlot(
                            desc,
                            &raw const pg_sys::TTSOpsVirtual,
                        ),
                        memory,
                        now: pg_sys::GetCurrentTimestamp(),
                    });
                } else {
                    indexes.close();
                }
            }
            pg_sys::MemoryContextSwitchTo(caller);
            if opened.is_none() {
                pg_sys::table_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
                pg_sys::MemoryContextDelete(memory);
            }
            opened
        }
    }

    pub fn close(self) {
        // SAFETY: the reverse of open(); the lock stays until the transaction ends.
        unsafe {
            pg_sys::index_endscan(self.scan);
            pg_sys::ExecDropSingleTupleTableSlot(self.found);
            pg_sys::ExecDropSingleTupleTableSlot(self.written);
            self.indexes.close();
            pg_sys::table_close(self.relation, pg_sys::NoLock as pg_sys::LOCKMODE);
            pg_sys::MemoryContextDelete(self.memory);
        }
    }

    /// The last update of a row, which may be held back: whether it is, and whether that replaces one.
    pub fn update(&mut self, step: &Step, bytes: &[u8]) -> (bool, u64) {
        let window = i64::from(record::throttle(bytes)) * 1_000;
        self.seek(step.table, Some(&step.key));
        match self.lock_next() {
            Some(row) => {
                let replaced = u64::from(row.holds);
                // A window that ends later than any can was opened by a clock that has been set back.
                let open = self.now < row.until && row.until <= self.now + window;
                if open {
                    self.write(Some(row.tid), step, row.until, bytes, true);
                } else {
                    self.write(Some(row.tid), step, self.now + window, bytes, false);
                }
                (open, replaced)
            }
            None => {
                self.write(None, step, self.now + window, bytes, false);
                (false, 0)
            }
        }
    }

    /// Another change of the row says all that the update held back would have said: how many those were.
    pub fn clear(&mut self, step: &Step) -> u64 {
        self.seek(step.table, Some(&step.key));
        match self.lock_next() {
            Some(row) if row.holds => {
                // SAFETY: lock_next() has left the row in the slot.
                unsafe {
                    self.copy_found();
                    *(*self.written).tts_isnull.add(BODY) = true;
                }
                self.put(Some(row.tid));
                1
            }
            _ => 0,
        }
    }

    pub fn clear_table(&mut self, table: u32) -> u64 {
        let mut cleared = 0;
        self.seek(table, None);
        while let Some(mut row) = self.lock_next() {
            // SAFETY: the row is locked by this transaction.
            unsafe {
                pg_sys::simple_table_tuple_delete(
                    self.relation,
                    &mut row.tid,
                    std::ptr::null_mut(),
                );
            }
            cleared += u64::from(row.holds);
        }
        cleared
    }

    fn seek(&mut self, table: u32, key: Option<&[u8]>) {
        // SAFETY: two keys of the index's types; the text lives as long as the scan.
        unsafe {
            let equal = pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber;
            let table = Datum::from(Oid::from(table));
            pg_sys::ScanKeyInit(&mut self.keys[0], 1, equal, pg_sys::F_OIDEQ.into(), table);
            if let Some(key) = key {
                let key = self.text(key);
                pg_sys::ScanKeyInit(&mut self.keys[1], 2, equal, pg_sys::F_TEXTEQ.into(), key);
            }
            let wanted = 1 + i32::from(key.is_some());
            if self.wanted != wanted {
                pg_sys::index_endscan(self.scan);
                self.scan = begin_scan(self.relation, self.index, self.dirty, wanted);
                self.wanted = wanted;
            }
        }
        self.restart();
    }

    fn restart(&mut self) {
        // SAFETY: the keys outlive the scan's use of them.
        unsafe {
            let keys = self.keys.as_mut_ptr();
            pg_sys::index_rescan(self.scan, keys, self.wanted, std::ptr::null_mut(), 0);
        }
    }

    /// The next of the rows sought that is there when nobody else works on it any more. It may be the
    /// relay, for the milliseconds of its transaction; another writer has the source's row locked too.
    fn lock_next(&mut self) -> Option<Found> {
        // SAFETY: as RelationFindReplTupleByIndex (execReplication.c), by which subscriptions find rows.
        unsafe {
            loop {
                let forward = pg_sys::ScanDirection::ForwardScanDirection;
                if !pg_sys::index_getnext_slot(self.scan, forward, self.found) {
                    return None;
                }
                let other = match (*self.dirty).xmin {
                    pg_sys::InvalidTransactionId => (*self.dirty).xmax,
                    xmin => xmin,
                };
                if other != pg_sys::InvalidTransactionId {
                    let nothing = std::ptr::null_mut();
                    let wait = pg_sys::XLTW_Oper::XLTW_None;
                    pg_sys::ExecClearTuple(self.found);
                    pg_sys::XactLockTableWait(other, nothing, nothing.cast(), wait);
                    self.restart();
                    continue;
                }
                let mut tid = (*self.found).tts_tid;
                match self.lock(&mut tid) {
                    pg_sys::TM_Result::TM_Ok => {}
                    pg_sys::TM_Result::TM_Updated | pg_sys::TM_Result::TM_Deleted => {
                        self.restart();
                        continue;
                    }
                    // Of this very command, which settle() has ruled out.
                    _ => return None,
                }
                pg_sys::slot_getallattrs(self.found);
                return Some(Found {
                    tid,
                    until: (*(*self.found).tts_values.add(UNTIL)).value() as i64,
                    holds: !*(*self.found).tts_isnull.add(BODY),
                });
            }
        }
    }

    /// Locks a version of a row where it is still the newest.
    unsafe fn lock(&mut self, tid: &mut pg_sys::ItemPointerData) -> pg_sys::TM_Result::Type {
        // SAFETY: the table's own access method, whose errors find a handler here.
        let result = unsafe {
            let lock = (*(*self.relation).rd_tableam).tuple_lock;
            let lock = lock.expect("every access method has it");
            let mut failure = pg_sys::TM_FailureData::default();
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                lock(
                    self.relation,
                    tid,
                    pg_sys::GetActiveSnapshot(),
                    self.found,
                    pg_sys::GetCurrentCommandId(false),
                    pg_sys::LockTupleMode::LockTupleExclusive,
                    pg_sys::LockWaitPolicy::LockWaitBlock,
                    0,
                    &mut failure,
                )
            })
        };
        pgrx::check_for_interrupts!();
        result
    }

    fn write(
        &mut self,
        tid: Option<pg_sys::ItemPointerData>,
        step: &Step,
        until: i64,
        bytes: &[u8],
        holds: bool,
    ) {
        // In the order of COLUMNS; what is not held is null.
        let values = [
            Datum::from(Oid::from(step.table)),
            self.text(&step.key),
            Datum::from(until),
            Datum::from(record::throttle(bytes) as i32),
            Datum::from(record::at(bytes)),
            Datum::from(record::topics(bytes).as_ptr()),
            Datum::from(record::body(bytes).as_ptr()),
        ];
        // SAFETY: the slot has the table's columns; the values live until it is put.
        unsafe {
            pg_sys::ExecClearTuple(self.written);
            for (n, value) in values.into_iter().enumerate() {
                *(*self.written).tts_values.add(n) = value;
                *(*self.written).tts_isnull.add(n) = n > 3 && !holds;
            }
        }
        self.put(tid);
    }

    unsafe fn copy_found(&mut self) {
        // SAFETY: both slots have the table's columns; the values live as long as the row is in the slot.
        unsafe {
            pg_sys::ExecClearTuple(self.written);
            for n in 0..COLUMNS.len() {
                *(*self.written).tts_values.add(n) = *(*self.found).tts_values.add(n);
                *(*self.written).tts_isnull.add(n) = *(*self.found).tts_isnull.add(n);
            }
        }
    }

    /// Puts what `written` has in the place of a row, or beside the others.
    fn put(&mut self, tid: Option<pg_sys::ItemPointerData>) {
        // SAFETY: the row is locked by this transaction; the slot is filled.
        unsafe {
            pg_sys::ExecStoreVirtualTuple(self.written);
            let indexed = match tid {
                Some(mut tid) => {
                    #[cfg(feature = "pg15")]
                    let mut indexed = false;
                    #[cfg(not(feature = "pg15"))]
                    let mut indexed = pg_sys::TU_UpdateIndexes::TU_None;
                    pg_sys::simple_table_tuple_update(
                        self.relation,
                        &mut tid,
                        self.written,
                        std::ptr::null_mut(),
                        &mut indexed,
                    );
                    #[cfg(not(feature = "pg15"))]
                    let indexed = indexed != pg_sys::TU_UpdateIndexes::TU_None;
                    indexed
                }
                None => {
                    pg_sys::simple_table_tuple_insert(self.relation, self.written);
                    true
                }
            };
            if indexed {
                self.indexes.add(self.written);
            }
        }
    }

    /// A text datum.
    fn text(&self, bytes: &[u8]) -> Datum {
        // SAFETY: copied into memory of the right size.
        unsafe {
            let caller = pg_sys::MemoryContextSwitchTo(self.memory);
            let text = pg_sys::cstring_to_text_with_len(bytes.as_ptr().cast(), bytes.len() as i32);
            pg_sys::MemoryContextSwitchTo(caller);
            Datum::from(text)
        }
    }
}
