//! From a commit to the relay: the writer says that events are coming, starts a worker if there is
//! none, and wakes it once the commit is visible.

use crate::log::server::{self, Local};
use crate::log::shared;
use crate::relay::clock::wall;
use crate::relay::launch;
use crate::settings;
use pgrx::pg_sys;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, SeqCst};

/// A start that was asked for less than this ago is still under way, in microseconds.
const STARTING: i64 = 5_000_000;

#[derive(Clone, Copy, PartialEq)]
enum Announced {
    No,
    Flushed,
    Unflushed,
}

static ANNOUNCED: Local<Announced> = Local::new(Announced::No);

/// At pre-commit or pre-prepare of a transaction with events. What can fail is done here, not in the
/// commit callback.
pub fn announce() {
    // SAFETY: the reference ends with this statement.
    let announced = unsafe { ANNOUNCED.get() };
    if *announced != Announced::No {
        return;
    }
    let relay = shared::relay();
    // A commit is visible before its callback runs, so it is now that the relay must hear of one that
    // does not wait for the disk.
    // SAFETY: reads a setting.
    let level = unsafe { pg_sys::synchronous_commit } as u32;
    *announced = if level == pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_OFF {
        // In this order, see Marks::read().
        relay.unflushed.fetch_add(1, SeqCst);
        relay.asynchronous.fetch_add(1, SeqCst);
        Announced::Unflushed
    } else {
        Announced::Flushed
    };
    // Before the latch is looked at: a relay about to leave takes its latch away, then looks here.
    relay.capturing.fetch_add(1, SeqCst);
    if relay.latch.load(SeqCst) == 0 && settings::has_worker() {
        start();
    }
}

/// The end of the transaction. Atomics and SetLatch only: an error here, in the commit callback, would
/// be a PANIC of the whole cluster.
pub fn ended(committed: bool) {
    // SAFETY: the reference ends with this function, which runs nothing of ours.
    let announced = unsafe { ANNOUNCED.get() };
    if *announced == Announced::No {
        return;
    }
    let relay = shared::relay();
    if *announced == Announced::Unflushed {
        relay.unflushed.fetch_sub(1, SeqCst);
    }
    *announced = Announced::No;
    if committed {
        // SAFETY: reads the transaction's state.
        let now = unsafe { server::GetCurrentTransactionStopTimestamp() };
        // Before the relay is told: it takes the time with what it is told.
        let _ = relay.since.compare_exchange(0, now, SeqCst, SeqCst);
        relay.pending.store(1, SeqCst);
        call();
    }
    relay.capturing.fetch_sub(1, SeqCst);
}

pub fn has_relay() -> bool {
    shared::relay().latch.load(SeqCst) != 0
}

/// Sets the relay's latch, if there is a relay.
pub fn call() {
    let latch = shared::relay().latch.load(SeqCst) as *mut pg_sys::Latch;
    if !latch.is_null() {
        // SAFETY: a latch in shared memory, which lives as long as the server; setting one that is set
        // already costs a memory barrier.
        unsafe { server::SetLatch(latch) };
    }
}

/// For readers: a relay that a restart of the server has ended, and with it the memory of what waits,
/// starts with the first of them.
pub fn remind() {
    let relay = shared::relay();
    // SAFETY: reads shared memory.
    if unsafe { pg_sys::RecoveryInProgress() } {
        return;
    }
    let none_yet = relay.position.load(Relaxed) == 0 && relay.latch.load(Relaxed) == 0;
    if none_yet && settings::has_worker() {
        start();
    }
}

/// At pre-commit of any transaction: where all processes were taken when events came, one may be free by now.
pub fn retry() {
    if !shared::is_used() {
        return;
    }
    let relay = shared::relay();
    let refused = relay.refused.load(Relaxed) != 0 && relay.latch.load(Relaxed) == 0;
    if refused && relay.pending.load(Relaxed) != 0 && shared::is_own() && settings::has_worker() {
        start();
    }
}

/// Asks for a worker, unless somebody just did.
#[cold]
fn start() {
    let relay = shared::relay();
    let now = wall();
    let last = relay.launched.load(Relaxed);
    // One of later was asked for before the clock was set back.
    let due = !(0..=STARTING).contains(&(now - last));
    if due
        && relay
            .launched
            .compare_exchange(last, now, AcqRel, Relaxed)
            .is_ok()
    {
        let refused = if launch::launch() { 0 } else { now };
        relay.refused.store(refused, Relaxed);
    }
}
