//! A sink's work in its owner's name: as CREATE INDEX and REFRESH run a table owner's functions, so
//! that nothing they do has more rights than the sink's owner.

use super::mistake::Mistake;
use super::table;
use crate::log::server;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

/// A table that someone has locked fails the work before the relay, which has one process, has held everyone else
/// back for long. The relay itself reads past row-level security, which its owner's functions may not.
const SETTINGS: [(&CStr, &CStr); 3] = [
    (c"search_path", c"pg_catalog, pg_temp"),
    (c"lock_timeout", c"500ms"),
    (c"row_security", c"on"),
];

/// The event that is being sent.
pub struct Step {
    id: Cell<Option<u64>>,
    began: Cell<Instant>,
    longest: Duration,
    /// Nobody else's timeout is running.
    timed: bool,
}

impl Step {
    /// `id` is an event's, where it is one that is worked on.
    pub fn begin(&self, id: Option<u64>) {
        self.id.set(id);
        self.began.set(Instant::now());
        if self.timed {
            let milliseconds = self.longest.as_millis() as c_int;
            // Over and over: the function may catch a cancel, and go on to what takes long as well.
            // SAFETY: the timeout is registered in every process that is connected to a database.
            unsafe {
                let first = pg_sys::GetCurrentTimestamp() + i64::from(milliseconds) * 1_000;
                server::enable_timeout_every(server::STATEMENT_TIMEOUT, first, milliseconds);
            }
        }
    }

    /// Raises where it took too long, though nothing that it did failed for that.
    pub fn end(&self) {
        self.stop();
        // One that has just gone off.
        pgrx::check_for_interrupts!();
        if self.is_late() {
            self.too_slow();
        }
    }

    fn stop(&self) {
        if self.timed {
            // SAFETY: as above; stopping one that has gone off does nothing.
            unsafe { server::disable_timeout(server::STATEMENT_TIMEOUT, false) }
        }
    }

    fn is_late(&self) -> bool {
        self.timed && self.began.get().elapsed() >= self.longest
    }

    fn too_slow(&self) -> ! {
        Mistake::TooSlow {
            event: self.id.get(),
            seconds: self.longest.as_secs(),
        }
        .raise()
    }
}

/// Runs `work` as a role, in a security-restricted operation, each step for so long at most. Raises its error
/// with the event's id before it; the caller's subtransaction gives the role and the settings back then.
pub fn run(owner: Oid, longest: Duration, work: impl FnOnce(&Step)) {
    let step = Step {
        id: Cell::new(None),
        began: Cell::new(Instant::now()),
        longest,
        // SAFETY: looks at this process's timeouts.
        timed: !unsafe { server::get_timeout_active(server::STATEMENT_TIMEOUT) },
    };
    let step = AssertUnwindSafe(&step);
    PgTryBuilder::new(AssertUnwindSafe(|| as_role(owner, || work(*step))))
        .catch_others(|error| {
            step.stop();
            if step.is_late() {
                // Its cancel may not have been heard yet, and would end the relay.
                // SAFETY: a flag that this process alone takes back.
                unsafe { pg_sys::QueryCancelPending = 0 }
            }
            table::forget();
            let report = match &error {
                CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => report,
                _ => error.rethrow(),
            };
            let code = report.sql_error_code();
            if step.is_late() && !is_shutdown(code) {
                step.too_slow();
            }
            // A cancel or shutdown that is not ours is not the sink's failure.
            match step.id.get() {
                Some(event)
                    if code != PgSqlErrorCode::ERRCODE_QUERY_CANCELED && !is_shutdown(code) =>
                {
                    Mistake::Event {
                        event,
                        code,
                        message: report.message().to_owned(),
                        detail: report.detail().map(str::to_owned),
                        hint: report.hint().map(str::to_owned),
                    }
                    .raise()
                }
                _ => error.rethrow(),
            }
        })
        .execute()
}

fn is_shutdown(code: PgSqlErrorCode) -> bool {
    use PgSqlErrorCode::*;
    matches!(code, ERRCODE_ADMIN_SHUTDOWN | ERRCODE_CRASH_SHUTDOWN)
}

pub fn as_role<T>(owner: Oid, work: impl FnOnce() -> T) -> T {
    let (mut user, mut context) = (Oid::INVALID, 0);
    // SAFETY: the sequence of index.c for an index's functions.
    let level = unsafe {
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        let restricted = context | pg_sys::SECURITY_RESTRICTED_OPERATION as c_int;
        pg_sys::SetUserIdAndSecContext(owner, restricted);
        let level = pg_sys::NewGUCNestLevel();
        for (name, value) in SETTINGS {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
        }
        level
    };
    let result = work();
    // SAFETY: as it was before.
    unsafe {
        pg_sys::AtEOXact_GUC(false, level);
        pg_sys::SetUserIdAndSecContext(user, context);
    }
    result
}
