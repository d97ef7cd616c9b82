//! Server functions called for every row, without pgrx's guard: it costs 15 ns a call against 4
//! (measured), and a 12-column row makes a dozen. An error in them longjmps past the Rust frames
//! between here and the trigger manager, so those frames hold nothing with a destructor.

#![allow(non_snake_case, reason = "the server's own names")]

use pgrx::pg_sys::{self, Datum, Oid};
use std::ffi::{c_char, c_int};

unsafe extern "C-unwind" {
    pub fn slot_getsomeattrs_int(slot: *mut pg_sys::TupleTableSlot, attnum: c_int);
    pub fn pg_detoast_datum_packed(datum: *mut pg_sys::varlena) -> *mut pg_sys::varlena;
    pub fn toast_raw_datum_size(value: Datum) -> usize;
    pub fn OutputFunctionCall(flinfo: *mut pg_sys::FmgrInfo, val: Datum) -> *mut c_char;
    pub fn FunctionCall1Coll(flinfo: *mut pg_sys::FmgrInfo, collation: Oid, arg: Datum) -> Datum;
    pub fn GetCurrentSubTransactionId() -> pg_sys::SubTransactionId;
    pub fn GetCurrentStatementStartTimestamp() -> pg_sys::TimestampTz;
    pub fn die(signal: c_int);
    pub fn SignalHandlerForConfigReload(signal: c_int);
    pub fn SetLatch(latch: *mut pg_sys::Latch);
    pub fn GetCurrentTransactionStopTimestamp() -> pg_sys::TimestampTz;
    pub fn GetConfigOption(
        name: *const c_char,
        missing_ok: bool,
        restrict_privileged: bool,
    ) -> *const c_char;
}

/// In TimeoutId (utils/timeout.h), the same in PostgreSQL 15 to 18.
pub const STATEMENT_TIMEOUT: c_int = 3;

// Not in pgrx's bindings (catalog/partition.h, commands/sequence.h, commands/async.h,
// replication/message.h, utils/timeout.h).
#[pgrx::pg_guard]
unsafe extern "C-unwind" {
    pub fn get_partition_ancestors(relid: Oid) -> *mut pg_sys::List;
    pub fn has_partition_attrs(
        rel: pg_sys::Relation,
        attnums: *mut pg_sys::Bitmapset,
        used_in_expr: *mut bool,
    ) -> bool;
    pub fn nextval_internal(relid: Oid, check_permissions: bool) -> i64;
    pub fn Async_Notify(channel: *const c_char, payload: *const c_char);
    pub fn enable_timeout_every(id: c_int, fin_time: pg_sys::TimestampTz, delay_ms: c_int);
    pub fn disable_timeout(id: c_int, keep_indicator: bool);
    pub fn get_timeout_active(id: c_int) -> bool;
}

#[cfg(not(any(feature = "pg17", feature = "pg18")))]
#[pgrx::pg_guard]
unsafe extern "C-unwind" {
    pub fn LogLogicalMessage(
        prefix: *const c_char,
        message: *const c_char,
        size: usize,
        transactional: bool,
    ) -> pg_sys::XLogRecPtr;
}

#[cfg(any(feature = "pg17", feature = "pg18"))]
#[pgrx::pg_guard]
unsafe extern "C-unwind" {
    pub fn LogLogicalMessage(
        prefix: *const c_char,
        message: *const c_char,
        size: usize,
        transactional: bool,
        flush: bool,
    ) -> pg_sys::XLogRecPtr;
}

/// QUEUE_MAX_PAGE of commands/async.c, half of what its page numbers tell apart.
#[cfg(not(any(feature = "pg17", feature = "pg18")))]
pub const NOTIFY_QUEUE_PAGES: c_int = 1_048_576;

#[cfg(any(feature = "pg17", feature = "pg18"))]
unsafe extern "C" {
    pub static max_notify_queue_pages: c_int;
}

/// The attribute at this place (from 0) of a tuple descriptor.
///
/// # Safety
/// `desc` is a valid descriptor of more than `index` attributes, and outlives the reference.
pub unsafe fn attribute<'a>(
    desc: pg_sys::TupleDesc,
    index: usize,
) -> &'a pg_sys::FormData_pg_attribute {
    // SAFETY: the caller's promise; from PostgreSQL 18 on the array has moved behind a function.
    #[cfg(feature = "pg18")]
    unsafe {
        &*pg_sys::TupleDescAttr(desc, index as c_int)
    }
    #[cfg(not(feature = "pg18"))]
    unsafe {
        &*(*desc).attrs.as_ptr().add(index)
    }
}

/// State of this backend. A backend is one thread, so a plain cell does; its users take references
/// for as short as a statement, because a row's encoding may run another trigger.
pub struct Local<T>(std::cell::UnsafeCell<T>);

// SAFETY: PostgreSQL runs a backend in one thread; pgrx refuses calls from any other.
unsafe impl<T> Sync for Local<T> {}

impl<T> Local<T> {
    pub const fn new(value: T) -> Local<T> {
        Local(std::cell::UnsafeCell::new(value))
    }

    /// # Safety
    /// No other reference from this cell is used while this one lives.
    #[allow(clippy::mut_from_ref)]
    #[inline]
    pub unsafe fn get(&self) -> &mut T {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.0.get() }
    }
}
