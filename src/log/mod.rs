//! The event log: where events are kept, and how they get there.

pub mod append;
pub mod held;
pub mod history;
pub mod indexes;
pub mod layout;
mod native;
pub mod octets;
pub mod permission;
pub mod record;
mod replay;
pub mod scan;
pub mod segment;
pub mod server;
pub mod shared;
pub mod statement;
pub mod subtransaction;
pub mod wal;
