//! A row moved between partitions: PostgreSQL fires DELETE on the old leaf and INSERT on the new one.
//! When both are of one key and one command, they are one UPDATE.

use super::event::Row;
use super::plan::Plan;
use crate::log::record;
use crate::log::server::Local;
use pgrx::pg_sys::{self, Datum, Oid};
use wire::buffer::Text;
use wire::options::Operation;

/// The last DELETE from a partition, until the next event shows whether the row comes back.
struct Pending {
    root: Oid,
    command: pg_sys::CommandId,
    /// The old row in the buffer's transaction memory, and its leaf's descriptor.
    tuple: pg_sys::HeapTuple,
    desc: pg_sys::TupleDesc,
    /// The DELETE's record in the buffer: start and end, equal where none was wanted.
    record: (usize, usize),
}

impl Pending {
    /// # Safety
    /// The transaction the copies were made in is still running.
    unsafe fn free(self) {
        // SAFETY: the copies are this module's own, and the caller's promise.
        unsafe {
            pg_sys::heap_freetuple(self.tuple);
            pg_sys::FreeTupleDesc(self.desc);
        }
    }
}

static PENDING: Local<Option<Pending>> = Local::new(None);

/// # Safety
/// `tuple` is the deleted row of `relation`, a partition with this plan.
pub unsafe fn remember(
    plan: &Plan,
    relation: pg_sys::Relation,
    tuple: pg_sys::HeapTuple,
    record: (usize, usize),
) {
    // SAFETY: copies live until the transaction ends; forget() drops the pointers before that.
    unsafe {
        let caller = pg_sys::MemoryContextSwitchTo(pg_sys::CurTransactionContext);
        forget_and_free();
        let pending = Pending {
            root: plan.root,
            command: pg_sys::HeapTupleHeaderGetCmax((*tuple).t_data),
            tuple: pg_sys::heap_copytuple(tuple),
            desc: pg_sys::CreateTupleDescCopy((*relation).rd_att),
            record,
        };
        pg_sys::MemoryContextSwitchTo(caller);
        *PENDING.get() = Some(pending);
    }
}

/// The old row of a move that this INSERT completes, in the new leaf's layout; the DELETE's record is
/// taken back.
///
/// # Safety
/// `tuple` is the inserted row of `relation`, a partition with this plan; `new` is its values.
pub unsafe fn complete(
    plan: &Plan,
    relation: pg_sys::Relation,
    tuple: pg_sys::HeapTuple,
    new: Row,
    text: &mut Text,
) -> Option<Row> {
    // SAFETY: the pending copies are alive; the deformed row is in the trigger's own memory, as long
    // as the call.
    unsafe {
        let pending = PENDING.get().take()?;
        if pending.root != plan.root
            || plan.key.is_empty()
            || pending.command != pg_sys::HeapTupleHeaderGetCmin((*tuple).t_data)
        {
            pending.free();
            return None;
        }
        let desc = (*relation).rd_att;
        let map = pg_sys::convert_tuples_by_name(pending.desc, desc);
        let old = if map.is_null() {
            pg_sys::heap_copytuple(pending.tuple)
        } else {
            pg_sys::execute_attr_map_tuple(pending.tuple, map)
        };
        let (start, end) = pending.record;
        // Not left to the end of the transaction: a statement may move millions of rows.
        pending.free();
        let n = (*desc).natts as usize;
        let values = pg_sys::palloc(n * size_of::<Datum>()).cast::<Datum>();
        let nulls = pg_sys::palloc(n).cast::<bool>();
        pg_sys::heap_deform_tuple(old, desc, values, nulls);
        let old = Row {
            values,
            nulls,
            slot: std::ptr::null_mut(),
        };
        if !plan
            .key
            .iter()
            .all(|&n| old.has_same(new, n, &plan.columns[n]))
        {
            return None;
        }
        if end > start && plan.wants(Operation::Delete) {
            record::take_back(&mut text.as_mut_bytes()[start..end]);
        }
        Some(old)
    }
}

/// Only drops the pointers: the memory goes with the transaction.
pub fn forget_row() {
    // SAFETY: the reference ends with this statement.
    unsafe { *PENDING.get() = None };
}

pub fn is_pending() -> bool {
    // SAFETY: the reference ends with this statement.
    unsafe { PENDING.get() }.is_some()
}

/// Only drops pointers, so it is safe at the end of a transaction.
pub fn forget() {
    // SAFETY: the references end with each statement.
    unsafe {
        *PENDING.get() = None;
        *TRUNCATED.get() = None;
    }
}

/// The root the last TRUNCATE named, and its command.
static TRUNCATED: Local<Option<(Oid, pg_sys::CommandId)>> = Local::new(None);

/// Whether this TRUNCATE of a leaf is part of one of its root, which has told it already: PostgreSQL
/// fires the root's trigger first, then each leaf's.
pub fn is_told(plan: &Plan, relation: Oid) -> bool {
    // SAFETY: the reference ends with each statement; the command id is not marked as used.
    unsafe {
        let now = Some((plan.root, pg_sys::GetCurrentCommandId(false)));
        if relation == plan.root {
            *TRUNCATED.get() = now;
            return false;
        }
        *TRUNCATED.get() == now
    }
}

/// For the next DELETE: the row before it has gone for good.
pub fn forget_and_free() {
    // SAFETY: the copies are this module's own.
    unsafe {
        if let Some(pending) = PENDING.get().take() {
            pending.free();
        }
    }
}
