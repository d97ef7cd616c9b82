//! The part of shared memory that every backend sees: counters and the segment to write to, a slot
//! per database. Taken from the slack PostgreSQL reserves (as contrib/pg_prewarm does), so that no
//! preload is needed. Everything in it is a hint or a statistic: correctness never depends on it.

use pgrx::pg_sys;
use pgrx::prelude::*;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

const DATABASES: usize = 32;

/// Renamed whenever [`Slot`] changes, so that an older library still mapped by a running backend
/// never reads a newer layout.
const NAME: &std::ffi::CStr = c"realtime_sync layout 1";

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
}

impl Counter {
    pub const ALL: [Counter; 9] = [
        Counter::Written,
        Counter::Notified,
        Counter::Partial,
        Counter::Switched,
        Counter::Unresolved,
        Counter::Unencodable,
        Counter::Unnotified,
        Counter::Dropped,
        Counter::Spilled,
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
        }
    }
}

#[repr(C)]
struct Slot {
    database: AtomicU32,
    segment: AtomicU32,
    counters: [AtomicU64; Counter::ALL.len()],
}

impl Slot {
    const fn new() -> Slot {
        Slot {
            database: AtomicU32::new(0),
            segment: AtomicU32::new(0),
            counters: [const { AtomicU64::new(0) }; Counter::ALL.len()],
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
    slots[..DATABASES - 1]
        .iter()
        .find(|slot| {
            match slot
                .database
                .compare_exchange(0, database, Relaxed, Relaxed)
            {
                Ok(_) => true,
                Err(owner) => owner == database,
            }
        })
        .unwrap_or(&slots[DATABASES - 1])
}

fn map() -> Option<&'static [Slot; DATABASES]> {
    /// AddinShmemInitLock's place in the array of built-in locks, the same in PostgreSQL 15 to 18
    /// (lwlocknames.txt, lwlocklist.h).
    const ADDIN_SHMEM_INIT_LOCK: usize = 21;

    // SAFETY: the lock keeps two backends from initialising at once, and is released on both ways
    // out. An error leaves nothing of ShmemInitStruct behind but zeroes InterruptHoldoffCount,
    // which releasing the lock would otherwise take below zero. Zeroed memory is a valid Slot, and
    // the segment lives as long as the process.
    unsafe {
        let lock = &raw mut (*pg_sys::MainLWLockArray.add(ADDIN_SHMEM_INIT_LOCK)).lock;
        pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
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
        pg_sys::LWLockRelease(lock);
        slots.as_ref()
    }
}

const _: () = assert!(size_of::<[Slot; DATABASES]>() <= 8192);
