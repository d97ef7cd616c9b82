//! Whole numbers and numeric, spelled as PostgreSQL's output functions spell them.

use crate::buffer::Text;
pub use crate::float::{write_f32, write_f64};
use crate::json::write_string;

pub(crate) const ZEROS: u64 = 0x3030_3030_3030_3030;

#[inline]
pub fn write_i16(out: &mut Text, value: i16) {
    signed(out, value < 0, value.unsigned_abs().into());
}

#[inline]
pub fn write_u32(out: &mut Text, value: u32) {
    signed(out, false, value.into());
}

#[inline]
pub fn write_i32(out: &mut Text, value: i32) {
    signed(out, value < 0, value.unsigned_abs().into());
}

#[inline]
pub fn write_i64(out: &mut Text, value: i64) {
    signed(out, value < 0, value.unsigned_abs());
}

#[inline]
fn signed(out: &mut Text, negative: bool, value: u64) {
    if value >= 100_000_000 {
        return signed_long(out, negative, value);
    }
    let spare = out.spare_array::<32>();
    spare[0] = b'-';
    let at = usize::from(negative);
    let n = put_short(spare, at, value as u32);
    out.advance(at + n);
}

/// Of more than eight digits. Apart, so that the usual ones need not save the registers this takes.
#[inline(never)]
fn signed_long(out: &mut Text, negative: bool, value: u64) {
    let spare = out.spare_array::<32>();
    spare[0] = b'-';
    let mut at = usize::from(negative);
    let (mut high, low) = (value / 100_000_000, value % 100_000_000);
    if high >= 100_000_000 {
        at += put_short(spare, at, (high / 100_000_000) as u32);
        high %= 100_000_000;
        put_eight(spare, at, eight(high as u32) | ZEROS);
        at += 8;
    } else {
        at += put_short(spare, at, high as u32);
    }
    put_eight(spare, at, eight(low as u32) | ZEROS);
    out.advance(at + 8);
}

/// Puts a number below 10^8 without leading zeros; gives its length. It may write eight bytes.
#[inline]
pub(crate) fn put_short(to: &mut [u8], at: usize, value: u32) -> usize {
    if value < 10_000 {
        let digits = four(value);
        // The last digit stays, be it zero.
        let leading = (digits | 1 << 24).trailing_zeros() & !7;
        put_four(to, at, (digits | ZEROS as u32) >> leading);
        return 4 - leading as usize / 8;
    }
    let digits = eight(value);
    let leading = digits.trailing_zeros() & !7;
    put_eight(to, at, (digits | ZEROS) >> leading);
    8 - leading as usize / 8
}

#[inline]
pub(crate) fn put_eight(to: &mut [u8], at: usize, text: u64) {
    to[at..][..8].copy_from_slice(&text.to_le_bytes());
}

#[inline]
fn put_four(to: &mut [u8], at: usize, text: u32) {
    to[at..][..4].copy_from_slice(&text.to_le_bytes());
}

/// The eight decimal digits of a number below 10^8, one a byte, the first in the lowest.
#[inline]
pub(crate) fn eight(value: u32) -> u64 {
    let value = u64::from(value);
    let high = (value * 109_951_163) >> 40;
    fours(high | (value - high * 10_000) << 32)
}

/// The digits of two numbers below 10^4 in 32 bits each, as [`eight`] gives them.
#[inline]
fn fours(fours: u64) -> u64 {
    let high = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    pairs(high | (fours - high * 100) << 16)
}

/// The digits of four numbers below 100 in 16 bits each, as [`eight`] gives them.
#[inline]
pub(crate) fn pairs(twos: u64) -> u64 {
    let high = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    high | (twos - high * 10) << 8
}

/// The digits of a number below 10^4, as [`eight`] gives them.
#[inline]
fn four(value: u32) -> u32 {
    let high = (value * 5_243) >> 19;
    let twos = high | (value - high * 100) << 16;
    let high = ((twos * 103) >> 10) & 0x000f_000f;
    high | (twos - high * 10) << 8
}

/// A numeric as JSON, from its stored bytes after the varlena header; NaN and the infinities, which are no JSON numbers, as
/// strings. False, with nothing written, when the bytes are no numeric.
#[inline]
pub fn write_numeric(out: &mut Text, payload: &[u8]) -> bool {
    usual_numeric(out, payload) || any_numeric(out, payload, Special::Quoted)
}

/// [`write_numeric`] as a JSON string whatever the value (`numbers => 'text'`).
pub fn write_numeric_string(out: &mut Text, payload: &[u8]) -> bool {
    let start = out.len();
    out.push(b'"');
    let written = usual_numeric(out, payload) || any_numeric(out, payload, Special::Bare);
    if written {
        out.push(b'"');
    } else {
        out.truncate(start);
    }
    written
}

/// [`write_numeric`] of a number in a jsonb, which has no NaN and no infinity.
#[inline]
pub(crate) fn write_finite_numeric(out: &mut Text, payload: &[u8]) -> bool {
    usual_numeric(out, payload) || any_numeric(out, payload, Special::Refused)
}

/// What becomes of NaN and the infinities.
enum Special {
    Quoted,
    Bare,
    Refused,
}

// The stored form (numeric.c, "The Numeric type as stored on disk") is a header of one or two 16-bit words, then groups of
// four digits, those of zero left out at either end, the first worth 10000^weight. Other forms, which would come out as other
// characters than digits or with leading zeros, are refused.

#[inline]
fn group(groups: &[[u8; 2]], i: usize) -> u32 {
    groups
        .get(i)
        .map_or(0, |&group| u16::from_ne_bytes(group).into())
}

/// Appends a numeric of the short form with at most eight digits before the point and eight behind: prices, coordinates.
/// A third of the instructions of [`any_numeric`].
#[inline]
fn usual_numeric(out: &mut Text, payload: &[u8]) -> bool {
    let Some((&head, groups)) = payload.split_first_chunk() else {
        return false;
    };
    let head = u16::from_ne_bytes(head);
    let groups = groups.as_chunks().0;
    let (whole, i) = match head & 0xc07f {
        0x8000 => (group(groups, 0), 1),
        0x8001 => (group(groups, 0) * 10_000 + group(groups, 1), 2),
        // Weight -1.
        0x807f => (0, 0),
        _ => return false,
    };
    let scale = usize::from(head >> 7 & 0x3f);
    let (high, low) = (group(groups, i), group(groups, i + 1));
    if scale > 8 || whole > 99_999_999 || high > 9_999 || low > 9_999 {
        return false;
    }
    let to = out.spare_array::<32>();
    to[0] = b'-';
    let mut at = usize::from(head >> 13 & 1);
    at += put_short(to, at, whole);
    if scale > 0 {
        to[at] = b'.';
        put_eight(
            to,
            at + 1,
            fours(u64::from(high) | u64::from(low) << 32) | ZEROS,
        );
        at += 1 + scale;
    }
    out.advance(at);
    true
}

#[inline(never)]
fn any_numeric(out: &mut Text, payload: &[u8], special: Special) -> bool {
    let Some((&head, rest)) = payload.split_first_chunk() else {
        return false;
    };
    let head = u16::from_ne_bytes(head);
    let (negative, scale, weight, groups);
    match head & 0xc000 {
        0xc000 => return special_numeric(out, head, special),
        0x8000 => {
            negative = head & 0x2000 != 0;
            scale = usize::from(head >> 7 & 0x3f);
            // Seven bits, signed.
            weight = i32::from((head << 9).cast_signed() >> 9);
            groups = rest;
        }
        sign => {
            let Some((&word, rest)) = rest.split_first_chunk() else {
                return false;
            };
            negative = sign != 0;
            scale = usize::from(head & 0x3fff);
            weight = i32::from(i16::from_ne_bytes(word));
            groups = rest;
        }
    }
    let groups = groups.as_chunks().0;
    let whole = (weight + 1).max(0) as usize;
    let leading_zeros = whole > 1 && group(groups, 0) == 0;
    if leading_zeros || (0..groups.len()).any(|i| group(groups, i) > 9_999) {
        return false;
    }
    let to = out.spare(1 + 4 * whole.max(1) + 1 + scale + 4);
    to[0] = b'-';
    let mut at = usize::from(negative);
    at += put_short(to, at, if whole > 0 { group(groups, 0) } else { 0 });
    for i in 1..whole {
        put_four(to, at, four(group(groups, i)) | ZEROS as u32);
        at += 4;
    }
    if scale > 0 {
        to[at] = b'.';
        at += 1;
        let end = at + scale;
        // The groups of zeros between the point and the first stored have negative numbers.
        for i in weight + 1.. {
            if at >= end {
                break;
            }
            let group = usize::try_from(i).map_or(0, |i| group(groups, i));
            put_four(to, at, four(group) | ZEROS as u32);
            at += 4;
        }
        at = end;
    }
    out.advance(at);
    true
}

fn special_numeric(out: &mut Text, head: u16, special: Special) -> bool {
    let name: &[u8] = match head & 0xf000 {
        0xc000 => b"NaN",
        0xd000 => b"Infinity",
        0xf000 => b"-Infinity",
        _ => return false,
    };
    match special {
        Special::Refused => return false,
        Special::Bare => out.extend(name),
        Special::Quoted => write_string(out, name),
    }
    true
}
