//! jsonb's stored form, written as jsonb_out writes it.

use crate::buffer::Text;
use crate::json::{write_quoted, write_string};
use crate::number::write_finite_numeric;

/// Containers inside one another beyond which the caller must ask PostgreSQL, whose own stack check then applies.
const DEPTH: u32 = 64;

// The stored form is described in jsonb.h: a container is a header, an entry for each child and then their bytes; an object's
// keys come first, all of them, then its values. An entry has the child's length or, every 32nd time, the offset of its end.
const COUNT: u32 = 0x0fff_ffff;
const SCALAR: u32 = 0x1000_0000;
const OBJECT: u32 = 0x2000_0000;
const ARRAY: u32 = 0x4000_0000;

const OFFSET: u32 = 0x8000_0000;
const TYPE: u32 = 0x7000_0000;
const STRING: u32 = 0x0000_0000;
const NUMERIC: u32 = 0x1000_0000;
const FALSE: u32 = 0x2000_0000;
const TRUE: u32 = 0x3000_0000;
const NULL: u32 = 0x4000_0000;
const CONTAINER: u32 = 0x5000_0000;

/// Appends a jsonb value, given its root container: what follows the 4-byte varlena header.
/// False, with nothing written, when the bytes are malformed or nested deeper than 64 levels: then ask jsonb_out.
pub fn write_jsonb(out: &mut Text, root: &[u8]) -> bool {
    let start = out.len();
    let written = container(out, root, 0).is_some();
    if !written {
        out.truncate(start);
    }
    written
}

fn container(out: &mut Text, bytes: &[u8], depth: u32) -> Option<()> {
    let (&head, rest) = bytes.split_first_chunk()?;
    let head = u32::from_ne_bytes(head);
    let n = (head & COUNT) as usize;
    if depth == DEPTH {
        return None;
    }
    if head & OBJECT != 0 {
        let (keys, rest) = rest.split_at_checked(4 * n)?;
        let (values, data) = rest.split_at_checked(4 * n)?;
        object(out, keys.as_chunks().0, values.as_chunks().0, data, depth)
    } else if head & ARRAY != 0 {
        let (entries, data) = rest.split_at_checked(4 * n)?;
        array(out, entries.as_chunks().0, data, head & SCALAR != 0, depth)
    } else {
        None
    }
}

fn object(
    out: &mut Text,
    keys: &[[u8; 4]],
    values: &[[u8; 4]],
    data: &[u8],
    depth: u32,
) -> Option<()> {
    let mut key_at = 0;
    let mut value_at = end_of(keys);
    out.push(b'{');
    for (&key, &value) in keys.iter().zip(values) {
        let key = Child::of(key, &mut key_at, data)?;
        if key.kind != STRING {
            return None;
        }
        write_quoted(out, key.bytes, b"\": ");
        child(out, Child::of(value, &mut value_at, data)?, depth)?;
        out.extend_array(b", ");
    }
    if !keys.is_empty() {
        out.truncate(out.len() - 2);
    }
    out.push(b'}');
    Some(())
}

fn array(out: &mut Text, entries: &[[u8; 4]], data: &[u8], scalar: bool, depth: u32) -> Option<()> {
    let mut at = 0;
    if !scalar {
        out.push(b'[');
    }
    for &entry in entries {
        child(out, Child::of(entry, &mut at, data)?, depth)?;
        out.extend_array(b", ");
    }
    if !entries.is_empty() {
        out.truncate(out.len() - 2);
    }
    if !scalar {
        out.push(b']');
    }
    Some(())
}

/// Where the last of these entries ends.
fn end_of(entries: &[[u8; 4]]) -> usize {
    let mut end = 0;
    for &entry in entries.iter().rev() {
        let entry = u32::from_ne_bytes(entry);
        end += (entry & COUNT) as usize;
        if entry & OFFSET != 0 {
            break;
        }
    }
    end
}

struct Child<'a> {
    kind: u32,
    bytes: &'a [u8],
}

impl<'a> Child<'a> {
    /// The child of an entry, whose bytes begin at `at`; moves `at` behind it.
    #[inline(always)]
    fn of(entry: [u8; 4], at: &mut usize, data: &'a [u8]) -> Option<Self> {
        let entry = u32::from_ne_bytes(entry);
        let kind = entry & TYPE;
        let field = (entry & COUNT) as usize;
        let start = *at;
        *at = if entry & OFFSET != 0 {
            field
        } else {
            start + field
        };
        // Numbers and containers are aligned, their padding counted as theirs.
        let aligned = matches!(kind, NUMERIC | CONTAINER);
        let start = if aligned {
            start.next_multiple_of(4)
        } else {
            start
        };
        Some(Self {
            kind,
            bytes: data.get(start..*at)?,
        })
    }
}

#[inline(always)]
fn child(out: &mut Text, child: Child, depth: u32) -> Option<()> {
    match child.kind {
        STRING => write_string(out, child.bytes),
        NUMERIC => {
            if !write_finite_numeric(out, varlena(child.bytes)?) {
                return None;
            }
        }
        FALSE => out.extend(b"false"),
        TRUE => out.extend(b"true"),
        NULL => out.extend(b"null"),
        CONTAINER => container(out, child.bytes, depth + 1)?,
        _ => return None,
    }
    Some(())
}

/// The payload of an uncompressed varlena, with a header of four bytes or of one (postgres.h, "varattrib_1b").
#[inline]
fn varlena(bytes: &[u8]) -> Option<&[u8]> {
    let little = cfg!(target_endian = "little");
    let first = *bytes.first()?;
    let (short, compressed) = if little {
        (first & 1 != 0, first & 3 == 2)
    } else {
        (first & 0x80 != 0, first & 0xc0 == 0x40)
    };
    if short {
        let size = if little { first >> 1 } else { first & 0x7f };
        return bytes.get(1..usize::from(size));
    }
    if compressed {
        return None;
    }
    let word = u32::from_ne_bytes(*bytes.first_chunk()?);
    let size = if little {
        word >> 2
    } else {
        word & 0x3fff_ffff
    };
    bytes.get(4..size as usize)
}
