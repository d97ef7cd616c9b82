//! The text of an event as readers see it.

use super::octets::Octets;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo};
use pgrx::prelude::*;
use wire::buffer::Text;
use wire::{json, native, reference};

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_realtime_sync_native() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// Renders a row of the log: `(id, xid, topics, event, payload, body)`.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn realtime_sync_native(fcinfo: FunctionCallInfo) -> Datum {
    let mut out = Text::new();
    // SAFETY: declared in SQL with (bigint, xid8, text[], text, json, json), and called with the
    // columns of a row, of which only event and payload may be null; any other null gives null.
    unsafe {
        let (Some(id), Some(xid), Some(topics), Some(body)) = (
            pgrx::pg_getarg_datum(fcinfo, 0),
            pgrx::pg_getarg_datum(fcinfo, 1),
            pgrx::pg_getarg_datum(fcinfo, 2),
            Octets::argument(fcinfo, 5),
        ) else {
            return pgrx::pg_return_null(fcinfo);
        };
        let id = id.value() as i64;
        let xid = xid.value() as u64;
        let event = Octets::argument(fcinfo, 3);
        let payload = Octets::argument(fcinfo, 4);
        let body = body.bytes();
        if event.is_none() && payload.is_none() {
            out.reserve(native::HEAD + body.len());
            native::write_captured(&mut out, id, xid, None, body);
        } else {
            let payload = payload.as_ref().map_or(&b"null"[..], Octets::bytes);
            let topics = elements(topics);
            let topics = topics.iter().map(Octets::bytes);
            let event = event.as_ref().map(Octets::bytes);
            out.reserve(native::HEAD + native::MESSAGE_FRAME + payload.len() + body.len());
            native::write_message(&mut out, id, xid, None, topics, event, payload, body);
        }
    }
    Datum::from(pgrx::rust_byte_slice_to_bytea(out.as_bytes()).into_pg())
}

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_realtime_sync_member() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// A member of an event's body as it is written, null for JSON's null: `(body, name)`.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn realtime_sync_member(fcinfo: FunctionCallInfo) -> Datum {
    // SAFETY: declared in SQL with (json, text), and strict.
    unsafe {
        let (Some(body), Some(name)) = (Octets::argument(fcinfo, 0), Octets::argument(fcinfo, 1))
        else {
            return pgrx::pg_return_null(fcinfo);
        };
        match reference::member(body.bytes(), name.bytes()) {
            Some(b"null") | None => pgrx::pg_return_null(fcinfo),
            Some(value) => Datum::from(pgrx::rust_byte_slice_to_bytea(value).into_pg()),
        }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_realtime_sync_texts() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// A row's values as the texts they are written in: `(row)`.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn realtime_sync_texts(fcinfo: FunctionCallInfo) -> Datum {
    // SAFETY: declared in SQL with (json), and strict.
    let Some(row) = (unsafe { Octets::argument(fcinfo, 0) }) else {
        return unsafe { pgrx::pg_return_null(fcinfo) };
    };
    let mut out = Text::new();
    out.push(b'{');
    for (name, value) in reference::members(row.bytes()) {
        if out.len() > 1 {
            out.push(b',');
        }
        out.push(b'"');
        out.extend(name);
        out.extend(b"\":");
        match value {
            b"null" => out.extend(value),
            _ => json::write_string(&mut out, value),
        }
    }
    out.push(b'}');
    Datum::from(pgrx::rust_byte_slice_to_bytea(out.as_bytes()).into_pg())
}

/// The elements of a text[], nulls left out.
///
/// # Safety
/// `array` is a text[].
pub unsafe fn elements(array: Datum) -> Vec<Octets> {
    let (mut values, mut nulls, mut n) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
    // SAFETY: the caller's promise; the type's length, alignment and storage are those of text.
    unsafe {
        pg_sys::deconstruct_array(
            pg_sys::pg_detoast_datum(array.cast_mut_ptr()).cast(),
            pg_sys::TEXTOID,
            -1,
            false,
            b'i' as std::ffi::c_char,
            &mut values,
            &mut nulls,
            &mut n,
        );
        (0..n as usize)
            .filter(|&at| !*nulls.add(at))
            .map(|at| Octets::from_datum(*values.add(at)))
            .collect()
    }
}
