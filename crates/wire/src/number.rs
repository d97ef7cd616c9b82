//! Numbers, spelled as PostgreSQL's output functions spell them.

use crate::buffer::Text;

#[inline]
pub fn write_u32(out: &mut Text, value: u32) {
    out.extend(value.to_string().as_bytes());
}

#[inline]
pub fn write_i16(out: &mut Text, value: i16) {
    write_i64(out, value.into());
}

#[inline]
pub fn write_i32(out: &mut Text, value: i32) {
    write_i64(out, value.into());
}

#[inline]
pub fn write_i64(out: &mut Text, value: i64) {
    out.extend(value.to_string().as_bytes());
}

/// A float8 as JSON: shortest digits; NaN and the infinities, which are no JSON numbers, as strings.
#[inline]
pub fn write_f64(out: &mut Text, value: f64) {
    float(out, format!("{value:e}"), 15);
}

/// A float4 as JSON.
#[inline]
pub fn write_f32(out: &mut Text, value: f32) {
    float(out, format!("{value:e}"), 6);
}

fn float(out: &mut Text, text: String, limit: i32) {
    let Some((mantissa, exponent)) = text.split_once('e') else {
        out.extend(match text.as_str() {
            "NaN" => b"\"NaN\"",
            "inf" => b"\"Infinity\"".as_slice(),
            _ => b"\"-Infinity\"",
        });
        return;
    };
    let exponent: i32 = exponent.parse().unwrap();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if mantissa.starts_with('-') {
        out.push(b'-');
    }
    if !(-4..limit).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend(
            format!(
                "{}e{sign}{:02}",
                mantissa.trim_start_matches('-'),
                exponent.abs()
            )
            .as_bytes(),
        );
    } else if exponent < 0 {
        out.extend(format!("0.{}{digits}", "0".repeat((-exponent - 1) as usize)).as_bytes());
    } else {
        let whole = exponent as usize + 1;
        if digits.len() <= whole {
            out.extend(format!("{digits:0<whole$}").as_bytes());
        } else {
            out.extend(format!("{}.{}", &digits[..whole], &digits[whole..]).as_bytes());
        }
    }
}

/// A numeric as JSON, from its stored bytes after the varlena header; NaN and the infinities as strings.
/// False, with nothing written, when the bytes are no numeric.
#[inline]
pub fn write_numeric(out: &mut Text, payload: &[u8]) -> bool {
    let special: &[u8] = match numeric(out, payload) {
        Numeric::Finite => return true,
        Numeric::NaN => b"\"NaN\"",
        Numeric::Infinity => b"\"Infinity\"",
        Numeric::NegativeInfinity => b"\"-Infinity\"",
        Numeric::Malformed => return false,
    };
    out.extend(special);
    true
}

/// [`write_numeric`] as a JSON string whatever the value (`numbers => 'text'`).
#[inline]
pub fn write_numeric_string(out: &mut Text, payload: &[u8]) -> bool {
    let start = out.len();
    out.push(b'"');
    if matches!(numeric(out, payload), Numeric::Finite) {
        out.push(b'"');
        return true;
    }
    out.truncate(start);
    write_numeric(out, payload)
}

pub(crate) enum Numeric {
    Finite,
    NaN,
    Infinity,
    NegativeInfinity,
    Malformed,
}

/// Appends a finite numeric; of others only tells which.
#[inline]
pub(crate) fn numeric(out: &mut Text, payload: &[u8]) -> Numeric {
    let Some((head, rest)) = payload.split_first_chunk::<2>() else {
        return Numeric::Malformed;
    };
    let head = u16::from_ne_bytes(*head);
    let (negative, scale, weight, digits);
    match head & 0xc000 {
        0xc000 => {
            return match head & 0xf000 {
                0xc000 => Numeric::NaN,
                0xd000 => Numeric::Infinity,
                0xf000 => Numeric::NegativeInfinity,
                _ => Numeric::Malformed,
            };
        }
        0x8000 => {
            negative = head & 0x2000 != 0;
            scale = (head >> 7 & 0x3f) as i32;
            weight = ((head & 0x7f) as i32) << 25 >> 25;
            digits = rest;
        }
        flags => {
            let Some((w, rest)) = rest.split_first_chunk::<2>() else {
                return Numeric::Malformed;
            };
            negative = flags == 0x4000;
            scale = (head & 0x3fff) as i32;
            weight = i16::from_ne_bytes(*w) as i32;
            digits = rest;
        }
    }
    let start = out.len();
    let mut digits = digits
        .chunks_exact(2)
        .map(|d| u16::from_ne_bytes([d[0], d[1]]));
    if negative {
        out.push(b'-');
    }
    if weight < 0 {
        out.push(b'0');
    }
    for d in 0..=weight {
        let digit = digits.next().unwrap_or(0);
        let text = if d == 0 {
            digit.to_string()
        } else {
            format!("{digit:04}")
        };
        out.extend(text.as_bytes());
    }
    if scale > 0 {
        out.push(b'.');
        let end = out.len() + scale as usize;
        let mut d = weight.min(-1) + 1;
        while out.len() < end {
            let digit = if d < 0 { 0 } else { digits.next().unwrap_or(0) };
            d += 1;
            out.extend(format!("{digit:04}").as_bytes());
        }
        out.truncate(end);
    }
    _ = start;
    Numeric::Finite
}
