//! A changed row, as the trigger manager hands it over.

use super::plan::Column;
use super::value;
use crate::log::server;
use pgrx::pg_sys::{self, Datum};

/// A row deformed: values and nulls, by attribute.
#[derive(Clone, Copy)]
pub struct Row {
    pub values: *const Datum,
    pub nulls: *const bool,
    /// Where the row was deformed.
    pub slot: *mut pg_sys::TupleTableSlot,
}

impl Row {
    /// # Safety
    /// The slot holds a row of its own descriptor, as long as the result is used.
    #[inline]
    pub unsafe fn of(slot: *mut pg_sys::TupleTableSlot) -> Row {
        // SAFETY: the caller's promise.
        unsafe {
            let n = (*(*slot).tts_tupleDescriptor).natts;
            if i32::from((*slot).tts_nvalid) < n {
                server::slot_getsomeattrs_int(slot, n);
            }
            Row {
                values: (*slot).tts_values,
                nulls: (*slot).tts_isnull,
                slot,
            }
        }
    }

    #[inline]
    pub fn get(&self, column: usize) -> Option<Datum> {
        // SAFETY: a row has as many values as its plan has columns.
        unsafe { (!*self.nulls.add(column)).then(|| *self.values.add(column)) }
    }

    #[inline]
    pub fn has_same(&self, other: Row, n: usize, column: &Column) -> bool {
        match (self.get(n), other.get(n)) {
            // SAFETY: both are values of this column's type.
            (Some(a), Some(b)) => unsafe { value::same(a, b, column.length, column.by_value) },
            (None, None) => true,
            _ => column.absent,
        }
    }
}

#[derive(Clone, Copy)]
pub enum Change {
    Insert(Row),
    Update(Row, Row),
    Delete(Row),
    /// The row has left the feed: OLD passed the filter and NEW does not.
    Leave(Row),
    Truncate,
}

impl Change {
    pub fn with(self, fill: impl Fn(Row) -> Row) -> Change {
        match self {
            Change::Insert(new) => Change::Insert(fill(new)),
            Change::Update(old, new) => Change::Update(fill(old), fill(new)),
            Change::Delete(old) => Change::Delete(fill(old)),
            Change::Leave(old) => Change::Leave(fill(old)),
            Change::Truncate => Change::Truncate,
        }
    }
}
