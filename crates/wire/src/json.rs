//! JSON strings, spelled as PostgreSQL's escape_json spells them.

use crate::buffer::Text;

/// Two lower-case hexadecimal digits of every byte.
pub(crate) static HEX: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = [digits[i >> 4], digits[i & 15]];
        i += 1;
    }
    table
};

/// What follows the backslash of a byte that must be escaped; 0 for others.
static ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < b' ' as usize {
        table[i] = b'u';
        i += 1;
    }
    table[0x08] = b'b';
    table[b'\t' as usize] = b't';
    table[b'\n' as usize] = b'n';
    table[0x0c] = b'f';
    table[b'\r' as usize] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Appends a JSON string. The bytes are in the server's encoding and need not be UTF-8: PostgreSQL escapes only what JSON
/// says must be, so any other byte, DEL included, stays.
#[inline]
pub fn write_string(out: &mut Text, bytes: &[u8]) {
    write_quoted(out, bytes, b"\"");
}

/// [`write_string`] with more behind the closing quote.
#[inline(always)]
pub(crate) fn write_quoted<const N: usize>(out: &mut Text, bytes: &[u8], end: &[u8; N]) {
    let n = bytes.len();
    let spare = out.spare(n + 1 + N);
    spare[0] = b'"';
    let clean = copy_clean(&mut spare[1..], bytes);
    if clean == n {
        *spare[n + 1..].first_chunk_mut().unwrap() = *end;
        out.advance(n + 1 + N);
    } else {
        out.advance(1 + clean);
        escape(out, &bytes[clean..]);
        out.extend(end);
    }
}

/// Appends the inside of a JSON string.
#[inline]
pub fn write_escaped(out: &mut Text, bytes: &[u8]) {
    let clean = copy_clean(out.spare(bytes.len()), bytes);
    out.advance(clean);
    if clean < bytes.len() {
        escape(out, &bytes[clean..]);
    }
}

/// The text of a JSON string, as it is written. An escape that is no octet of every encoding stays as
/// it is: ours have none, and another's must not stop what reads them.
pub fn read_string(text: &[u8]) -> Vec<u8> {
    let inside = text.strip_prefix(b"\"").unwrap_or(text);
    let mut rest = inside.strip_suffix(b"\"").unwrap_or(inside);
    let mut out = Vec::with_capacity(rest.len());
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let Some((&letter, after)) = rest.split_first() else {
            out.push(b'\\');
            break;
        };
        let plain = match letter {
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 0x0c,
            b'r' => b'\r',
            b'"' | b'\\' | b'/' => letter,
            _ => 0,
        };
        let digits = after
            .get(..4)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            _ if plain != 0 => {
                out.push(plain);
                rest = after;
            }
            Some(octet @ 1..0x80) if letter == b'u' => {
                out.push(octet);
                rest = &after[4..];
            }
            _ => out.push(b'\\'),
        }
    }
    out
}

/// Appends a bytea as a JSON string of its hexadecimal form, whose backslash JSON doubles: `"\\x01ff"`.
pub fn write_bytea_hex(out: &mut Text, bytes: &[u8]) {
    out.extend(b"\"\\\\x");
    let spare = out.spare(2 * bytes.len() + 1);
    let (pairs, quote) = spare.as_chunks_mut::<2>();
    for (pair, &byte) in pairs.iter_mut().zip(bytes) {
        *pair = HEX[byte as usize];
    }
    quote[0] = b'"';
    out.advance(2 * bytes.len() + 1);
}

/// Appends bytes some of which must be escaped: a few one by one, then as many as are clean, and again.
#[inline(never)]
fn escape(out: &mut Text, mut bytes: &[u8]) {
    const FEW: usize = 32;
    while !bytes.is_empty() {
        let (few, rest) = bytes.split_at(bytes.len().min(FEW));
        let spare = out.spare_array::<{ 6 * FEW }>();
        let mut at = 0;
        for &byte in few {
            let short = ESCAPES[usize::from(byte)];
            if short == 0 {
                spare[at] = byte;
                at += 1;
                continue;
            }
            spare[at..at + 2].copy_from_slice(&[b'\\', short]);
            at += 2;
            if short == b'u' {
                let [high, low] = HEX[usize::from(byte)];
                spare[at..at + 4].copy_from_slice(&[b'0', b'0', high, low]);
                at += 4;
            }
        }
        out.advance(at);
        let clean = copy_clean(out.spare(rest.len()), rest);
        out.advance(clean);
        bytes = &rest[clean..];
    }
}

/// Copies to the beginning of `to` and gives the length, or less: how many bytes at least need no escape.
#[inline(always)]
fn copy_clean(to: &mut [u8], from: &[u8]) -> usize {
    let n = from.len();
    let to = &mut to[..n];
    // The first and the last bytes overlap, so that no length needs a loop over what remains.
    let found = if n > 32 {
        return copy_clean_long(to, from);
    } else if n >= 16 {
        let (first, last) = ends::<16>(to, from);
        special_16(&first) | special_16(&last)
    } else if n >= 8 {
        let (first, last) = ends::<8>(to, from);
        special(u64::from_le_bytes(first)) | special(u64::from_le_bytes(last))
    } else if n >= 4 {
        let (first, last) = ends::<4>(to, from);
        special(u64::from(u32::from_le_bytes(first)) | u64::from(u32::from_le_bytes(last)) << 32)
    } else if n >= 1 {
        let (first, middle, last) = (from[0], from[n / 2], from[n - 1]);
        to[0] = first;
        to[n / 2] = middle;
        to[n - 1] = last;
        special(u64::from_le_bytes([
            b' ', b' ', b' ', b' ', b' ', first, middle, last,
        ]))
    } else {
        0
    };
    if found == 0 { n } else { 0 }
}

/// Copies the first and the last `N` bytes, of `N` or more.
#[inline]
fn ends<const N: usize>(to: &mut [u8], from: &[u8]) -> ([u8; N], [u8; N]) {
    let (first, last) = (*from.first_chunk().unwrap(), *from.last_chunk().unwrap());
    *to.first_chunk_mut().unwrap() = first;
    *to.last_chunk_mut().unwrap() = last;
    (first, last)
}

/// [`copy_clean`] of more than 32 bytes.
#[inline(never)]
fn copy_clean_long(to: &mut [u8], from: &[u8]) -> usize {
    let (blocks, _) = from.as_chunks::<16>();
    let (spaces, _) = to.as_chunks_mut::<16>();
    for (i, (block, space)) in blocks.iter().zip(spaces).enumerate() {
        *space = *block;
        if special_16(block) != 0 {
            return 16 * i;
        }
    }
    let (_, last) = ends::<16>(to, from);
    if special_16(&last) == 0 {
        from.len()
    } else {
        from.len() - 16
    }
}

/// Non-zero when one of eight bytes must be escaped.
#[inline]
fn special(x: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // A byte below 0x20, or made zero, borrows from its highest bit. That may mislead about bytes above it, not about none.
    let control = x.wrapping_sub(ONES * 0x20);
    let quote = (x ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (x ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (control | quote | backslash) & !x & (ONES * 0x80)
}

#[inline]
fn special_16(block: &[u8; 16]) -> u64 {
    let [first, last] =
        [&block[..8], &block[8..]].map(|half| u64::from_le_bytes(*half.first_chunk().unwrap()));
    special(first) | special(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_of_others_stay() {
        for (written, read) in [
            (r#""a\/b""#, "a/b"),
            (r#""\u0041\u001f""#, "A\u{1f}"),
            (
                r#""\u00e9 \ud83d\ude00 \u0000""#,
                r"\u00e9 \ud83d\ude00 \u0000",
            ),
            (r#"7"#, "7"),
        ] {
            assert_eq!(read_string(written.as_bytes()), read.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in prop::collection::vec(1u8.., 0..60)) {
            let mut out = Text::new();
            write_string(&mut out, &text);
            prop_assert_eq!(read_string(out.as_bytes()), text);
        }

        #[test]
        fn any_bytes_are_read(text in prop::collection::vec(any::<u8>(), 0..30)) {
            read_string(&text);
        }
    }
}
