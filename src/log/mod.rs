//! The event log: where events are kept, and how they get there.

pub mod append;
pub mod segment;
pub mod shared;
