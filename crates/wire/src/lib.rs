//! realtime_sync's formats. Pure Rust: no server is needed to test it.

pub mod native;
pub mod reference;
