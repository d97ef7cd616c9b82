//! Rows with a value whose encoding runs code that is not PostgreSQL's own: a cast to json, an
//! extension's output function. It runs in a subtransaction, so that its failure costs the value and
//! not the user's write.

use super::event::{Outcome, Writer};
use super::fixed;
use super::plan::Plan;
use super::row::Change;
use super::scratch::Scratch;
use crate::log::shared::{self, Counter};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use std::panic::AssertUnwindSafe;
use wire::buffer::Text;

/// The change's records, in buffers of their own: the foreign code may change rows itself, and their
/// events come first.
pub fn write(plan: &Plan, change: Change) -> (Text, Outcome) {
    let mut text = Text::new();
    let mut scratch = Scratch::new();
    let outcome = attempt(|| {
        let mut writer = Writer {
            plan,
            scratch: &mut scratch,
            out: &mut text,
            without_foreign: false,
        };
        let level = fixed::switch(plan.sensitivity);
        let outcome = writer.write(change);
        fixed::restore(level);
        outcome
    });
    let outcome = outcome.unwrap_or_else(|| {
        shared::count(Counter::Unencodable, 1);
        text.clear();
        let mut writer = Writer {
            plan,
            scratch: &mut scratch,
            out: &mut text,
            without_foreign: true,
        };
        let level = fixed::switch(plan.sensitivity);
        let outcome = writer.write(change);
        fixed::restore(level);
        outcome
    });
    (text, outcome)
}

/// Runs `work` in a subtransaction; None when it failed. A cancel or shutdown is passed on: it is
/// meant for the user's statement.
fn attempt<T>(work: impl FnOnce() -> T) -> Option<T> {
    // SAFETY: the sequence of plperl's and plpython's subtransactions: the caller's memory context
    // and resource owner are put back on both ways out.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let owner = pg_sys::CurrentResourceOwner;
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let result = PgTryBuilder::new(AssertUnwindSafe(|| {
            // The encoder calls the server without pgrx's guard, so an error must find one here; and
            // a panic must not cross that, so it becomes an error before.
            let result =
                pg_sys::ffi::pg_guard_ffi_boundary(|| pg_sys::panic::pgrx_extern_c_guard(work));
            pg_sys::ReleaseCurrentSubTransaction();
            Some(result)
        }))
        .catch_others(|error| {
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
            pg_sys::MemoryContextSwitchTo(context);
            pg_sys::CurrentResourceOwner = owner;
            if is_interrupt(&error) {
                error.rethrow()
            }
            None
        })
        .execute();
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        result
    }
}

fn is_interrupt(error: &CaughtError) -> bool {
    use PgSqlErrorCode::*;
    match error {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => matches!(
            report.sql_error_code(),
            ERRCODE_QUERY_CANCELED | ERRCODE_ADMIN_SHUTDOWN | ERRCODE_CRASH_SHUTDOWN
        ),
        CaughtError::RustPanic { .. } => true,
    }
}
