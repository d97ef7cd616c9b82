//! An event in the transaction's buffer: a header, then the log's columns in the very bytes they are
//! stored with, so that writing them to the log copies nothing twice.
//!
//! | offset | bytes | |
//! | --- | --- | --- |
//! | 0 | 4 | size of the whole record, a multiple of 8 |
//! | 4 | 1 | 1 when the event has been taken back, 2 when the log has it already |
//! | 5 | 3 | of a coalesced source, what `capture/coalesce.rs` makes of it |
//! | 8 | 8 | statement time |
//! | 16 | 8 | id, 0 until it is taken from the sequence |
//! | 24 | 4 | offset of `topics`, a text[] datum |
//! | 28 | 4 | `throttle`, milliseconds; 0: none; the top bit: the last 8 bytes are the table, see `held.rs` |
//! | 32 | | `body`, a json datum: four bytes of varlena header, then its text |

use crate::error::Error;
use wire::buffer::Text;

/// A varlena header counts 30 bits: what is longer would be cut, and be no JSON in the log.
const LARGEST: usize = 0x3fff_ffff;
pub const HEADER: usize = 32;
/// A throttle is at most a day, which is 27 bits of milliseconds.
const HAS_TABLE: u32 = 1 << 31;
/// Where the body's text starts.
pub const TEXT: usize = HEADER + 4;

/// A varlena header of four bytes for a datum of this many bytes in all (postgres.h, little endian).
pub fn varlena(size: usize) -> [u8; 4] {
    ((size as u32) << 2).to_ne_bytes()
}

/// Starts a record at the end of `out`, which is then ready for the body's text.
pub fn begin(out: &mut Text) -> usize {
    out.align(8);
    let start = out.len();
    out.spare_array::<TEXT>().fill(0);
    out.advance(TEXT);
    start
}

/// Ends the record begun at `start`, whose body's text is all that followed.
pub fn finish<'a>(
    out: &mut Text,
    start: usize,
    at: i64,
    topics: impl Iterator<Item = &'a [u8]> + Clone,
) {
    let body = out.len() - start - HEADER;
    out.align(8);
    let list = out.len() - start;
    // ArrayType (array.h): length, one dimension, no nulls, elements of text (25), count, lower bound.
    let count = topics.clone().count() as i32;
    for word in [0, i32::from(count > 0), 0, 25] {
        out.extend(&word.to_ne_bytes());
    }
    if count > 0 {
        out.extend(&count.to_ne_bytes());
        out.extend(&1i32.to_ne_bytes());
    }
    for topic in topics {
        out.align(4);
        out.extend(&varlena(topic.len() + 4));
        out.extend(topic);
    }
    let list_size = out.len() - start - list;
    out.align(8);
    let size = out.len() - start;
    if size > LARGEST {
        Error::OutOfMemory { bytes: size }.raise();
    }
    let record = &mut out.as_mut_bytes()[start..];
    record[0..4].copy_from_slice(&(size as u32).to_ne_bytes());
    record[8..16].copy_from_slice(&at.to_ne_bytes());
    record[24..28].copy_from_slice(&(list as u32).to_ne_bytes());
    record[HEADER..TEXT].copy_from_slice(&varlena(body));
    record[list..list + 4].copy_from_slice(&varlena(list_size));
}

/// Bytes of the record at the start of `bytes`.
pub fn size(bytes: &[u8]) -> usize {
    word(bytes, 0) as usize
}

pub fn take_back(record: &mut [u8]) {
    record[4] = 1;
}

pub fn is_taken_back(record: &[u8]) -> bool {
    record[4] == 1
}

/// A message, whose row is in the log already: the record is for delivery alone.
pub fn set_logged(record: &mut [u8]) {
    record[4] = 2;
}

pub fn is_logged(record: &[u8]) -> bool {
    word(record, 4) == 2
}

/// Whether the record is still to be written to the log.
pub fn is_pending(record: &[u8]) -> bool {
    record[4] == 0
}

/// What the maker of an unfinished record keeps in it.
pub fn note(record: &[u8]) -> u32 {
    u32::from_le_bytes([record[5], record[6], record[7], 0])
}

pub fn set_note(record: &mut [u8], note: u32) {
    record[5..8].copy_from_slice(&note.to_le_bytes()[..3]);
}

pub fn throttle(record: &[u8]) -> u32 {
    word(record, 28) & !HAS_TABLE
}

pub fn set_throttle(record: &mut [u8], milliseconds: u32) {
    let word = milliseconds | word(record, 28) & HAS_TABLE;
    record[28..32].copy_from_slice(&word.to_ne_bytes());
}

/// Adds to the record at the end of `out` which table it is of.
pub fn set_table(out: &mut Text, start: usize, table: u32) {
    out.extend(&u64::from(table).to_ne_bytes());
    let size = (out.len() - start) as u32;
    let record = &mut out.as_mut_bytes()[start..];
    record[0..4].copy_from_slice(&size.to_ne_bytes());
    let word = word(record, 28) | HAS_TABLE;
    record[28..32].copy_from_slice(&word.to_ne_bytes());
}

/// The table of a record that [`set_table`] told.
pub fn table(record: &[u8]) -> Option<u32> {
    (word(record, 28) & HAS_TABLE != 0).then(|| word(record, record.len() - 8))
}

pub fn at(record: &[u8]) -> i64 {
    long(record, 8)
}

pub fn id(record: &[u8]) -> i64 {
    long(record, 16)
}

pub fn set_id(record: &mut [u8], id: i64) {
    record[16..24].copy_from_slice(&id.to_ne_bytes());
}

/// The topics, a text[] datum.
pub fn topics(record: &[u8]) -> &[u8] {
    let start = word(record, 24) as usize;
    let size = word(record, start) as usize >> 2;
    &record[start..start + size]
}

/// The body, a json datum.
pub fn body(record: &[u8]) -> &[u8] {
    let size = word(record, HEADER) as usize >> 2;
    &record[HEADER..HEADER + size]
}

/// The topics one by one, of any text[] datum without nulls.
pub fn topic_texts(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = if word(list, 4) == 0 {
        0
    } else {
        word(list, 16)
    };
    let mut next = 24;
    (0..count).map(move |_| {
        let size = word(list, next) as usize >> 2;
        let text = &list[next + 4..next + size];
        next = (next + size).next_multiple_of(4);
        text
    })
}

/// The records one after another.
pub fn each(bytes: &mut [u8]) -> impl Iterator<Item = &mut [u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let size = size(rest);
        let (record, after) = std::mem::take(&mut rest).split_at_mut(size);
        rest = after;
        Some(record)
    })
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn long(bytes: &[u8], at: usize) -> i64 {
    i64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap())
}
