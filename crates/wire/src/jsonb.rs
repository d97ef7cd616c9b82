//! jsonb's stored form, written as jsonb_out writes it.

use crate::buffer::Text;
use crate::json::write_string;
use crate::number::{Numeric, numeric};

/// Containers inside one another beyond which the caller must ask PostgreSQL, whose own stack check then applies.
const DEPTH: u32 = 64;

const COUNT: u32 = 0x0fff_ffff;
const SCALAR: u32 = 0x1000_0000;
const OBJECT: u32 = 0x2000_0000;
const ARRAY: u32 = 0x4000_0000;
const OFFSET: u32 = 0x8000_0000;

/// Appends a jsonb value, given the root container (what follows the 4-byte varlena header).
/// False, with nothing written, when the bytes are malformed or nested deeper than 64 levels: then ask jsonb_out.
#[inline]
pub fn write_jsonb(out: &mut Text, root: &[u8]) -> bool {
    let start = out.len();
    let done = container(out, root, 0).is_some();
    if !done {
        out.truncate(start);
    }
    done
}

fn word(bytes: &[u8], index: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(index * 4..)?.first_chunk()?))
}

fn container(out: &mut Text, bytes: &[u8], depth: u32) -> Option<()> {
    if depth > DEPTH {
        return None;
    }
    let head = word(bytes, 0)?;
    let n = (head & COUNT) as usize;
    let object = head & OBJECT != 0;
    let children = if object { 2 * n } else { n };
    let entries = bytes.get(4..4 + 4 * children)?;
    let data = &bytes[4 + 4 * children..];
    let mut end = 0usize;
    let mut ends = Vec::new();
    for i in 0..children {
        let e = word(entries, i)?;
        let field = (e & COUNT) as usize;
        let next = if e & OFFSET != 0 { field } else { end + field };
        ends.push((e, end, next));
        end = next;
    }
    if object {
        out.push(b'{');
        for i in 0..n {
            if i > 0 {
                out.extend(b", ");
            }
            value(out, data, ends[i], depth)?;
            out.extend(b": ");
            value(out, data, ends[i + n], depth)?;
        }
        out.push(b'}');
    } else if head & ARRAY != 0 {
        let scalar = head & SCALAR != 0;
        if !scalar {
            out.push(b'[');
        }
        for (i, &e) in ends.iter().enumerate() {
            if i > 0 {
                out.extend(b", ");
            }
            value(out, data, e, depth)?;
        }
        if !scalar {
            out.push(b']');
        }
    } else {
        return None;
    }
    Some(())
}

fn value(
    out: &mut Text,
    data: &[u8],
    (entry, start, end): (u32, usize, usize),
    depth: u32,
) -> Option<()> {
    let aligned = start.next_multiple_of(4);
    match entry & 0x7000_0000 {
        0 => write_string(out, data.get(start..end)?),
        0x1000_0000 => {
            let bytes = data.get(aligned..end)?;
            let Numeric::Finite = numeric(out, bytes.get(4..)?) else {
                return None;
            };
        }
        0x2000_0000 => out.extend(b"false"),
        0x3000_0000 => out.extend(b"true"),
        0x4000_0000 => out.extend(b"null"),
        0x5000_0000 => container(out, data.get(aligned..end)?, depth + 1)?,
        _ => return None,
    }
    Some(())
}
