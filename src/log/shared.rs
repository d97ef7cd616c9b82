//! The part of shared memory that every backend sees: counters, the segment to write to and what
//! writers and the relay tell each other, a slot per database. Taken from the slack PostgreSQL reserves
//! (as contrib/pg_prewarm does), so that no preload is needed.

use pgrx::pg_sys;
use pgrx::prelude::*;
use std::cell::Cell;
use std::sync::atomic::{
    AtomicI64, AtomicU32, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};

const DATABASES: usize = 31;

/// Renamed whenever [`Slot`] changes, so that an older library still mapped by a running backend
/// never reads a newer layout.
const NAME: &std::ffi::CStr = c"realtime_sync layout 3";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Counter {
    Written,
    Notified,
    Partial,
    Switched,
    Unresolved,
    Unencodable,
    Unnotified,
    Dropped,
    Spilled,
    Ticks,
    Sent,
    Suppressed,
    Lost,
}

impl Counter {
    pub const ALL: [Counter; 13] = [
        Counter::Written,
        Counter::Notified,
        Counter::Partial,
        Counter::Switched,
        Counter::Unresolved,
        Counter::Unencodable,
        Counter::Unnotified,
        Counter::Dropped,
        Counter::Spilled,
        Counter::Ticks,
        Counter::Sent,
        Counter::Suppressed,
        Counter::Lost,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Counter::Written => "written",
            Counter::Notified => "notified",
            Counter::Partial => "partial",
            Counter::Switched => "switched_off",
            Counter::Unresolved => "unresolved_names",
            Counter::Unencodable => "unencodable_values",
            Counter::Unnotified => "left_to_relay",
            Counter::Dropped => "dropped",
            Counter::Spilled => "spilled_bytes",
            Counter::Ticks => "ticks",
            Counter::Sent => "sent",
            Counter::Suppressed => "suppressed",
            Counter::Lost => "lost",
        }
    }
}

/// What writers and the relay of a database tell each other. Times are PostgreSQL's: microseconds
/// since 2000.
#[repr(C)]
pub struct Relay {
    /// Where the relay's latch is, null while there is no relay. Shared memory has one address in all
    /// processes; a stale latch is another process's, whom it only wakes for nothing.
    pub latch: AtomicU64,
    /// 1 once a commit has left something to the relay.
    pub pending: AtomicU32,
    /// Transactions with events between pre-commit and their end.
    pub capturing: AtomicU32,
    /// Of these, the ones that commit asynchronously.
    pub unflushed: AtomicU32,
    /// 1 while NOTIFY sinks wait for room in PostgreSQL's queue.
    pub paused: AtomicU32,
    /// Counts asynchronous commits at pre-commit.
    pub asynchronous: AtomicU64,
    /// The last position handed out, 0 if none since the server started.
    pub position: AtomicU64,
    /// How far positions are durably reserved.
    pub reserved: AtomicU64,
    /// Counts ticks and batches, so that a relay sees that another has been at work.
    pub turns: AtomicU64,
    /// When a start of the worker was last asked for, and when it was refused for want of a process, 0 if it was not.
    pub launched: AtomicI64,
    pub refused: AtomicI64,
    /// When the oldest commit that `pending` stands for ended, 0 if none.
    pub since: AtomicI64,
    /// When the relay last looked.
    pub looked: AtomicI64,
    /// Ticks by the time from the oldest commit in them until they were notified: see [`LATENCIES`].
    pub latency: [AtomicU64; LATENCIES.len() + 1],
    /// Of all of them together, in microseconds.
    pub latency_sum: AtomicU64,
}

/// Upper bounds in microseconds.
pub const LATENCIES: [i64; 6] = [1_000, 5_000, 10_000, 50_000, 250_000, 1_000_000];

#[repr(C)]
struct Slot {
    database: AtomicU32,
    segment: AtomicU32,
    relay: Relay,
    counters: [AtomicU64; Counter::ALL.len()],
}

impl Slot {
    const fn new() -> Slot {
        // SAFETY: atomics of value zero.
        unsafe { std::mem::zeroed() }
    }

    /// As it was before its first database, but for whose it is.
    fn clear(&self) {
        let relay = &self.relay;
        self.segment.store(0, Relaxed);
        for flag in [
            &relay.pending,
            &relay.capturing,
            &relay.unflushed,
            &relay.paused,
        ] {
            flag.store(0, Relaxed);
        }
        for time in [&relay.launched, &relay.refused, &relay.since, &relay.looked] {
            time.store(0, Relaxed);
        }
        let counts = [
            &relay.latch,
            &relay.asynchronous,
            &relay.position,
            &relay.reserved,
            &relay.turns,
            &relay.latency_sum,
        ];
        for count in counts
            .into_iter()
            .chain(&relay.latency)
            .chain(&self.counters)
        {
            count.store(0, Relaxed);
        }
    }
}

/// Used when PostgreSQL has no shared memory left to give: this backend then counts for itself.
static PRIVATE: Slot = Slot::new();

thread_local! {
    static SLOT: Cell<Option<&'static Slot>> = const { Cell::new(None) };
}

pub fn count(counter: Counter, n: u64) {
    slot().counters[counter as usize].fetch_add(n, Relaxed);
}

pub fn read(counter: Counter) -> i64 {
    slot().counters[counter as usize].load(Relaxed) as i64
}

pub fn segment() -> u32 {
    slot().segment.load(Relaxed)
}

pub fn set_segment(segment: u32) {
    slot().segment.store(segment, Relaxed);
}

/// Counts a tick that was notified this many microseconds after its oldest commit.
pub fn observe(latency: i64) {
    let place = LATENCIES.iter().position(|bound| latency <= *bound);
    let relay = relay();
    relay.latency[place.unwrap_or(LATENCIES.len())].fetch_add(1, Relaxed);
    relay.latency_sum.fetch_add(latency.max(0) as u64, Relaxed);
}

pub fn relay() -> &'static Relay {
    &slot().relay
}

/// Whether this process has had to do with its slot: with a preloaded library most have not, and need none.
pub fn is_used() -> bool {
    SLOT.get().is_some()
}

/// Whether the slot is this database's alone: positions of another's would be none of ours.
pub fn is_own() -> bool {
    // SAFETY: a plain global, set before any function of a library can run.
    slot().database.load(Relaxed) == unsafe { pg_sys::MyDatabaseId }.to_u32()
}

#[inline]
fn slot() -> &'static Slot {
    SLOT.get().unwrap_or_else(|| {
        let slot = attach();
        SLOT.set(Some(slot));
        slot
    })
}

/// The slot of this backend's database, claimed if it is the first. The last slot is shared by
/// every database that finds the others taken.
#[cold]
fn attach() -> &'static Slot {
    let Some(slots) = map() else { return &PRIVATE };
    // SAFETY: a plain global, set before any function of a library can run.
    let database = unsafe { pg_sys::MyDatabaseId }.to_u32();
    let (last, slots) = slots.split_last().expect("there are slots");
    let own = || {
        slots.iter().find(|slot| {
            match slot
                .database
                .compare_exchange(0, database, Relaxed, Relaxed)
            {
                Ok(_) => true,
                Err(owner) => owner == database,
            }
        })
    };
    own()
        .or_else(|| {
            let dropped = slots.iter().find(|slot| is_dropped(slot))?;
            let owner = dropped.database.load(Relaxed);
            locked(|| {
                own().or_else(|| {
                    // Another database may have been quicker.
                    dropped
                        .database
                        .compare_exchange(owner, u32::MAX, Relaxed, Relaxed)
                        .ok()?;
                    dropped.clear();
                    dropped.database.store(database, SeqCst);
                    Some(dropped)
                })
            })
        })
        .unwrap_or(last)
}

/// Whether a slot's database is gone.
fn is_dropped(slot: &Slot) -> bool {
    let owner = slot.database.load(Relaxed).into();
    // SAFETY: a catalog lookup, where there is a transaction to make it in.
    unsafe { pg_sys::IsTransactionState() && pg_sys::get_database_name(owner).is_null() }
}

/// Runs what may neither raise nor take another lock while no other process does the same.
fn locked<T>(work: impl FnOnce() -> T) -> T {
    /// AddinShmemInitLock's place in the array of built-in locks, the same in PostgreSQL 15 to 18
    /// (lwlocknames.txt, lwlocklist.h).
    const ADDIN_SHMEM_INIT_LOCK: usize = 21;

    // SAFETY: a built-in lock, released as it was taken.
    unsafe {
        let lock = &raw mut (*pg_sys::MainLWLockArray.add(ADDIN_SHMEM_INIT_LOCK)).lock;
        pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
        let done = work();
        pg_sys::LWLockRelease(lock);
        done
    }
}

fn map() -> Option<&'static [Slot; DATABASES]> {
    // SAFETY: the lock keeps two backends from initialising at once, and is released on both ways
    // out. An error leaves nothing of ShmemInitStruct behind but zeroes InterruptHoldoffCount,
    // which releasing the lock would otherwise take below zero. Zeroed memory is a valid Slot, and
    // the segment lives as long as the process.
    locked(|| unsafe {
        let holdoff = pg_sys::InterruptHoldoffCount;
        let slots = PgTryBuilder::new(|| {
            let mut found = false;
            let size = size_of::<[Slot; DATABASES]>();
            let slots = pg_sys::ShmemInitStruct(NAME.as_ptr(), size, &mut found);
            if !found {
                std::ptr::write_bytes(slots.cast::<u8>(), 0, size);
            }
            slots.cast::<[Slot; DATABASES]>()
        })
        .catch_others(|_| std::ptr::null_mut())
        .execute();
        pg_sys::InterruptHoldoffCount = holdoff;
        slots.as_ref()
    })
}

const _: () = assert!(size_of::<[Slot; DATABASES]>() <= 8192);
