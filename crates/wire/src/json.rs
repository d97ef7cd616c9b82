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

/// Appends a JSON string. The bytes are in the server's encoding and need not be UTF-8: PostgreSQL escapes only what JSON
/// says must be, so any other byte, DEL included, stays.
#[inline]
pub fn write_string(out: &mut Text, bytes: &[u8]) {
    out.push(b'"');
    write_escaped(out, bytes);
    out.push(b'"');
}

/// Appends the inside of a JSON string.
#[inline]
pub fn write_escaped(out: &mut Text, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend(&[b'\\', byte]),
            8 => out.extend(b"\\b"),
            9 => out.extend(b"\\t"),
            10 => out.extend(b"\\n"),
            12 => out.extend(b"\\f"),
            13 => out.extend(b"\\r"),
            0..32 => {
                out.extend(b"\\u00");
                out.extend(&HEX[byte as usize]);
            }
            _ => out.push(byte),
        }
    }
}

/// Appends a bytea as a JSON string of its hexadecimal form, whose backslash JSON doubles: `"\\x01ff"`.
#[inline]
pub fn write_bytea_hex(out: &mut Text, bytes: &[u8]) {
    out.extend(b"\"\\\\x");
    for &byte in bytes {
        out.extend(&HEX[byte as usize]);
    }
    out.push(b'"');
}
