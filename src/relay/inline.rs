//! Inline delivery: the writing transaction itself notifies, at pre-commit.

use crate::log::record;
use crate::log::server;
use crate::log::shared::{self, Counter};
use crate::settings;
use pgrx::pg_sys;
use wire::buffer::Text;
use wire::{native, reference};

/// The longest payload NOTIFY takes (NOTIFY_PAYLOAD_MAX_LENGTH - 1, async.c).
const LONGEST: usize = 7_999;

/// Whether the NOTIFY queue is less than half full: a full one would make the commit fail.
pub fn has_room() -> bool {
    // SAFETY: the function takes no argument and gives a float8.
    let usage =
        unsafe { pgrx::direct_function_call::<f64>(pg_sys::pg_notification_queue_usage, &[]) };
    usage.unwrap_or(0.0) < 0.5
}

/// Sends the records just written to the log.
pub fn notify(records: &mut [u8]) {
    let channel = settings::channel();
    let channel = channel.to_string_lossy();
    // SAFETY: a transaction that wrote has an id.
    let xid = unsafe { pg_sys::GetTopFullTransactionId() }.value;
    let mut payload = Text::new();
    let mut sent = 0;
    for record in record::each(records).filter(|record| !record::is_taken_back(record)) {
        payload.clear();
        native::write_captured(
            &mut payload,
            record::id(record),
            xid,
            None,
            &record::body(record)[4..],
        );
        if payload.len() > LONGEST
            && let Some(shorter) = reference::shrink(payload.as_bytes(), LONGEST)
        {
            payload.clear();
            payload.extend(&shorter);
        }
        payload.push(0);
        if channel.contains("{topic}") {
            for topic in record::topic_texts(record::topics(record)) {
                send(
                    &channel.replace("{topic}", &String::from_utf8_lossy(topic)),
                    payload.as_bytes(),
                );
            }
        } else {
            send(&channel, payload.as_bytes());
        }
        sent += 1;
    }
    shared::count(Counter::Notified, sent);
}

/// `payload` ends with its NUL.
fn send(channel: &str, payload: &[u8]) {
    // NOTIFY refuses a channel without a name, and with it the user's commit.
    if channel.is_empty() {
        return;
    }
    let mut channel = reference::channel(channel).into_bytes();
    channel.push(0);
    // SAFETY: both are C strings; PostgreSQL copies them.
    unsafe { server::Async_Notify(channel.as_ptr().cast(), payload.as_ptr().cast()) };
}
