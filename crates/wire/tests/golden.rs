//! The writers against what PostgreSQL wrote: golden/*.tsv, made by golden/make.sql, each line a stored form and its JSON.
#![cfg(target_endian = "little")]

use wire::buffer::Text;
use wire::{datetime, json, jsonb, number};

/// Writes the first column of each line by `write` and compares with the rest, of which there are at least `least`.
fn check(file: &str, least: usize, write: impl Fn(&mut Text, &str)) {
    let path = format!("{}/tests/golden/{file}.tsv", env!("CARGO_MANIFEST_DIR"));
    let golden = std::fs::read_to_string(path).unwrap();
    let mut text = Text::new();
    for line in golden.lines() {
        let (stored, expected) = line.split_once('\t').unwrap();
        text.clear();
        write(&mut text, stored);
        let written = String::from_utf8_lossy(text.as_bytes());
        assert_eq!(written, expected, "{file} {stored}");
    }
    assert!(golden.lines().count() >= least);
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

#[test]
fn numeric() {
    check("numeric", 1000, |text, stored| {
        assert!(number::write_numeric(text, &bytes(stored)));
    });
}

#[test]
fn numeric_as_string_differs_only_by_the_quotes() {
    check("numeric", 1000, |text, stored| {
        assert!(number::write_numeric_string(text, &bytes(stored)));
        let string = text.as_bytes().to_vec();
        text.clear();
        let inside = string[1..string.len() - 1].to_vec();
        let special = !inside.last().unwrap().is_ascii_digit();
        text.extend(if special { &string } else { &inside });
    });
}

#[test]
fn jsonb() {
    check("jsonb", 100, |text, stored| {
        assert!(jsonb::write_jsonb(text, &bytes(stored)));
    });
}

#[test]
fn float8() {
    check("float8", 1500, |text, stored| {
        let bits = u64::from_str_radix(stored, 16).unwrap();
        number::write_f64(text, f64::from_bits(bits));
    });
}

#[test]
fn float4() {
    check("float4", 500, |text, stored| {
        let bits = u32::from_str_radix(stored, 16).unwrap();
        number::write_f32(text, f32::from_bits(bits));
    });
}

#[test]
fn timestamp() {
    check("timestamp", 500, |text, stored| {
        let us = stored.parse().unwrap();
        datetime::write_timestamptz(text, us);
        text.push(b'\t');
        datetime::write_timestamp(text, us);
    });
}

#[test]
fn date() {
    check("date", 400, |text, stored| {
        datetime::write_date(text, stored.parse().unwrap());
    });
}

#[test]
fn time() {
    check("time", 100, |text, stored| {
        datetime::write_time(text, stored.parse().unwrap());
    });
}

#[test]
fn uuid() {
    check("uuid", 30, |text, stored| {
        datetime::write_uuid(text, &bytes(stored).try_into().unwrap());
    });
}

#[test]
fn text() {
    check("text", 400, |text, stored| {
        json::write_string(text, &bytes(stored))
    });
}

#[test]
fn bytea() {
    check("bytea", 40, |text, stored| {
        json::write_bytea_hex(text, &bytes(stored));
    });
}
