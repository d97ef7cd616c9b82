//! capture(): the trigger function. From the trigger call to records in the buffer.

use super::event::{Outcome, Writer};
use super::plan::{self, Plan};
use super::row::{Change, Row};
use super::scratch::Scratch;
use super::{buffer, fixed, foreign, moved};
use crate::error::Error;
use crate::log::server::Local;
use crate::log::shared::{self, Counter};
use crate::settings::{self, Delivery};
use pgrx::pg_sys::{self, Datum};
use pgrx::prelude::*;
use wire::options::Operation;

static SCRATCH: Local<Scratch> = Local::new(Scratch::new());

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_capture() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// # Safety
/// Called by PostgreSQL's function manager.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn capture(call: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: the node's tag says whether the context is a trigger's.
    unsafe {
        let node = (*call).context;
        if node.is_null() || (*node).type_ != pg_sys::NodeTag::T_TriggerData {
            Error::TriggerProtocol {
                fault: "was not called by a trigger",
            }
            .raise();
        }
        let data = &*node.cast::<pg_sys::TriggerData>();
        let timing = data.tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK;
        if timing != pg_sys::TRIGGER_EVENT_AFTER {
            Error::TriggerProtocol {
                fault: "must be fired AFTER the change",
            }
            .raise();
        }
        let operation = data.tg_event & pg_sys::TRIGGER_EVENT_OPMASK;
        let for_row = data.tg_event & pg_sys::TRIGGER_EVENT_ROW != 0;
        if for_row == (operation == pg_sys::TRIGGER_EVENT_TRUNCATE) {
            Error::TriggerProtocol {
                fault: "must be fired FOR EACH ROW",
            }
            .raise();
        }
        if !settings::capture() {
            shared::count(Counter::Switched, 1);
        } else if !pg_sys::XactReadOnly {
            // READ ONLY lets through changes of temporary tables, which no other session sees.
            record(data, operation);
        }
    }
    Datum::null()
}

unsafe fn record(data: &pg_sys::TriggerData, operation: pg_sys::TriggerEvent) {
    // SAFETY: the trigger manager's slots are those the operation has; the plan is used in this call
    // only.
    unsafe {
        let plan = plan::of(data);
        let relation = data.tg_relation;
        match operation {
            pg_sys::TRIGGER_EVENT_UPDATE => {
                let old = Row::of(data.tg_trigslot);
                if plan.leave {
                    write(plan, Change::Leave(old));
                } else if plan.wants(Operation::Update) {
                    write(plan, Change::Update(old, Row::of(data.tg_newslot)));
                }
            }
            pg_sys::TRIGGER_EVENT_INSERT => {
                let new = Row::of(data.tg_trigslot);
                if moved::is_pending() && !plan.is_partition {
                    moved::give_up(plan);
                }
                if moved::is_pending()
                    && plan.is_partition
                    && let Some(old) =
                        moved::complete(plan, data.tg_trigtuple, new, &mut buffer::get().text)
                {
                    let seen = plan.watch.is_empty()
                        || plan
                            .watch
                            .iter()
                            .any(|&n| !old.has_same(new, n, &plan.columns[n]));
                    if plan.wants(Operation::Update) && seen {
                        write(plan, Change::Update(old, new));
                    }
                } else if plan.wants(Operation::Insert) {
                    write(plan, Change::Insert(new));
                }
            }
            pg_sys::TRIGGER_EVENT_DELETE => {
                let old = Row::of(data.tg_trigslot);
                let mut place = (0, 0);
                // Before the write: the buffer makes no room while half of a moved row is in it.
                moved::pass(plan, data.tg_trigtuple);
                if plan.wants(Operation::Delete) {
                    place = write(plan, Change::Delete(old));
                }
                if plan.is_partition && moved::is_half(data.tg_trigtuple) {
                    moved::remember(plan, relation, data.tg_trigtuple, place);
                }
            }
            _ => {
                if plan.wants(Operation::Truncate) && !moved::is_told(plan, (*relation).rd_id) {
                    write(plan, Change::Truncate);
                }
            }
        }
    }
}

/// Writes the change's records; where they stand in the buffer.
unsafe fn write(plan: &Plan, change: Change) -> (usize, usize) {
    // SAFETY: nothing between these references runs a trigger: foreign code has buffers of its own.
    unsafe {
        buffer::get().prepare();
        let outcome = if plan.foreign {
            let (text, outcome) = foreign::write(plan, change);
            buffer::get().text.extend(text.as_bytes());
            outcome
        } else {
            let level = fixed::switch(plan.sensitivity);
            let out = &mut buffer::get().text;
            let mut writer = Writer {
                plan,
                scratch: SCRATCH.get(),
                out,
                without_foreign: false,
            };
            let outcome = writer.write(change);
            fixed::restore(level);
            outcome
        };
        if plan.unsettled {
            buffer::get().adopt(plan, outcome.last);
        }
        finish(outcome)
    }
}

unsafe fn finish(outcome: Outcome) -> (usize, usize) {
    // SAFETY: the reference ends with this function but for flush(), which takes its own.
    unsafe {
        let end = buffer::get().text.len();
        if outcome.partial {
            shared::count(Counter::Partial, 1);
        }
        if settings::delivery() == Delivery::Discard {
            buffer::get().text.clear();
            return (0, 0);
        }
        if buffer::get().is_late() {
            buffer::flush_late();
            return (0, 0);
        }
        (end - outcome.last, end)
    }
}
