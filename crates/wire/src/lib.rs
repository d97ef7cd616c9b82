//! x
pub mod buffer;
pub mod datetime;
mod float;
pub mod json;
pub mod jsonb;
pub mod number;
