//! What the fleet kit does so often that SQL's own way would be most of its cost.

mod constant;
mod earth;
mod id;
