//! What both demos have: a terminal to draw on, and sessions on the throwaway server.

pub mod screen;
pub mod session;
