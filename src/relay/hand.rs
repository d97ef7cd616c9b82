//! relay(): the relay's work done by whoever calls it, a scheduler or a test.

use super::clock::now;
use super::deliver::Relay;
use super::held;
use super::timer::Timers;
use super::worker::Next;
use crate::error::Error;
use crate::log::{append, layout};
use pgrx::pg_sys;
use pgrx::prelude::*;

/// Ticks and sends, until nothing is left or so many events have been sent: their number, and whether
/// something is left. Timers are called after that: what they send is the next call's.
#[pg_extern(sql = false)]
fn relay(max_events: i64) -> TableIterator<'static, (name!(sent, i64), name!(more, bool))> {
    // SAFETY: reads the server's state.
    if unsafe { pg_sys::RecoveryInProgress() } {
        Error::RelayInRecovery.raise();
    }
    // SAFETY: reads the transaction's state.
    if unsafe { pg_sys::XactIsoLevel } > pg_sys::XACT_READ_COMMITTED as i32 {
        Error::RelayIsolation.raise();
    }
    if append::takes_part() {
        Error::RelayAfterCapture.raise();
    }
    let mut relay = Relay::new();
    let mut more = true;
    while let Some(layout) = layout::find() {
        more = relay.turn(&layout) == Next::AtOnce;
        pgrx::check_for_interrupts!();
        // The next call knows nothing of a turn that is owed.
        if !more || (relay.sent >= max_events.max(1) as u64 && !relay.aside) {
            break;
        }
    }
    Timers::default().turn();
    // Whoever writes a row that is being moved waits for the end of this transaction, so that must be near.
    // SAFETY: reads the transaction's state.
    if relay.held.is_some_and(|due| due <= now())
        && !unsafe { pg_sys::IsTransactionBlock() }
        && let Some(layout) = layout::find()
    {
        more |= held::turn(&layout).0;
    }
    TableIterator::once((relay.sent as i64, more))
}
