//! The capture triggers: from a changed row to events in the transaction's buffer.

pub mod buffer;
mod coalesce;
mod codec;
mod compile;
mod context;
mod encode;
pub mod encoding;
mod event;
mod fixed;
mod foreign;
mod generated;
mod image;
mod message;
mod moved;
mod parts;
mod plan;
mod relation;
mod row;
mod scratch;
mod spill;
mod trigger;
mod value;

pub fn init() {
    buffer::init();
    plan::init();
}
