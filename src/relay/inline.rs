//! Inline delivery: the writing transaction itself notifies, at pre-commit.

use super::definition;
use super::notify::{self, Notifier};
use crate::log::record;
use crate::log::shared::{self, Counter};
use crate::settings;
use pgrx::pg_sys;
use wire::buffer::Text;
use wire::native;

/// Whether the writing transaction may notify: not when the queue is half full, since a full one would
/// make the commit fail, nor when the sink out of the box has been dropped.
pub fn has_room() -> bool {
    notify::queue_usage() < 0.5 && definition::has_inline()
}

/// Sends the records just written to the log.
pub fn notify(records: &mut [u8]) {
    let mut notifier = Notifier::new(settings::channel().into_bytes());
    // SAFETY: a transaction that wrote has an id.
    let xid = unsafe { pg_sys::GetTopFullTransactionId() }.value;
    let mut text = Text::new();
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
        sent += 1;
    }
    shared::count(Counter::Notified, sent);
}
