//! Every failure a user can reach: SQLSTATE, message, detail, hint. Raised, never returned: pgrx
//! turns a trigger's `Err` into XX000 (pgrx issue 2365).

use crate::relay;
use crate::source::Mistake;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use wire::cursor::Place;

pub enum Error {
    /// enable() or disable() was asked for what cannot be.
    Mistake(Mistake),
    /// add_sink() was asked for what cannot be, or a sink fails.
    Sink(relay::Mistake),
    /// capture() was called as a plain function, or by a trigger of the wrong kind.
    TriggerProtocol { fault: &'static str },
    /// An allocation of this many bytes failed.
    OutOfMemory { bytes: usize },
    /// flush() inside a savepoint or an exception block.
    FlushInSubtransaction,
    /// The temporary file that holds a savepoint's events failed.
    TemporaryFile { verb: &'static str },
    /// relay() above READ COMMITTED.
    RelayIsolation,
    /// relay() on a standby.
    RelayInRecovery,
    /// relay() after the transaction has captured something.
    RelayAfterCapture,
    /// realtime_sync.floor, which always has a row, has none.
    LogDamaged,
    /// An argument of send() is null that may not be.
    NullArgument(&'static str),
    /// send('').
    EmptyTopic,
    /// send() of more than realtime_sync.max_event_size.
    MessageTooLarge { size: usize, limit: usize },
    /// A topic pattern given to allow() that means nothing.
    TopicPattern { pattern: String, fault: String },
    /// replay() without a cursor.
    NoCursor,
    /// replay() of what is no cursor.
    MalformedCursor { text: String },
    /// replay() of a cursor older than the log.
    ExpiredCursor { since: Place, oldest: Option<Place> },
    /// replay() of no or less than no events.
    MaxEvents(i32),
    /// More topics asked for than are taken, or longer ones.
    TooManyTopics { count: usize, bytes: usize },
    /// A topic asked for that means nothing.
    TopicSelection { pattern: String, fault: String },
}

pub struct Parts {
    code: PgSqlErrorCode,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

/// An empty detail or hint is none.
pub fn parts(
    code: PgSqlErrorCode,
    message: impl Into<String>,
    detail: impl Into<String>,
    hint: impl Into<String>,
) -> Parts {
    Parts {
        code,
        message: message.into(),
        detail: Some(detail.into()).filter(|detail| !detail.is_empty()),
        hint: Some(hint.into()).filter(|hint| !hint.is_empty()),
    }
}

const FOLLOW: &str = "Load a snapshot with realtime_sync.cursor() in the same query or transaction, and follow from there.";

impl Error {
    fn parts(self) -> Parts {
        use PgSqlErrorCode::*;
        match self {
            Error::Mistake(mistake) => mistake.parts(),
            Error::Sink(mistake) => mistake.parts(),
            Error::TriggerProtocol { fault } => parts(
                ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                format!("realtime_sync.capture() {fault}"),
                "",
                "Let realtime_sync.enable('your_table') write the triggers.",
            ),
            Error::OutOfMemory { bytes } => parts(
                ERRCODE_OUT_OF_MEMORY,
                "out of memory",
                format!("realtime_sync failed on an allocation of {bytes} bytes."),
                "",
            ),
            Error::TemporaryFile { verb } => parts(
                ERRCODE_IO_ERROR,
                format!(
                    "could not {verb} the temporary file of a transaction's events: {}",
                    std::io::Error::last_os_error()
                ),
                "Events captured inside a savepoint go there when they pass a megabyte.",
                "Check the free space where temp_tablespaces or base/pgsql_tmp is.",
            ),
            Error::FlushInSubtransaction => parts(
                ERRCODE_ACTIVE_SQL_TRANSACTION,
                "realtime_sync.flush() cannot run inside a savepoint or an exception block",
                "Events captured before the savepoint would be lost with it.",
                "Call it outside, or rely on COMMIT, which writes every event.",
            ),
            Error::RelayIsolation => parts(
                ERRCODE_ACTIVE_SQL_TRANSACTION,
                "realtime_sync.relay() needs a READ COMMITTED transaction",
                "An older snapshot does not see what was committed since.",
                "Call it outside a transaction block, or after set transaction isolation level read committed.",
            ),
            Error::RelayInRecovery => parts(
                ERRCODE_READ_ONLY_SQL_TRANSACTION,
                "realtime_sync.relay() cannot run during recovery",
                "A standby has the ticks of its primary.",
                "Call it on the primary; realtime_sync.replay() works here too.",
            ),
            Error::RelayAfterCapture => parts(
                ERRCODE_ACTIVE_SQL_TRANSACTION,
                "realtime_sync.relay() cannot run in a transaction that has changed a source or sent a message",
                "A tick orders what is committed, which these events are not yet.",
                "Call it after COMMIT, in a transaction of its own.",
            ),
            Error::LogDamaged => parts(
                ERRCODE_DATA_CORRUPTED,
                "realtime_sync.floor has no row",
                "It says up to where the log has been truncated; without it nothing can be replayed.",
                "insert into realtime_sync.floor (timeline, wal_timeline, position, snapshot) select timeline, wal_timeline, position, snapshot from realtime_sync.tick order by timeline desc, position desc limit 1; then every older cursor has expired.",
            ),
            Error::NullArgument(argument) => parts(
                ERRCODE_NULL_VALUE_NOT_ALLOWED,
                format!("{argument} of realtime_sync.send() must not be null"),
                "",
                "realtime_sync.send(topic, event, payload): only the payload may be null.",
            ),
            Error::EmptyTopic => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "topic of realtime_sync.send() must not be empty",
                "",
                "Name the room the message is for, such as 'driver:42'.",
            ),
            Error::MessageTooLarge { size, limit } => parts(
                ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                "message is too large",
                format!(
                    "Topic, event and payload have {size} bytes together; realtime_sync.max_event_size allows {limit}."
                ),
                "Send a reference to the data instead, or raise realtime_sync.max_event_size.",
            ),
            Error::TopicPattern { pattern, fault } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid topic pattern \"{pattern}\": {fault}"),
                "",
                "Write a topic, a beginning with a \"*\" at its end, or either with {jwt.claim} or {user} in it: 'drivers', 'trip:*', 'driver:{jwt.sub}', 'org:{jwt.org}:*'. Doubled braces are literal.",
            ),
            Error::NoCursor => parts(
                ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "since of realtime_sync.replay() must not be null",
                "",
                FOLLOW,
            ),
            Error::MalformedCursor { text } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid cursor: \"{text}\""),
                "A cursor is as realtime_sync.cursor(), realtime_sync.replay() and events have it.",
                FOLLOW,
            ),
            Error::ExpiredCursor { since, oldest } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "cursor has expired",
                match oldest {
                    Some(oldest) if oldest > since => {
                        format!("It is {since}; the log begins after {oldest}.")
                    }
                    _ => format!("The log knows no tick at or before {since}."),
                },
                FOLLOW,
            ),
            Error::MaxEvents(most) => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid value for max_events: {most}"),
                "",
                "Give 1 to 10000.",
            ),
            Error::TooManyTopics { count, bytes } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                "too many topics for realtime_sync.replay()",
                format!("They are {count}, in an array of {bytes} bytes; 10000 in 8 MB are taken."),
                "Ask for beginnings such as 'driver:*', for some of them at a time, or for all you may read with null.",
            ),
            Error::TopicSelection { pattern, fault } => parts(
                ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid topic \"{pattern}\": {fault}"),
                "",
                "Write topics, or beginnings with a \"*\" at their end: 'drivers', 'trip:*'.",
            ),
        }
    }

    pub fn raise(self) -> ! {
        let Parts {
            code,
            message,
            detail,
            hint,
        } = self.parts();
        let mut report = ErrorReport::new(code, printable(message), "realtime_sync");
        if let Some(detail) = detail {
            report = report.set_detail(printable(detail));
        }
        if let Some(hint) = hint {
            report = report.set_hint(printable(hint));
        }
        report.report(PgLogLevel::ERROR);
        unreachable!("an ERROR does not return")
    }
}

/// PostgreSQL takes messages in the database's encoding. Where that is not UTF-8, a character outside
/// ASCII is written as U&'' strings escape it: \00F6.
fn printable(text: String) -> String {
    // SAFETY: reads a global that is set before any function of a library can run.
    let encoding = unsafe { pg_sys::GetDatabaseEncoding() };
    if encoding == pg_sys::pg_enc::PG_UTF8 as i32 || text.is_ascii() {
        return text;
    }
    text.chars()
        .map(|character| match u32::from(character) {
            0..0x80 => character.to_string(),
            code @ 0x80..0x1_0000 => format!("\\{code:04X}"),
            code => format!("\\+{code:06X}"),
        })
        .collect()
}
