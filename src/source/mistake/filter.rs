//! The filter: our own rules for it, and PostgreSQL's verdict.

use super::Mistake;
use crate::error::{Parts, parts};
use pgrx::PgSqlErrorCode::{self, *};
use wire::filter::FilterError;

pub enum Filter {
    Malformed {
        text: String,
        error: FilterError,
    },
    /// PostgreSQL's own error about a filter, or of an event trigger.
    Refused {
        code: PgSqlErrorCode,
        message: String,
        detail: Option<String>,
        hint: Option<String>,
        filter: Option<String>,
        /// The functions that may have raised it.
        event_triggers: Vec<String>,
    },
    NeedsOld,
    NeedsNew,
    OfPartitioned {
        name: String,
    },
}

impl Filter {
    pub fn raise(self) -> ! {
        Mistake::Filter(self).raise()
    }

    pub fn parts(self) -> Parts {
        match self {
            Filter::Malformed { text, error } => parts(
                ERRCODE_SYNTAX_ERROR,
                format!("invalid filter: {error}"),
                format!("The filter is: {text}"),
                error.fix(),
            ),
            Filter::Refused {
                code,
                message,
                detail,
                hint,
                filter,
                event_triggers,
            } => parts(
                code,
                message,
                join([
                    detail,
                    filter
                        .as_ref()
                        .map(|filter| format!("The filter is: {filter}")),
                ]),
                join([
                    hint,
                    filter.as_ref().map(|_| filter_hint(code).to_owned()),
                    event_trigger_hint(&event_triggers),
                ]),
            ),
            Filter::NeedsOld => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "filter names old, which an INSERT does not have",
                "",
                "Leave insert out: operations => array['update', 'delete'], or array['update'] if it names new as well.",
            ),
            Filter::NeedsNew => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "filter names new and old, and a DELETE has no new",
                "",
                "Leave delete out: operations => array['update'].",
            ),
            Filter::OfPartitioned { name } => parts(
                ERRCODE_FEATURE_NOT_SUPPORTED,
                format!("filter cannot name old on partitioned table {name}"),
                "An UPDATE that moves a row to another partition fires an INSERT there, which has no old.",
                "Write the filter over new only, or enable the partitions instead of the table.",
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

fn event_trigger_hint(functions: &[String]) -> Option<String> {
    (!functions.is_empty()).then(|| {
        format!(
            "An event trigger may have looked for it: those run under the search_path pg_catalog, pg_temp here. Give its function one of its own: {}",
            functions
                .iter()
                .map(|function| format!("alter function {function} set search_path = public;"))
                .collect::<Vec<_>>()
                .join(" ")
        )
    })
}

fn join<const N: usize>(parts: [Option<String>; N]) -> String {
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" ")
}
