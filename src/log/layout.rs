//! Where the log is and what its rows look like: looked up once, again after any invalidation, and by
//! name, so that a backend with an older library never writes an old layout.

use super::server::{self, Local};
use pgrx::pg_sys::{self, Oid};
use std::ffi::{CStr, CString};

pub const SEGMENTS: usize = 8;

/// The columns this library writes, with their types.
pub const COLUMNS: [(&CStr, Oid); 8] = [
    (c"id", pg_sys::INT8OID),
    (c"xid", pg_sys::XID8OID),
    (c"at", pg_sys::TIMESTAMPTZOID),
    (c"segment", pg_sys::INT2OID),
    (c"notified", pg_sys::BOOLOID),
    (c"topics", pg_sys::TEXTARRAYOID),
    (c"body", pg_sys::JSONOID),
    (c"throttle", pg_sys::INT4OID),
];

#[derive(Clone, Copy)]
pub struct Layout {
    pub event: Oid,
    pub segments: [Oid; SEGMENTS],
    pub sequence: Oid,
    pub tick: Oid,
    /// Of the rings, by segment; invalid where there is none.
    pub ticks: [Oid; SEGMENTS],
    pub progress: [Oid; SEGMENTS],
    pub floor: Oid,
    /// The sequence of positions.
    pub position: Oid,
    /// Invalid where the extension is older; with its index by table and key.
    pub held: Oid,
    pub held_row: Oid,
}

static LAYOUT: Local<Option<Layout>> = Local::new(None);
/// Counts invalidations.
static FORGOTTEN: Local<u64> = Local::new(0);

/// None while the extension is not there, as between DROP EXTENSION and the end of its transaction.
pub fn find() -> Option<Layout> {
    // SAFETY: the reference ends with this statement.
    unsafe { *LAYOUT.get() }.or_else(|| {
        // SAFETY: as above.
        let before = unsafe { *FORGOTTEN.get() };
        let found = look_up();
        // SAFETY: as above; the lookup may have run the invalidation callback, but holds nothing.
        // What it found is kept unless something changed meanwhile.
        unsafe {
            if *FORGOTTEN.get() == before {
                *LAYOUT.get() = found;
            }
        }
        found
    })
}

/// How often any relation's definition has changed, as far as this process has heard.
pub fn changes() -> u64 {
    // SAFETY: the reference ends with this statement, after the callbacks have run.
    unsafe {
        pg_sys::AcceptInvalidationMessages();
        *FORGOTTEN.get()
    }
}

/// Called by the relation cache for any relation that changes; must not raise.
pub fn forget(relation: Oid) {
    // SAFETY: the references end with this function, which calls nothing.
    let layout = unsafe {
        *FORGOTTEN.get() += 1;
        LAYOUT.get()
    };
    if layout.as_ref().is_some_and(|known| {
        relation == Oid::INVALID
            || relation == known.event
            || relation == known.sequence
            || relation == known.tick
            || relation == known.floor
            || relation == known.position
            || relation == known.held
            || [known.segments, known.ticks, known.progress]
                .iter()
                .any(|ring| ring.contains(&relation))
    }) {
        *layout = None;
    }
}

#[cold]
fn look_up() -> Option<Layout> {
    // SAFETY: catalog lookups by name; a missing object gives InvalidOid.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"realtime_sync".as_ptr(), true);
        if schema == Oid::INVALID {
            return None;
        }
        let relation = |name: &CStr| pg_sys::get_relname_relid(name.as_ptr(), schema);
        let ring = |name: &str| {
            std::array::from_fn(|n| {
                let name = CString::new(format!("{name}_{n}")).unwrap_or_default();
                relation(&name)
            })
        };
        let layout = Layout {
            event: relation(c"event"),
            segments: ring("event"),
            sequence: relation(c"event_id"),
            tick: relation(c"tick"),
            ticks: ring("tick"),
            progress: ring("progress"),
            floor: relation(c"floor"),
            position: relation(c"position"),
            held: relation(c"held"),
            held_row: relation(c"held_row"),
        };
        let complete = layout.event != Oid::INVALID
            && layout.sequence != Oid::INVALID
            && !layout.segments.contains(&Oid::INVALID);
        complete.then_some(layout)
    }
}

/// The place of each of these columns in a table, or None where one is missing or of another type, or there
/// is one that `other` does not let pass.
///
/// # Safety
/// `desc` is the descriptor of an open table.
pub unsafe fn places<const N: usize>(
    desc: pg_sys::TupleDesc,
    columns: &[(&CStr, Oid); N],
    other: fn(&pg_sys::FormData_pg_attribute) -> bool,
) -> Option<[usize; N]> {
    let mut places = [usize::MAX; N];
    // SAFETY: the caller's promise.
    unsafe {
        for index in 0..(*desc).natts as usize {
            let attribute = server::attribute(desc, index);
            let name = CStr::from_ptr(attribute.attname.data.as_ptr());
            let known = columns.iter().position(|(column, _)| *column == name);
            match known {
                _ if attribute.attisdropped => {}
                Some(n) if attribute.atttypid == columns[n].1 => places[n] = index,
                None if other(attribute) => {}
                _ => return None,
            }
        }
    }
    (!places.contains(&usize::MAX)).then_some(places)
}
