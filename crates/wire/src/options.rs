//! The options of a source: the one argument of its capture triggers, as JSON. Only what differs
//! from the default is written; keys this version does not know are ignored, so that a dump of a
//! newer one restores.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How much of a row an event carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowImage {
    Full,
    /// The key and the columns whose value changed.
    Changed,
    Key,
    /// Nothing; for the old row only.
    None,
}

/// How bigint and numeric are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Numbers {
    #[default]
    Json,
    /// As strings: JavaScript and Dart keep 53 bits of a JSON number.
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    Insert,
    Update,
    Delete,
    Truncate,
}

/// Which of the updates that a throttle may hold back the log has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThrottleLog {
    #[default]
    All,
    /// Of each window the last, and those sent at once.
    Last,
}

/// A day, in milliseconds: what is held back longer than the log is kept by default would be lost.
pub const LONGEST_THROTTLE: u32 = 86_400_000;

/// What disable() gives back, of the table the trigger is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Restore {
    /// `d`, `f`, `n`, or `i:` and the index's name, as it was before enable() changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_identity: Option<String>,
    /// The columns of that index, by which it is found again under another name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub index_columns: Vec<String>,
    /// The publication enable() added the table to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publication: Option<Publication>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Templates, see [`crate::topic::Template`].
    #[serde(skip_serializing_if = "is_default_topics")]
    pub topics: Vec<String>,
    /// Columns an event carries; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Columns an event never carries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Columns that make an UPDATE fire; empty means any. The trigger's WHEN does it, this records it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watch: Vec<String>,
    /// The row filter as the user wrote it. The trigger's WHEN does it, this records it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(skip_serializing_if = "is_full")]
    pub new_row: RowImage,
    #[serde(skip_serializing_if = "is_changed")]
    pub old_row: RowImage,
    /// Empty means the primary key, or the replica identity's index.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_columns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_name: Option<String>,
    /// Columns whose change makes an UPDATE a `status_change`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status_columns: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub numbers: Numbers,
    /// Milliseconds in which a row's updates of nothing but `throttle_columns` become one; 0: none.
    #[serde(skip_serializing_if = "is_default")]
    pub throttle: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub throttle_columns: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub throttle_log: ThrottleLog,
    /// One event per row and transaction.
    #[serde(skip_serializing_if = "is_default")]
    pub coalesced: bool,
    /// The operations to report where more triggers stand than were asked for: row movement between
    /// partitions fires DELETE and INSERT only. Empty means every one that fires.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
    /// Only in the leave trigger: the row has just stopped matching the filter.
    #[serde(skip_serializing_if = "is_default")]
    pub leave: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub restore: Restore,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            topics: default_topics(),
            columns: Vec::new(),
            exclude: Vec::new(),
            watch: Vec::new(),
            filter: None,
            new_row: RowImage::Full,
            old_row: RowImage::Changed,
            key_columns: Vec::new(),
            event_name: None,
            status_columns: Vec::new(),
            numbers: Numbers::Json,
            throttle: 0,
            throttle_columns: Vec::new(),
            throttle_log: ThrottleLog::All,
            coalesced: false,
            operations: Vec::new(),
            leave: false,
            restore: Restore::default(),
        }
    }
}

impl Options {
    pub fn parse(text: &str) -> Result<Options, String> {
        // serde would read an array as the fields in order.
        if !text.trim_start().starts_with('{') {
            return Err("not a JSON object".into());
        }
        // First: the other errors repeat what they are about, and no text of PostgreSQL's holds NUL.
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if has_nul(&value) {
            return Err("it has a NUL character".into());
        }
        let options: Options = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if options.new_row == RowImage::None {
            return Err("new_row cannot be none".into());
        }
        if options.throttle > LONGEST_THROTTLE {
            return Err("throttle is over a day".into());
        }
        Ok(options)
    }

    /// The trigger's argument; the same options give the same text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, words and lists of them always serialise")
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(has_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn default_topics() -> Vec<String> {
    vec!["{table}".into(), "{table}:{key}".into()]
}

fn is_default_topics(topics: &[String]) -> bool {
    topics == ["{table}", "{table}:{key}"]
}

fn is_full(image: &RowImage) -> bool {
    *image == RowImage::Full
}

fn is_changed(image: &RowImage) -> bool {
    *image == RowImage::Changed
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_not_written() {
        assert_eq!(Options::default().to_json(), "{}");
        assert_eq!(Options::parse("{}").unwrap(), Options::default());
    }

    #[test]
    fn every_option_survives_the_round_trip() {
        let text = concat!(
            r#"{"topics":["driver:{id}"],"columns":["id","a \"b"],"exclude":["secret"],"watch":["x"],"#,
            r#""filter":"new.x > 1","new_row":"changed","old_row":"none","key_columns":["id"],"#,
            r#""event_name":"moved","status_columns":["status"],"numbers":"text","#,
            r#""throttle":30000,"throttle_columns":["lat","lng"],"throttle_log":"last","coalesced":true,"#,
            r#""operations":["update","truncate"],"leave":true,"restore":{"replica_identity":"i:x_key","#,
            r#""index_columns":["x"],"publication":{"name":"feed"}}}"#
        );
        assert_eq!(Options::parse(text).unwrap().to_json(), text);
    }

    #[test]
    fn unknown_keys_are_ignored() {
        let options = Options::parse(r#"{"of_a_newer_version":1,"numbers":"text"}"#).unwrap();
        assert_eq!(options.numbers, Numbers::Text);
    }

    #[test]
    fn wrong_words_and_shapes_are_errors() {
        for text in [
            "",
            "nonsense",
            "[]",
            r#"{"new_row":"none"}"#,
            r#"{"old_row":"most"}"#,
            r#"{"topics":"drivers"}"#,
            r#"{"numbers":"words"}"#,
            r#"{"throttle":-1}"#,
            r#"{"throttle":86400001}"#,
            r#"{"throttle":"1s"}"#,
            r#"{"throttle_log":"first"}"#,
            r#"{"event_name":"a\u0000b"}"#,
            r#"{"of_a_newer_version":[{"a\u0000":1}]}"#,
            r#"{"numbers":"\u0000"}"#,
        ] {
            assert!(Options::parse(text).is_err(), "{text}");
        }
    }
}
