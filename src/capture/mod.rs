//! The capture triggers: from a changed row to events in the transaction's buffer.

mod context;
mod trigger;

pub fn init() {}
