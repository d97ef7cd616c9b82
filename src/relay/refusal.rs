//! What a sink refuses of an event: a json column holds values that jsonb does not take, half a surrogate pair, "\u0000",
//! numbers of more digits than numeric has, or any depth. Whoever may write one could stop the sink for ever. So an event
//! that a sink fails on with such an error, and that jsonb does not take, is handed over as its reference.

use crate::log::subtransaction;
use pgrx::PgSqlErrorCode::{self, *};
use pgrx::pg_sys;
use std::borrow::Cow;
use std::ffi::CString;
use wire::reference;

/// How much of an event a sink is given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    Whole,
    Reference,
    /// Of a key that has such a value itself.
    Keyless,
}

impl Extent {
    pub fn of(self, native: &[u8]) -> Cow<'_, [u8]> {
        if self == Extent::Whole {
            return native.into();
        }
        let whole = reference::reference(native, usize::MAX);
        match self {
            // The key is what it gives up first.
            Extent::Keyless => reference::reference(native, whole.len() - 1).into(),
            _ => whole.into(),
        }
    }
}

/// The errors of a cast to json or jsonb, and of what reads them.
pub fn is_one(code: PgSqlErrorCode) -> bool {
    matches!(
        code,
        ERRCODE_UNTRANSLATABLE_CHARACTER
            | ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE
            | ERRCODE_INVALID_TEXT_REPRESENTATION
            | ERRCODE_STATEMENT_TOO_COMPLEX
            | ERRCODE_PROGRAM_LIMIT_EXCEEDED
    )
}

/// Sends as much of an event as the sink takes; whether that was less than all. What the owner's code fails on though
/// jsonb takes the event is his bug, and raised.
pub fn send(native: &[u8], mut send: impl FnMut(Extent)) -> bool {
    for extent in [Extent::Whole, Extent::Reference] {
        if is_taken(&extent.of(native)) {
            send(extent);
            return extent != Extent::Whole;
        }
        match subtransaction::attempt(|| send(extent)) {
            Ok(()) => return extent != Extent::Whole,
            Err(failure) if is_one(failure.code) => {}
            // Again, for its own error.
            Err(_) => {
                send(extent);
                return extent != Extent::Whole;
            }
        }
    }
    send(Extent::Keyless);
    true
}

/// Levels of nesting that the sink's own statement, triggers and functions may need the stack of: 290 kB of 2 MB, where
/// 14,520 levels fit. Ten calls of PL/pgSQL take less than 500.
const DEPTH: usize = 2_000;

fn is_taken(text: &[u8]) -> bool {
    let nested = [&[b'['].repeat(DEPTH), text, &[b']'].repeat(DEPTH)].concat();
    let nested = CString::new(nested).expect("text from PostgreSQL holds no NUL");
    subtransaction::attempt(|| {
        let argument = [Some(pg_sys::Datum::from(nested.as_ptr()))];
        // SAFETY: the input function of jsonb takes a C string, and gives what palloc made.
        unsafe {
            let jsonb = pgrx::direct_function_call_as_datum(pg_sys::jsonb_in, &argument);
            jsonb.inspect(|jsonb| pg_sys::pfree(jsonb.cast_mut_ptr()));
        }
    })
    .is_ok()
}
