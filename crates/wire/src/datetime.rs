//! Dates, times and uuid as JSON strings, as row_to_json writes them under TimeZone UTC.

use crate::buffer::Text;
use crate::json::HEX;
use crate::number::{ZEROS, eight, pairs, write_i32};

const DAY: u64 = 86_400_000_000;

/// Days from 1 March of 4801 BC to 2000-01-01. The calendar's 400 years begin there, before any date PostgreSQL has, and end
/// with February, so that leap days disturb nothing.
const EPOCH: u64 = 2_451_545 + 32_044;

/// The year those days begin in, astronomically: 4801 BC.
const YEAR: i32 = -4800;

/// A timestamp with time zone, microseconds since 2000-01-01 00:00 UTC: `"2026-11-20T23:30:00.123456+00:00"`.
#[inline]
pub fn write_timestamptz(out: &mut Text, value: i64) {
    instant::<7>(out, value, b"+00:00\"_");
}

/// A timestamp without time zone: `"2026-11-20T23:30:00.123456"`.
#[inline]
pub fn write_timestamp(out: &mut Text, value: i64) {
    instant::<1>(out, value, b"\"_______");
}

/// A date, days since 2000-01-01: `"2026-11-20"`.
#[inline]
pub fn write_date(out: &mut Text, value: i32) {
    let date = Date::of_date(value);
    if !date.is_four_digits() {
        return far_date(out, value);
    }
    let spare = out.spare_array::<12>();
    spare[0] = b'"';
    put_date(&mut spare[1..], date);
    spare[11] = b'"';
    out.advance(12);
}

/// A time, microseconds since midnight: `"23:30:00.5"`, `"24:00:00"`.
#[inline]
pub fn write_time(out: &mut Text, value: i64) {
    let spare = out.spare_array::<32>();
    spare[0] = b'"';
    let n = 1 + put_clock(&mut spare[1..], value as u64);
    spare[n] = b'"';
    out.advance(n + 1);
}

/// A uuid: `"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"`.
#[inline]
pub fn write_uuid(out: &mut Text, value: &[u8; 16]) {
    let spare = out.spare_array::<38>();
    *spare = [b'-'; 38];
    spare[0] = b'"';
    spare[37] = b'"';
    for (i, &byte) in value.iter().enumerate() {
        let dashes = [4, 6, 8, 10].iter().filter(|&&after| i >= after).count();
        spare[1 + 2 * i + dashes..][..2].copy_from_slice(&HEX[usize::from(byte)]);
    }
    out.advance(38);
}

/// `N` of the bytes of `end` follow the time of day.
fn instant<const N: usize>(out: &mut Text, value: i64, end: &[u8; 8]) {
    let (date, us) = Date::of_timestamp(value);
    if !date.is_four_digits() {
        return far_instant(out, value, &end[..N]);
    }
    let spare = out.spare_array::<40>();
    spare[0] = b'"';
    put_date(&mut spare[1..], date);
    spare[11] = b'T';
    let n = 12 + put_clock(&mut spare[12..], us);
    spare[n..][..8].copy_from_slice(end);
    out.advance(n + N);
}

#[derive(Clone, Copy)]
struct Date {
    /// Astronomical: 0 is 1 BC.
    year: i32,
    month: u32,
    day: u32,
}

impl Date {
    /// The date that many days from [`EPOCH`]'s beginning, by C. Neri and L. Schneider ("Euclidean affine functions and their
    /// application to calendar algorithms", 2022): multiplications where the usual way divides.
    #[inline]
    fn of(days: u64) -> Self {
        let n = 4 * days + 3;
        let century = (n / 146_097) as u32;
        let n = (n % 146_097) as u32 | 3;
        let product = 2_939_745 * u64::from(n);
        let year = (product >> 32) as u32;
        let day = product as u32 / 2_939_745 / 4;
        let n = 2_141 * day + 197_913;
        // January and February belong to the year begun in March.
        let late = day >= 306;
        Self {
            year: YEAR + (100 * century + year + u32::from(late)) as i32,
            month: (n >> 16) - if late { 12 } else { 0 },
            day: (n & 0xffff) / 2_141 + 1,
        }
    }

    /// The date of a timestamp and the microseconds since it began. Of infinity it is none of four digits.
    #[inline]
    fn of_timestamp(value: i64) -> (Self, u64) {
        // The largest timestamp and this offset exceed i64, not u64.
        let us = value.cast_unsigned().wrapping_add(EPOCH * DAY);
        (Self::of(us / DAY), us % DAY)
    }

    #[inline]
    fn of_date(value: i32) -> Self {
        Self::of((i64::from(value) + EPOCH as i64).max(0).cast_unsigned())
    }

    #[inline]
    fn is_four_digits(self) -> bool {
        (1..=9999).contains(&self.year)
    }
}

/// Puts `2026-11-20`.
#[inline]
fn put_date(to: &mut [u8], date: Date) {
    let year = date.year as u32;
    let twos = [year / 100, year % 100, date.month, date.day];
    let digits = (pairs(lanes(twos)) | ZEROS).to_le_bytes();
    to[..4].copy_from_slice(&digits[..4]);
    to[4] = b'-';
    to[5..7].copy_from_slice(&digits[4..6]);
    to[7] = b'-';
    to[8..10].copy_from_slice(&digits[6..]);
}

/// Puts `23:30:00` and the fraction, if any, without trailing zeros; gives the length.
#[inline]
fn put_clock(to: &mut [u8], us: u64) -> usize {
    let (seconds, fraction) = ((us / 1_000_000) as u32, (us % 1_000_000) as u32);
    let minutes = seconds / 60;
    let twos = [minutes / 60, minutes % 60, seconds % 60, 0];
    let digits = (pairs(lanes(twos)) | ZEROS).to_le_bytes();
    to[..2].copy_from_slice(&digits[..2]);
    to[2] = b':';
    to[3..5].copy_from_slice(&digits[2..4]);
    to[5] = b':';
    to[6..8].copy_from_slice(&digits[4..6]);
    if fraction == 0 {
        return 8;
    }
    to[8] = b'.';
    let digits = eight(fraction * 100);
    to[9..17].copy_from_slice(&(digits | ZEROS).to_le_bytes());
    17 - digits.leading_zeros() as usize / 8
}

#[inline]
fn lanes(twos: [u32; 4]) -> u64 {
    let [a, b, c, d] = twos.map(u64::from);
    a | b << 16 | c << 32 | d << 48
}

/// Infinity, a year of more than four digits, or one before Christ, which PostgreSQL says at the very end.
#[cold]
#[inline(never)]
fn far_instant(out: &mut Text, value: i64, end: &[u8]) {
    if matches!(value, i64::MIN | i64::MAX) {
        return infinity(out, value < 0);
    }
    let (date, us) = Date::of_timestamp(value);
    let era = far_day(out, date);
    out.push(b'T');
    let n = put_clock(out.spare(24), us);
    out.advance(n);
    out.extend(&end[..end.len() - 1]);
    out.extend(era);
}

#[cold]
#[inline(never)]
fn far_date(out: &mut Text, value: i32) {
    if matches!(value, i32::MIN | i32::MAX) {
        return infinity(out, value < 0);
    }
    let era = far_day(out, Date::of_date(value));
    out.extend(era);
}

fn infinity(out: &mut Text, negative: bool) {
    out.extend(if negative {
        b"\"-infinity\"".as_slice()
    } else {
        b"\"infinity\""
    });
}

/// Appends the quote and the date; gives what ends the string.
fn far_day(out: &mut Text, date: Date) -> &'static [u8] {
    out.push(b'"');
    let shown = if date.year > 0 {
        date.year
    } else {
        1 - date.year
    };
    if shown > 9999 {
        write_i32(out, shown / 10_000);
    }
    let shown = Date {
        year: shown % 10_000,
        ..date
    };
    put_date(out.spare(10), shown);
    out.advance(10);
    if date.year > 0 { b"\"" } else { b" BC\"" }
}
