//! What must hold for any value, also for those PostgreSQL never stores.

use proptest::collection::vec;
use proptest::prelude::*;
use wire::buffer::Text;
use wire::{datetime, json, jsonb, number};

fn written(write: impl FnOnce(&mut Text)) -> Vec<u8> {
    let mut text = Text::new();
    // Something before, and room behind for exactly nothing, then for whatever it takes.
    text.extend(&[b'.'; 8190]);
    write(&mut text);
    assert_eq!(&text.as_bytes()[..8190], [b'.'; 8190]);
    text.as_bytes()[8190..].to_vec()
}

/// escape_json as it is in json.c, a byte at a time.
fn escaped(bytes: &[u8]) -> Vec<u8> {
    let escape = |&byte: &u8| match byte {
        8 => b"\\b".to_vec(),
        9 => b"\\t".to_vec(),
        10 => b"\\n".to_vec(),
        12 => b"\\f".to_vec(),
        13 => b"\\r".to_vec(),
        b'"' | b'\\' => vec![b'\\', byte],
        0..32 => format!("\\u{byte:04x}").into_bytes(),
        _ => vec![byte],
    };
    bytes.iter().flat_map(escape).collect()
}

/// Mostly letters, so that special bytes stand alone in any place of a word.
fn mostly_clean() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![20 => b'a'..=b'z', 1 => any::<u8>(), 1 => Just(b'"'), 1 => 0u8..32, 1 => 0x80u8..];
    vec(byte, 0..120)
}

/// The stored form of a jsonb of strings, true, null and arrays of them.
fn array(children: &[Vec<u8>]) -> Vec<u8> {
    let mut stored = (0x4000_0000 | children.len() as u32).to_ne_bytes().to_vec();
    for child in children {
        stored.extend((child.len() as u32).to_ne_bytes());
    }
    stored.extend(children.concat());
    stored
}

fn golden(file: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/tests/golden/{file}.tsv", env!("CARGO_MANIFEST_DIR"));
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    let stored = |line: &str| {
        line.split('\t')
            .next()
            .unwrap()
            .as_bytes()
            .chunks(2)
            .map(byte)
            .collect()
    };
    std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(stored)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn strings_are_escaped_as_postgresql_does(bytes in prop_oneof![mostly_clean(), vec(any::<u8>(), 0..70)]) {
        let inside = escaped(&bytes);
        prop_assert_eq!(written(|text| json::write_escaped(text, &bytes)), &inside[..]);
        let whole = written(|text| json::write_string(text, &bytes));
        prop_assert_eq!(&whole, &[b"\"", &inside[..], b"\""].concat());
        if let Ok(string) = str::from_utf8(&bytes) {
            prop_assert_eq!(serde_json::from_slice::<String>(&whole).unwrap(), string);
        }
        let in_jsonb = written(|text| assert!(jsonb::write_jsonb(text, &array(&[vec![], bytes.clone()]))));
        prop_assert_eq!(in_jsonb, [b"[\"\", ", &whole[..], b"]"].concat());
    }

    #[test]
    fn whole_numbers(value in any::<i64>(), digits in 0u32..64) {
        let value = value >> digits;
        prop_assert_eq!(written(|text| number::write_i64(text, value)), value.to_string().into_bytes());
        prop_assert_eq!(written(|text| number::write_i32(text, value as i32)), (value as i32).to_string().into_bytes());
        prop_assert_eq!(written(|text| number::write_i16(text, value as i16)), (value as i16).to_string().into_bytes());
        prop_assert_eq!(written(|text| number::write_u32(text, value as u32)), (value as u32).to_string().into_bytes());
    }

    #[test]
    fn floats_read_back_as_they_were(bits in any::<u64>(), decimal in -1_000_000_000_000i64..1_000_000_000_000, places in 0i32..12) {
        for value in [f64::from_bits(bits), decimal as f64 / 10f64.powi(places)] {
            let text = String::from_utf8(written(|text| number::write_f64(text, value))).unwrap();
            if value.is_finite() {
                prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
                prop_assert!(serde_json::from_str::<f64>(&text).is_ok());
            }
            let value = value as f32;
            let text = String::from_utf8(written(|text| number::write_f32(text, value))).unwrap();
            if value.is_finite() {
                prop_assert_eq!(text.parse::<f32>().unwrap().to_bits(), value.to_bits());
            }
        }
    }

    #[test]
    fn any_numeric_is_a_json_number_or_refused(payload in vec(prop_oneof![any::<u8>(), 0u8..0x27], 0..24)) {
        let mut accepted = false;
        let text = written(|text| accepted = number::write_numeric(text, &payload));
        if accepted {
            prop_assert!(serde_json::from_slice::<&serde_json::value::RawValue>(&text).is_ok());
        } else {
            prop_assert!(text.is_empty());
        }
        let text = written(|text| accepted &= number::write_numeric_string(text, &payload));
        prop_assert_eq!(accepted, serde_json::from_slice::<String>(&text).is_ok());
    }

    #[test]
    fn a_damaged_jsonb_is_written_or_refused(pick in any::<prop::sample::Index>(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), cut in any::<prop::sample::Index>(), keep in any::<bool>()) {
        thread_local!(static GOLDEN: Vec<Vec<u8>> = golden("jsonb"));
        let mut stored = GOLDEN.with(|golden| pick.get(golden).clone());
        for (at, byte) in changes {
            *at.get_mut(&mut stored) = byte;
        }
        if !keep {
            stored.truncate(cut.index(stored.len()));
        }
        let mut accepted = false;
        let text = written(|text| accepted = jsonb::write_jsonb(text, &stored));
        prop_assert!(accepted || text.is_empty());
    }

    #[test]
    fn any_bytes_are_a_jsonb_or_refused(stored in vec(prop_oneof![any::<u8>(), Just(0x20), Just(0x40), Just(0), 0u8..5], 0..80)) {
        let mut accepted = false;
        let text = written(|text| accepted = jsonb::write_jsonb(text, &stored));
        prop_assert!(accepted || text.is_empty());
    }

    #[test]
    fn dates_are_the_calendar_s(days in -2_451_545i64..106_751_983, us in 0i64..86_400_000_000) {
        // The textbook way: years from March, 400 at a time, 719,468 days before 1970 and 10,957 more before 2000.
        let z = days + 719_468 + 10_957;
        let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
        let year = yoe + era * 400 + i64::from(month <= 2);
        let (shown, end) = if year > 0 { (year, "") } else { (1 - year, " BC") };
        let date = format!("{shown:04}-{month:02}-{day:02}");
        let text = written(|text| datetime::write_date(text, days as i32));
        prop_assert_eq!(text, format!("\"{date}{end}\"").into_bytes());

        let s = us / 1_000_000;
        let fraction = format!(".{:06}", us % 1_000_000);
        let time = format!("{:02}:{:02}:{:02}{}", s / 3600, s / 60 % 60, s % 60, fraction.trim_end_matches('0').trim_end_matches('.'));
        let text = written(|text| datetime::write_timestamptz(text, days * 86_400_000_000 + us));
        prop_assert_eq!(text, format!("\"{date}T{time}+00:00{end}\"").into_bytes());
        let text = written(|text| datetime::write_time(text, us));
        prop_assert_eq!(text, format!("\"{time}\"").into_bytes());
    }
}

#[test]
fn any_timestamp_and_date_is_written() {
    for value in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
        assert!(written(|text| datetime::write_timestamptz(text, value)).ends_with(b"\""));
        assert!(written(|text| datetime::write_date(text, (value >> 32) as i32)).ends_with(b"\""));
    }
}

#[test]
fn a_jsonb_of_more_than_64_levels_is_left_to_postgresql() {
    let nested = |levels: usize| {
        let mut stored = 0x4000_0000u32.to_ne_bytes().to_vec();
        for _ in 1..levels {
            let entry = 0x5000_0000 | stored.len() as u32;
            stored = [
                &0x4000_0001u32.to_ne_bytes(),
                &entry.to_ne_bytes(),
                &stored[..],
            ]
            .concat();
        }
        stored
    };
    assert_eq!(
        written(|text| assert!(jsonb::write_jsonb(text, &nested(64)))),
        ["[".repeat(64), "]".repeat(64)].concat().into_bytes()
    );
    assert_eq!(
        written(|text| assert!(!jsonb::write_jsonb(text, &nested(65)))),
        b""
    );
}
