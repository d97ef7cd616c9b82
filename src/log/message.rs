//! Messages an app sends itself, and the text of an event as readers see it.

use super::append;
use crate::capture::buffer;
use crate::error::Error;
use crate::settings;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo};
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;
use std::cell::RefCell;
use std::rc::Rc;
use wire::buffer::Text;
use wire::native;

/// A real INSERT by the caller, so that PostgreSQL itself checks column privileges and policies. No
/// RETURNING: that would need SELECT.
const INSERT: &str =
    "insert into realtime_sync.event (topics, event, payload) values (array[$1], $2, $3)";

thread_local! {
    static PLAN: RefCell<Option<Rc<OwnedPreparedStatement>>> = const { RefCell::new(None) };
}

/// Text and JSON go through as PostgreSQL holds them: copying them into Rust strings would cost a
/// payload's length twice and fail in a database that is not UTF-8.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn realtime_sync_send(fcinfo: FunctionCallInfo) -> Datum {
    // SAFETY: declared in SQL with (text, text, json); a null payload is JSON's null.
    let (topic, event, payload) = unsafe {
        (
            Octets::argument(fcinfo, 0).unwrap_or_else(|| Error::NullArgument("topic").raise()),
            Octets::argument(fcinfo, 1).unwrap_or_else(|| Error::NullArgument("event").raise()),
            Octets::argument(fcinfo, 2).unwrap_or_else(|| Octets::new(b"null")),
        )
    };
    if topic.bytes().is_empty() {
        Error::EmptyTopic.raise();
    }
    let size = topic.bytes().len() + event.bytes().len() + payload.bytes().len();
    let limit = settings::max_event_size();
    if size > limit {
        Error::MessageTooLarge { size, limit }.raise();
    }
    // What this transaction has captured so far comes before the message.
    // SAFETY: the reference ends with this statement; taking ids runs no trigger.
    unsafe { buffer::get() }.assign_ids();
    Spi::connect_mut(|client| {
        // Out of the cell before it runs: a policy may call send() itself.
        let plan = PLAN.with_borrow_mut(|plan| {
            plan.get_or_insert_with(|| {
                let types = [pg_sys::TEXTOID, pg_sys::TEXTOID, pg_sys::JSONOID];
                let plan = client.prepare_mut(INSERT, &types.map(PgOid::from));
                Rc::new(plan.expect("a constant statement").keep())
            })
            .clone()
        });
        let arguments = [
            topic.with_type(pg_sys::TEXTOID),
            event.with_type(pg_sys::TEXTOID),
            payload.with_type(pg_sys::JSONOID),
        ];
        client
            .update(&*plan, None, &arguments)
            .expect("an insert that fails raises");
    });
    Datum::from(append::last_id())
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

/// A value of type text, json or bytea, detoasted in the caller's memory context.
struct Octets(*mut pg_sys::varlena);

impl Octets {
    fn new(bytes: &[u8]) -> Octets {
        Octets(pgrx::rust_byte_slice_to_bytea(bytes).into_pg().cast())
    }

    /// # Safety
    /// `datum` is a varlena.
    unsafe fn from_datum(datum: Datum) -> Octets {
        // SAFETY: the caller's promise.
        Octets(unsafe { pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr()) })
    }

    /// # Safety
    /// The argument is declared as a varlena type.
    unsafe fn argument(fcinfo: FunctionCallInfo, n: usize) -> Option<Octets> {
        // SAFETY: the caller's promise.
        unsafe { pgrx::pg_getarg_datum(fcinfo, n).map(|datum| Octets::from_datum(datum)) }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: detoasted, and in a memory context that outlives the function call.
        unsafe { pgrx::varlena_to_byte_slice(self.0) }
    }

    fn with_type(&self, oid: pg_sys::Oid) -> pgrx::datum::DatumWithOid<'_> {
        // SAFETY: text, json and bytea share their form.
        unsafe { pgrx::datum::DatumWithOid::new(Datum::from(self.0), oid) }
    }
}

/// The elements of a text[], nulls left out.
///
/// # Safety
/// `array` is a text[].
unsafe fn elements(array: Datum) -> Vec<Octets> {
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

const _: () = {
    /// What PG_FUNCTION_INFO_V1 declares in C.
    static V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };

    #[unsafe(no_mangle)]
    pub extern "C" fn pg_finfo_realtime_sync_send() -> &'static pg_sys::Pg_finfo_record {
        &V1
    }

    #[unsafe(no_mangle)]
    pub extern "C" fn pg_finfo_realtime_sync_native() -> &'static pg_sys::Pg_finfo_record {
        &V1
    }
};
