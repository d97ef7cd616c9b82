//! x
pub mod buffer;
pub mod datetime;
pub mod json;
pub mod jsonb;
pub mod number;
