//! Time as a relay waits by it: it only goes forward, so that nothing waits for longer where the server's clock is
//! set back.

use pgrx::pg_sys;
use std::sync::LazyLock;
use std::time::Instant;

/// What the server's clock said when this process first looked, and when that was.
static BEGAN: LazyLock<(i64, Instant)> = LazyLock::new(|| (wall(), Instant::now()));

/// For what this process keeps to itself, in microseconds.
pub fn now() -> i64 {
    let (wall, began) = &*BEGAN;
    wall + began.elapsed().as_micros() as i64
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
