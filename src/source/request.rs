//! What the caller of enable() asked for: its arguments, read and checked as far as they go without
//! looking at the table.

use super::mistake::{self, Mistake};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer, value::Error as WordError};
use wire::filter::Filter;
use wire::options::{LONGEST_THROTTLE, Numbers, Operation, Options, RowImage, ThrottleLog};
use wire::topic::Template;

/// A text[] as JSON has it.
type List = Option<Vec<Option<String>>>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Arguments {
    operations: List,
    topics: List,
    columns: List,
    exclude: List,
    watch: List,
    filter: Option<String>,
    new_row: Option<String>,
    old_row: Option<String>,
    key_columns: List,
    event_name: Option<String>,
    status_columns: List,
    numbers: Option<String>,
    throttle: Option<Window>,
    throttle_columns: List,
    throttle_log: Option<String>,
    coalesced: Option<bool>,
    replica_mode: Option<String>,
    replica_identity: Option<String>,
    publication: Option<String>,
}

/// An interval: as it was written, in months apart from the rest, and as a whole in milliseconds. The
/// numbers are text, because PostgreSQL 17 has infinite ones.
#[derive(Deserialize)]
struct Window {
    text: String,
    months: Option<String>,
    milliseconds: String,
}

pub struct Request {
    /// In the order of [`Operation`], none twice.
    pub operations: Vec<Operation>,
    /// Without what only the table can tell: operations, leave, restore.
    pub options: Options,
    pub topics: Vec<Template>,
    pub filter: Option<Filter>,
    pub replica_mode: ReplicaMode,
    pub replica_identity: Option<ReplicaIdentity>,
    pub publication: Option<String>,
}

/// When triggers fire by session_replication_role; the letters of pg_trigger.tgenabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaMode {
    Origin,
    Replica,
    Always,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaIdentity {
    Default,
    Full,
    Nothing,
    Index(String),
}

impl Request {
    pub fn read(json: &[u8]) -> Request {
        let arguments: Arguments =
            serde_json::from_slice(json).unwrap_or_else(|_| Mistake::NestedArray.raise());
        let operations = operations(arguments.operations);
        let columns = list("columns", arguments.columns);
        let exclude = list("exclude", arguments.exclude);
        if !columns.is_empty() && !exclude.is_empty() {
            Mistake::ColumnsAndExclude.raise();
        }
        let watch = list("watch", arguments.watch);
        let status_columns = list("status_columns", arguments.status_columns);
        let new_row = word("new_row", arguments.new_row, &["full", "changed", "key"]);
        let throttle_columns = list("throttle_columns", arguments.throttle_columns);
        let throttle = arguments.throttle.map_or(0, Window::milliseconds);
        if throttle > 0 && throttle_columns.is_empty() {
            Mistake::ThrottleWithoutColumns.raise();
        }
        if throttle == 0 && !throttle_columns.is_empty() {
            Mistake::ThrottleColumnsAlone.raise();
        }
        if throttle > 0 && new_row == Some(RowImage::Changed) {
            Mistake::ThrottleOfChanged.raise();
        }
        let throttle_log = word("throttle_log", arguments.throttle_log, &["all", "last"]);
        if throttle == 0 && throttle_log.is_some() {
            Mistake::ThrottleLogAlone.raise();
        }
        for (option, given) in [
            ("watch", &watch),
            ("status_columns", &status_columns),
            ("throttle", &throttle_columns),
        ] {
            if !given.is_empty() && !operations.contains(&Operation::Update) {
                Mistake::UpdateOnly { option }.raise();
            }
        }
        for (option, text) in [
            ("event_name", &arguments.event_name),
            ("publication", &arguments.publication),
            ("replica_identity", &arguments.replica_identity),
        ] {
            if text.as_deref() == Some("") {
                Mistake::EmptyText { option }.raise();
            }
        }
        let filter = arguments.filter.map(|text| {
            Filter::parse(&text)
                .unwrap_or_else(|error| mistake::Filter::Malformed { text, error }.raise())
        });
        let default = Options::default();
        let topics = match list("topics", arguments.topics) {
            given if given.is_empty() => default.topics,
            given => given,
        };
        let old_row = word(
            "old_row",
            arguments.old_row,
            &["full", "changed", "key", "none"],
        );
        if throttle_log == Some(ThrottleLog::Last) && old_row == Some(RowImage::None) {
            Mistake::ThrottleLogWithoutOld.raise();
        }
        let numbers = word("numbers", arguments.numbers, &["json", "text"]);
        Request {
            operations,
            topics: topics
                .iter()
                .map(|topic| {
                    Template::parse(topic).unwrap_or_else(|error| {
                        let topic = topic.clone();
                        Mistake::Topic { topic, error }.raise()
                    })
                })
                .collect(),
            filter: filter.clone(),
            replica_mode: replica_mode(arguments.replica_mode),
            replica_identity: arguments.replica_identity.map(ReplicaIdentity::read),
            publication: arguments.publication.map(as_identifier),
            options: Options {
                topics,
                columns,
                exclude,
                watch,
                filter: filter.map(|filter| filter.text().to_owned()),
                new_row: new_row.unwrap_or(RowImage::Full),
                old_row: old_row.unwrap_or(RowImage::Changed),
                key_columns: list("key_columns", arguments.key_columns),
                event_name: arguments.event_name,
                status_columns,
                numbers: numbers.unwrap_or(Numbers::Json),
                throttle,
                throttle_columns,
                throttle_log: throttle_log.unwrap_or_default(),
                coalesced: arguments.coalesced.unwrap_or(false),
                ..Options::default()
            },
        }
    }
}

impl Window {
    fn milliseconds(self) -> u32 {
        let number = |text: &str| text.parse::<f64>().unwrap_or(f64::INFINITY);
        let whole = number(&self.milliseconds).floor();
        // A month has no length in milliseconds, and infinity no months.
        let fits = (1.0..=f64::from(LONGEST_THROTTLE)).contains(&whole)
            && self.months.is_some_and(|months| number(&months) == 0.0);
        if !fits {
            Mistake::Throttle { text: self.text }.raise();
        }
        whole as u32
    }
}

impl ReplicaMode {
    pub fn letter(self) -> char {
        match self {
            ReplicaMode::Origin => 'O',
            ReplicaMode::Replica => 'R',
            ReplicaMode::Always => 'A',
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            ReplicaMode::Origin => "origin",
            ReplicaMode::Replica => "replica",
            ReplicaMode::Always => "always",
        }
    }
}

impl ReplicaIdentity {
    /// The words first: an index of such a name cannot be named.
    fn read(text: String) -> ReplicaIdentity {
        match text.to_ascii_lowercase().as_str() {
            "default" => ReplicaIdentity::Default,
            "full" => ReplicaIdentity::Full,
            "nothing" => ReplicaIdentity::Nothing,
            _ => ReplicaIdentity::Index(text),
        }
    }

    /// From what [`wire::options::Restore`] keeps.
    pub fn recall(text: &str) -> Option<ReplicaIdentity> {
        match text {
            "d" => Some(ReplicaIdentity::Default),
            "f" => Some(ReplicaIdentity::Full),
            "n" => Some(ReplicaIdentity::Nothing),
            _ => text
                .strip_prefix("i:")
                .map(|index| ReplicaIdentity::Index(index.to_owned())),
        }
    }

    pub fn record(&self) -> String {
        match self {
            ReplicaIdentity::Default => "d".into(),
            ReplicaIdentity::Full => "f".into(),
            ReplicaIdentity::Nothing => "n".into(),
            ReplicaIdentity::Index(index) => format!("i:{index}"),
        }
    }

    pub fn word(&self) -> &str {
        match self {
            ReplicaIdentity::Default => "default",
            ReplicaIdentity::Full => "full",
            ReplicaIdentity::Nothing => "nothing",
            ReplicaIdentity::Index(index) => index,
        }
    }
}

fn operations(given: List) -> Vec<Operation> {
    const ALL: [Operation; 4] = [
        Operation::Insert,
        Operation::Update,
        Operation::Delete,
        Operation::Truncate,
    ];
    let asked: Vec<Operation> = list("operations", given)
        .into_iter()
        .filter_map(|text| {
            word(
                "operations",
                Some(text),
                &["insert", "update", "delete", "truncate"],
            )
        })
        .collect();
    ALL.into_iter()
        .filter(|operation| asked.is_empty() || asked.contains(operation))
        .collect()
}

fn replica_mode(given: Option<String>) -> ReplicaMode {
    const ALLOWED: &[&str] = &["origin", "replica", "always"];
    match given.map(|text| (text.to_ascii_lowercase(), text)) {
        None => ReplicaMode::Origin,
        Some((word, text)) => match word.as_str() {
            "origin" => ReplicaMode::Origin,
            "replica" => ReplicaMode::Replica,
            "always" => ReplicaMode::Always,
            _ => Mistake::Word {
                option: "replica_mode",
                text,
                allowed: ALLOWED,
            }
            .raise(),
        },
    }
}

/// One of a few words, in whatever case, as the type that stands for it.
fn word<T: DeserializeOwned>(
    option: &'static str,
    given: Option<String>,
    allowed: &'static [&'static str],
) -> Option<T> {
    let text = given?;
    let word = text.to_ascii_lowercase();
    if !allowed.contains(&word.as_str()) {
        Mistake::Word {
            option,
            text,
            allowed,
        }
        .raise();
    }
    let read: Result<T, WordError> = T::deserialize(word.into_deserializer());
    Some(read.expect("every allowed word is one of the type's"))
}

/// As PostgreSQL will cut it (NAMEDATALEN is 64), or it would not be found again by this name.
fn as_identifier(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(63));
    text
}

/// Without repetitions; empty only if it was not given.
fn list(option: &'static str, given: List) -> Vec<String> {
    let Some(given) = given else {
        return Vec::new();
    };
    if given.is_empty() {
        Mistake::EmptyArray { option }.raise();
    }
    let mut list = Vec::with_capacity(given.len());
    for element in given {
        let Some(element) = element else {
            Mistake::NullElement { option }.raise()
        };
        if !list.contains(&element) {
            list.push(element);
        }
    }
    list
}
