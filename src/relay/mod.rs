//! Delivery: from the log to those who listen.

mod batch;
mod clock;
mod cover;
mod database;
mod definition;
mod deliver;
mod dialect;
mod hand;
pub mod held;
pub mod inline;
mod launch;
mod mistake;
mod notify;
mod owner;
mod pace;
mod progress;
mod queue;
mod refusal;
mod ring;
mod sink;
mod statement;
mod table;
mod target;
mod throttle;
mod tick;
mod timer;
mod transaction;
pub mod wake;
mod wal;
mod window;
mod worker;

pub use mistake::Mistake;

pub fn init() {
    launch::init();
}
