//! Sources as JSON: rows of the view realtime_sync.source, made by SQL from what is written here.

use super::catalog;
use super::check::{effective_key, final_identity};
use super::relation::Relation;
use super::request::{ReplicaIdentity, Request};
use pgrx::pg_sys;
use serde_json::{Map, Value, json};
use wire::filter::{Filter, Row};
use wire::options::Options;
use wire::topic::Template;

/// A source's row of the view.
pub fn row(oid: pg_sys::Oid) -> Vec<u8> {
    catalog::bytes(include_str!("row.sql"), oid).unwrap_or_else(|| b"{}".to_vec())
}

/// The row as it would be, with what would be done.
pub fn preview(
    request: &Request,
    relation: &Relation,
    options: &Options,
    statements: &[&str],
) -> Vec<u8> {
    let mut row = effective(options);
    let mut publications: Vec<&str> = relation
        .publications
        .iter()
        .filter(|publication| publication.covers)
        .map(|publication| publication.name.as_str())
        .chain(request.publication.as_deref())
        .collect();
    publications.sort_unstable();
    publications.dedup();
    row["relation"] = json!(relation.name);
    row["operations"] = json!(request.operations);
    row["key_columns"] = json!(effective_key(relation, request));
    row["replica_mode"] = json!(request.replica_mode.word());
    row["replica_identity"] = json!(
        final_identity(relation, request)
            .as_ref()
            .map(ReplicaIdentity::word)
    );
    row["publication"] = match publications.as_slice() {
        [] => Value::Null,
        names => json!(names.join(", ")),
    };
    row["options"] = json!(options);
    row["ddl"] = json!(
        statements
            .iter()
            .map(|s| format!("{s};\n"))
            .collect::<String>()
    );
    bytes(&row)
}

/// See [`super::read_options`].
pub fn argument(argument: &[u8]) -> Vec<u8> {
    bytes(&match read(argument) {
        Err(error) => json!({ "error": error }),
        Ok((options, mut written)) => {
            let filter = filter(&options);
            let mut document = effective(&options);
            document["leave"] = json!(options.leave);
            document["leaves"] = json!(
                filter
                    .as_ref()
                    .is_some_and(|filter| !filter.names(Row::Old))
            );
            document["names"] = json!(names(&options, filter.as_ref()));
            document["restore"] = json!(options.restore);
            // The one thing that differs between the triggers of a source.
            written.remove("leave");
            document["written"] = Value::Object(written);
            document
        }
    })
}

/// As it acts and as it is written.
fn read(argument: &[u8]) -> Result<(Options, Map<String, Value>), String> {
    let text = std::str::from_utf8(argument).map_err(|error| error.to_string())?;
    let options = Options::parse(text)?;
    let written = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok((options, written))
}

/// Every option as it acts, defaults filled in; null where there is none.
fn effective(options: &Options) -> Value {
    let list = |list: &[String]| match list {
        [] => Value::Null,
        list => json!(list),
    };
    json!({
        "operations": match options.operations.as_slice() {
            [] => Value::Null,
            operations => json!(operations),
        },
        "topics": options.topics,
        "columns": list(&options.columns),
        "exclude": list(&options.exclude),
        "watch": list(&options.watch),
        "filter": options.filter,
        "new_row": options.new_row,
        "old_row": options.old_row,
        "key_columns": list(&options.key_columns),
        "event_name": options.event_name,
        "status_columns": list(&options.status_columns),
        "numbers": options.numbers,
        "throttle": match options.throttle {
            0 => Value::Null,
            milliseconds => json!(format!("{milliseconds} ms")),
        },
        "throttle_columns": list(&options.throttle_columns),
        "throttle_log": match options.throttle {
            0 => Value::Null,
            _ => json!(options.throttle_log),
        },
        "coalesced": options.coalesced,
    })
}

/// Which option names which column.
fn names(options: &Options, filter: Option<&Filter>) -> Vec<Value> {
    let topics: Vec<String> = options
        .topics
        .iter()
        .filter_map(|topic| Template::parse(topic).ok())
        .flat_map(|topic| topic.columns().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let filter: Vec<String> = filter
        .map(|filter| filter.columns().map(str::to_owned).collect())
        .unwrap_or_default();
    [
        ("topics", &topics),
        ("columns", &options.columns),
        ("exclude", &options.exclude),
        ("watch", &options.watch),
        ("filter", &filter),
        ("key_columns", &options.key_columns),
        ("status_columns", &options.status_columns),
        ("throttle_columns", &options.throttle_columns),
    ]
    .into_iter()
    .flat_map(|(option, columns)| {
        columns
            .iter()
            .map(move |column| json!({ "option": option, "column": column }))
    })
    .collect()
}

fn filter(options: &Options) -> Option<Filter> {
    Filter::parse(options.filter.as_deref()?).ok()
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
