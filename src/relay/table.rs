//! A table sink: a row for each event, or for each of its topics.

use super::batch::Entry;
use super::clock::now;
use super::dialect::{connected, execute, prepare};
use super::mistake::Mistake;
use crate::capture::encoding::utf8;
use crate::log::octets::Octets;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::prelude::*;
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_int;
use std::rc::Rc;
use wire::json;
use wire::outbox::{Column, Form, Outbox, Part};
use wire::reference;

/// How long a table's columns are taken for what they were, in microseconds: a second after it gets
/// another one, that one is filled.
const LOOKED_UP: i64 = 1_000_000;

/// A table as table.sql describes it.
#[derive(Deserialize)]
pub struct Description {
    /// With its schema, quoted.
    pub name: String,
    kind: char,
    temporary: bool,
    /// The extension's or the system's.
    own: bool,
    /// It has capture triggers.
    source: bool,
    columns: Option<Vec<Column>>,
}

impl Description {
    /// Looks a table up as the current user; `name` is in the server's encoding.
    pub fn load(name: &[u8]) -> Option<Description> {
        let name = Octets::new(name);
        let json: Option<Vec<u8>> = Spi::connect_mut(|client| {
            let arguments = [name.with_type(pg_sys::TEXTOID)];
            let rows = client.update(include_str!("table.sql"), Some(1), &arguments)?;
            match rows.is_empty() {
                true => Ok(None),
                false => rows.first().get_one(),
            }
        })
        .unwrap_or_else(|error| panic!("reading the catalogs: {error}"));
        json.map(|json| {
            serde_json::from_slice(&json).expect("the query and its Rust type are written together")
        })
    }

    /// The columns to fill; raises where the table is none to write to.
    pub fn outbox(&self) -> Outbox {
        let table = || self.name.clone();
        if !matches!(self.kind, 'r' | 'p' | 'f') {
            Mistake::NotATable { table: table() }.raise();
        }
        if self.temporary {
            Mistake::Temporary { table: table() }.raise();
        }
        if self.own {
            Mistake::OwnTable { table: table() }.raise();
        }
        if self.source {
            Mistake::IsSource { table: table() }.raise();
        }
        Outbox::of(self.columns.as_deref().unwrap_or_default()).unwrap_or_else(|error| {
            Mistake::Outbox {
                table: table(),
                error,
            }
            .raise()
        })
    }
}

struct Known {
    at: i64,
    statement: Vec<u8>,
    parts: Rc<[Part]>,
    plan: pg_sys::SPIPlanPtr,
}

thread_local! {
    static KNOWN: RefCell<HashMap<(Vec<u8>, Oid), Known>> = RefCell::new(HashMap::new());
}

/// After a failure every table is looked at again.
pub fn forget() {
    KNOWN.with_borrow_mut(|known| known.values_mut().for_each(|known| known.at = 0));
}

pub struct Writer {
    parts: Rc<[Part]>,
    plan: pg_sys::SPIPlanPtr,
}

impl Writer {
    /// `table` is what add_sink() wrote: its name with its schema, quoted. For the current user.
    pub fn open(table: &[u8]) -> Writer {
        // SAFETY: reads who the current user is.
        let key = (table.to_vec(), unsafe { pg_sys::GetUserId() });
        let fresh = KNOWN.with_borrow(|known| {
            let known = known.get(&key)?;
            (now() - known.at < LOOKED_UP).then(|| Writer {
                parts: known.parts.clone(),
                plan: known.plan,
            })
        });
        if let Some(writer) = fresh {
            return writer;
        }
        // Whatever fails from here on, the next try looks again.
        let before = KNOWN.with_borrow_mut(|known| known.remove(&key));
        let Some(description) = Description::load(table) else {
            Mistake::NoTable { table: utf8(table) }.raise()
        };
        let outbox = description.outbox();
        let statement = outbox.insert(table);
        let known = match before {
            Some(known) if known.statement == statement => Known { at: now(), ..known },
            other => {
                if let Some(old) = other {
                    // SAFETY: the plan is kept by KNOWN alone, which has given it up.
                    unsafe { pg_sys::SPI_freeplan(old.plan) };
                }
                let types: Vec<Oid> = outbox.parts().map(parameter).collect();
                Known {
                    at: now(),
                    plan: prepare(statement.clone(), &types),
                    statement,
                    parts: outbox.parts().collect(),
                }
            }
        };
        let writer = Writer {
            parts: known.parts.clone(),
            plan: known.plan,
        };
        KNOWN.with_borrow_mut(|all| all.insert(key, known));
        writer
    }

    /// `native` is the whole event, `text` its payload.
    pub fn write<'t>(
        &self,
        native: &[u8],
        text: &[u8],
        entry: &Entry,
        topics: impl Iterator<Item = &'t [u8]>,
    ) {
        let topics: Vec<&[u8]> = topics.collect();
        let (one, all) = (
            [topics.first().copied().unwrap_or_default()],
            topics.as_slice(),
        );
        let rows: &[&[u8]] = match self.parts.contains(&Part::Topic) {
            true => all,
            false => &one,
        };
        connected(|| {
            for topic in rows {
                let mut nulls = vec![b' '; self.parts.len()];
                let mut values: Vec<Datum> = self
                    .parts
                    .iter()
                    .enumerate()
                    .map(|(n, part)| {
                        let value = value(*part, native, text, entry, topic, all);
                        value.unwrap_or_else(|| {
                            nulls[n] = b'n';
                            Datum::null()
                        })
                    })
                    .collect();
                // SAFETY: a value for each parameter, of the type parameter() told.
                unsafe { execute(self.plan, &mut values, Some(&nulls)) };
            }
        });
    }
}

fn parameter(part: Part) -> Oid {
    match part.form() {
        Form::Text => pg_sys::TEXTOID,
        Form::Number => pg_sys::INT8OID,
        Form::List => pg_sys::TEXTARRAYOID,
    }
}

/// In memory that goes when SPI is left.
fn value(
    part: Part,
    native: &[u8],
    text: &[u8],
    entry: &Entry,
    topic: &[u8],
    topics: &[&[u8]],
) -> Option<Datum> {
    let bytes = |bytes: &[u8]| Some(Octets::new(bytes).datum());
    let member = |name: &[u8]| reference::member(native, name).filter(|value| *value != b"null");
    let string = |name: &[u8]| bytes(&json::read_string(member(name)?));
    match part {
        Part::Cursor => bytes(entry.place.to_string().as_bytes()),
        Part::Id => Some(Datum::from(entry.place.id as i64)),
        Part::Txid => Some(Datum::from(entry.xid as i64)),
        Part::Topic => bytes(topic),
        Part::Topics => Some(list(topics)),
        Part::Type => string(b"type"),
        Part::Event => string(b"event"),
        Part::Schema => string(b"schema"),
        Part::Table => string(b"table"),
        Part::Key => bytes(member(b"key")?),
        Part::Payload => bytes(text),
    }
}

fn list(topics: &[&[u8]]) -> Datum {
    let mut datums: Vec<Datum> = topics
        .iter()
        .map(|topic| Octets::new(topic).datum())
        .collect();
    // SAFETY: as many datums as it says, of type text: its length, alignment and storage.
    unsafe {
        Datum::from(pg_sys::construct_array(
            datums.as_mut_ptr(),
            datums.len() as c_int,
            pg_sys::TEXTOID,
            -1,
            false,
            b'i' as std::ffi::c_char,
        ))
    }
}
