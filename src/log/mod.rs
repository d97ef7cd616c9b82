//! The event log: where events are kept, and how they get there.

pub mod append;
pub mod message;
pub mod permission;
pub mod segment;
pub mod shared;
