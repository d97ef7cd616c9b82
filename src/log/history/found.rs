//! Events gathered from rows in any order, given in the log's.

use super::event::Event;
use super::value::{write_topics, write_value};
use crate::error::Error;
use crate::log::record;
use crate::log::server::Local;
use crate::log::statement::Row;
use wire::buffer::Text;
use wire::selection::Selection;

/// Memory kept for the next reading: new pages for each cost more than its events.
const KEPT: usize = 4 * 1024 * 1024;

/// Taken while in use: what is done with an event may read again.
static SPARE: Local<(Text, Vec<Entry>)> = Local::new((Text::new(), Vec::new()));

/// The first events in the order of tick and id, copied from rows in any order.
pub struct Found {
    text: Text,
    pub list: Vec<Entry>,
    limit: usize,
    /// What comes after events of more bytes than these is not among the first either.
    bytes: usize,
    /// The length of the text from which it is looked for that.
    full: usize,
    /// What is not before this is not among the first.
    bound: (usize, i64),
    more: bool,
}

#[derive(Clone, Copy)]
pub struct Entry {
    tick: usize,
    id: i64,
    xid: u64,
    notified: bool,
    throttle: u32,
    at: i64,
    /// Where topics, event, payload and body end in the text; the first begins at `start`.
    start: usize,
    ends: [usize; 4],
    nulls: [bool; 2],
}

impl Found {
    pub fn new(limit: usize, bytes: Option<usize>) -> Found {
        // SAFETY: the reference ends with this statement.
        let (mut text, mut list) = std::mem::take(unsafe { SPARE.get() });
        text.clear();
        list.clear();
        let bytes = bytes.unwrap_or(usize::MAX);
        Found {
            text,
            list,
            limit,
            bytes,
            full: half_more(bytes),
            bound: (usize::MAX, i64::MAX),
            more: false,
        }
    }

    pub fn add(&mut self, row: &Row, tick: usize, topics: Option<&Selection>) {
        let place = (tick, row.long(0));
        if place >= self.bound {
            return;
        }
        let start = self.text.len();
        let Some(list) = row.get(2) else { return };
        // SAFETY: the columns are of these types.
        unsafe { write_topics(&mut self.text, list) };
        if let Some(topics) = topics
            && !record::topic_texts(&self.text.as_bytes()[start..]).any(|topic| topics.fits(topic))
        {
            self.text.truncate(start);
            return;
        }
        let mut ends = [self.text.len(); 4];
        for (end, column) in ends[1..].iter_mut().zip(4..) {
            if let Some(value) = row.get(column) {
                // SAFETY: text or json.
                unsafe { write_value(&mut self.text, value) };
            }
            *end = self.text.len();
        }
        reserve(&mut self.list);
        self.list.push(Entry {
            tick,
            id: row.long(0),
            xid: row.long(1) as u64,
            notified: row.long(3) != 0,
            throttle: row.get(7).map_or(0, |throttle| throttle.value() as u32),
            at: row.long(8),
            start,
            ends,
            nulls: [row.get(4).is_none(), row.get(5).is_none()],
        });
        if self.list.len() > self.limit.saturating_mul(2) || self.text.len() > self.full {
            self.cut();
            // Topics may take more than what there is to give.
            self.full = half_more(self.bytes.max(self.text.len()));
        }
    }

    /// Keeps the first.
    fn cut(&mut self) {
        self.list.sort_unstable_by_key(Entry::place);
        let mut bytes = 0usize;
        let enough = self.list.iter().position(|entry| {
            let before = bytes;
            bytes += entry.given(self.text.as_bytes());
            before > self.bytes
        });
        let kept = enough.map_or(self.limit, |enough| enough.min(self.limit));
        let Some(next) = self.list.get(kept) else {
            return;
        };
        self.bound = next.place();
        self.more = true;
        self.list.truncate(kept);
        let all = std::mem::take(&mut self.text);
        let size = |entry: &Entry| entry.ends[3] - entry.start;
        // As a whole: grown step by step it would have up to twice as much.
        self.text.reserve(self.list.iter().map(size).sum());
        for entry in &mut self.list {
            let (from, to) = (self.text.len(), entry.ends[3]);
            self.text.extend(&all.as_bytes()[entry.start..to]);
            entry.ends = entry.ends.map(|end| from + end - entry.start);
            entry.start = from;
        }
    }

    /// In order; whether there were more.
    pub fn each(mut self, mut each: impl FnMut(&Event)) -> bool {
        self.list.sort_unstable_by_key(Entry::place);
        let text = self.text.as_bytes();
        for entry in self.list.iter().take(self.limit) {
            let [topics, event, payload, body] = entry.ends;
            each(&Event {
                tick: entry.tick,
                id: entry.id,
                xid: entry.xid,
                notified: entry.notified,
                throttle: entry.throttle,
                at: entry.at,
                topics: &text[entry.start..topics],
                event: (!entry.nulls[0]).then(|| &text[topics..event]),
                payload: (!entry.nulls[1]).then(|| &text[event..payload]),
                body: &text[payload..body],
            });
        }
        let more = self.more || self.list.len() > self.limit;
        self.text.clear();
        self.text.shrink_to(KEPT);
        if self.list.len() * size_of::<Entry>() <= KEPT {
            // SAFETY: the reference ends with this statement.
            unsafe { *SPARE.get() = (self.text, self.list) };
        }
        more
    }
}

impl Entry {
    fn place(&self) -> (usize, i64) {
        (self.tick, self.id)
    }

    /// Bytes that [`Event::write`] makes of it at least: white space goes, and of a message's body anything may.
    fn given(&self, text: &[u8]) -> usize {
        let [_, event, payload, body] = self.ends;
        let given = match self.nulls {
            [true, true] => &text[payload..body],
            _ => &text[event..payload],
        };
        given.trim_ascii().len()
    }
}

fn half_more(bytes: usize) -> usize {
    bytes.saturating_add(bytes / 2)
}

pub fn reserve<T>(list: &mut Vec<T>) {
    if list.try_reserve(1).is_err() {
        let bytes = list.len().saturating_mul(2 * size_of::<T>());
        Error::OutOfMemory { bytes }.raise()
    }
}
