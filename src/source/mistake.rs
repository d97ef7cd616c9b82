//! What enable() and disable() refuse, each with its SQLSTATE and the way out.

mod filter;
mod nearest;
mod table;

pub use filter::Filter;
pub use nearest::nearest;
pub use table::Table;

use crate::error::{Error, Parts, parts};
use pgrx::PgSqlErrorCode::*;
use wire::topic::TemplateError;

pub enum Mistake {
    Table(Table),
    Filter(Filter),
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
    StatusLeftOut {
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
    Throttle {
        text: String,
    },
    ThrottleWithoutColumns,
    ThrottleColumnsAlone,
    ThrottleLogAlone,
    ThrottleLogWithoutOld,
    ThrottleNever {
        column: String,
        role: &'static str,
    },
    ThrottleUnwatched,
    ThrottleOfChanged,
    NeedsUniqueKey {
        option: &'static str,
        name: String,
        key: String,
    },
    Topic {
        topic: String,
        error: TemplateError,
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
            Mistake::Table(mistake) => mistake.parts(),
            Mistake::Filter(mistake) => mistake.parts(),
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
            Mistake::StatusLeftOut { column } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("status column \"{column}\" is not among columns"),
                "A status change carries the column's old and new value.",
                "Name it in columns, or leave it out of status_columns.",
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
            Mistake::Throttle { text } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid value for throttle: \"{text}\""),
                "It is how long a row's updates of throttle_columns may be held back.",
                "Give an interval from 1 millisecond to 1 day, such as '30 s'.",
            ),
            Mistake::ThrottleWithoutColumns => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "throttle needs throttle_columns",
                "An update is held back only if it changes none but those.",
                "Name the columns that change often and may arrive late: throttle_columns => array['lat', 'lng'].",
            ),
            Mistake::ThrottleColumnsAlone => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "throttle_columns needs throttle",
                "",
                "Say how often a row's updates of them may arrive: throttle => '30 s'.",
            ),
            Mistake::ThrottleLogAlone => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "throttle_log needs throttle",
                "It says which of the updates that a throttle holds back are logged.",
                "Say how often a row's updates may arrive: throttle => '30 s', throttle_columns => array['lat', 'lng'].",
            ),
            Mistake::ThrottleLogWithoutOld => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "throttle_log 'last' cannot be had with old_row 'none'",
                "What is kept out of the log of a row whose key changes would not be found again.",
                "Use old_row => 'key', or more.",
            ),
            Mistake::ThrottleNever { column, role } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("column \"{column}\" cannot be throttled"),
                format!(
                    "It is named in {role}: who is concerned by a change of it must hear of it at once."
                ),
                "Leave it out of throttle_columns.",
            ),
            Mistake::ThrottleUnwatched => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "throttle would hold nothing back",
                "An update is an event only if a watched column changed, and none of throttle_columns is watched.",
                "Add them to watch, or leave throttle out.",
            ),
            Mistake::ThrottleOfChanged => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "throttle cannot be had with new_row 'changed'",
                "What an event that was held back had changed would not be in the next one.",
                "Use new_row => 'full', or 'key' where clients fetch the row.",
            ),
            Mistake::NeedsUniqueKey { option, name, key } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("{option} needs a unique key, and ({key}) of {name} is none"),
                "The changes of several rows that share a key would be taken for those of one.",
                "Name the columns of a unique index that is neither deferrable nor partial, in key_columns.",
            ),
            Mistake::Topic { topic, error } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid topic \"{topic}\": {error}"),
                "",
                "Write driver:{id}, with {schema}, {table}, {key} or a column in braces; double a brace that is meant as itself.",
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
