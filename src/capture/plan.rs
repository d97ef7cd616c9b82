//! What a trigger's options mean for its relation, compiled once and kept until either changes.

use super::codec::{self, Codec, Needs};
use super::fixed::Sensitivity;
use super::generated::{self, Generated};
use crate::error::Error;
use crate::log::layout;
use crate::log::server::{self, Local};
use crate::log::shared::{self, Counter};
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::prelude::*;
use std::collections::HashMap;
use std::ffi::CStr;
use wire::buffer::Text;
use wire::json;
use wire::options::{Operation, Options, RowImage};
use wire::topic::{Segment, Template};

pub struct Column {
    pub name: Vec<u8>,
    /// `"name":`
    pub label: Vec<u8>,
    pub codec: Codec,
    pub length: i16,
    pub by_value: bool,
    /// Part of `new` and `old`.
    pub visible: bool,
    /// Dropped.
    pub absent: bool,
    /// Its encoding runs code that is not PostgreSQL's own.
    pub foreign: bool,
}

pub enum Part {
    Text(Vec<u8>),
    Column(usize),
}

/// A topic with nothing left to look up.
pub struct Topic {
    pub parts: Vec<Part>,
    pub columns: Vec<usize>,
}

/// The start of an event's body, up to the opening bracket of its topics.
pub struct Heads {
    pub insert: Vec<u8>,
    pub update: Vec<u8>,
    pub status: Vec<u8>,
    pub delete: Vec<u8>,
    pub truncate: Vec<u8>,
    pub leave: Vec<u8>,
}

pub struct Plan {
    pub columns: Vec<Column>,
    pub key: Vec<usize>,
    pub topics: Vec<Topic>,
    pub status: Vec<usize>,
    pub watch: Vec<usize>,
    pub generated: Generated,
    pub heads: Heads,
    pub new_row: RowImage,
    pub old_row: RowImage,
    /// Some column is hidden by `columns` or `exclude`.
    pub hides: bool,
    /// A column to exclude is not there under its name: it may have been renamed, so only the key is
    /// told until enable() is called again.
    pub closed: bool,
    /// The trigger fires for rows that no longer pass the filter.
    pub leave: bool,
    pub operations: Vec<Operation>,
    pub sensitivity: Sensitivity,
    pub foreign: bool,
    /// The topmost table this trigger was cloned from, or the relation itself.
    pub root: Oid,
    pub is_partition: bool,
    relations: Vec<Oid>,
    stale: bool,
    memory: pg_sys::MemoryContext,
}

impl Plan {
    pub fn wants(&self, operation: Operation) -> bool {
        self.operations.is_empty() || self.operations.contains(&operation)
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: the context is this plan's own; nothing else points into it.
        unsafe { pg_sys::MemoryContextDelete(self.memory) };
    }
}

struct Plans {
    by_trigger: Option<HashMap<u32, Box<Plan>>>,
    /// Replaced, perhaps while a row was being encoded by them: foreign code may fire the very
    /// trigger it runs in. Freed when no trigger can be running.
    #[allow(clippy::vec_box, reason = "a plan in use must stay where it is")]
    retired: Vec<Box<Plan>>,
    /// The last one used: a statement fires one trigger for all its rows.
    last: (u32, *const Plan),
}

static PLANS: Local<Plans> = Local::new(Plans {
    by_trigger: None,
    retired: Vec::new(),
    last: (0, std::ptr::null()),
});

/// Counts invalidations: what one makes stale may be in the middle of being compiled.
static INVALIDATIONS: Local<u64> = Local::new(0);

/// Plans of dropped tables are swept when there are more than this.
const KEPT: usize = 4096;

/// The plan of the trigger being fired.
///
/// # Safety
/// `data` is the trigger call's; the plan may be used until the call ends: invalidation marks it
/// stale, and only the next firing of the same trigger replaces it.
#[inline]
pub unsafe fn of<'a>(data: &pg_sys::TriggerData) -> &'a Plan {
    // SAFETY: the caller's promise; the reference to PLANS ends before anything is compiled.
    unsafe {
        let trigger = (*data.tg_trigger).tgoid.to_u32();
        let (last, plan) = PLANS.get().last;
        if last == trigger && !(*plan).stale {
            return &*plan;
        }
        find(data, trigger)
    }
}

#[cold]
unsafe fn find<'a>(data: &pg_sys::TriggerData, trigger: u32) -> &'a Plan {
    // SAFETY: as of(). The reference to PLANS is taken anew after compiling, which may run the
    // invalidation callbacks.
    unsafe {
        let plans = PLANS.get();
        let known = plans.by_trigger.get_or_insert_default().get(&trigger);
        let plan = match known.filter(|plan| !plan.stale) {
            Some(plan) => &raw const **plan,
            None => {
                let before = *INVALIDATIONS.get();
                let mut compiled = Box::new(compile(data));
                compiled.stale = *INVALIDATIONS.get() != before;
                let plan = &raw const *compiled;
                let plans = PLANS.get();
                let replaced = plans
                    .by_trigger
                    .get_or_insert_default()
                    .insert(trigger, compiled);
                plans.retired.extend(replaced);
                plan
            }
        };
        PLANS.get().last = (trigger, plan);
        &*plan
    }
}

/// Frees what nothing uses any more; for the end of a transaction, when no trigger runs.
pub fn sweep() {
    // SAFETY: no plan is in use; the reference ends with this function.
    let plans = unsafe { PLANS.get() };
    plans.retired.clear();
    if let Some(by_trigger) = &mut plans.by_trigger
        && by_trigger.len() > KEPT
    {
        by_trigger.retain(|_, plan| !plan.stale);
        plans.last = (0, std::ptr::null());
    }
}

/// Room a compilation surely fits in. Rust aborts the process where one of its many small
/// allocations fails, so memory is probed for first, where failing is an ordinary error.
const HEADROOM: usize = 4 * 1024 * 1024;

fn compile(data: &pg_sys::TriggerData) -> Plan {
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
        let mut needs = Needs::default();
        let columns = columns((*relation).rd_att, &options, memory, &mut needs);
        let key = key(relation, &options, &columns);
        let (root, ancestors) = root(relation, data.tg_trigger);
        let (schema, table) = names(root, relation);
        let leaf = (root != (*relation).rd_id).then(|| relation_name(relation));
        let topics = options
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
        let mut relations = needs.relations;
        relations.push((*relation).rd_id);
        relations.extend(ancestors);
        Plan {
            hides: columns
                .iter()
                .any(|column| !column.visible && !column.absent),
            columns,
            key,
            topics,
            status,
            watch,
            generated: Generated::of(relation, memory),
            heads,
            new_row: options.new_row,
            old_row: options.old_row,
            closed,
            leave: options.leave,
            operations: options.operations,
            sensitivity: needs.sensitivity,
            foreign: needs.foreign,
            root,
            is_partition: (*(*relation).rd_rel).relispartition,
            relations,
            stale: false,
            memory,
        }
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
        Options::parse(&utf8(CStr::from_ptr(*(*trigger).tgargs).to_bytes())).unwrap_or_else(|_| {
            shared::count(Counter::Unresolved, 1);
            Options::default()
        })
    }
}

/// Text of the server's encoding in Rust's.
fn utf8(bytes: &[u8]) -> String {
    // SAFETY: the result is NUL-terminated, in the current memory context or `bytes` itself.
    unsafe { convert(bytes, pg_sys::pg_server_to_any) }
}

/// The reverse: a name or literal of the options as the server spells it.
fn native(text: &str) -> Vec<u8> {
    // SAFETY: as above.
    let convert = |s, n, encoding| unsafe { pg_sys::pg_any_to_server(s, n, encoding) };
    if text.is_ascii() {
        return text.as_bytes().to_vec();
    }
    let converted = convert(
        text.as_ptr().cast(),
        text.len() as i32,
        pg_sys::pg_enc::PG_UTF8 as i32,
    );
    if converted.cast_const().cast() == text.as_ptr() {
        return text.as_bytes().to_vec();
    }
    // SAFETY: a converted string is a fresh C string.
    unsafe { CStr::from_ptr(converted) }.to_bytes().to_vec()
}

unsafe fn convert(
    bytes: &[u8],
    to: unsafe fn(*const std::ffi::c_char, i32, i32) -> *mut std::ffi::c_char,
) -> String {
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.is_ascii()
    {
        return text.to_owned();
    }
    // SAFETY: a conversion gives its input back where nothing is to be done, else a C string.
    unsafe {
        let result = to(
            bytes.as_ptr().cast(),
            bytes.len() as i32,
            pg_sys::pg_enc::PG_UTF8 as i32,
        );
        let converted = if result.cast_const().cast() == bytes.as_ptr() {
            bytes
        } else {
            CStr::from_ptr(result).to_bytes()
        };
        String::from_utf8_lossy(converted).into_owned()
    }
}

unsafe fn columns(
    desc: pg_sys::TupleDesc,
    options: &Options,
    memory: pg_sys::MemoryContext,
    needs: &mut Needs,
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
                own.foreign |= generated::is_virtual(attribute);
                let foreign = own.foreign;
                needs.add(own);
                Column {
                    label: codec::label(attribute),
                    codec,
                    foreign,
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

fn place(columns: &[Column], name: &str) -> Option<usize> {
    let name = native(name);
    let found = columns
        .iter()
        .position(|column| !column.absent && column.name == name);
    if found.is_none() {
        shared::count(Counter::Unresolved, 1);
    }
    found
}

/// The columns that identify a row: those named, else the primary key's, else the replica identity's.
unsafe fn key(relation: pg_sys::Relation, options: &Options, columns: &[Column]) -> Vec<usize> {
    if !options.key_columns.is_empty() {
        let key: Option<Vec<usize>> = options
            .key_columns
            .iter()
            .map(|name| place(columns, name))
            .collect();
        return key.unwrap_or_default();
    }
    // SAFETY: the relation is open; a catalog tuple is read before it is released; indkey is the last
    // fixed column and never null.
    unsafe {
        let mut replica = Vec::new();
        let indexes = pg_sys::RelationGetIndexList(relation);
        for n in 0..if indexes.is_null() {
            0
        } else {
            (*indexes).length
        } {
            let oid = pg_sys::list_nth_oid(indexes, n);
            let tuple =
                pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::INDEXRELID as i32, oid.into());
            if tuple.is_null() {
                continue;
            }
            let index = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_index>();
            let key: Vec<usize> = index
                .indkey
                .values
                .as_slice(index.indnkeyatts as usize)
                .iter()
                .filter(|number| **number > 0)
                .map(|number| *number as usize - 1)
                .collect();
            let (primary, identity) = (index.indisprimary, index.indisreplident);
            pg_sys::ReleaseSysCache(tuple);
            if primary {
                return key;
            }
            if identity {
                replica = key;
            }
        }
        replica
    }
}

/// The topmost ancestor that carries this trigger, and all ancestors.
unsafe fn root(relation: pg_sys::Relation, trigger: *const pg_sys::Trigger) -> (Oid, Vec<Oid>) {
    // SAFETY: relation cache entries are read without a lock, which may be out of date by a
    // concurrent change that will make this plan stale; a relation that is gone gives null.
    unsafe {
        let own = (*relation).rd_id;
        if !(*(*relation).rd_rel).relispartition {
            return (own, Vec::new());
        }
        let list = server::get_partition_ancestors(own);
        // DETACH CONCURRENTLY has taken the parent away already, and not yet the triggers.
        if list.is_null() {
            return (own, Vec::new());
        }
        let ancestors: Vec<Oid> = (0..(*list).length)
            .map(|n| pg_sys::list_nth_oid(list, n))
            .collect();
        let carries = |oid: &&Oid| {
            let ancestor = pg_sys::RelationIdGetRelation(**oid);
            if ancestor.is_null() {
                return false;
            }
            let triggers = (*ancestor).trigdesc;
            let found = !triggers.is_null()
                && (0..(*triggers).numtriggers as usize).any(|n| {
                    let other = &*(*triggers).triggers.add(n);
                    other.tgfoid == (*trigger).tgfoid
                        && CStr::from_ptr(other.tgname) == CStr::from_ptr((*trigger).tgname)
                });
            pg_sys::RelationClose(ancestor);
            found
        };
        let root = ancestors.iter().rev().find(carries).copied().unwrap_or(own);
        (root, ancestors)
    }
}

/// Schema and table of the root, in the server's encoding.
unsafe fn names(root: Oid, relation: pg_sys::Relation) -> (Vec<u8>, Vec<u8>) {
    // SAFETY: lookups by OID give a fresh C string or null.
    unsafe {
        let text = |name: *mut std::ffi::c_char| {
            if name.is_null() {
                Vec::new()
            } else {
                CStr::from_ptr(name).to_bytes().to_vec()
            }
        };
        let schema = text(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(root)));
        let table = text(pg_sys::get_rel_name(root));
        if table.is_empty() {
            (schema, relation_name(relation))
        } else {
            (schema, table)
        }
    }
}

unsafe fn relation_name(relation: pg_sys::Relation) -> Vec<u8> {
    // SAFETY: the relation is open.
    codec::name_bytes(unsafe { &(*(*relation).rd_rel).relname }).to_vec()
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

/// Marks what depends on a relation as stale, nothing more: it may be called while a row is encoded.
#[pg_guard]
unsafe extern "C-unwind" fn on_relation(_arg: Datum, relation: Oid) {
    layout::forget(relation);
    mark_stale(|plan| relation == Oid::INVALID || plan.relations.contains(&relation));
}

/// Types, casts, functions and schemas change so rarely that all plans go.
#[pg_guard]
unsafe extern "C-unwind" fn on_catalog(_arg: Datum, _cache: i32, _hash: u32) {
    layout::forget(Oid::INVALID);
    mark_stale(|_| true);
}

fn mark_stale(applies: impl Fn(&Plan) -> bool) {
    // SAFETY: the reference ends with this statement.
    unsafe { *INVALIDATIONS.get() += 1 };
    // SAFETY: the reference ends with this function, which calls nothing that could take another.
    if let Some(plans) = unsafe { &mut PLANS.get().by_trigger } {
        for plan in plans.values_mut() {
            plan.stale |= applies(plan);
        }
    }
}

pub fn init() {
    use pg_sys::SysCacheIdentifier::*;
    // SAFETY: the callbacks live as long as the library, which PostgreSQL never unloads.
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(on_relation), Datum::from(0));
        for cache in [TYPEOID, CASTSOURCETARGET, NAMESPACEOID, PROCOID] {
            pg_sys::CacheRegisterSyscacheCallback(cache as i32, Some(on_catalog), Datum::from(0));
        }
    }
}
