//! What add_sink() and drop_sink() refuse, and why a sink fails: each with its SQLSTATE and the way out.

use super::sink::Fault;
use crate::error::{Error, Parts, parts};
use pgrx::PgSqlErrorCode::{self, *};
use wire::outbox::OutboxError;
use wire::sink::{FilterError, TargetError};

pub enum Mistake {
    Denied {
        call: &'static str,
        detail: &'static str,
    },
    Null {
        call: &'static str,
        argument: &'static str,
    },
    EmptyName,
    Exists {
        name: String,
    },
    NoSuchSink {
        name: String,
        names: String,
    },
    NotOwner {
        name: String,
        owner: String,
    },
    PayloadWord {
        word: String,
    },
    Target {
        target: String,
        error: TargetError,
    },
    Filter {
        pattern: String,
        error: FilterError,
    },
    NoTopics,
    NestedTopics,
    NullTopic,
    NoFunction {
        dialect: String,
        others: Option<String>,
    },
    NotADialect {
        function: String,
        reason: String,
    },
    MayNotExecute {
        function: String,
        role: String,
    },
    WalLevel {
        level: String,
    },
    NoTable {
        table: String,
    },
    NotATable {
        table: String,
    },
    Temporary {
        table: String,
    },
    OwnTable {
        table: String,
    },
    IsSource {
        table: String,
    },
    Outbox {
        table: String,
        error: OutboxError,
    },
    /// A sink at work, from here on.
    Fault(Fault),
    Payload {
        size: usize,
    },
    TooSlow {
        event: Option<u64>,
        seconds: u64,
    },
    /// PostgreSQL's own error, or the user's function's.
    Event {
        event: u64,
        code: PgSqlErrorCode,
        message: String,
        detail: Option<String>,
        hint: Option<String>,
    },
}

const COLUMNS: &str = "Columns filled by name: cursor, id or event_id, txid, topic (a row for each) or topics, type, event, schema or schema_name, table or table_name, key, payload.";

impl Mistake {
    pub fn raise(self) -> ! {
        Error::Sink(self).raise()
    }

    pub fn parts(self) -> Parts {
        match self {
            Mistake::Denied { call, detail } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("permission denied for realtime_sync.{call}()"),
                detail,
                "Call it as the owner of realtime_sync.event, a superuser, or a role with BYPASSRLS and SELECT on realtime_sync.event.",
            ),
            Mistake::Null { call, argument } => parts(
                ERRCODE_NULL_VALUE_NOT_ALLOWED,
                format!("{argument} of realtime_sync.{call}() must not be null"),
                "",
                "",
            ),
            Mistake::EmptyName => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "name of realtime_sync.add_sink() must not be empty",
                "",
                "It is what drop_sink() and errors call the sink.",
            ),
            Mistake::Exists { name } => parts(
                ERRCODE_DUPLICATE_OBJECT,
                format!("sink \"{name}\" already exists"),
                "",
                format!(
                    "select realtime_sync.drop_sink('{}') first, or choose another name.",
                    name.replace('\'', "''")
                ),
            ),
            Mistake::NoSuchSink { name, names } => parts(
                ERRCODE_UNDEFINED_OBJECT,
                format!("sink \"{name}\" does not exist"),
                "",
                match names.is_empty() {
                    true => "There are no sinks.".to_owned(),
                    false => format!("There are: {names}."),
                },
            ),
            Mistake::NotOwner { name, owner } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("must be owner of sink \"{name}\""),
                "",
                format!("Call realtime_sync.drop_sink() as {owner} or a superuser."),
            ),
            Mistake::PayloadWord { word } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid value for payload: \"{word}\""),
                "",
                "Allowed are full, reference.",
            ),
            Mistake::Target { target, error } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid target \"{target}\": {error}"),
                "",
                match error {
                    TargetError::ChannelTooLong => {
                        "Only the channels of a template, such as 'notify:rt:{topic}', are shortened."
                    }
                    _ => {
                        "A target is 'notify:channel', 'notify:template:{topic}', 'table:schema.table' or 'wal:prefix'."
                    }
                },
            ),
            Mistake::Filter { pattern, error } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid topic pattern \"{pattern}\": {error}"),
                "",
                "A sink's topics are 'drivers', or all that begin so: 'driver:*'. Doubled braces are literal; placeholders mean nothing here.",
            ),
            Mistake::NoTopics => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "topics must not be empty",
                "",
                "Leave topics out for every topic.",
            ),
            Mistake::NestedTopics => parts(
                ERRCODE_ARRAY_ELEMENT_ERROR,
                "topics must be an array of one dimension",
                "",
                "",
            ),
            Mistake::NullTopic => parts(
                ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "topics must not contain null",
                "",
                "Give topic patterns, such as 'drivers' or 'trip:*'.",
            ),
            Mistake::NoFunction { dialect, others } => parts(
                ERRCODE_UNDEFINED_FUNCTION,
                format!("dialect \"{dialect}\" does not exist"),
                match others {
                    Some(others) => {
                        format!(
                            "There is no function of that name that takes one json: only {others}."
                        )
                    }
                    None => "It is neither \"native\" nor the name of a function.".to_owned(),
                },
                "A dialect is a function (json) returns text: it gets the event and gives what is sent, or null to leave it out.",
            ),
            Mistake::NotADialect { function, reason } => parts(
                ERRCODE_WRONG_OBJECT_TYPE,
                format!("{function} is no dialect: {reason}"),
                "",
                "A dialect is a function (json) returns text: it gets the event and gives what is sent, or null to leave it out.",
            ),
            Mistake::MayNotExecute { function, role } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("permission denied for function {function}"),
                "The relay runs a dialect as the role that adds the sink.",
                format!("grant execute on function {function} to {role}, and usage on its schema."),
            ),
            Mistake::WalLevel { level } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("wal_level is {level}"),
                "Messages in the WAL can be decoded only where it is logical.",
                "alter system set wal_level = 'logical', and restart the server.",
            ),
            Mistake::NoTable { table } => parts(
                ERRCODE_UNDEFINED_TABLE,
                format!("table {table} does not exist"),
                "It is the target of a sink.",
                "Make it first, with some of the columns cursor, event_id, topics, type, payload.",
            ),
            Mistake::NotATable { table } => parts(
                ERRCODE_WRONG_OBJECT_TYPE,
                format!("{table} is not a table"),
                "A sink writes to tables, partitioned tables and foreign tables.",
                "",
            ),
            Mistake::Temporary { table } => parts(
                ERRCODE_WRONG_OBJECT_TYPE,
                format!("{table} is a temporary table"),
                "The relay, in a session of its own, does not see it.",
                "",
            ),
            Mistake::OwnTable { table } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{table} is a table of the system or the extension"),
                "",
                "Make a table of your own for the sink.",
            ),
            Mistake::IsSource { table } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{table} is a source"),
                "Each row that the sink adds would be an event for the sink again.",
                format!("Call realtime_sync.disable('{table}'), or write to another table."),
            ),
            Mistake::Outbox { table, error } => parts(
                match error {
                    OutboxError::NoColumn => ERRCODE_UNDEFINED_COLUMN,
                    OutboxError::Type { .. } => ERRCODE_DATATYPE_MISMATCH,
                    OutboxError::Mandatory { .. } | OutboxError::NotNull { .. } => {
                        ERRCODE_NOT_NULL_VIOLATION
                    }
                    OutboxError::Denied { .. } => ERRCODE_INSUFFICIENT_PRIVILEGE,
                },
                format!("table {table} cannot be a sink: {error}"),
                COLUMNS,
                match &error {
                    OutboxError::Mandatory { column } => format!(
                        "alter table {table} alter column \"{column}\" drop not null, or give it a default."
                    ),
                    OutboxError::NotNull { column } => {
                        format!("alter table {table} alter column \"{column}\" drop not null.")
                    }
                    OutboxError::Denied { .. } => {
                        format!("grant insert on {table} to the role that adds the sink.")
                    }
                    _ => String::new(),
                },
            ),
            Mistake::Fault(fault) => parts(
                match fault {
                    Fault::NoOwner => ERRCODE_UNDEFINED_OBJECT,
                    Fault::MayNotRead => ERRCODE_INSUFFICIENT_PRIVILEGE,
                    Fault::Definition => ERRCODE_INVALID_PARAMETER_VALUE,
                },
                match fault {
                    Fault::NoOwner => "the sink's owner does not exist any more",
                    Fault::MayNotRead => "the sink's owner may no longer read the whole log",
                    Fault::Definition => "the sink's target or topics cannot be read",
                },
                "",
                "Drop the sink and add it again, as a role that may.",
            ),
            Mistake::Payload { size } => parts(
                ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                format!("the dialect's text of {size} bytes is too long for NOTIFY"),
                "NOTIFY takes 7999 bytes; the dialect was asked again with a reference to the event, and that is too long as well.",
                "Let it write less of an event that says \"partial\": true, or send to a table.",
            ),
            Mistake::TooSlow { event, seconds } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                match event {
                    Some(event) => format!("event {event}: the sink took longer than {seconds} s"),
                    None => format!("the function took longer than {seconds} s"),
                },
                "",
                "",
            ),
            Mistake::Event {
                event,
                code,
                message,
                detail,
                hint,
            } => parts(
                code,
                format!("event {event}: {message}"),
                detail.unwrap_or_default(),
                hint.unwrap_or_default(),
            ),
        }
    }
}
