//! Room in PostgreSQL's NOTIFY queue. When it is full, every COMMIT of the cluster that notifies fails: so what is in
//! it counts, and what this transaction adds as it commits.

use crate::log::server::{self, Local};
use crate::settings;
use pgrx::pg_sys;
use wire::queue::{Fill, PAGE};

/// What a transaction has notified of.
struct Pending {
    /// When the transaction began; it tells them apart.
    transaction: i64,
    fill: Fill,
}

static PENDING: Local<Pending> = Local::new(Pending {
    transaction: 0,
    fill: Fill::new(),
});

/// Pages this transaction adds.
fn pending() -> &'static mut Fill {
    // SAFETY: reads the transaction's state; nothing that uses the reference calls this again while it does.
    let (transaction, pending) =
        unsafe { (pg_sys::GetCurrentTransactionStartTimestamp(), PENDING.get()) };
    if pending.transaction != transaction {
        *pending = Pending {
            transaction,
            fill: Fill::new(),
        };
    }
    &mut pending.fill
}

/// Counts a notification: `text` bytes of channel and payload, each with its NUL.
pub fn add(text: usize) {
    pending().add(text);
}

/// Pages of the queue: a setting since PostgreSQL 17, 8 GB before (QUEUE_MAX_PAGE in commands/async.c).
fn capacity() -> f64 {
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    // SAFETY: a setting, read.
    let pages = unsafe { server::max_notify_queue_pages };
    #[cfg(not(any(feature = "pg17", feature = "pg18")))]
    let pages = server::NOTIFY_QUEUE_PAGES;
    f64::from(pages)
}

/// Pages until realtime_sync.max_notify_queue is reached; below 0 it is passed.
fn room() -> f64 {
    // SAFETY: the function takes no argument and gives a float8.
    let usage =
        unsafe { pgrx::direct_function_call::<f64>(pg_sys::pg_notification_queue_usage, &[]) };
    capacity() * (settings::max_notify_queue() - usage.unwrap_or(0.0)) - pending().pages() as f64
}

pub fn has_room() -> bool {
    room() >= 0.0
}

/// Whether `size` bytes of payloads are let in. An entry of over half a page takes a page: twice as much; and its
/// channel and cursor are not in the payload yet: once more.
pub fn has_room_for(size: usize) -> bool {
    room() >= (3 * size / PAGE) as f64
}

/// What a sink may take in one go: half of the room there is, so that another sink of the same transaction finds some,
/// and whoever else notifies.
pub struct Portion {
    end: usize,
}

impl Portion {
    pub fn new() -> Portion {
        Portion {
            end: pending().pages() + (room() / 2.0).max(0.0) as usize,
        }
    }

    /// Whether no more should follow what has been added.
    pub fn is_spent(&self) -> bool {
        pending().pages() >= self.end
    }
}
