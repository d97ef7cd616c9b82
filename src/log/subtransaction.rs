//! Code that may fail without failing the transaction: a user's own functions, a sink's table.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use std::fmt;
use std::panic::AssertUnwindSafe;

pub struct Failure {
    pub code: PgSqlErrorCode,
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Runs `work` in a subtransaction; its error when it failed. A cancel or shutdown is
/// passed on: it is meant for the statement around.
pub fn attempt<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
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
            Ok(result)
        }))
        .catch_others(|error| {
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
            pg_sys::MemoryContextSwitchTo(context);
            pg_sys::CurrentResourceOwner = owner;
            match failure(&error) {
                Some(failure) => Err(failure),
                None => error.rethrow(),
            }
        })
        .execute();
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        result
    }
}

/// None of an interrupt or a panic.
fn failure(error: &CaughtError) -> Option<Failure> {
    use PgSqlErrorCode::*;
    match error {
        CaughtError::PostgresError(report) | CaughtError::ErrorReport(report)
            if !matches!(
                report.sql_error_code(),
                ERRCODE_QUERY_CANCELED | ERRCODE_ADMIN_SHUTDOWN | ERRCODE_CRASH_SHUTDOWN
            ) =>
        {
            Some(Failure {
                code: report.sql_error_code(),
                message: report.message().to_owned(),
            })
        }
        _ => None,
    }
}
