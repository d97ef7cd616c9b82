//! A change of a coalesced source in the buffer: not yet an event, but what one is made of when the
//! transaction ends and the row's other changes are known. In the place of a record's body:
//!
//! | offset | bytes | |
//! | --- | --- | --- |
//! | 0 | 1 | [`Kind`] |
//! | 1 | 1 | [`Size`], and [`FOREIGN_FAILED`] |
//! | 2 | 2 | number of columns |
//! | 4 | 8 | an id for the LEAVE before it, 0 until it is taken |
//! | 12 | 4 × 5 | lengths of key, context, the old row's topics, old values, new values |
//! | 32 | | a byte a column: has it changed? Then those five |
//!
//! Values are told by column, each after its length. Topics of the old row are there where they may
//! differ from the new one's.

use super::event::{Size, Writer};
use super::row::{Change, Row};
use super::{context, encode, value};
use crate::log::record;
use crate::settings;
use wire::buffer::Text;
use wire::coalesce::Kind;

const SECTIONS: usize = 5;
const HEAD: usize = 32;
/// The length of a value that is not told.
const ABSENT: u32 = u32::MAX;
/// The length of an old value that is the new one.
const SAME: u32 = u32::MAX - 1;
/// The length of old topics that are the new ones.
const NONE: u32 = u32::MAX;
const FOREIGN_FAILED: u8 = 0x80;

/// In a record's note: it holds parts.
pub const PARTS: u32 = 1;
/// In a record's note: no change before it is of the same row as one after it.
pub const BARRIER: u32 = 2;
/// In a record's note: other changes of its key need not be of the same row.
pub const ALONE: u32 = 4;
/// Where in the note the plan's number begins.
pub const PLAN_SHIFT: u32 = 3;

impl Writer<'_> {
    /// Writes a change for its transaction's end.
    pub fn write_parts(&mut self, change: Change) {
        let (kind, old, new) = match change {
            Change::Insert(new) => (Kind::Insert, None, Some(new)),
            Change::Update(old, new) => (Kind::Update, Some(old), Some(new)),
            Change::Delete(old) => (Kind::Delete, Some(old), None),
            Change::Leave(old) => (Kind::Leave, Some(old), None),
            Change::Truncate => return,
        };
        let update = kind == Kind::Update;
        let Some(row) = new.or(old) else { return };
        let size = self.size_of_parts(old, new);
        let columns = self.plan.columns.len();
        let start = record::begin(self.out);
        let head = self.out.len();
        let failed = if self.without_foreign {
            FOREIGN_FAILED
        } else {
            0
        };
        self.out.extend(&[kind as u8, size as u8 | failed]);
        self.out.extend(&(columns as u16).to_le_bytes());
        self.out.extend(&[0; HEAD - 4]);
        for n in 0..columns {
            self.out.push(u8::from(update && self.scratch.changed[n]));
        }
        let mut lengths = [0; SECTIONS];
        let mut from = self.out.len();
        let mut section = |out: &Text| {
            let length = (out.len() - from) as u32;
            from = out.len();
            length
        };
        self.write_key(row);
        lengths[0] = section(self.out);
        let at = context::write(self.out);
        lengths[1] = section(self.out);
        let moved = update
            && self
                .plan
                .topics
                .iter()
                .any(|topic| topic.columns.iter().any(|&n| self.scratch.changed[n]));
        if moved {
            self.gather_topics(old);
            for topic in self.scratch.topics.iter() {
                self.out.extend(&(topic.len() as u32).to_le_bytes());
                self.out.extend(topic);
            }
        }
        let was = section(self.out);
        lengths[2] = if moved { was } else { NONE };
        if let Some(old) = old {
            self.write_values(old, update, size, update);
        }
        lengths[3] = section(self.out);
        if let Some(new) = new {
            self.write_values(new, update, size, false);
        }
        lengths[4] = section(self.out);
        for (n, length) in lengths.into_iter().enumerate() {
            let at = head + 12 + 4 * n;
            self.out.as_mut_bytes()[at..at + 4].copy_from_slice(&length.to_le_bytes());
        }
        self.gather_topics(Some(row));
        record::finish(self.out, start, at, self.scratch.topics.iter());
        let note = PARTS | self.identity(row, update);
        record::set_note(&mut self.out.as_mut_bytes()[start..], note);
    }

    fn gather_topics(&mut self, row: Option<Row>) {
        let scratch = &mut *self.scratch;
        scratch.topics.clear();
        for topic in &self.plan.topics {
            let all = !self.without_foreign;
            scratch
                .topics
                .add(topic, row, self.plan, &mut scratch.plain, all);
        }
    }

    /// How far the key tells of which row this is a change: not across a change of it, nor where it could
    /// not be written; and a unique index lets many rows have a null.
    fn identity(&self, row: Row, update: bool) -> u32 {
        let key = &self.plan.key;
        if key.is_empty()
            || key
                .iter()
                .any(|&n| self.skips(n) || update && self.scratch.changed[n])
        {
            BARRIER
        } else if key.iter().any(|&n| row.get(n).is_none()) {
            ALONE
        } else {
            0
        }
    }

    /// By the stored sizes, as events are: a value that is far too large is not fetched.
    fn size_of_parts(&self, old: Option<Row>, new: Option<Row>) -> Size {
        if self.plan.closed {
            return Size::Key;
        }
        // Both rows in full count here, of which the event may carry but one.
        let limit = 2 * settings::max_event_size();
        let stored = |row: Option<Row>, changed_only: bool| -> usize {
            let Some(row) = row else { return 0 };
            let columns = self.plan.columns.iter().enumerate();
            columns
                .filter(|(n, column)| {
                    column.length == -1
                        && column.visible
                        && (!changed_only || self.scratch.changed[*n])
                })
                .filter_map(|(n, _)| row.get(n))
                // SAFETY: a column of length -1 holds varlenas.
                .map(|datum| unsafe { value::size(datum) })
                .sum()
        };
        let update = old.is_some() && new.is_some();
        if stored(new, false) + stored(old, update) <= limit {
            Size::Full
        } else if update && stored(new, true) + stored(old, true) <= limit {
            Size::Changed
        } else {
            Size::Key
        }
    }

    /// The columns an event may carry in any form: visible ones, the key, those of the status.
    fn write_values(&mut self, row: Row, update: bool, size: Size, same_as_new: bool) {
        for n in 0..self.plan.columns.len() {
            let column = &self.plan.columns[n];
            let changed = update && self.scratch.changed[n];
            let key = self.plan.key.contains(&n);
            let shown = column.visible || self.plan.status.contains(&n);
            let told = !column.absent
                && !self.skips(n)
                && (key
                    || match size {
                        Size::Full => shown,
                        Size::Changed => shown && changed,
                        Size::Key => false,
                    });
            if !told {
                self.out.extend(&ABSENT.to_le_bytes());
            } else if same_as_new && !changed {
                self.out.extend(&SAME.to_le_bytes());
            } else {
                let at = self.out.len();
                self.out.extend(&[0; 4]);
                match row.get(n) {
                    // SAFETY: the codec is the column's.
                    Some(datum) => unsafe { encode::write(&column.codec, datum, self.out) },
                    None => self.out.extend(b"null"),
                }
                let length = (self.out.len() - at - 4) as u32;
                self.out.as_mut_bytes()[at..at + 4].copy_from_slice(&length.to_le_bytes());
            }
        }
    }
}

/// Parts read back.
pub struct Parts<'a> {
    pub kind: Kind,
    pub size: Size,
    pub foreign_failed: bool,
    pub leave_id: i64,
    /// A byte a column.
    pub changed: &'a [u8],
    pub key: &'a [u8],
    pub context: &'a [u8],
    was: Option<&'a [u8]>,
    old: &'a [u8],
    new: &'a [u8],
    topics: &'a [u8],
}

impl<'a> Parts<'a> {
    pub fn read(bytes: &'a [u8]) -> Parts<'a> {
        let body = &record::body(bytes)[4..];
        let columns = usize::from(u16::from_le_bytes([body[2], body[3]]));
        let mut at = HEAD + columns;
        let sections: [Option<&[u8]>; SECTIONS] = std::array::from_fn(|n| {
            let length = word(body, 12 + 4 * n);
            (length != NONE).then(|| {
                let section = &body[at..at + length as usize];
                at += length as usize;
                section
            })
        });
        let [key, context, was, old, new] = sections;
        Parts {
            kind: Kind::from_byte(body[0]),
            size: match body[1] & !FOREIGN_FAILED {
                0 => Size::Full,
                1 => Size::Changed,
                _ => Size::Key,
            },
            foreign_failed: body[1] & FOREIGN_FAILED != 0,
            leave_id: long(body, 4),
            changed: &body[HEAD..HEAD + columns],
            key: key.unwrap_or_default(),
            context: context.unwrap_or_default(),
            was,
            old: old.unwrap_or_default(),
            new: new.unwrap_or_default(),
            topics: record::topics(bytes),
        }
    }

    pub fn is_partial(&self) -> bool {
        self.size > Size::Full || self.foreign_failed
    }

    pub fn new_values(&self) -> Values<'a> {
        Values {
            list: self.new,
            same: None,
        }
    }

    pub fn old_values(&self) -> Values<'a> {
        Values {
            list: self.old,
            same: (!self.new.is_empty()).then_some(self.new),
        }
    }

    pub fn topics(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        record::topic_texts(self.topics)
    }

    /// Topics of the row before the change; as a row of the feed, a new one had none.
    pub fn topics_before(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut was = self.was.unwrap_or_default();
        let told = std::iter::from_fn(move || {
            let (length, rest) = was.split_at_checked(4)?;
            let (topic, rest) = rest.split_at(word(length, 0) as usize);
            was = rest;
            Some(topic)
        });
        let same = (self.was.is_none() && self.kind != Kind::Insert).then(|| self.topics());
        told.chain(same.into_iter().flatten())
    }
}

/// A row's values in the order of its columns, None where one is not told.
pub struct Values<'a> {
    list: &'a [u8],
    same: Option<&'a [u8]>,
}

impl<'a> Iterator for Values<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Option<&'a [u8]>> {
        let own = next_value(&mut self.list)?;
        let other = self.same.as_mut().and_then(next_value);
        Some(match own {
            Err(SAME) => other.and_then(Result::ok),
            own => own.ok(),
        })
    }
}

fn next_value<'a>(list: &mut &'a [u8]) -> Option<Result<&'a [u8], u32>> {
    let (length, rest) = list.split_at_checked(4)?;
    let length = word(length, 0);
    *list = rest;
    if length >= SAME {
        return Some(Err(length));
    }
    let (value, rest) = rest.split_at(length as usize);
    *list = rest;
    Some(Ok(value))
}

/// Where the key stands in a record that begins at `start`.
pub fn key_range(bytes: &[u8], start: usize) -> (u32, u32) {
    let body = &bytes[start + record::TEXT..];
    let columns = usize::from(u16::from_le_bytes([body[2], body[3]]));
    let from = start + record::TEXT + HEAD + columns;
    (from as u32, from as u32 + word(body, 12))
}

pub fn kind(bytes: &[u8]) -> Kind {
    Kind::from_byte(bytes[record::TEXT])
}

/// For a change whose row's DELETE before it is left out: an INSERT would seem to be another row's.
pub fn follow(bytes: &mut [u8]) {
    if kind(bytes) == Kind::Insert {
        bytes[record::TEXT] = Kind::Update as u8;
    }
}

pub fn set_leave_id(bytes: &mut [u8], id: i64) {
    let at = record::TEXT + 4;
    bytes[at..at + 8].copy_from_slice(&id.to_le_bytes());
}

/// Of a row some of whose changes could not be told in full, no more than the key can be; which columns
/// changed is known still. Adds what the earlier change says to the later one.
pub fn carry_partial(earlier: &[u8], later: &mut [u8]) {
    let (head, body) = (record::TEXT, record::TEXT + HEAD);
    let columns =
        |bytes: &[u8]| usize::from(u16::from_le_bytes([bytes[head + 2], bytes[head + 3]]));
    if earlier[head + 1] != 0 || later[head + 1] != 0 {
        later[head + 1] |= Size::Key as u8;
    }
    if !kind(earlier).is_present() {
        // Made anew: what it was is told by its old values alone.
        let end = body + columns(later);
        later[body..end].fill(1);
    }
    for n in 0..columns(earlier).min(columns(later)) {
        later[body + n] |= earlier[body + n];
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> i64 {
    i64::from(word(bytes, at)) | i64::from(word(bytes, at + 4)) << 32
}
