//! Events into the log, many at a time.

use super::indexes::Indexes;
use super::layout::{self, COLUMNS, Layout};
use super::record;
use super::server;
use super::shared::{self, Counter};
use pgrx::pg_sys::{self, Datum};
use pgrx::prelude::*;
use std::cell::Cell;

/// The last of COLUMNS, the only one that may be null.
const THROTTLE: usize = COLUMNS.len() - 1;

/// As COPY: a page's WAL record is shared by the rows that fit on it.
const BATCH_ROWS: usize = 256;
const BATCH_BYTES: usize = 64 * 1024;

thread_local! {
    static LAST_ID: Cell<i64> = const { Cell::new(0) };
    static TAKES_PART: Cell<bool> = const { Cell::new(false) };
    static TAKEN_ID: Cell<bool> = const { Cell::new(false) };
}

/// A segment opened for writing. Everything it allocates is in `memory`; an error frees that with
/// the transaction.
pub struct Writer {
    layout: Layout,
    places: [usize; COLUMNS.len()],
    segment: usize,
    notified: bool,
    xid: u64,
    relation: pg_sys::Relation,
    indexes: Indexes,
    /// Null for the first batch: its ring of buffers is 8 kB to clear, a seventh of what a transaction
    /// of one event costs.
    bulk: pg_sys::BulkInsertState,
    memory: pg_sys::MemoryContext,
    rows: pg_sys::MemoryContext,
    slots: *mut *mut pg_sys::TupleTableSlot,
    made: usize,
    filled: usize,
    bytes: usize,
}

impl Writer {
    /// Opens the segment, which the transaction has locked. None when its layout is not ours.
    pub fn open(layout: Layout, segment: usize, notified: bool) -> Option<Writer> {
        // SAFETY: the usual sequence of COPY (copyfrom.c) for a table whose indexes are maintained
        // and whose triggers are not fired.
        unsafe {
            let memory = pg_sys::AllocSetContextCreateInternal(
                pg_sys::CurrentMemoryContext,
                c"realtime_sync log".as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            );
            let caller = pg_sys::MemoryContextSwitchTo(memory);
            let relation = pg_sys::table_open(
                layout.segments[segment],
                pg_sys::RowExclusiveLock as pg_sys::LOCKMODE,
            );
            // Where the segment has a column that we cannot fill, this library is older than the table.
            let places = layout::places((*relation).rd_att, &COLUMNS, |other| !other.attnotnull);
            let writer = places.map(|places| Writer {
                layout,
                places,
                segment,
                notified,
                xid: pg_sys::GetTopFullTransactionId().value,
                relation,
                indexes: Indexes::open(relation),
                bulk: std::ptr::null_mut(),
                memory,
                rows: pg_sys::AllocSetContextCreateInternal(
                    memory,
                    c"realtime_sync rows".as_ptr(),
                    pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
                ),
                slots: pg_sys::palloc0(BATCH_ROWS * size_of::<usize>()).cast(),
                made: 0,
                filled: 0,
                bytes: 0,
            });
            pg_sys::MemoryContextSwitchTo(caller);
            if writer.is_none() {
                pg_sys::table_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
                pg_sys::MemoryContextDelete(memory);
            }
            writer
        }
    }

    /// Adds an event; its id is taken from the sequence unless it has one.
    pub fn add(&mut self, record: &mut [u8]) {
        if record::id(record) == 0 {
            record::set_id(record, take_id(&self.layout));
        }
        // In the order of COLUMNS. The two varlenas are read where the buffer has them: they are
        // copied once, into the tuple.
        let values = [
            Datum::from(record::id(record)),
            Datum::from(self.xid as i64),
            Datum::from(record::at(record)),
            Datum::from(self.segment as i16),
            Datum::from(self.notified),
            Datum::from(record::topics(record).as_ptr()),
            Datum::from(record::body(record).as_ptr()),
            Datum::from(record::throttle(record) as i32),
        ];
        let unthrottled = record::throttle(record) == 0;
        // SAFETY: `places` are attributes of this very descriptor, checked by type; the tuple is
        // formed before the record can change.
        unsafe {
            let caller = pg_sys::MemoryContextSwitchTo(self.memory);
            let desc = (*self.relation).rd_att;
            if self.filled == self.made {
                *self.slots.add(self.made) =
                    pg_sys::MakeSingleTupleTableSlot(desc, &raw const pg_sys::TTSOpsHeapTuple);
                self.made += 1;
            }
            pg_sys::MemoryContextSwitchTo(self.rows);
            let n = (*desc).natts as usize;
            let row = pg_sys::palloc(n * size_of::<Datum>()).cast::<Datum>();
            let nulls = pg_sys::palloc(n).cast::<bool>();
            std::ptr::write_bytes(nulls, 1, n);
            for (place, value) in self.places.into_iter().zip(values) {
                *row.add(place) = value;
                *nulls.add(place) = false;
            }
            *nulls.add(self.places[THROTTLE]) = unthrottled;
            let tuple = pg_sys::heap_form_tuple(desc, row, nulls);
            (*tuple).t_tableOid = (*self.relation).rd_id;
            pg_sys::ExecStoreHeapTuple(tuple, *self.slots.add(self.filled), false);
            pg_sys::MemoryContextSwitchTo(caller);
        }
        self.filled += 1;
        self.bytes += record.len();
        if self.filled == BATCH_ROWS || self.bytes >= BATCH_BYTES {
            self.flush();
            if self.bulk.is_null() {
                // SAFETY: made in the memory it is freed with.
                unsafe {
                    let caller = pg_sys::MemoryContextSwitchTo(self.memory);
                    self.bulk = pg_sys::GetBulkInsertState();
                    pg_sys::MemoryContextSwitchTo(caller);
                }
            }
        }
    }

    fn flush(&mut self) {
        if self.filled == 0 {
            return;
        }
        // SAFETY: the slots hold heap tuples of this relation; ExecInsertIndexTuples wants the tid
        // heap_multi_insert left in them.
        unsafe {
            let caller = pg_sys::MemoryContextSwitchTo(self.rows);
            pg_sys::heap_multi_insert(
                self.relation,
                self.slots,
                self.filled as i32,
                pg_sys::GetCurrentCommandId(true),
                0,
                self.bulk,
            );
            for n in 0..self.filled {
                let slot = *self.slots.add(n);
                self.indexes.add(slot);
                pg_sys::ExecClearTuple(slot);
            }
            pg_sys::MemoryContextSwitchTo(caller);
            pg_sys::MemoryContextReset(self.rows);
        }
        shared::count(Counter::Written, self.filled as u64);
        self.filled = 0;
        self.bytes = 0;
    }

    pub fn close(mut self) {
        self.flush();
        // SAFETY: the reverse of open(); the lock stays until the transaction ends.
        unsafe {
            for n in 0..self.made {
                pg_sys::ExecDropSingleTupleTableSlot(*self.slots.add(n));
            }
            if !self.bulk.is_null() {
                pg_sys::FreeBulkInsertState(self.bulk);
            }
            self.indexes.close();
            pg_sys::table_close(self.relation, pg_sys::NoLock as pg_sys::LOCKMODE);
            pg_sys::MemoryContextDelete(self.memory);
        }
    }
}

/// The next id, whatever the session's rights on the sequence: writing events is not its doing.
pub fn take_id(layout: &Layout) -> i64 {
    take_part();
    TAKEN_ID.set(true);
    // SAFETY: the sequence exists, or PostgreSQL raises.
    unsafe { server::nextval_internal(layout.sequence, false) }
}

/// The transaction captures or sends, so that the relay is to hear of its end.
pub fn take_part() {
    TAKES_PART.set(true);
}

pub fn takes_part() -> bool {
    TAKES_PART.get()
}

/// Whether the transaction has put something into the log.
pub fn has_taken_id() -> bool {
    TAKEN_ID.get()
}

/// For the end of the transaction.
pub fn leave() {
    TAKES_PART.set(false);
    TAKEN_ID.set(false);
}

/// The id of the row this backend has last put into the log by a plain INSERT.
pub fn last_id() -> i64 {
    LAST_ID.get()
}

#[pg_extern(sql = false)]
fn next_event_id() -> Option<i64> {
    let id = take_id(&layout::find()?);
    LAST_ID.set(id);
    Some(id)
}
