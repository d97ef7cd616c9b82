//! A login's word on who it is, as an id of the app's.

use crate::log::octets::Octets;
use crate::log::subtransaction;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo};
use pgrx::prelude::*;
use std::str::FromStr;

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_realtime_sync_fleet_id() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// A value of a token as an id of the second argument's type: `(value, type)`. Null where it is none, as
/// anybody's token may carry anything.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn realtime_sync_fleet_id(fcinfo: FunctionCallInfo) -> Datum {
    // SAFETY: declared in SQL with (text, anyelement), and called from a statement, which knows the type.
    let (value, wanted) = unsafe {
        (
            Octets::argument(fcinfo, 0),
            pg_sys::get_fn_expr_argtype((*fcinfo).flinfo, 1),
        )
    };
    let id = value.and_then(|value| match wanted {
        pg_sys::UUIDOID => uuid(value.bytes()),
        pg_sys::INT8OID => number::<i64>(value.bytes(), 19),
        pg_sys::INT4OID => number::<i32>(value.bytes(), 10),
        pg_sys::INT2OID => number::<i16>(value.bytes(), 5),
        pg_sys::TEXTOID | pg_sys::VARCHAROID => Some(value.datum()),
        _ => match subtransaction::attempt(|| input(&value, wanted)) {
            Ok(id) => Some(id),
            Err(failure) if is_of_the_value(failure.code) => None,
            // Again, for its own error.
            Err(_) => Some(input(&value, wanted)),
        },
    });
    // SAFETY: as above.
    id.unwrap_or_else(|| unsafe { pgrx::pg_return_null(fcinfo) })
}

/// Only as PostgreSQL writes them, in either case.
fn uuid(text: &[u8]) -> Option<Datum> {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    if text.len() != 36 || HYPHENS.iter().any(|&at| text[at] != b'-') {
        return None;
    }
    let mut digits = text.iter().filter(|&&byte| byte != b'-');
    let mut next = || char::from(*digits.next()?).to_digit(16);
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        *byte = (next()? << 4 | next()?) as u8;
    }
    pgrx::Uuid::from_bytes(bytes).into_datum()
}

fn number<T: FromStr + IntoDatum>(text: &[u8], digits: usize) -> Option<Datum> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    // parse() would take a plus sign.
    (unsigned.len() <= digits && unsigned.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse::<T>().ok())?
        .into_datum()
}

/// Of class 22, data exceptions, or 23, a domain's CHECK: the lower 12 bits of a code (ERRCODE_TO_CATEGORY, elog.h).
fn is_of_the_value(code: PgSqlErrorCode) -> bool {
    use PgSqlErrorCode::*;
    [
        ERRCODE_DATA_EXCEPTION,
        ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION,
    ]
    .iter()
    .any(|&class| code as i32 & 0xfff == class as i32)
}

/// By the type's own input function, which raises for what is none.
fn input(value: &Octets, wanted: pg_sys::Oid) -> Datum {
    let (mut function, mut parameter) = (pg_sys::Oid::INVALID, pg_sys::Oid::INVALID);
    // SAFETY: text, and a type that exists, since an argument is of it.
    unsafe {
        pg_sys::getTypeInputInfo(wanted, &mut function, &mut parameter);
        let text = pg_sys::text_to_cstring(value.datum().cast_mut_ptr());
        pg_sys::OidInputFunctionCall(function, text, parameter, -1)
    }
}
