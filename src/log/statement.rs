//! Statements that read the log: kept plans of ours, whose rows are handed over where the executor has
//! them. SPI's own way copies each row first, which at 300,000 a second is a third of the time.

use super::server::Local;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::prelude::*;
use std::ffi::{CStr, c_int};

/// Under these a plan reads by the index, in its order. It is made once and kept, and a log that was
/// empty at that moment would be read as a whole ever after. The variables behind the settings: setting
/// nine settings and back was 28,000 instructions a statement.
struct Planner([bool; 9]);

impl Planner {
    fn variables() -> [*mut bool; 9] {
        [
            &raw mut pg_sys::enable_seqscan,
            &raw mut pg_sys::enable_bitmapscan,
            &raw mut pg_sys::enable_sort,
            &raw mut pg_sys::enable_incremental_sort,
            &raw mut pg_sys::enable_hashjoin,
            &raw mut pg_sys::enable_mergejoin,
            &raw mut pg_sys::enable_material,
            &raw mut pg_sys::enable_memoize,
            &raw mut pg_sys::jit_enabled,
        ]
    }

    /// By the index, until it is dropped.
    fn by_index() -> Planner {
        // SAFETY: plain variables that the planner reads; a backend has one thread.
        Planner(Planner::variables().map(|variable| unsafe { variable.replace(false) }))
    }
}

impl Drop for Planner {
    fn drop(&mut self) {
        for (variable, value) in Planner::variables().into_iter().zip(self.0) {
            // SAFETY: as above. An error of the planner's is a panic on its way here.
            unsafe { *variable = value };
        }
    }
}

/// Under force_custom_plan a kept plan would be made anew at each call, and not by the index: a replay() of one event
/// took 0.65 ms for 0.17.
struct PlanMode(c_int);

impl PlanMode {
    /// The kept plan, until it is dropped.
    fn kept() -> PlanMode {
        let auto = pg_sys::PlanCacheMode::PLAN_CACHE_MODE_AUTO as c_int;
        // SAFETY: a plain variable that the plan cache reads; a backend has one thread.
        PlanMode(unsafe { (&raw mut pg_sys::plan_cache_mode).replace(auto) })
    }
}

impl Drop for PlanMode {
    fn drop(&mut self) {
        // SAFETY: as above. An error before the first row is a panic on its way here.
        unsafe { pg_sys::plan_cache_mode = self.0 }
    }
}

/// One SELECT. Its operators are written with their schema: a kept plan resolves names again under
/// whatever search_path its caller has.
pub struct Statement<const N: usize> {
    sql: &'static CStr,
    types: [Oid; N],
    plan: Local<pg_sys::SPIPlanPtr>,
}

impl<const N: usize> Statement<N> {
    pub const fn new(sql: &'static CStr, types: [Oid; N]) -> Statement<N> {
        Statement {
            sql,
            types,
            plan: Local::new(std::ptr::null_mut()),
        }
    }

    /// Runs it as the current user, with the active snapshot, until `each` returns false.
    pub fn run(&self, arguments: [Datum; N], mut each: impl FnMut(&Row) -> bool) {
        Spi::connect(|_| {
            let plan = self.plan();
            let mut receiver = Receiver {
                server: pg_sys::DestReceiver {
                    receiveSlot: Some(receive),
                    rStartup: Some(start),
                    rShutdown: Some(end),
                    rDestroy: Some(end),
                    mydest: pg_sys::CommandDest::DestNone,
                },
                each: &mut each,
                mode: Some(PlanMode::kept()),
            };
            // SAFETY: as many parameters as the plan was made with, in memory that lives until SPI is
            // left; the receiver outlives the call.
            let status = unsafe {
                let params = pg_sys::makeParamList(N as c_int);
                let list = (*params).params.as_mut_ptr();
                for (n, value) in arguments.into_iter().enumerate() {
                    *list.add(n) = pg_sys::ParamExternData {
                        value,
                        isnull: false,
                        pflags: pg_sys::PARAM_FLAG_CONST as u16,
                        ptype: self.types[n],
                    };
                }
                let options = pg_sys::SPIExecuteOptions {
                    params,
                    read_only: true,
                    dest: (&raw mut receiver).cast(),
                    ..Default::default()
                };
                pg_sys::SPI_execute_plan_extended(plan, &options)
            };
            assert!(status >= 0, "SPI_execute_plan_extended: {status}");
        });
    }

    /// The plan, made or made anew under our settings alone: what the statement then runs, such as a
    /// policy's functions, has the session's.
    fn plan(&self) -> pg_sys::SPIPlanPtr {
        // SAFETY: the reference ends with the function's statements, none of which runs this statement.
        // A generic plan that has just been made is the one that runs.
        unsafe {
            let kept = self.plan.get();
            if (*kept).is_null() {
                let plan = pg_sys::SPI_prepare_cursor(
                    self.sql.as_ptr(),
                    N as c_int,
                    self.types.as_ptr().cast_mut(),
                    pg_sys::CURSOR_OPT_GENERIC_PLAN as c_int,
                );
                assert!(
                    !plan.is_null(),
                    "SPI_prepare_cursor of a constant statement"
                );
                pg_sys::SPI_keepplan(plan);
                *kept = plan;
            }
            let plan = *kept;
            let _planner = Planner::by_index();
            let made = pg_sys::SPI_plan_get_cached_plan(plan);
            pg_sys::ReleaseCachedPlan(made, pg_sys::CurrentResourceOwner);
            plan
        }
    }
}

/// A row's columns where they are stored: gone with the closure's call.
pub struct Row<'a> {
    values: &'a [Datum],
    nulls: &'a [bool],
}

impl<'a> Row<'a> {
    pub fn new(values: &'a [Datum], nulls: &'a [bool]) -> Row<'a> {
        Row { values, nulls }
    }

    /// A column by its place in the select list, null or not.
    #[inline]
    pub fn get(&self, n: usize) -> Option<Datum> {
        (!self.nulls[n]).then(|| self.values[n])
    }

    /// A bigint, an xid8 or what fits one, of a column that is never null.
    #[inline]
    pub fn long(&self, n: usize) -> i64 {
        self.get(n).map_or(0, |datum| datum.value() as i64)
    }
}

#[repr(C)]
struct Receiver<'a> {
    server: pg_sys::DestReceiver,
    each: &'a mut dyn FnMut(&Row) -> bool,
    /// Until the plan is chosen: what it runs has the session's.
    mode: Option<PlanMode>,
}

#[pg_guard]
unsafe extern "C-unwind" fn receive(
    slot: *mut pg_sys::TupleTableSlot,
    receiver: *mut pg_sys::DestReceiver,
) -> bool {
    // SAFETY: called by the executor with the receiver that run() gave it.
    unsafe {
        if i32::from((*slot).tts_nvalid) < (*(*slot).tts_tupleDescriptor).natts {
            pg_sys::slot_getallattrs(slot);
        }
        let n = (*slot).tts_nvalid as usize;
        let values = std::slice::from_raw_parts((*slot).tts_values, n);
        let nulls = std::slice::from_raw_parts((*slot).tts_isnull, n);
        ((*receiver.cast::<Receiver>()).each)(&Row::new(values, nulls))
    }
}

unsafe extern "C-unwind" fn start(
    receiver: *mut pg_sys::DestReceiver,
    _: c_int,
    _: pg_sys::TupleDesc,
) {
    // SAFETY: called by the executor with the receiver that run() gave it, before the first row.
    unsafe { (*receiver.cast::<Receiver>()).mode = None }
}

unsafe extern "C-unwind" fn end(_: *mut pg_sys::DestReceiver) {}
