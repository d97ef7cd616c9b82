//! Random numbers that a seed repeats, and random settings.

use std::time::{SystemTime, UNIX_EPOCH};

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.next() as usize % list.len()]
    }
}

pub fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(1, |time| time.as_micros() as u64 % 1_000_000_000)
}

/// What a writing session may have set.
const SETTINGS: &[(&str, &[&str])] = &[
    (
        "TimeZone",
        &[
            "UTC",
            "Asia/Kathmandu",
            "America/New_York",
            "<+13>-13",
            "Europe/Amsterdam",
            "-3.5",
        ],
    ),
    (
        "DateStyle",
        &[
            "ISO, MDY",
            "German, DMY",
            "SQL, DMY",
            "Postgres, YMD",
            "SQL, MDY",
        ],
    ),
    (
        "IntervalStyle",
        &["postgres", "postgres_verbose", "sql_standard", "iso_8601"],
    ),
    ("extra_float_digits", &["1", "0", "3", "-15", "-4"]),
    ("bytea_output", &["hex", "escape"]),
    (
        "lc_monetary",
        &["C", "C.UTF-8", "en_US.UTF-8", "de_DE.UTF-8"],
    ),
    ("lc_numeric", &["C", "C.UTF-8", "de_DE.UTF-8"]),
    (
        "search_path",
        &[
            "public",
            "",
            "gen, public",
            "\"$user\", public",
            "gen, pg_catalog, \"Odd \"\"schema\"",
        ],
    ),
    ("quote_all_identifiers", &["off", "on"]),
    ("standard_conforming_strings", &["on", "off"]),
    (
        "client_encoding",
        &["UTF8", "LATIN1", "SQL_ASCII", "EUC_JP"],
    ),
    ("xmlbinary", &["base64", "hex"]),
    ("xmloption", &["content", "document"]),
    ("array_nulls", &["on", "off"]),
];

/// One SET a setting; those a system has not the locale for may fail.
pub fn settings(random: &mut Random) -> impl Iterator<Item = String> {
    SETTINGS
        .iter()
        .map(|(name, values)| {
            let value = random.pick(values).replace('\'', "''");
            match *name {
                "search_path" => match value.as_str() {
                    "" => "set search_path = ''".to_string(),
                    path => format!("set search_path = {path}"),
                },
                _ => format!("set {name} = '{value}'"),
            }
        })
        .collect::<Vec<_>>()
        .into_iter()
}
