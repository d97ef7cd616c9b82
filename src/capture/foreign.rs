//! Rows with a value whose encoding runs code that is not PostgreSQL's own: a cast to json, an
//! extension's output function. It runs in a subtransaction, so that its failure costs the value and
//! not the user's write.

use super::event::{Outcome, Writer};
use super::fixed;
use super::plan::Plan;
use super::row::Change;
use super::scratch::Scratch;
use crate::log::shared::{self, Counter};
use crate::log::subtransaction::attempt;
use wire::buffer::Text;

/// The change's records, in buffers of their own: the foreign code may change rows itself, and their
/// events come first.
pub fn write(plan: &Plan, change: Change) -> (Text, Outcome) {
    let mut text = Text::new();
    let mut scratch = Scratch::new();
    let outcome = attempt(|| {
        let mut writer = Writer {
            plan,
            scratch: &mut scratch,
            out: &mut text,
            without_foreign: false,
        };
        let level = fixed::switch(plan.sensitivity);
        let outcome = writer.write(change);
        fixed::restore(level);
        outcome
    });
    let outcome = outcome.unwrap_or_else(|_| {
        shared::count(Counter::Unencodable, 1);
        text.clear();
        let mut writer = Writer {
            plan,
            scratch: &mut scratch,
            out: &mut text,
            without_foreign: true,
        };
        let level = fixed::switch(plan.sensitivity);
        let outcome = writer.write(change);
        fixed::restore(level);
        outcome
    });
    (text, outcome)
}
