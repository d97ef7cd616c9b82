//! A plan made from a trigger's options and its relation's columns.

use super::codec::{self, Codec, Needs};
use super::encoding::{is_rusts, native, utf8};
use super::fixed::Sensitivity;
use super::generated::{self, Generated};
use super::plan::{Column, Heads, Part, Plan, Topic};
use super::relation;
use crate::error::Error;
use crate::log::server;
use crate::log::shared::{self, Counter};
use pgrx::pg_sys;
use std::ffi::CStr;
use wire::buffer::Text;
use wire::filter::Filter;
use wire::json;
use wire::options::{Options, ThrottleLog};
use wire::topic::{Segment, Template};

/// Room a compilation surely fits in. Rust aborts the process where one of its many small
/// allocations fails, so memory is probed for first, where failing is an ordinary error.
const HEADROOM: usize = 4 * 1024 * 1024;

pub fn compile(data: &pg_sys::TriggerData) -> Plan {
    let mut probe = Vec::<u8>::new();
    if probe.try_reserve_exact(HEADROOM).is_err() {
        Error::OutOfMemory { bytes: HEADROOM }.raise();
    }
    drop(probe);
    // SAFETY: the trigger manager holds the relation open and locked for the whole call. The context
    // is deleted with the plan; an error while compiling leaves it behind, a few kilobytes.
    unsafe {
        let memory = pg_sys::AllocSetContextCreateInternal(
            pg_sys::TopMemoryContext,
            c"realtime_sync plan".as_ptr(),
            pg_sys::ALLOCSET_SMALL_MINSIZE as usize,
            pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
            pg_sys::ALLOCSET_SMALL_MAXSIZE as usize,
        );
        let relation = data.tg_relation;
        let options = options(data.tg_trigger);
        let mut relations = vec![(*relation).rd_id];
        let columns = columns((*relation).rd_att, &options, memory, &mut relations);
        let (root, ancestors) = relation::root(relation, data.tg_trigger);
        let key = relation::key(relation, root, &options, &columns);
        let (schema, table) = relation::names(root, relation);
        let leaf = (root != (*relation).rd_id).then(|| relation::name(relation));
        let topics: Vec<Topic> = options
            .topics
            .iter()
            .filter_map(|topic| resolve(topic, &columns, &key, &schema, &table))
            .collect();
        let places = |wanted: &[String]| -> Vec<usize> {
            wanted
                .iter()
                .filter_map(|name| place(&columns, name))
                .collect()
        };
        let closed = places(&options.exclude).len() < options.exclude.len();
        let status = places(&options.status_columns);
        let watch = places(&options.watch);
        let filtered = places(&filter_columns(&options));
        let concerned = [&key, &status, &filtered];
        let throttled = throttled(&options, &columns, &concerned, &topics);
        let withheld = options.throttle > 0 && options.throttle_log == ThrottleLog::Last;
        let head = |kind: &str, event: Option<&str>| {
            head(
                kind,
                event.unwrap_or(kind),
                &schema,
                &table,
                leaf.as_deref(),
            )
        };
        let event = options.event_name.as_deref();
        let heads = Heads {
            insert: head("INSERT", event),
            update: head("UPDATE", event),
            status: head("UPDATE", Some("status_change")),
            delete: head("DELETE", event),
            truncate: head("TRUNCATE", event),
            leave: head("LEAVE", None),
        };
        let class = &*(*relation).rd_rel;
        let is_partition = class.relispartition && class.relkind as u8 == pg_sys::RELKIND_RELATION;
        let conditional = is_partition && !(*data.tg_trigger).tgqual.is_null();
        // A MERGE inserts rows of its own: one may follow the half of a row whose other half a trigger has refused.
        let may_refuse = is_partition && (*(*relation).trigdesc).trig_insert_before_row;
        let unmoved = match conditional || may_refuse {
            true => relation::unmoved(&key, &columns, &ancestors),
            false => Vec::new(),
        };
        relations.extend(ancestors);
        // What no event tells of is not written, and costs nothing; a virtual column is computed all the same.
        let (mut sensitivity, mut foreign) = (Sensitivity::NONE, false);
        for (n, column) in columns.iter().enumerate() {
            let named = key.contains(&n)
                || status.contains(&n)
                || topics.iter().any(|topic| topic.columns.contains(&n));
            if column.visible || column.computed || named {
                sensitivity = sensitivity.and(column.sensitivity);
                foreign |= column.foreign;
            }
        }
        Plan {
            hides: columns
                .iter()
                .any(|column| !column.visible && !column.absent),
            columns,
            key,
            topics,
            status,
            watch,
            filtered,
            throttle: options.throttle,
            throttled,
            withheld,
            coalesced: options.coalesced,
            unsettled: options.coalesced || withheld,
            generated: Generated::of(relation, memory),
            heads,
            new_row: options.new_row,
            old_row: options.old_row,
            closed,
            leave: options.leave,
            operations: options.operations,
            sensitivity,
            foreign,
            root,
            is_partition,
            conditional,
            unmoved,
            relations,
            stale: false,
            memory,
        }
    }
}

/// Columns whose change may be held back: those listed, and hidden ones, since nobody is to know when they
/// change; but none that says whom or what the event concerns, whatever a trigger written by hand lists.
fn throttled(
    options: &Options,
    columns: &[Column],
    concerned: &[&Vec<usize>],
    topics: &[Topic],
) -> Vec<bool> {
    if options.throttle == 0 {
        return Vec::new();
    }
    let listed: Vec<usize> = options
        .throttle_columns
        .iter()
        .filter_map(|name| place(columns, name))
        .collect();
    (0..columns.len())
        .map(|n| {
            (listed.contains(&n) || !columns[n].visible)
                && !concerned.iter().any(|role| role.contains(&n))
                && !topics.iter().any(|topic| topic.columns.contains(&n))
        })
        .collect()
}

fn filter_columns(options: &Options) -> Vec<String> {
    let filter = options.filter.as_deref().map(Filter::parse);
    match filter {
        Some(Ok(filter)) => filter.columns().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The trigger's argument. One written by hand may hold anything; then the defaults apply, and
/// `source` says so: a user's write does not fail for it.
unsafe fn options(trigger: *const pg_sys::Trigger) -> Options {
    // SAFETY: tgargs holds tgnargs C strings in the server's encoding.
    unsafe {
        if (*trigger).tgnargs < 1 {
            return Options::default();
        }
        let text = utf8(CStr::from_ptr(*(*trigger).tgargs).to_bytes());
        let options = Options::parse(&text)
            .ok()
            .filter(|options| is_spellable(options, &text));
        options.unwrap_or_else(|| {
            shared::count(Counter::Unresolved, 1);
            Options::default()
        })
    }
}

/// Whether the server's encoding has every character of the options: those it has itself were in the
/// argument, but an escape may name any.
fn is_spellable(options: &Options, argument: &str) -> bool {
    is_rusts()
        || !argument.contains("\\u")
        || options
            .to_json()
            .chars()
            .all(|c| c.is_ascii() || argument.contains(c))
}

unsafe fn columns(
    desc: pg_sys::TupleDesc,
    options: &Options,
    memory: pg_sys::MemoryContext,
    relations: &mut Vec<pg_sys::Oid>,
) -> Vec<Column> {
    let listed = |names: &[String], name: &[u8]| {
        let name = utf8(name);
        names.contains(&name)
    };
    // SAFETY: the descriptor is the open relation's.
    unsafe {
        (0..(*desc).natts as usize)
            .map(|index| {
                let attribute = server::attribute(desc, index);
                let name = codec::name_bytes(&attribute.attname).to_vec();
                let absent = attribute.attisdropped;
                let visible = !absent
                    && if options.columns.is_empty() {
                        !listed(&options.exclude, &name)
                    } else {
                        listed(&options.columns, &name)
                    };
                let mut own = Needs::default();
                // Looked up even for a hidden column: the key or a topic may name it.
                let codec = if absent {
                    Codec::Bool
                } else {
                    codec::codec(attribute.atttypid, options.numbers, memory, &mut own)
                };
                let computed = generated::is_virtual(attribute);
                relations.extend(own.relations);
                Column {
                    label: codec::label(attribute),
                    codec,
                    sensitivity: own.sensitivity,
                    foreign: own.foreign || computed,
                    computed,
                    length: attribute.attlen,
                    by_value: attribute.attbyval,
                    visible,
                    absent,
                    name,
                }
            })
            .collect()
    }
}

pub fn place(columns: &[Column], name: &str) -> Option<usize> {
    let name = native(name);
    let found = columns
        .iter()
        .position(|column| !column.absent && column.name == name);
    if found.is_none() {
        shared::count(Counter::Unresolved, 1);
    }
    found
}

/// A template with its names looked up; None, counted, where one no longer resolves.
fn resolve(
    text: &str,
    columns: &[Column],
    key: &[usize],
    schema: &[u8],
    table: &[u8],
) -> Option<Topic> {
    let Ok(template) = Template::parse(text) else {
        shared::count(Counter::Unresolved, 1);
        return None;
    };
    let mut parts = Vec::new();
    let mut named = Vec::new();
    for segment in &template.segments {
        match segment {
            Segment::Literal(text) => parts.push(Part::Text(native(text))),
            Segment::Schema => parts.push(Part::Text(schema.to_vec())),
            Segment::Table => parts.push(Part::Text(table.to_vec())),
            Segment::Column(name) => {
                let column = place(columns, name)?;
                parts.push(Part::Column(column));
                named.push(column);
            }
            Segment::Key => {
                if key.is_empty() {
                    return None;
                }
                for (n, &column) in key.iter().enumerate() {
                    if n > 0 {
                        parts.push(Part::Text(b":".to_vec()));
                    }
                    parts.push(Part::Column(column));
                    named.push(column);
                }
            }
        }
    }
    Some(Topic {
        parts,
        columns: named,
    })
}

fn head(kind: &str, event: &str, schema: &[u8], table: &[u8], leaf: Option<&[u8]>) -> Vec<u8> {
    let mut out = Text::new();
    out.extend(b"{\"type\":");
    json::write_string(&mut out, kind.as_bytes());
    for (label, value) in [
        (&b",\"event\":"[..], Some(&native(event)[..])),
        (b",\"schema\":", Some(schema)),
        (b",\"table\":", Some(table)),
        (b",\"leaf\":", leaf),
    ] {
        if let Some(value) = value {
            out.extend(label);
            json::write_string(&mut out, value);
        }
    }
    out.extend(b",\"topics\":[");
    out.as_bytes().to_vec()
}
