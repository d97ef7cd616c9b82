//! A dialect that is a function of the user's: it gets an event as json and gives the text to send. And
//! what it takes to call such a function, whatever has become of it since it was let in.

use crate::log::octets::Octets;
use pgrx::pg_sys::{self, Datum};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CString, c_int};

thread_local! {
    /// By statement. PostgreSQL plans again what a function's change has made stale.
    static PLANS: RefCell<HashMap<Vec<u8>, pg_sys::SPIPlanPtr>> = RefCell::new(HashMap::new());
}

pub struct Dialect(pg_sys::SPIPlanPtr);

impl Dialect {
    /// `signature` is what add_sink() wrote: schema.name(json), quoted. For the current user.
    pub fn open(signature: &[u8]) -> Dialect {
        let name = signature.strip_suffix(b"(json)").unwrap_or(signature);
        let sql = [b"select ", name, b"($1)"].concat();
        Dialect(kept(sql, &[pg_sys::JSONOID]))
    }

    /// The text of an event, or None where the function gives null.
    pub fn write(&self, event: &[u8]) -> Option<Vec<u8>> {
        let argument = Octets::new(event);
        // SAFETY: one parameter of type json; a text, copied before it goes.
        unsafe {
            value(self.0, &mut [argument.datum()], |text| {
                Octets::from_datum(text).bytes().to_vec()
            })
        }
    }
}

/// The plan of a statement, prepared at its first use in this process.
pub fn kept(sql: Vec<u8>, types: &[pg_sys::Oid]) -> pg_sys::SPIPlanPtr {
    if let Some(plan) = PLANS.with_borrow(|plans| plans.get(&sql).copied()) {
        return plan;
    }
    let plan = prepare(sql.clone(), types);
    PLANS.with_borrow_mut(|plans| plans.insert(sql, plan));
    plan
}

/// The value that a plan gives, read before SPI is left; None of null, and where there is no row: a
/// function may give a set by now.
///
/// # Safety
/// The values are those of the plan's parameters; `read` keeps nothing of the datum.
pub unsafe fn value<T>(
    plan: pg_sys::SPIPlanPtr,
    values: &mut [Datum],
    read: impl FnOnce(Datum) -> T,
) -> Option<T> {
    connected(|| {
        // SAFETY: the caller's promise; the row is there while SPI is connected.
        unsafe {
            execute(plan, values, None);
            let table = pg_sys::SPI_tuptable;
            if pg_sys::SPI_processed == 0 || table.is_null() {
                return None;
            }
            let mut null = false;
            let row = *(*table).vals;
            let datum = pg_sys::SPI_getbinval(row, (*table).tupdesc, 1, &mut null);
            (!null).then(|| read(datum))
        }
    })
}

/// A kept plan of a statement in the server's encoding.
pub fn prepare(sql: Vec<u8>, types: &[pg_sys::Oid]) -> pg_sys::SPIPlanPtr {
    let sql = CString::new(sql).expect("text from PostgreSQL holds no NUL");
    connected(|| {
        // SAFETY: SPI copies the statement and the types; an error is raised, so a plan comes back.
        unsafe {
            let plan = pg_sys::SPI_prepare(
                sql.as_ptr(),
                types.len() as c_int,
                types.as_ptr().cast_mut(),
            );
            assert!(!plan.is_null(), "SPI_prepare of a plain statement");
            pg_sys::SPI_keepplan(plan);
            plan
        }
    })
}

/// Runs a plan of one row.
///
/// # Safety
/// SPI is connected; the values are those of the plan's parameters. `nulls` has an 'n' for each null.
pub unsafe fn execute(plan: pg_sys::SPIPlanPtr, values: &mut [Datum], nulls: Option<&[u8]>) {
    let nulls = nulls.map_or(std::ptr::null(), |nulls| nulls.as_ptr().cast());
    // SAFETY: the caller's promise.
    let status = unsafe { pg_sys::SPI_execute_plan(plan, values.as_mut_ptr(), nulls, false, 0) };
    assert!(status >= 0, "SPI_execute_plan: {status}");
}

/// Runs `work` connected to SPI; an error leaves that to the subtransaction it aborts.
pub fn connected<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: connecting and finishing come in pairs.
    unsafe {
        pg_sys::SPI_connect();
        let result = work();
        pg_sys::SPI_finish();
        result
    }
}
