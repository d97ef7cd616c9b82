//! The event log: where events are kept, and how they get there.

pub mod append;
pub mod layout;
pub mod message;
pub mod permission;
pub mod record;
pub mod segment;
pub mod server;
pub mod shared;
