//! What the demo reads of an event in the native dialect.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

pub struct Event {
    pub id: i64,
    /// INSERT, UPDATE, ...; what it is called on the screen is `name`
    pub kind: String,
    pub name: String,
    pub table: String,
    pub topics: Vec<String>,
    pub key: String,
    /// changed columns, old and new text
    pub changes: Vec<(String, Option<String>, Option<String>)>,
    pub statement: Option<SystemTime>,
    pub mutation: Option<u64>,
    pub partial: bool,
}

impl Event {
    pub fn parse(payload: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(payload).ok()?;
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let kind = text("type")?;
        Some(Self {
            id: value["id"].as_i64()?,
            name: text("event").unwrap_or_else(|| kind.clone()),
            table: text("table").unwrap_or_default(),
            topics: value["topics"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|t| Some(t.as_str()?.to_owned()))
                .collect(),
            key: value["key"].as_object().map(pairs).unwrap_or_default(),
            changes: changes(&value, &kind),
            statement: text("timestamp").and_then(|t| instant(&t)),
            mutation: text("mutation_id").and_then(|m| m.parse().ok()),
            partial: value["partial"].as_bool().unwrap_or(false),
            kind,
        })
    }
}

fn pairs(object: &Map<String, Value>) -> String {
    object
        .iter()
        .map(|(name, value)| format!("{name}={}", plain(value)))
        .collect::<Vec<_>>()
        .join(" ")
}

fn changes(value: &Value, kind: &str) -> Vec<(String, Option<String>, Option<String>)> {
    let row = |row: &str, column: &str| value[row].get(column).map(plain);
    match kind {
        "UPDATE" => value["changed"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|column| (column.to_owned(), row("old", column), row("new", column)))
            .collect(),
        "INSERT" => value["new"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(column, value)| {
                !value.is_null() && value["key"].get(column.as_str()).is_none()
            })
            .map(|(column, value)| (column.clone(), None, Some(plain(value))))
            .collect(),
        _ => Vec::new(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim_end().to_owned(),
        Value::Null => "null".into(),
        other => other.to_string(),
    }
}

/// `2026-11-20T23:30:00.123456+00:00`: an event's timestamps are always UTC.
fn instant(text: &str) -> Option<SystemTime> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    // days since 1970-01-01 in the proleptic Gregorian calendar, years beginning in March
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let seconds = ((days * 24 + number(11..13)?) * 60 + number(14..16)?) * 60 + number(17..19)?;
    let fraction: String = text
        .get(19..)?
        .strip_prefix('.')
        .unwrap_or("")
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let micros = format!("{fraction:0<6}").parse().ok()?;
    Some(
        SystemTime::UNIX_EPOCH
            + Duration::from_secs(u64::try_from(seconds).ok()?)
            + Duration::from_micros(micros),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_to_the_microsecond() {
        let unix = |text| {
            instant(text)
                .unwrap()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_micros()
        };
        assert_eq!(unix("1970-01-01T00:00:00+00:00"), 0);
        assert_eq!(unix("2024-02-29T12:34:56.5+00:00"), 1_709_210_096_500_000);
        assert_eq!(
            unix("2026-11-20T23:30:00.123456+00:00"),
            1_795_217_400_123_456
        );
    }

    #[test]
    fn an_update_shows_old_and_new_of_what_changed() {
        let event = Event::parse(
            r#"{"v":1,"id":7,"txid":"9","cursor":null,"type":"UPDATE","event":"UPDATE","schema":"public","table":"drivers",
            "topics":["drivers","driver:42"],"key":{"id":42},"new":{"id":42,"battery":80},"old":{"id":42,"battery":81},
            "changed":["battery"],"timestamp":"2026-11-20T23:30:00+00:00","actor":"a","mutation_id":"12","partial":false}"#,
        )
        .unwrap();
        assert_eq!((event.key.as_str(), event.mutation), ("id=42", Some(12)));
        assert_eq!(
            event.changes,
            [("battery".into(), Some("81".into()), Some("80".into()))]
        );
    }
}
