//! float4 and float8 as PostgreSQL writes them: the shortest digits that read back as the same value.
//!
//! The digits come by Raffaello Giulietti's Schubfach ("The Schubfach way to render doubles", 2020) with one change: the
//! interval is open, since PostgreSQL (STRICTLY_SHORTEST in ryu_common.h) never takes a decimal that lies midway between two
//! floats, though a reader that rounds to even would get it right. Rust's own formatting takes it: 2^-44 is
//! 5.684341886080802e-14 to PostgreSQL and 5.684341886080801e-14 to Rust.

use crate::buffer::Text;
use crate::number::{ZEROS, eight, put_eight, put_short};

/// A float8 as JSON; NaN and the infinities, which are no JSON numbers, as strings.
#[inline]
pub fn write_f64(out: &mut Text, value: f64) {
    if !few_decimals(out, value) {
        any_f64(out, value);
    }
}

/// A float4 as JSON.
#[inline]
pub fn write_f32(out: &mut Text, value: f32) {
    if !few_decimals_f32(out, value) {
        any_f32(out, value);
    }
}

#[inline(never)]
fn any_f32(out: &mut Text, value: f32) {
    const FRACTION: u32 = 23;
    let bits = value.to_bits();
    let parts = Parts {
        negative: bits >> 31 != 0,
        fraction: u64::from(bits & ((1 << FRACTION) - 1)),
        exponent: (bits >> FRACTION & 0xff) as i32,
    };
    // Fixed notation where printf's %g of FLT_DIG digits has it.
    write_parts(out, parts, FRACTION, 0xff, 6);
}

#[inline(never)]
fn any_f64(out: &mut Text, value: f64) {
    const FRACTION: u32 = 52;
    let bits = value.to_bits();
    let parts = Parts {
        negative: bits >> 63 != 0,
        fraction: bits & ((1 << FRACTION) - 1),
        exponent: (bits >> FRACTION & 0x7ff) as i32,
    };
    write_parts(out, parts, FRACTION, 0x7ff, 15);
}

/// Appends a value that is a decimal of at most eight places and fifteen digits in all, as coordinates and prices are.
///
/// r / 10^8 is rounded correctly, r and 10^8 being exact, so equality says that this decimal reads back as the value. Of
/// decimals with at most fifteen digits no two share a float8, so it is also the shortest.
#[inline]
fn few_decimals(out: &mut Text, value: f64) -> bool {
    const SCALE: f64 = 1e8;
    let size = value.abs();
    // Below 10^-4 PostgreSQL writes an exponent. The comparison also leaves out NaN.
    if !(1e-4..1e7).contains(&size) {
        return false;
    }
    let r = (size * SCALE + 0.5) as u64;
    if r as f64 / SCALE != size {
        return false;
    }
    let (whole, decimals) = ((r / 100_000_000) as u32, (r % 100_000_000) as u32);
    put_fixed(out, value.is_sign_negative(), whole, decimals);
    true
}

/// The same of at most three places and six digits, which no two float4 share.
#[inline]
fn few_decimals_f32(out: &mut Text, value: f32) -> bool {
    const SCALE: f32 = 1e3;
    let size = value.abs();
    if !(1e-3..1e3).contains(&size) {
        return false;
    }
    let r = (size * SCALE + 0.5) as u32;
    if r as f32 / SCALE != size {
        return false;
    }
    put_fixed(
        out,
        value.is_sign_negative(),
        r / 1_000,
        r % 1_000 * 100_000,
    );
    true
}

/// Appends whole + decimals / 10^8.
#[inline]
fn put_fixed(out: &mut Text, negative: bool, whole: u32, decimals: u32) {
    let spare = out.spare_array::<32>();
    spare[0] = b'-';
    let mut at = usize::from(negative);
    at += put_short(spare, at, whole);
    if decimals != 0 {
        let digits = eight(decimals);
        spare[at] = b'.';
        put_eight(spare, at + 1, digits | ZEROS);
        at += 9 - digits.leading_zeros() as usize / 8;
    }
    out.advance(at);
}

struct Parts {
    negative: bool,
    fraction: u64,
    exponent: i32,
}

#[inline]
fn write_parts(out: &mut Text, parts: Parts, fraction_bits: u32, special: i32, fixed: i32) {
    let Parts {
        negative,
        fraction,
        exponent,
    } = parts;
    if exponent == special {
        return out.extend(match (fraction, negative) {
            (0, false) => b"\"Infinity\"".as_slice(),
            (0, true) => b"\"-Infinity\"",
            _ => b"\"NaN\"",
        });
    }
    if negative {
        out.push(b'-');
    }
    if exponent == 0 && fraction == 0 {
        return out.push(b'0');
    }
    // The value is c * 2^q. special / 2 is the bias.
    let c = fraction | u64::from(exponent != 0) << fraction_bits;
    let q = exponent.max(1) - special / 2 - fraction_bits as i32;
    let (digits, e) = shortest(c, q, fraction == 0 && exponent > 1);
    write_decimal(out, digits, e, fixed);
}

/// Appends digits * 10^e, digits below 10^17, in fixed notation if the first digit is worth 10^-4 or more and less than
/// 10^fixed.
#[inline]
fn write_decimal(out: &mut Text, digits: u64, e: i32, fixed: i32) {
    // The last of seventeen digits lies at UNIT. Zeros follow for values whose digits end left of the point.
    const UNIT: usize = 23;
    let (high, low) = (digits / 100_000_000, digits % 100_000_000);
    let (top, high) = (
        (high / 100_000_000) as u8,
        eight((high % 100_000_000) as u32),
    );
    let low = eight(low as u32);
    let mut text = [b'0'; 56];
    text[UNIT - 16] += top;
    text[UNIT - 15..][..8].copy_from_slice(&(high | ZEROS).to_le_bytes());
    text[UNIT - 7..][..8].copy_from_slice(&(low | ZEROS).to_le_bytes());
    let first = if top != 0 {
        UNIT - 16
    } else if high != 0 {
        UNIT - 15 + high.trailing_zeros() as usize / 8
    } else {
        UNIT - 7 + low.trailing_zeros() as usize / 8
    };
    let last = if low != 0 {
        UNIT - low.leading_zeros() as usize / 8
    } else if high != 0 {
        UNIT - 8 - high.leading_zeros() as usize / 8
    } else {
        UNIT - 16
    };
    let text: &[u8; 32] = text[first..].first_chunk().unwrap();
    let n = last + 1 - first;
    // The first digit is worth 10^point.
    let point = e + (UNIT - first) as i32;

    let spare = out.spare_array::<40>();
    if !(-4..fixed).contains(&point) {
        spare[0] = text[0];
        spare[1] = b'.';
        spare[2..18].copy_from_slice(&text[1..17]);
        let mut at = if n > 1 { n + 1 } else { 1 };
        let size = point.unsigned_abs();
        spare[at] = b'e';
        spare[at + 1] = if point < 0 { b'-' } else { b'+' };
        at += 2;
        if size >= 100 {
            spare[at] = b'0' + (size / 100) as u8;
            at += 1;
        }
        spare[at] = b'0' + (size / 10 % 10) as u8;
        spare[at + 1] = b'0' + (size % 10) as u8;
        out.advance(at + 2);
    } else if point < 0 {
        let at = 1 + point.unsigned_abs() as usize;
        spare[..8].copy_from_slice(b"0.000000");
        spare[at..][..17].copy_from_slice(&text[..17]);
        out.advance(at + n);
    } else {
        let whole = point as usize + 1;
        spare[..16].copy_from_slice(&text[..16]);
        if n <= whole {
            return out.advance(whole);
        }
        spare[whole] = b'.';
        spare[whole + 1..][..16].copy_from_slice(&text[whole..][..16]);
        out.advance(n + 1);
    }
}

/// The decimal (digits, exponent) with the fewest digits inside the rounding interval of c * 2^q, and of those the nearest to
/// it (the even one if two are). `closer`: the next smaller float is only half as far away as the next larger.
/// The digits may end in zeros.
#[inline]
fn shortest(c: u64, q: i32, closer: bool) -> (u64, i32) {
    // floor(log10(2^q)), of 3/4 * 2^q if closer; then floor(log2(10^-k)): both exact for any float8.
    let k = (q * 1_262_611 - if closer { 524_031 } else { 0 }) >> 22;
    let h = q + ((-k * 1_741_647) >> 19) + 1;
    let power = POWERS[(-k - LEAST) as usize];
    // The value and the ends of its interval, times 4 * 10^-k.
    let value = round_to_odd(power, c << 2 << h);
    let lower = round_to_odd(power, ((c << 2) - 2 + u64::from(closer)) << h) + 1;
    let upper = round_to_odd(power, ((c << 2) + 2) << h) - 1;
    let s = value / 4;
    let tens = s / 10;
    let tens_inside = lower <= 40 * tens;
    let next_tens_inside = 40 * tens + 40 <= upper;
    if tens_inside != next_tens_inside {
        return (tens + u64::from(next_tens_inside), k + 1);
    }
    let inside = lower <= 4 * s;
    let next_inside = 4 * s + 4 <= upper;
    if inside != next_inside {
        return (s + u64::from(next_inside), k);
    }
    let middle = 4 * s + 2;
    let up = value > middle || value == middle && s & 1 != 0;
    (s + u64::from(up), k)
}

/// The product's upper 64 bits; the last is set when anything but the power's own rounding is below them.
#[inline]
fn round_to_odd(power: u128, c: u64) -> u64 {
    let low = ((power & u128::from(u64::MAX)) * u128::from(c)) >> 64;
    let product = (power >> 64) * u128::from(c) + low;
    (product >> 64) as u64 | u64::from(product as u64 > 1)
}

/// Exponent of the first of [`POWERS`].
const LEAST: i32 = -292;

/// 10^-292 to 10^324, each the upper 128 bits of its binary form, rounded up.
static POWERS: [u128; 617] = {
    // 13 words hold 5^324 (753 bits), and 2^831 / 5^292 with 153 bits left. The power of 2 in 10^k only moves the point.
    let mut table = [0; 617];
    let mut words = [0u64; 13];
    words[12] = 1 << 63;
    let mut k = 1;
    while k <= -LEAST {
        let mut rest = 0u128;
        let mut i = words.len();
        while i > 0 {
            i -= 1;
            let part = rest << 64 | words[i] as u128;
            words[i] = (part / 5) as u64;
            rest = part % 5;
        }
        // No power of 5 divides one of 2: all of these are rounded up.
        table[(-LEAST - k) as usize] = upper_128(&words).0 + 1;
        k += 1;
    }
    words = [0; 13];
    words[0] = 1;
    let mut k = 0;
    while k < table.len() as i32 + LEAST {
        let (upper, exact) = upper_128(&words);
        table[(k - LEAST) as usize] = upper + !exact as u128;
        let mut carry = 0u128;
        let mut i = 0;
        while i < words.len() {
            carry += words[i] as u128 * 5;
            words[i] = carry as u64;
            carry >>= 64;
            i += 1;
        }
        k += 1;
    }
    table
};

/// The 128 bits from the highest set one down, and whether those below are all zero.
const fn upper_128(words: &[u64; 13]) -> (u128, bool) {
    let mut top = words.len() - 1;
    while words[top] == 0 {
        top -= 1;
    }
    let first = words[top];
    let second = if top >= 1 { words[top - 1] } else { 0 };
    let third = if top >= 2 { words[top - 2] } else { 0 };
    let shift = first.leading_zeros();
    let mut upper = (first as u128) << 64 | second as u128;
    let mut below = third;
    if shift > 0 {
        upper = upper << shift | (third >> (64 - shift)) as u128;
        below = third << shift;
    }
    let mut exact = below == 0;
    let mut i = 0;
    while i + 2 < top {
        exact = exact && words[i] == 0;
        i += 1;
    }
    (upper, exact)
}
