//! Delivery: from the log to those who listen.

mod batch;
mod cover;
mod deliver;
mod hand;
pub mod inline;
mod notify;
mod progress;
mod sink;
mod statement;
mod tick;
pub mod wake;
mod worker;

pub fn init() {
    worker::init();
}
