//! Events on their way to the sinks, each as the native text its readers get.

use crate::log::history::Event;
use crate::log::record;
use std::ops::Range;
use wire::buffer::Text;
use wire::cursor::Place;

pub struct Entry {
    pub place: Place,
    pub xid: u64,
    /// Inline delivery has sent it.
    pub notified: bool,
    /// Milliseconds that it may be held back; 0: none.
    pub throttle: u32,
    /// The time of the statement.
    pub at: i64,
    text: Range<usize>,
    topics: Range<usize>,
}

/// Texts and topics lie in one buffer, which is used again for every batch.
pub struct Batch {
    buffer: Text,
    pub entries: Vec<Entry>,
}

impl Batch {
    pub const fn new() -> Batch {
        Batch {
            buffer: Text::new(),
            entries: Vec::new(),
        }
    }

    pub fn clear(&mut self) {
        self.buffer.clear();
        self.entries.clear();
    }

    /// Bytes of all events.
    pub fn size(&self) -> usize {
        self.buffer.len()
    }

    pub fn push(&mut self, event: &Event, place: Place) {
        self.buffer.align(4);
        let topics = self.buffer.len()..self.buffer.len() + event.topics.len();
        self.buffer.extend(event.topics);
        let start = self.buffer.len();
        event.write(&mut self.buffer, place);
        self.entries.push(Entry {
            place,
            xid: event.xid,
            notified: event.notified,
            throttle: event.throttle,
            at: event.at,
            text: start..self.buffer.len(),
            topics,
        });
    }

    /// The event in the native dialect.
    pub fn text(&self, entry: &Entry) -> &[u8] {
        &self.buffer.as_bytes()[entry.text.clone()]
    }

    pub fn topics(&self, entry: &Entry) -> impl Iterator<Item = &[u8]> {
        record::topic_texts(&self.buffer.as_bytes()[entry.topics.clone()])
    }
}
