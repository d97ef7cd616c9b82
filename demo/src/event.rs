//! What the demo reads of a payload: the native dialect's, and that of the hand-written trigger.

use std::time::SystemTime;

use serde_json::Value;

/// What is read of every event, by looking for it: parsing 8,000 events a second would take the processor from the
/// database that is being measured.
#[derive(Debug, PartialEq)]
pub struct Facts<'a> {
    /// None of the hand-written trigger's.
    pub id: Option<i64>,
    pub cursor: Option<&'a str>,
    pub row: i64,
    pub revision: i64,
}

impl<'a> Facts<'a> {
    pub fn of(payload: &'a str) -> Option<Self> {
        let (head, new) = payload.split_once("\"new\"")?;
        Some(Self {
            id: number(head, "\"v\":1,\"id\":"),
            cursor: text(head, "\"cursor\":\""),
            row: number(new, "\"id\":")?,
            revision: number(new, "\"revision\":")?,
        })
    }
}

fn number(within: &str, name: &str) -> Option<i64> {
    let rest = &within[within.find(name)? + name.len()..];
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok()
}

fn text<'a>(within: &'a str, name: &str) -> Option<&'a str> {
    let rest = &within[within.find(name)? + name.len()..];
    rest.split('"').next()
}

/// What one line of the feed shows.
pub struct Shown {
    pub name: String,
    pub topic: String,
    /// column, old and new text
    pub changes: Vec<(String, String, String)>,
    pub at: SystemTime,
}

/// Columns that change in every update and would hide what did.
const DULL: [&str; 2] = ["revision", "updated_at"];

impl Shown {
    pub fn of(payload: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(payload).ok()?;
        let string = |name: &str| value[name].as_str().map(str::to_owned);
        let (old, new) = (value["old"].as_object()?, value["new"].as_object()?);
        let topic = value["topics"].as_array().and_then(|t| t.last()?.as_str());
        Some(Self {
            name: string("event").or_else(|| string("type"))?,
            topic: topic.map_or_else(|| string("table"), |topic| Some(topic.to_owned()))?,
            changes: new
                .iter()
                .filter(|(column, _)| !DULL.contains(&column.as_str()))
                .filter_map(|(column, new)| {
                    let old = old.get(column)?;
                    (old != new).then(|| (column.clone(), plain(old), plain(new)))
                })
                .collect(),
            at: SystemTime::now(),
        })
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => format!("{float:.4}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NATIVE: &str = r#"{"v":1,"id":7,"txid":"9","cursor":"00000001-000000000000000a-0000000000000007","type":"UPDATE",
        "event":"status_change","schema":"public","table":"drivers","topics":["drivers","driver:42"],"key":{"id":42},
        "new":{"id":42,"status":"on trip","lat":52.50013,"revision":3},"old":{"id":42,"status":"idle","lat":52.5,"revision":2}}"#;

    #[test]
    fn facts_of_the_native_dialect() {
        let facts = Facts::of(NATIVE).unwrap();
        assert_eq!((facts.id, facts.row, facts.revision), (Some(7), 42, 3));
        assert_eq!(
            facts.cursor,
            Some("00000001-000000000000000a-0000000000000007")
        );
    }

    #[test]
    fn facts_of_a_trigger_by_hand() {
        let payload = r#"{"type" : "UPDATE", "table" : "drivers", "new" : {"id":42,"revision":3}, "old" : {"id":42,"revision":2}}"#;
        let facts = Facts::of(payload).unwrap();
        assert_eq!(
            (facts.id, facts.cursor, facts.row, facts.revision),
            (None, None, 42, 3)
        );
    }

    #[test]
    fn a_line_shows_what_changed() {
        let shown = Shown::of(NATIVE).unwrap();
        assert_eq!(
            (shown.name.as_str(), shown.topic.as_str()),
            ("status_change", "driver:42")
        );
        assert_eq!(
            shown.changes,
            [
                ("lat".into(), "52.5000".into(), "52.5001".into()),
                ("status".into(), "idle".into(), "on trip".into())
            ]
        );
    }
}
