//! Where a reader stands: timeline, position and id in hexadecimal of fixed width, so that cursors
//! sort as plain strings. A cursor that was made with data loaded at the same moment also carries
//! that moment's snapshot, after a slash, so that replay leaves out what the data has already:
//!
//! `00000001-0000000000000a41-7fffffffffffffff/748210:748213:748211`

use crate::snapshot::Snapshot;
use std::fmt;

/// Hexadecimal digits, and the two signs between them.
pub const WIDTH: usize = 8 + 1 + 16 + 1 + 16;

/// Bytes of the longest cursor that is read. A snapshot has a number of up to 20 digits for each transaction that
/// runs, of which a server has a quarter of a million at most (MAX_BACKENDS); one that is longer would only take
/// time and memory.
pub const LONGEST: usize = 8 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub timeline: u32,
    pub position: u64,
    pub id: u64,
}

impl Place {
    /// After every event of its tick: the largest id PostgreSQL's bigint has.
    pub const END: u64 = i64::MAX as u64;

    pub fn end_of(timeline: u32, position: u64) -> Place {
        Place {
            timeline,
            position,
            id: Place::END,
        }
    }

    /// Its text, without what the formatting machinery costs: replay writes one for every event.
    pub fn text(&self) -> [u8; WIDTH] {
        let mut text = [b'-'; WIDTH];
        write_hexadecimal(&mut text[..8], self.timeline.into());
        write_hexadecimal(&mut text[9..25], self.position);
        write_hexadecimal(&mut text[26..], self.id);
        text
    }
}

fn write_hexadecimal(out: &mut [u8], mut number: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b"0123456789abcdef"[number as usize & 15];
        number >>= 4;
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub place: Place,
    /// What the data loaded with this cursor saw.
    pub seen: Option<Snapshot>,
}

impl Cursor {
    pub fn parse(text: &str) -> Option<Cursor> {
        if text.len() > LONGEST {
            return None;
        }
        let (place, seen) = match text.split_once('/') {
            Some((place, seen)) => (place, Some(Snapshot::parse(seen)?)),
            None => (text, None),
        };
        let mut parts = place.split('-');
        let place = Place {
            timeline: hexadecimal(parts.next()?, 8)? as u32,
            position: hexadecimal(parts.next()?, 16)?,
            id: hexadecimal(parts.next()?, 16)?,
        };
        (parts.next().is_none() && place.position <= Place::END && place.id <= Place::END)
            .then_some(Cursor { place, seen })
    }
}

fn hexadecimal(text: &str, width: usize) -> Option<u64> {
    // Upper case would sort elsewhere.
    let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == width && text.bytes().all(digits)).then(|| u64::from_str_radix(text, 16).ok())?
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)?;
        match &self.seen {
            Some(seen) => write!(f, "/{seen}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place() -> impl Strategy<Value = Place> {
        (any::<u32>(), 0..=Place::END, 0..=Place::END).prop_map(|(timeline, position, id)| Place {
            timeline,
            position,
            id,
        })
    }

    #[test]
    fn a_cursor_reads_back() {
        let text = "00000001-0000000000000a41-7fffffffffffffff/748210:748213:748211";
        let cursor = Cursor::parse(text).unwrap();
        assert_eq!(cursor.place, Place::end_of(1, 0xa41));
        assert_eq!(cursor.to_string(), text);
        assert_eq!(cursor.place.to_string().len(), WIDTH);
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let good = Place::end_of(1, 2).to_string();
        assert!(Cursor::parse(&good).is_some());
        for text in [
            "",
            "1-2-3",
            &good[1..],
            &good.to_uppercase(),
            &format!("{good}-"),
            &format!("{good}/"),
            &format!("{good}/1:2"),
            "00000001-ffffffffffffffff-0000000000000000",
            "00000001-0000000000000000-ffffffffffffffff",
        ] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_cursor_longer_than_any_server_makes_is_refused() {
        let with = |n: u64| {
            let seen = Snapshot {
                xmin: 1_000_000,
                xmax: 9_000_000,
                running: (1_000_000..1_000_000 + n).collect(),
            };
            let place = Place::end_of(1, 2);
            Cursor {
                place,
                seen: Some(seen),
            }
            .to_string()
        };
        assert!(Cursor::parse(&with(1_000_000)).is_some());
        let text = with(1_100_000);
        assert!(text.len() > LONGEST && Cursor::parse(&text).is_none());
    }

    proptest! {
        #[test]
        fn places_sort_as_their_texts(a in place(), b in place()) {
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn any_place_reads_back(place in place()) {
            let cursor = Cursor { place, seen: None };
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(?s).{0,60}") {
            if let Some(cursor) = Cursor::parse(&text) {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }
}
