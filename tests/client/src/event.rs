//! An event as the tests compare it: which version of which row.

use postgres::{Client, fallible_iterator::FallibleIterator};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use wire::cursor::{Cursor, Place};

/// What happened, as the tables' own history tells it too.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Change {
    pub source: Source,
    pub row: i64,
    pub version: i64,
    pub kind: Kind,
}

/// In the order in which a version of a row can have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Insert,
    Update,
    Delete,
    Message,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    Hot,
    Cold,
    Bulk,
    Room,
    End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: i64,
    pub xid: u64,
    pub place: Option<Place>,
    pub change: Change,
}

impl Event {
    /// Of an event's native text; none of a reference, which has neither row.
    pub fn parse(text: &str) -> Option<Event> {
        let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        Event::of(&value)
    }

    pub fn of(value: &Value) -> Option<Event> {
        let row = [&value["new"], &value["old"], &value["payload"]];
        let row = row.into_iter().find(|row| row.is_object())?;
        let source = match (&value["table"], &value["topics"][0]) {
            (Value::String(table), _) => table.as_str(),
            (_, topic) => topic.as_str()?,
        };
        Some(Event {
            id: value["id"].as_i64()?,
            xid: xid(value)?,
            place: place(value),
            change: Change {
                source: Source::named(source),
                row: row["id"].as_i64()?,
                version: row["version"].as_i64()?,
                kind: Kind::named(value["type"].as_str()?),
            },
        })
    }
}

/// An event's transaction.
pub fn xid(value: &Value) -> Option<u64> {
    value["txid"].as_str()?.parse().ok()
}

/// Where an event or an answer of replay() stands; none in inline delivery.
pub fn place(value: &Value) -> Option<Place> {
    Some(Cursor::parse(value["cursor"].as_str()?)?.place)
}

impl Source {
    pub fn named(name: &str) -> Source {
        match name {
            "hot" => Source::Hot,
            "cold" => Source::Cold,
            "bulk" => Source::Bulk,
            "room" => Source::Room,
            "end" => Source::End,
            _ => panic!("an event of {name}"),
        }
    }
}

impl Kind {
    pub fn named(name: &str) -> Kind {
        match name {
            "INSERT" => Kind::Insert,
            "UPDATE" => Kind::Update,
            "DELETE" => Kind::Delete,
            "MESSAGE" => Kind::Message,
            _ => panic!("an event of type {name}"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change {
            source,
            row,
            version,
            kind,
        } = &self.change;
        write!(f, "{} of {}: ", self.id, self.xid)?;
        write!(f, "{kind:?} {source:?} {row} version {version}")?;
        match self.place {
            Some(place) => write!(f, " at {place}"),
            None => Ok(()),
        }
    }
}

/// What is committed, by id: the log's rows, read by plain SQL.
pub fn committed(client: &mut Client) -> HashMap<i64, Event> {
    let query = "
        select e.id, e.xid::text::int8, coalesce(e.\"table\", e.topics[1]), e.type,
            coalesce(e.new, e.old, e.payload) ->> 'id', coalesce(e.new, e.old, e.payload) ->> 'version'
        from realtime_sync.events e
        where e.\"table\" is not null or e.topics[1] <> 'end'";
    client
        .query_raw(query, std::iter::empty::<i32>())
        .expect("the log")
        .map(|row| {
            let number = |n: usize| -> i64 { row.get::<_, &str>(n).parse().expect("a number") };
            let event = Event {
                id: row.get(0),
                xid: row.get::<_, i64>(1) as u64,
                place: None,
                change: Change {
                    source: Source::named(row.get(2)),
                    row: number(4),
                    version: number(5),
                    kind: Kind::named(row.get(3)),
                },
            };
            Ok((event.id, event))
        })
        .collect()
        .expect("the log")
}
