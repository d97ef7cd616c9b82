//! What a trigger's options mean for its relation, compiled once and kept until either changes.

use super::codec::Codec;
use super::compile::compile;
use super::fixed::Sensitivity;
use super::generated::Generated;
use super::value;
use crate::log::layout;
use crate::log::server::Local;
use crate::settings;
use pgrx::pg_guard;
use pgrx::pg_sys::{self, Datum, Oid};
use std::collections::HashMap;
use wire::options::{Operation, RowImage};

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
    /// The settings its encoding reads.
    pub sensitivity: Sensitivity,
    /// Its encoding runs code that is not PostgreSQL's own.
    pub foreign: bool,
    /// Not stored.
    pub computed: bool,
}

impl Column {
    /// Whether a value of it alone is more than an event may be, by what its header says.
    #[inline]
    pub fn is_too_large(&self, datum: Datum) -> bool {
        // SAFETY: a column of length -1 holds varlenas.
        self.length == -1 && unsafe { value::size(datum) } > settings::max_event_size()
    }
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
    /// Columns that the filter names: by a change of one a row may come into the feed.
    pub filtered: Vec<usize>,
    /// Milliseconds; 0: updates are not held back.
    pub throttle: u32,
    /// By column: is an update of it, or of it and such others, held back?
    pub throttled: Vec<bool>,
    /// Of the updates that are held back only the last is logged.
    pub withheld: bool,
    /// One event per row and transaction, made at its end.
    pub coalesced: bool,
    /// What becomes of an event is settled when it is written to the log: one of the two.
    pub unsettled: bool,
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
    /// Stored here: what a foreign one's rows are given tells nothing of their command.
    pub is_partition: bool,
    /// A partition whose WHEN may keep one half of a moved row from its trigger.
    pub conditional: bool,
    /// The columns of its key that no move changes.
    pub unmoved: Vec<usize>,
    /// What it was compiled from: a change of any makes it stale.
    pub relations: Vec<Oid>,
    pub stale: bool,
    pub memory: pg_sys::MemoryContext,
}

impl Plan {
    pub fn wants(&self, operation: Operation) -> bool {
        self.operations.is_empty() || self.operations.contains(&operation)
    }
}

impl Plan {
    /// Whether an update may be held back, by which columns it changed.
    pub fn holds_back(&self, changed: &[bool]) -> bool {
        self.throttle > 0
            && changed
                .iter()
                .zip(&self.throttled)
                .all(|(&changed, &throttled)| !changed || throttled)
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
