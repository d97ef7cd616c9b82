//! The log read in its order: ticks, and the events of ticks.

mod event;
mod found;
mod latest;
mod pairs;
mod read;
mod snapshot;
mod tick;
mod value;

pub use event::{Event, Wanted};
pub use latest::{floor, newest_of};
pub use pairs::{Pair, fetch, pairs};
pub use read::{read, read_whole};
pub use snapshot::{current, stored};
pub use tick::{Tick, after, last, newest, tick_up_to};
