//! realtime_sync's formats: options, topics, filters, events. Pure Rust, tested without a server.

pub mod buffer;
pub mod coalesce;
pub mod cursor;
pub mod datetime;
pub mod filter;
mod float;
pub mod json;
pub mod jsonb;
pub mod native;
pub mod number;
pub mod options;
pub mod outbox;
pub mod pace;
pub mod pattern;
pub mod queue;
pub mod reference;
pub mod selection;
pub mod sink;
pub mod snapshot;
pub mod throttle;
pub mod topic;
