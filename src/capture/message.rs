//! Messages an app sends itself.

use super::{buffer, value};
use crate::error::Error;
use crate::log::append;
use crate::log::octets::Octets;
use crate::settings;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo};
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;
use std::cell::RefCell;
use std::rc::Rc;

/// A real INSERT by the caller, so that PostgreSQL itself checks column privileges and policies. No
/// RETURNING: that would need SELECT.
const INSERT: &str =
    "insert into realtime_sync.event (topics, event, payload) values (array[$1], $2, $3)";

thread_local! {
    static PLAN: RefCell<Option<Rc<OwnedPreparedStatement>>> = const { RefCell::new(None) };
}

/// Of topics as an array with one text: its header, and the text's with what aligns it.
const ARRAY: usize = 32;

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_within_max_event_size() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// What send() asks of a message, for INSERTs that go past it. In SQL it was 43,000 of a message's 153,000 instructions.
///
/// # Safety
/// Called by PostgreSQL's function manager.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn within_max_event_size(fcinfo: FunctionCallInfo) -> Datum {
    // SAFETY: declared in SQL with (text[], text, json), all varlenas.
    let [topics, event, payload] = [0, 1, 2]
        .map(|n| unsafe { pgrx::pg_getarg_datum(fcinfo, n).map_or(0, |datum| value::size(datum)) });
    let size = topics.saturating_sub(ARRAY) + event + payload;
    Datum::from(size <= settings::max_event_size())
}

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_realtime_sync_send() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
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
    let id = append::last_id();
    // SAFETY: as above; keeping a message runs no trigger.
    unsafe { buffer::get() }.keep_message(id, topic.bytes(), event.bytes(), payload.bytes());
    Datum::from(id)
}
