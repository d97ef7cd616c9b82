//! The capture triggers: from a changed row to events in the transaction's buffer.

pub mod buffer;
mod codec;
mod context;
mod encode;
mod event;
mod fixed;
mod foreign;
mod generated;
mod message;
mod moved;
mod plan;
mod spill;
mod trigger;
mod value;

pub fn init() {
    buffer::init();
    plan::init();
}
