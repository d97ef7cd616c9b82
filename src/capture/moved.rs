//! A row moved between partitions: PostgreSQL fires DELETE on the old leaf and INSERT on the new one,
//! one right after the other. They are one UPDATE. The key does not tell them: a primary key contains
//! the partition key, which is what changed.

use super::plan::Plan;
use super::row::Row;
use crate::log::record;
use crate::log::server::Local;
use pgrx::pg_sys::{self, Datum, Oid};
use wire::buffer::Text;
use wire::options::Operation;

/// The DELETE half of a move, until the INSERT half comes.
struct Pending {
    root: Oid,
    command: pg_sys::CommandId,
    /// The old row in the buffer's transaction memory, and its leaf's descriptor.
    tuple: pg_sys::HeapTuple,
    desc: pg_sys::TupleDesc,
    /// The DELETE's record in the buffer: start and end, equal where none was wanted.
    record: (usize, usize),
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
/// `tuple` is the inserted row of `relation`, a partition with this plan.
pub unsafe fn complete(
    plan: &Plan,
    relation: pg_sys::Relation,
    tuple: pg_sys::HeapTuple,
    text: &mut Text,
) -> Option<Row> {
    // SAFETY: the pending copies are alive until they are freed here; the deformed row is in the
    // trigger's own memory, as long as the call.
    unsafe {
        let pending = PENDING.get().take()?;
        let old = pending.complete(plan, relation, tuple, text);
        pg_sys::heap_freetuple(pending.tuple);
        pg_sys::FreeTupleDesc(pending.desc);
        old
    }
}

impl Pending {
    unsafe fn complete(
        &self,
        plan: &Plan,
        relation: pg_sys::Relation,
        tuple: pg_sys::HeapTuple,
        text: &mut Text,
    ) -> Option<Row> {
        // SAFETY: as the function above.
        unsafe {
            if self.root != plan.root
                || self.command != pg_sys::HeapTupleHeaderGetCmin((*tuple).t_data)
            {
                return None;
            }
            let desc = (*relation).rd_att;
            let map = pg_sys::convert_tuples_by_name(self.desc, desc);
            let old = if map.is_null() {
                pg_sys::heap_copytuple(self.tuple)
            } else {
                pg_sys::execute_attr_map_tuple(self.tuple, map)
            };
            let n = (*desc).natts as usize;
            let values = pg_sys::palloc(n * size_of::<Datum>()).cast::<Datum>();
            let nulls = pg_sys::palloc(n).cast::<bool>();
            pg_sys::heap_deform_tuple(old, desc, values, nulls);
            let (start, end) = self.record;
            if end > start && plan.wants(Operation::Delete) {
                record::take_back(&mut text.as_mut_bytes()[start..end]);
            }
            Some(Row {
                values,
                nulls,
                slot: std::ptr::null_mut(),
            })
        }
    }
}

/// Whether a deleted row has gone to another partition, which its old version says in place of the
/// pointer to the new one (HeapTupleHeaderIndicatesMovedPartitions, htup_details.h).
///
/// # Safety
/// `tuple` is the row as the table has it, after the DELETE.
pub unsafe fn is_half(tuple: pg_sys::HeapTuple) -> bool {
    const MOVED_PARTITIONS: u16 = 0xfffd;
    // SAFETY: the caller's promise.
    let next = unsafe { (*(*tuple).t_data).t_ctid };
    next.ip_posid == MOVED_PARTITIONS
        && next.ip_blkid.bi_hi == u16::MAX
        && next.ip_blkid.bi_lo == u16::MAX
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
            pg_sys::heap_freetuple(pending.tuple);
            pg_sys::FreeTupleDesc(pending.desc);
        }
    }
}
