//! The worker's transactions: it has none of its own accord, and each thing it does is one.

use pgrx::pg_sys;

/// Runs `work` in a transaction. An error ends the process, which starts anew.
pub fn run<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: outside any transaction; what follows ends it, or an error ends the process.
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        pg_sys::StartTransactionCommand();
        let done = work();
        pg_sys::CommitTransactionCommand();
        done
    }
}

/// The same, with a snapshot.
pub fn with_snapshot<T>(work: impl FnOnce() -> T) -> T {
    run(|| {
        // SAFETY: popped below; an error ends the process.
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
        let done = work();
        // SAFETY: pushed above.
        unsafe { pg_sys::PopActiveSnapshot() };
        done
    })
}
