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
    /// PostgreSQL's own error about a filter.
    Refused {
        code: PgSqlErrorCode,
        message: String,
        detail: Option<String>,
        hint: Option<String>,
        filter: String,
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
            } => parts(
                code,
                message,
                join(detail, format!("The filter is: {filter}")),
                match filter_hint(code) {
                    "" => hint.unwrap_or_default(),
                    ours => join(hint, ours.into()),
                },
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

fn join(theirs: Option<String>, ours: String) -> String {
    match theirs {
        Some(theirs) => format!("{theirs} {ours}"),
        None => ours,
    }
}
