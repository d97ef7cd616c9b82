//! An event as it is read, and what may be asked of it.

use super::tick::Tick;
use crate::log::record;
use wire::buffer::Text;
use wire::cursor::Place;
use wire::native;
use wire::selection::Selection;
use wire::snapshot::Snapshot;

/// What of an event is asked for: by default, everything.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// An event with at least one of these topics.
    pub topics: Option<&'a Selection>,
    /// Not of transactions that this snapshot saw, taken while this was the timeline: on a later one
    /// their ids may have come again.
    pub unseen: Option<(&'a Snapshot, u32)>,
    /// No event after those that have more bytes than these together.
    pub bytes: Option<usize>,
}

impl Wanted<'_> {
    pub fn has_transaction(&self, tick: &Tick, xid: u64) -> bool {
        self.unseen
            .is_none_or(|(seen, timeline)| tick.timeline != timeline || !seen.sees(xid))
    }
}

pub struct Event<'a> {
    /// Index into the ticks it was read from.
    pub tick: usize,
    pub id: i64,
    pub xid: u64,
    pub notified: bool,
    /// Milliseconds that it may be held back; 0: none.
    pub throttle: u32,
    /// The time of the statement.
    pub at: i64,
    /// A text[] as [`record::topic_texts`] takes it.
    pub topics: &'a [u8],
    /// Of a message.
    pub event: Option<&'a [u8]>,
    pub payload: Option<&'a [u8]>,
    /// JSON text.
    pub body: &'a [u8],
}

impl Event<'_> {
    /// Appends it in the native dialect, as its reader at this place gets it.
    pub fn write(&self, out: &mut Text, place: Place) {
        let cursor = place.text();
        let cursor = std::str::from_utf8(&cursor).ok();
        if self.event.is_none() && self.payload.is_none() {
            native::write_captured(out, self.id, self.xid, cursor, self.body);
        } else {
            native::write_message(
                out,
                self.id,
                self.xid,
                cursor,
                record::topic_texts(self.topics),
                self.event,
                self.payload.unwrap_or(b"null"),
                self.body,
            );
        }
    }
}
