//! Dates, times and uuid as JSON strings, as row_to_json writes them under TimeZone UTC.

use crate::buffer::Text;
use crate::json::HEX;

const DAY: i64 = 86_400_000_000;
/// Julian day of 2000-01-01, PostgreSQL's epoch.
const EPOCH: i64 = 2_451_545;

/// A timestamp with time zone, microseconds since 2000-01-01 00:00 UTC: `"2026-11-20T23:30:00.123456+00:00"`.
#[inline]
pub fn write_timestamptz(out: &mut Text, value: i64) {
    instant(out, value, b"+00:00");
}

/// A timestamp without time zone: `"2026-11-20T23:30:00.123456"`.
#[inline]
pub fn write_timestamp(out: &mut Text, value: i64) {
    instant(out, value, b"");
}

/// A date, days since 2000-01-01: `"2026-11-20"`.
#[inline]
pub fn write_date(out: &mut Text, value: i32) {
    match value {
        i32::MIN => return out.extend(b"\"-infinity\""),
        i32::MAX => return out.extend(b"\"infinity\""),
        _ => out.push(b'"'),
    }
    let era = day(out, value.into());
    out.extend(era);
    out.push(b'"');
}

/// A time, microseconds since midnight: `"23:30:00.5"`.
#[inline]
pub fn write_time(out: &mut Text, value: i64) {
    out.push(b'"');
    clock(out, value);
    out.push(b'"');
}

/// A uuid: `"c0a8…-…"`.
#[inline]
pub fn write_uuid(out: &mut Text, value: &[u8; 16]) {
    out.push(b'"');
    for (i, &byte) in value.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend(&HEX[byte as usize]);
    }
    out.push(b'"');
}

fn instant(out: &mut Text, value: i64, zone: &[u8]) {
    match value {
        i64::MIN => return out.extend(b"\"-infinity\""),
        i64::MAX => return out.extend(b"\"infinity\""),
        _ => out.push(b'"'),
    }
    let era = day(out, value.div_euclid(DAY));
    out.push(b'T');
    clock(out, value.rem_euclid(DAY));
    out.extend(zone);
    out.extend(era);
    out.push(b'"');
}

/// Appends year, month and day; gives what follows the time of day.
fn day(out: &mut Text, days: i64) -> &'static [u8] {
    // Years from March of 4800 BC, a multiple of 400 before any day there is.
    let z = days + EPOCH + 32_044;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    let y = yoe + era * 400 - 4800 + i64::from(m <= 2);
    let shown = if y > 0 { y } else { 1 - y };
    out.extend(format!("{shown:04}-{m:02}-{d:02}").as_bytes());
    if y > 0 { b"" } else { b" BC" }
}

fn clock(out: &mut Text, us: i64) {
    let (seconds, fraction) = (us / 1_000_000, us % 1_000_000);
    out.extend(
        format!(
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
        .as_bytes(),
    );
    if fraction != 0 {
        out.extend(format!(".{fraction:06}").trim_end_matches('0').as_bytes());
    }
}
