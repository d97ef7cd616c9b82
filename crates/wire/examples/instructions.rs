//! Instructions a value takes, the steady figure of the hot path:
//!
//!     cargo build --release -p wire --example instructions
//!     for kind in $(target/release/examples/instructions); do
//!         valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='instructions::write' \
//!             target/release/examples/instructions $kind 2>&1 | grep Collected
//!     done
//!
//! Each kind writes 10,000 times; some 12 instructions a value are the loop's own.

use std::hint::black_box;
use wire::buffer::Text;
use wire::{datetime, json, jsonb, number};

/// `{"lat": 52.123456, "name": "Jane Doe", "speed": 12.5, "online": true, "status": "active"}` as PostgreSQL 15 stores it.
const JSONB: &[u8] = b"\x05\0\0\x20\x03\0\0\x80\x04\0\0\0\x05\0\0\0\x06\0\0\0\x06\0\0\0\x0c\0\0\x10\x08\0\0\0\x0a\0\0\x10\0\0\0\x30\x06\0\0\0\
    latnamespeedonlinestatus\x30\0\0\0\0\x83\x34\0\xd2\x04\xe0\x15Jane Doe\x28\0\0\0\x80\x80\x0c\0\x88\x13active";

type Kind = (&'static str, fn(&mut Text));

const KINDS: &[Kind] = &[
    ("int2", |text| number::write_i16(text, black_box(7))),
    ("int4", |text| number::write_i32(text, black_box(1234))),
    ("int8", |text| number::write_i64(text, black_box(1_234_567))),
    ("int8-19-digits", |text| {
        number::write_i64(text, black_box(i64::MAX))
    }),
    ("numeric-10-2", |text| {
        _ = number::write_numeric(text, black_box(b"\0\x81\xd2\x04\xe0\x15"))
    }),
    ("float8-6-places", |text| {
        number::write_f64(text, black_box(52.123456))
    }),
    ("float8-17-digits", |text| {
        number::write_f64(text, black_box(0.1 + 0.2))
    }),
    ("float4", |text| number::write_f32(text, black_box(12.34))),
    ("text-6", |text| {
        json::write_string(text, black_box(b"active"))
    }),
    ("text-20", |text| {
        json::write_string(text, black_box(b"Jane van der Doe-Roe"))
    }),
    ("text-20-escape", |text| {
        json::write_string(text, black_box(b"Jane \"J\" der Doe-Roe"))
    }),
    ("text-of-json", |text| {
        json::write_string(text, black_box(br#"{"kind": "delivery", "stops": [{"at": "08:30", "note": "ring"}], "paid": true}"#))
    }),
    ("text-1000", |text| {
        json::write_string(text, black_box(&[b'a'; 1000]))
    }),
    ("timestamptz", |text| {
        datetime::write_timestamptz(text, black_box(848_532_600_123_456))
    }),
    ("date", |text| datetime::write_date(text, black_box(9_820))),
    ("time", |text| {
        datetime::write_time(text, black_box(84_600_500_000))
    }),
    ("uuid", |text| {
        datetime::write_uuid(text, black_box(&[0x9f; 16]))
    }),
    ("bytea-16", |text| {
        json::write_bytea_hex(text, black_box(&[0x9f; 16]))
    }),
    ("jsonb-5-keys", |text| {
        _ = jsonb::write_jsonb(text, black_box(JSONB))
    }),
];

#[inline(never)]
fn write(text: &mut Text, kind: fn(&mut Text)) {
    for _ in 0..10_000 {
        text.clear();
        kind(text);
    }
}

fn main() {
    let Some(wanted) = std::env::args().nth(1) else {
        return KINDS.iter().for_each(|(name, _)| println!("{name}"));
    };
    let (_, kind) = KINDS
        .iter()
        .find(|(name, _)| *name == wanted)
        .expect("a kind there is");
    let mut text = Text::new();
    write(&mut text, *kind);
    println!("{}", String::from_utf8_lossy(text.as_bytes()));
}
