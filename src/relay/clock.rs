//! Time as a relay waits by it: it only goes forward, so that nothing waits for longer where the server's clock is
//! set back, and goes with that clock where it is set forward, or the machine has slept.

use pgrx::pg_sys;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Instant;

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
/// What the server's clock said when this process first looked, and by how much it was set forward since.
static BASE: LazyLock<AtomicI64> = LazyLock::new(|| AtomicI64::new(wall()));
/// How far the server's clock was ahead of the time that has passed, when last looked at.
static AHEAD: LazyLock<AtomicI64> = LazyLock::new(|| AtomicI64::new(wall()));
/// Less than this is a clock being adjusted, in microseconds.
const LEAP: i64 = 1_000_000;

/// For what this process keeps to itself, in microseconds.
pub fn now() -> i64 {
    let passed = BEGAN.elapsed().as_micros() as i64;
    let ahead = wall() - passed;
    let leap = ahead - AHEAD.swap(ahead, Relaxed);
    if leap > LEAP {
        BASE.fetch_add(leap, Relaxed);
    }
    BASE.load(Relaxed) + passed
}

/// The server's clock: for what is stored, or told to other processes.
pub fn wall() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

/// When the server's clock will say so, unless it is set meanwhile.
pub fn until(time: i64) -> i64 {
    now().saturating_add(time.saturating_sub(wall()))
}
