//! What enable() and disable() refuse, each with its SQLSTATE and the way out.

use crate::error::{Error, Parts, parts};
use pgrx::PgSqlErrorCode::{self, *};
use wire::filter::FilterError;
use wire::topic::TemplateError;

pub enum Mistake {
    NoRelation,
    NoSuchRelation {
        oid: u32,
    },
    Dropped {
        name: String,
    },
    NotATable {
        name: String,
        kind: char,
    },
    Catalog {
        name: String,
    },
    OwnTable {
        name: String,
    },
    NotOwner {
        name: String,
    },
    MayNotAttach,
    NoColumn {
        column: String,
        option: &'static str,
        table: String,
        nearest: Option<String>,
    },
    NoKey {
        name: String,
    },
    KeyExcluded {
        column: String,
    },
    StatusExcluded {
        column: String,
    },
    ColumnsAndExclude,
    UpdateOnly {
        option: &'static str,
    },
    Word {
        option: &'static str,
        text: String,
        allowed: &'static [&'static str],
    },
    EmptyArray {
        option: &'static str,
    },
    EmptyText {
        option: &'static str,
    },
    NestedArray,
    NullElement {
        option: &'static str,
    },
    Throttle,
    Topic {
        topic: String,
        error: TemplateError,
    },
    Filter {
        text: String,
        error: FilterError,
    },
    /// PostgreSQL's own error about a filter.
    FilterRefused {
        code: PgSqlErrorCode,
        message: String,
        detail: Option<String>,
        hint: Option<String>,
        filter: String,
    },
    FilterNeedsOld,
    FilterNeedsNew,
    FilterOfPartitioned {
        name: String,
    },
    PartitionOfSource {
        name: String,
        source: String,
    },
    PartitionIsSource {
        name: String,
        partition: String,
    },
    NameTaken {
        name: String,
        trigger: String,
    },
    NoIndex {
        index: String,
        table: String,
        nearest: Option<String>,
    },
    PublicationWouldFail {
        name: String,
        reason: String,
    },
}

impl Mistake {
    pub fn raise(self) -> ! {
        Error::Mistake(self).raise()
    }

    pub fn parts(self) -> Parts {
        match self {
            Mistake::NoRelation => parts(
                ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "relation must not be null",
                "",
                "Name the table: realtime_sync.enable('drivers').",
            ),
            Mistake::NoSuchRelation { oid } => parts(
                ERRCODE_UNDEFINED_TABLE,
                format!("relation with OID {oid} does not exist"),
                "",
                "",
            ),
            Mistake::Dropped { name } => parts(
                ERRCODE_UNDEFINED_TABLE,
                format!("table {name} does not exist any more"),
                "Another session dropped it while this one waited for its lock.",
                "",
            ),
            Mistake::NotATable { name, kind } => parts(
                ERRCODE_WRONG_OBJECT_TYPE,
                format!("{name} is not a table"),
                match kind {
                    'v' => "A view has no rows of its own to report.",
                    'm' => "A materialized view fires no triggers.",
                    'f' => "Changes made on the foreign server fire no triggers here.",
                    'S' => "It is a sequence.",
                    'i' | 'I' => "It is an index.",
                    'c' => "It is a composite type.",
                    't' => "It is a TOAST table.",
                    _ => "It fires no triggers.",
                },
                match kind {
                    'v' | 'm' => "Enable the tables it reads.",
                    'f' => "Enable the table on the foreign server.",
                    _ => "Only tables and partitioned tables can be sources.",
                },
            ),
            Mistake::Catalog { name } => parts(
                ERRCODE_WRONG_OBJECT_TYPE,
                format!("{name} is a system catalog"),
                "PostgreSQL fires no triggers on its own tables.",
                "",
            ),
            Mistake::OwnTable { name } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{name} is in the schema of realtime_sync itself"),
                "An event about the event log would make another, without end.",
                "Keep your own tables in another schema.",
            ),
            Mistake::NotOwner { name } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("must be owner of table {name}"),
                "",
                "Run the migration as the table's owner.",
            ),
            Mistake::MayNotAttach => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                "permission denied for function realtime_sync.capture",
                "Whoever attaches it to a table may write to any topic.",
                "Have a superuser run: select realtime_sync.allow('your_role', 'migrate');",
            ),
            Mistake::NoColumn {
                column,
                option,
                table,
                nearest,
            } => parts(
                ERRCODE_UNDEFINED_COLUMN,
                format!("column \"{column}\" of table {table} does not exist"),
                format!("It is named in {option}."),
                match nearest {
                    Some(nearest) => format!("Perhaps you meant \"{nearest}\"."),
                    None => String::new(),
                },
            ),
            Mistake::NoKey { name } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("table {name} has no key"),
                "An event names the row it is about by its key: the primary key, or the index of the replica identity.",
                format!(
                    "Name one with key_columns => array['...'], or run: alter table {name} add primary key (...);"
                ),
            ),
            Mistake::KeyExcluded { column } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("key column \"{column}\" cannot be excluded"),
                "Every event carries the key of its row.",
                "Leave it out of exclude, or name another key with key_columns.",
            ),
            Mistake::StatusExcluded { column } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("status column \"{column}\" cannot be excluded"),
                "A status change carries the column's old and new value.",
                "Leave it out of exclude, or out of status_columns.",
            ),
            Mistake::ColumnsAndExclude => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "columns and exclude cannot be given together",
                "",
                "columns names what events carry; exclude names what they do not.",
            ),
            Mistake::UpdateOnly { option } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("{option} needs the operation update"),
                "It is about columns whose value changes.",
                "Add 'update' to operations, or leave operations out.",
            ),
            Mistake::Word {
                option,
                text,
                allowed,
            } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid value for {option}: \"{text}\""),
                "",
                format!("Allowed are {}.", allowed.join(", ")),
            ),
            Mistake::EmptyArray { option } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("{option} must not be an empty array"),
                "",
                "Leave it out, or pass null, for the default.",
            ),
            Mistake::EmptyText { option } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("{option} must not be empty"),
                "",
                "Leave it out, or pass null, for the default.",
            ),
            Mistake::NestedArray => parts(
                ERRCODE_ARRAY_ELEMENT_ERROR,
                "arrays must have one dimension",
                "",
                "Write array['a', 'b'].",
            ),
            Mistake::NullElement { option } => parts(
                ERRCODE_NULL_VALUE_NOT_ALLOWED,
                format!("{option} must not contain null"),
                "",
                "",
            ),
            Mistake::Throttle => parts(
                ERRCODE_FEATURE_NOT_SUPPORTED,
                "throttle is not supported yet",
                "",
                "Leave out throttle and throttle_columns; watch and filter keep events few.",
            ),
            Mistake::Topic { topic, error } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid topic \"{topic}\": {error}"),
                "",
                "Write driver:{id}, with {schema}, {table}, {key} or a column in braces; double a brace that is meant as itself.",
            ),
            Mistake::Filter { text, error } => parts(
                ERRCODE_SYNTAX_ERROR,
                format!("invalid filter: {error}"),
                format!("The filter is: {text}"),
                error.fix(),
            ),
            Mistake::FilterRefused {
                code,
                message,
                detail,
                hint,
                filter,
            } => parts(
                code,
                message,
                join(detail, format!("The filter is: {filter}")),
                match filter_hint(code) {
                    "" => hint.unwrap_or_default(),
                    ours => join(hint, ours.into()),
                },
            ),
            Mistake::FilterNeedsOld => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "filter names old, which an INSERT does not have",
                "",
                "Leave insert out: operations => array['update', 'delete'], or array['update'] if it names new as well.",
            ),
            Mistake::FilterNeedsNew => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "filter names new and old, and a DELETE has no new",
                "",
                "Leave delete out: operations => array['update'].",
            ),
            Mistake::FilterOfPartitioned { name } => parts(
                ERRCODE_FEATURE_NOT_SUPPORTED,
                format!("filter cannot name old on partitioned table {name}"),
                "An UPDATE that moves a row to another partition fires an INSERT there, which has no old.",
                "Write the filter over new only, or enable the partitions instead of the table.",
            ),
            Mistake::PartitionOfSource { name, source } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{name} is a partition of the source {source}"),
                "It has that table's triggers already.",
                format!(
                    "Use {source} here, or first: select realtime_sync.disable('{}');",
                    source.replace('\'', "''")
                ),
            ),
            Mistake::PartitionIsSource { name, partition } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("partition {partition} of {name} is a source already"),
                "Its triggers would be lost in those of the whole table.",
                format!(
                    "Run first: select realtime_sync.disable('{}');",
                    partition.replace('\'', "''")
                ),
            ),
            Mistake::NameTaken { name, trigger } => parts(
                ERRCODE_DUPLICATE_OBJECT,
                format!("trigger \"{trigger}\" of {name} is not one of realtime_sync's"),
                "It calls another function.",
                format!("Rename it: alter trigger \"{trigger}\" on {name} rename to ...;"),
            ),
            Mistake::NoIndex {
                index,
                table,
                nearest,
            } => parts(
                ERRCODE_UNDEFINED_OBJECT,
                format!("index \"{index}\" of table {table} does not exist"),
                "It is named in replica_identity.",
                match nearest {
                    Some(nearest) => format!(
                        "Allowed are default, full, nothing and a unique index; perhaps you meant \"{nearest}\"."
                    ),
                    None => "Allowed are default, full, nothing and a unique index.".into(),
                },
            ),
            Mistake::PublicationWouldFail { name, reason } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("UPDATE and DELETE of {name} would fail"),
                format!("PostgreSQL says: {reason}"),
                format!(
                    "Give the table a replica identity its publications can use (a primary key, or replica_identity => 'full' where no publication has a column list), let their column lists and row filters keep to its columns, or take {name} out of the publication."
                ),
            ),
        }
    }
}

/// What our users miss beside PostgreSQL's own hint, which is for whole queries.
fn filter_hint(code: PgSqlErrorCode) -> &'static str {
    match code {
        ERRCODE_UNDEFINED_COLUMN
        | ERRCODE_AMBIGUOUS_COLUMN
        | ERRCODE_UNDEFINED_TABLE
        | ERRCODE_UNDEFINED_FUNCTION
        | ERRCODE_UNDEFINED_OBJECT
        | ERRCODE_INVALID_SCHEMA_NAME => {
            "A filter names columns as new.column or old.column, in double quotes where they have capitals: new.\"orderId\". Strings are in single quotes. Functions, types and operators outside pg_catalog need their schema."
        }
        ERRCODE_SYNTAX_ERROR | ERRCODE_DATATYPE_MISMATCH => {
            "Write one condition, for example new.status = 'online'."
        }
        ERRCODE_FEATURE_NOT_SUPPORTED | ERRCODE_GROUPING_ERROR | ERRCODE_WINDOWING_ERROR => {
            "A filter sees one change, as new and old. Where it needs more, let it call a function."
        }
        _ => "",
    }
}

fn join(theirs: Option<String>, ours: String) -> String {
    match theirs {
        Some(theirs) => format!("{theirs} {ours}"),
        None => ours,
    }
}

/// The name most like the one that was written, if any is like it at all: for "*" no name is.
pub fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    names
        .map(|name| (distance(written, name), name))
        .min()
        .filter(|&(distance, name)| {
            let length = name.chars().count();
            distance <= length.max(3) / 3 + 1 && distance < length.max(written.chars().count())
        })
        .map(|(_, name)| name.to_owned())
}

/// Levenshtein's, of lower-cased text: a name written without its quotes is the commonest mistake.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
