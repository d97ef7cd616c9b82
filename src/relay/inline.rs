//! Inline delivery: the writing transaction itself notifies, at pre-commit.

use super::definition;
use super::notify::Notifier;
use super::queue;
use super::{owner, statement};
use crate::log::record;
use crate::log::shared::{self, Counter};
use crate::settings;
use pgrx::pg_sys;
use wire::buffer::Text;
use wire::native;
use wire::sink;

/// Whether the writing transaction may notify of these records: not when the queue would be too full, since a full one
/// makes the commit fail, nor when the sink out of the box has been dropped.
pub fn has_room(records: &mut [u8]) -> bool {
    let size = match sink::is_template(settings::channel().as_bytes()) {
        false => records.len(),
        true => record::each(records)
            .map(|record| record.len() * record::topic_texts(record::topics(record)).count())
            .sum(),
    };
    queue::has_room_for(size) && definition::has_inline()
}

/// Sends the records just written to the log.
pub fn notify(records: &mut [u8]) {
    let mut notifier = Notifier::new(settings::channel().into_bytes());
    // SAFETY: a transaction that wrote has an id.
    let xid = unsafe { pg_sys::GetTopFullTransactionId() }.value;
    let mut text = Text::new();
    let mut messages = Vec::new();
    let mut sent = 0;
    for record in record::each(records).filter(|record| !record::is_taken_back(record)) {
        text.clear();
        native::write_captured(
            &mut text,
            record::id(record),
            xid,
            None,
            &record::body(record)[4..],
        );
        notifier.send_event(text.as_bytes(), record::topic_texts(record::topics(record)));
        if record::is_logged(record) {
            messages.push(record::id(record));
        }
        sent += 1;
    }
    if !messages.is_empty() {
        mark(xid, messages);
    }
    shared::count(Counter::Notified, sent);
}

/// Marks messages as sent, which the caller of send() put into the log before it was known whether they
/// would be; it has no right to change them.
fn mark(xid: u64, ids: Vec<i64>) {
    // SAFETY: popped below; an error aborts the transaction, which pops it.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
    owner::as_role(pg_sys::BOOTSTRAP_SUPERUSERID.into(), || {
        statement::run(
            "update realtime_sync.event set notified = true
             where xid operator(pg_catalog.=) $1::text::xid8 and id operator(pg_catalog.=) any ($2)",
            &[xid.to_string().into(), ids.into()],
        );
    });
    // SAFETY: pushed above.
    unsafe { pg_sys::PopActiveSnapshot() };
}
