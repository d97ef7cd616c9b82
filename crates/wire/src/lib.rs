//! realtime_sync's formats: options, topics, filters, events. Pure Rust, tested without a server.

pub mod filter;
pub mod options;
pub mod topic;
