//! Delivery: from the log to those who listen.

pub mod inline;
