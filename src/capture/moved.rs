//! A row moved between partitions: PostgreSQL fires DELETE on the old leaf and INSERT on the new one,
//! one right after the other. They are one UPDATE. The key does not tell them: a primary key contains
//! the partition key, which is what changed.

use super::plan::Plan;
use super::row::Row;
use crate::log::record;
use crate::log::server::{self, Local};
use pgrx::pg_sys::{self, Oid};
use wire::buffer::Text;
use wire::options::Operation;

/// The DELETE half of a move, until the INSERT half comes. An app's trigger may run in between.
struct Pending {
    root: Oid,
    command: pg_sys::CommandId,
    subtransaction: pg_sys::SubTransactionId,
    /// The old row in the buffer's transaction memory, and its leaf's descriptor.
    tuple: pg_sys::HeapTuple,
    desc: pg_sys::TupleDesc,
    /// The DELETE's record in the buffer: start and end, equal where none was wanted.
    record: (usize, usize),
}

static PENDING: Local<Option<Pending>> = Local::new(None);

fn discard(is: impl FnOnce(&mut Pending) -> bool) {
    // SAFETY: the copies are freed where nothing refers to them any more.
    unsafe {
        if let Some(pending) = PENDING.get().take_if(is) {
            pending.free();
        }
    }
}

/// # Safety
/// `tuple` is the deleted row of `relation`, a partition with this plan.
pub unsafe fn remember(
    plan: &Plan,
    relation: pg_sys::Relation,
    tuple: pg_sys::HeapTuple,
    record: (usize, usize),
) {
    discard(|_| true);
    if !plan.pairs_halves() {
        return;
    }
    // SAFETY: copies live until their (sub)transaction is rolled back or the whole one ends, and the
    // pointers are dropped before that.
    unsafe {
        let caller = pg_sys::MemoryContextSwitchTo(pg_sys::CurTransactionContext);
        let pending = Pending {
            root: plan.root,
            command: pg_sys::HeapTupleHeaderGetCmax((*tuple).t_data),
            subtransaction: server::GetCurrentSubTransactionId(),
            tuple: pg_sys::heap_copytuple(tuple),
            // With what columns added since have in rows that were there before.
            desc: pg_sys::CreateTupleDescCopyConstr((*relation).rd_att),
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
/// `tuple` is the inserted row of a partition with this plan, `new` the same deformed.
pub unsafe fn complete(
    plan: &Plan,
    tuple: pg_sys::HeapTuple,
    new: Row,
    text: &mut Text,
) -> Option<Row> {
    // SAFETY: the pending copies are alive until they are freed here; the deformed row is in the
    // trigger's own memory, as long as the call.
    unsafe {
        let command = pg_sys::HeapTupleHeaderGetCmin((*tuple).t_data);
        let pending = PENDING
            .get()
            .take_if(|pending| pending.is_of(plan, command))?;
        let old = pending.row((*new.slot).tts_tupleDescriptor);
        let same = |&n: &usize| old.has_same(new, n, &plan.columns[n]);
        let whole = plan.pairs_halves() && plan.unmoved.iter().all(same);
        let (start, end) = pending.record;
        if whole && end > start && plan.wants(Operation::Delete) {
            record::take_back(&mut text.as_mut_bytes()[start..end]);
        }
        pending.free();
        whole.then_some(old)
    }
}

impl Plan {
    /// Whether halves, of which a WHEN may keep some away, can be known to be of one row: by its whole key, which no
    /// move changes. For a source without DELETEs or INSERTs the rest of the key has to do, or a move would not
    /// be told at all.
    fn pairs_halves(&self) -> bool {
        if !self.conditional {
            return true;
        }
        let both = self.wants(Operation::Delete) && self.wants(Operation::Insert);
        let told = if both { self.key.len() } else { 1 };
        !self.unmoved.is_empty() && self.unmoved.len() >= told
    }
}

impl Pending {
    fn is_of(&self, plan: &Plan, command: pg_sys::CommandId) -> bool {
        self.root == plan.root && self.command == command
    }

    /// The row as a leaf of this descriptor would have it, in the current memory context.
    unsafe fn row(&self, desc: pg_sys::TupleDesc) -> Row {
        // SAFETY: a copied descriptor is not counted, so its slot needs no release.
        unsafe {
            let map = pg_sys::convert_tuples_by_name(self.desc, desc);
            let tuple = if map.is_null() {
                pg_sys::heap_copytuple(self.tuple)
            } else {
                pg_sys::execute_attr_map_tuple(self.tuple, map)
            };
            let slot = pg_sys::MakeSingleTupleTableSlot(
                pg_sys::CreateTupleDescCopyConstr(desc),
                &raw const pg_sys::TTSOpsHeapTuple,
            );
            pg_sys::ExecStoreHeapTuple(tuple, slot, false);
            Row::of(slot)
        }
    }

    unsafe fn free(self) {
        // SAFETY: the copies are this module's own.
        unsafe {
            pg_sys::heap_freetuple(self.tuple);
            pg_sys::FreeTupleDesc(self.desc);
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

/// For an INSERT into a foreign partition, which may be the other half: it does not say of which command it is.
pub fn give_up(plan: &Plan) {
    discard(|pending| pending.root == plan.root);
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

/// For the next DELETE of the same command: the row before it has gone for good.
///
/// # Safety
/// `tuple` is the deleted row of a relation with this plan.
pub unsafe fn pass(plan: &Plan, tuple: pg_sys::HeapTuple) {
    if !is_pending() {
        return;
    }
    // SAFETY: the caller's promise.
    let command = unsafe { pg_sys::HeapTupleHeaderGetCmax((*tuple).t_data) };
    discard(|pending| pending.is_of(plan, command));
}

/// For a subtransaction that aborts: only drops the pointer to what goes with its memory.
pub fn roll_back(subtransaction: pg_sys::SubTransactionId) {
    // SAFETY: the reference ends with this function, which calls nothing.
    let pending = unsafe { PENDING.get() };
    if pending
        .as_ref()
        .is_some_and(|pending| pending.subtransaction >= subtransaction)
    {
        *pending = None;
    }
}
