//! add_sink() and drop_sink(): every mistake is found here, not by the relay.

use super::mistake::Mistake;
use super::owner;
use super::sink::INLINE;
use super::table::Description;
use crate::capture::encoding::{native, utf8};
use crate::log::octets::{self, Octets};
use crate::log::record;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo, Oid};
use pgrx::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wire::sink::{Filter, Target};

#[derive(Deserialize)]
struct Caller {
    id: u32,
    /// Quoted.
    role: String,
    log_owner: u32,
    reads_everything: bool,
    wal_level: String,
}

#[derive(Deserialize)]
struct Dialects {
    function: Option<Function>,
    others: Option<String>,
}

#[derive(Deserialize)]
struct Function {
    /// schema.name(json), quoted.
    signature: String,
    /// For messages.
    name: String,
    kind: char,
    set: bool,
    takes_json: bool,
    result: String,
    is_text: bool,
    temporary: bool,
    executable: bool,
}

#[derive(Deserialize)]
struct Sinks {
    sink: Option<Found>,
    names: Option<String>,
}

#[derive(Deserialize)]
struct Found {
    id: i32,
    owner: String,
    may_drop: bool,
}

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_realtime_sync_add_sink() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// `(name, dialect, target, topics, payload)`; gives the sink's id.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn realtime_sync_add_sink(fcinfo: FunctionCallInfo) -> Datum {
    let call = "add_sink";
    let caller = caller();
    if !caller.reads_everything {
        let detail =
            "A sink gets every event, past the policies that realtime_sync.allow() writes.";
        Mistake::Denied { call, detail }.raise();
    }
    let name = required(fcinfo, 0, call, "name");
    let dialect = required(fcinfo, 1, call, "dialect");
    let payload = required(fcinfo, 4, call, "payload");
    if name.bytes().trim_ascii().is_empty() {
        Mistake::EmptyName.raise();
    }
    if find(&name, &caller).sink.is_some() {
        let name = utf8(name.bytes());
        Mistake::Exists { name }.raise();
    }
    if !matches!(payload.bytes(), b"full" | b"reference") {
        let word = utf8(payload.bytes());
        Mistake::PayloadWord { word }.raise();
    }
    // SAFETY: declared as text and text[].
    let (target, topics) = unsafe {
        let topics = pgrx::pg_getarg_datum(fcinfo, 3);
        if let Some(topics) = topics {
            check_topics(&octets::array(topics));
        }
        (Octets::argument(fcinfo, 2), topics)
    };
    let dialect = match dialect.bytes() {
        b"native" => dialect,
        name => Octets::new(&native(&function(name, &caller))),
    };
    let target = target.map(|target| check_target(target, &caller));
    let (text, list) = (pg_sys::TEXTOID, pg_sys::TEXTARRAYOID);
    // SAFETY: each datum is of the type beside it.
    let arguments = unsafe {
        [
            name.with_type(text),
            dialect.with_type(text),
            DatumWithOid::new(target.as_ref().map(Octets::datum), text),
            DatumWithOid::new(topics, list),
            payload.with_type(text),
            Oid::from(caller.id).into(),
        ]
    };
    let id: Option<i32> = owner::as_role(Oid::from(caller.log_owner), || {
        one(include_str!("add.sql"), &arguments)
    });
    Datum::from(id.expect("an INSERT gives its row"))
}

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_realtime_sync_drop_sink() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// `(name)`
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn realtime_sync_drop_sink(fcinfo: FunctionCallInfo) -> Datum {
    let caller = caller();
    let name = required(fcinfo, 0, "drop_sink", "name");
    let Sinks { sink, names } = find(&name, &caller);
    let name = utf8(name.bytes());
    let Some(sink) = sink else {
        let names = names.unwrap_or_default();
        Mistake::NoSuchSink { name, names }.raise()
    };
    if !sink.may_drop {
        let owner = sink.owner;
        Mistake::NotOwner { name, owner }.raise();
    }
    owner::as_role(Oid::from(caller.log_owner), || {
        Spi::run_with_args(include_str!("drop.sql"), &[sink.id.into()])
            .expect("a statement that fails raises");
    });
    Datum::null()
}

/// Whether the sink that inline delivery serves is there. The catalog's way to read a table, because
/// the writer that asks may not read this one.
pub fn has_inline() -> bool {
    // SAFETY: an index scan as those of system catalogs: it has its own snapshot, and is closed before
    // the table is. The key is the first column, an integer.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"realtime_sync".as_ptr(), true);
        let table = pg_sys::get_relname_relid(c"sink_definition".as_ptr(), schema);
        if table == Oid::INVALID {
            return false;
        }
        let mode = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::table_open(table, mode);
        let mut key = pg_sys::ScanKeyData::default();
        pg_sys::ScanKeyInit(
            &mut key,
            1,
            pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber,
            Oid::from(pg_sys::F_INT4EQ),
            Datum::from(INLINE),
        );
        let scan = pg_sys::systable_beginscan(
            relation,
            Oid::INVALID,
            false,
            std::ptr::null_mut(),
            1,
            &mut key,
        );
        let mut found = false;
        loop {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            // dropped is the last column
            found |= pg_sys::heap_attisnull(tuple, (*(*relation).rd_att).natts, (*relation).rd_att);
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(relation, mode);
        found
    }
}

fn required(
    fcinfo: FunctionCallInfo,
    n: usize,
    call: &'static str,
    argument: &'static str,
) -> Octets {
    // SAFETY: the argument is declared as text.
    unsafe { Octets::argument(fcinfo, n) }
        .unwrap_or_else(|| Mistake::Null { call, argument }.raise())
}

fn caller() -> Caller {
    document(include_str!("caller.sql"), &[]).expect("the current user has a row in pg_roles")
}

fn find(name: &Octets, caller: &Caller) -> Sinks {
    let arguments = [name.with_type(pg_sys::TEXTOID), Oid::from(caller.id).into()];
    owner::as_role(Oid::from(caller.log_owner), || {
        document(include_str!("find.sql"), &arguments).expect("the query gives one row")
    })
}

fn check_topics(list: &[u8]) {
    let word = |n: usize| u32::from_ne_bytes(list[4 * n..4 * n + 4].try_into().unwrap());
    // ArrayType (array.h): length, dimensions, then where the data begins if there is a null.
    match (word(1), word(2)) {
        (0, _) => Mistake::NoTopics.raise(),
        (1, 0) => {}
        (1, _) => Mistake::NullTopic.raise(),
        _ => Mistake::NestedTopics.raise(),
    }
    let mut filter = Filter::default();
    for pattern in record::topic_texts(list) {
        if let Err(error) = filter.add(pattern) {
            let pattern = utf8(pattern);
            Mistake::Filter { pattern, error }.raise();
        }
    }
}

/// The target with a table's name as it is to be found again, whatever the search_path.
fn check_target(target: Octets, caller: &Caller) -> Octets {
    let table = match Target::parse(target.bytes()) {
        Ok(Target::Table(table)) => table,
        Ok(Target::Wal(_)) if caller.wal_level != "logical" => {
            let level = caller.wal_level.clone();
            Mistake::WalLevel { level }.raise()
        }
        Ok(_) => return target,
        Err(error) => {
            let target = utf8(target.bytes());
            Mistake::Target { target, error }.raise()
        }
    };
    let missing = || -> Description {
        let table = utf8(&table);
        Mistake::NoTable { table }.raise()
    };
    // Found by the caller's search_path, judged as the relay will: by pg_catalog's.
    let name = Description::load(&table).unwrap_or_else(missing).name;
    let name = native(&name);
    let description = owner::as_role(Oid::from(caller.id), || {
        Description::load(&name).unwrap_or_else(missing)
    });
    description.outbox();
    Octets::new(&[b"table:", name.as_slice()].concat())
}

/// The signature of a dialect's function.
fn function(dialect: &[u8], caller: &Caller) -> String {
    let name = dialect
        .split(|&byte| byte == b'(')
        .next()
        .unwrap_or(dialect);
    let signature = match name.len() < dialect.len() {
        true => dialect.to_vec(),
        false => [dialect, b"(json)"].concat(),
    };
    let (signature, name) = (Octets::new(&signature), Octets::new(name));
    let arguments = [
        signature.with_type(pg_sys::TEXTOID),
        name.with_type(pg_sys::TEXTOID),
    ];
    let found: Dialects =
        document(include_str!("dialect.sql"), &arguments).expect("the query gives one row");
    let Some(function) = found.function else {
        let (dialect, others) = (utf8(dialect), found.others);
        Mistake::NoFunction { dialect, others }.raise()
    };
    let reason = match function.kind {
        'p' => Some("it is a procedure".to_owned()),
        'a' => Some("it is an aggregate".to_owned()),
        'w' => Some("it is a window function".to_owned()),
        _ if function.set => Some("it returns a set".to_owned()),
        _ if function.temporary => Some("it is temporary".to_owned()),
        _ if !function.takes_json => Some("it does not take one json".to_owned()),
        _ if !function.is_text => Some(format!("it returns {}", function.result)),
        _ => None,
    };
    let signature = function.signature;
    if let Some(reason) = reason {
        let function = function.name;
        Mistake::NotADialect { function, reason }.raise()
    }
    if !function.executable {
        let (function, role) = (signature, caller.role.clone());
        Mistake::MayNotExecute { function, role }.raise()
    }
    signature
}

fn document<T: DeserializeOwned>(sql: &str, arguments: &[DatumWithOid]) -> Option<T> {
    one(sql, arguments).map(|json: Vec<u8>| {
        serde_json::from_slice(&json).expect("the query and its Rust type are written together")
    })
}

/// The first column of a query's one row.
fn one<T: FromDatum + IntoDatum>(sql: &str, arguments: &[DatumWithOid]) -> Option<T> {
    Spi::connect_mut(|client| {
        let rows = client.update(sql, Some(1), arguments)?;
        match rows.is_empty() {
            true => Ok(None),
            false => rows.first().get_one(),
        }
    })
    .unwrap_or_else(|error| panic!("reading the catalogs: {error}"))
}
