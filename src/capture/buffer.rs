//! The transaction's events, in capture order, until the commit writes them to the log in bulk.
//!
//! Bounded: over [`BOUND`] they go to the log at once, or, inside a savepoint, to a temporary file,
//! because rows written to the log there would die with the savepoint.

use super::coalesce::Plans;
use super::context;
use super::moved;
use super::parts::{self, PARTS};
use super::plan::{self, Plan};
use super::spill::Spill;
use crate::error::Error;
use crate::log::append::{self, Writer};
use crate::log::layout::{self, Layout};
use crate::log::server::{self, Local};
use crate::log::shared::{self, Counter};
use crate::log::{held, record, segment};
use crate::relay::{inline, wake};
use crate::settings::{self, Delivery};
use pgrx::pg_sys;
use pgrx::prelude::*;
use wire::buffer::Text;
use wire::native;

/// Bytes of events kept in memory.
const BOUND: usize = 1024 * 1024;
/// Inline delivery notifies what is still in memory at the commit, and of a coalesced source only what
/// is still in memory can become one, so these keep more.
const LARGE_BOUND: usize = 8 * 1024 * 1024;

pub struct Buffer {
    pub text: Text,
    /// Where the events of each subtransaction that is open begin: its id, which grows with time, and the
    /// offset from the first event, that of the temporary file included.
    marks: Vec<(pg_sys::SubTransactionId, u64)>,
    spill: Spill,
    /// Not empty when there are records to be coalesced.
    plans: Plans,
    /// There are records of sources that keep what they hold back out of the log.
    withholds: bool,
    /// The segment this transaction holds.
    segment: Option<usize>,
    /// Some events have gone to the log early, for want of room. Nobody is notified of the rest either:
    /// a listener that got the end of a transaction would take it for the whole.
    early: bool,
    /// Pre-commit has passed: what other libraries still do goes to the log at once.
    late: bool,
}

static BUFFER: Local<Buffer> = Local::new(Buffer {
    text: Text::new(),
    marks: Vec::new(),
    spill: Spill::new(),
    plans: Plans::new(),
    withholds: false,
    segment: None,
    early: false,
    late: false,
});

/// # Safety
/// As [`Local::get`].
#[inline]
pub unsafe fn get() -> &'static mut Buffer {
    // SAFETY: the caller's promise.
    unsafe { BUFFER.get() }
}

impl Buffer {
    /// Marks the current subtransaction, makes room where the bound is passed, and holds a segment.
    /// To be called before an event is encoded, so that nothing can fail between its parts.
    #[inline]
    pub fn prepare(&mut self) {
        // SAFETY: reads a field of the transaction's state.
        let subtransaction = unsafe { server::GetCurrentSubTransactionId() };
        if self
            .marks
            .last()
            .is_none_or(|(last, _)| *last != subtransaction)
        {
            self.mark(subtransaction);
        }
        if self.text.len() >= BOUND && self.text.len() >= self.bound() {
            // Half of a moved row waits in the text for its other half, but not at any price.
            if !moved::is_pending() || self.text.len() >= 2 * self.bound() {
                self.make_room();
            }
        }
    }

    #[cold]
    fn mark(&mut self, subtransaction: pg_sys::SubTransactionId) {
        if self.marks.try_reserve(1).is_err() {
            Error::OutOfMemory {
                bytes: 16 * self.marks.len(),
            }
            .raise();
        }
        if self.segment.is_none()
            && let Some(layout) = layout::find()
        {
            self.segment = Some(segment::lock(&layout));
        }
        self.marks
            .push((subtransaction, self.spill.len() + self.text.len() as u64));
    }

    #[cold]
    fn make_room(&mut self) {
        moved::forget_row();
        // SAFETY: reads a field of the transaction's state.
        if unsafe { pg_sys::GetCurrentTransactionNestLevel() } == 1 {
            if self.compact() {
                return;
            }
            shared::count(
                Counter::Unnotified,
                self.write_out(false) * u64::from(is_inline()),
            );
            self.forget();
            self.early = true;
            // SAFETY: as above.
            let subtransaction = unsafe { server::GetCurrentSubTransactionId() };
            self.mark(subtransaction);
            return;
        }
        // Ids are taken before the file is written, or a message sent later in this transaction,
        // whose row goes to the log at once, would come before these.
        self.assign_ids();
        shared::count(Counter::Spilled, self.text.len() as u64);
        self.spill.append(self.text.as_bytes());
        self.text.clear();
    }

    pub fn assign_ids(&mut self) {
        if let Some(layout) = layout::find() {
            for record in record::each(self.text.as_mut_bytes()) {
                if record::id(record) == 0 && record::is_pending(record) {
                    if record::note(record) & PARTS != 0 {
                        parts::set_leave_id(record, append::take_id(&layout));
                    }
                    record::set_id(record, append::take_id(&layout));
                }
            }
        }
    }

    /// Keeps a message, whose row has just been put into the log, for inline delivery.
    pub fn keep_message(&mut self, id: i64, topic: &[u8], event: &[u8], payload: &[u8]) {
        if !is_inline() {
            return;
        }
        self.prepare();
        let start = record::begin(&mut self.text);
        let mut members = Text::new();
        let at = context::write(&mut members);
        self.text.push(b'{');
        let (topics, event) = ([topic], Some(event));
        native::write_message_body(&mut self.text, topics, event, payload, members.as_bytes());
        record::finish(&mut self.text, start, at, std::iter::once(topic));
        let record = &mut self.text.as_mut_bytes()[start..];
        record::set_id(record, id);
        record::set_logged(record);
    }

    /// Writes everything to the log and forgets it, but for the text, whose records now have their
    /// ids; gives the number of events.
    fn write_out(&mut self, notified: bool) -> u64 {
        if !self.plans.is_empty() && self.spill.is_empty() {
            self.text = self.plans.settle(&mut self.text);
        }
        if self.text.is_empty() && self.spill.is_empty() {
            return 0;
        }
        let layout = layout::find();
        if self.withholds
            && self.spill.is_empty()
            && let Some(layout) = &layout
        {
            held::settle(layout, self.text.as_mut_bytes());
            if !record::each(self.text.as_mut_bytes()).any(|record| record::is_pending(record)) {
                return 0;
            }
        }
        let opened = layout.and_then(|layout| self.open(layout, notified));
        let Some(mut writer) = opened else {
            // The extension is gone, or newer than this library: there is nowhere to write to.
            let lost = record::each(self.text.as_mut_bytes()).count() as u64;
            shared::count(Counter::Dropped, lost);
            // Nor may anyone be notified of what no log has.
            self.text.clear();
            return 0;
        };
        let mut events = 0;
        let mut write = |record: &mut [u8]| {
            if record::is_pending(record) {
                writer.add(record);
                events += 1;
            }
        };
        if self.spill.is_empty() || (self.plans.is_empty() && !self.withholds) {
            self.spill.read_back(&mut write);
            for record in record::each(self.text.as_mut_bytes()) {
                write(record);
            }
        } else {
            // A bufferful at a time, as if there had been no savepoint.
            let mut window = Text::new();
            let (plans, withholds) = (&self.plans, self.withholds);
            let settle = |window: &mut Text| {
                let mut settled = plans.settle(window);
                if let (true, Some(layout)) = (withholds, &layout) {
                    held::settle(layout, settled.as_mut_bytes());
                }
                settled
            };
            self.spill.read_back(|record| {
                window.extend(record);
                if window.len() >= LARGE_BOUND {
                    window = plans.compact(&mut window);
                    if window.len() > LARGE_BOUND / 2 {
                        let mut settled = settle(&mut window);
                        record::each(settled.as_mut_bytes()).for_each(&mut write);
                        window.clear();
                    }
                }
            });
            window.extend(self.text.as_bytes());
            let mut settled = settle(&mut window);
            record::each(settled.as_mut_bytes()).for_each(&mut write);
        }
        writer.close();
        events
    }

    /// Makes room by coalescing what can be; whether that was half of it, so that it is not done over and
    /// over. No savepoint is open.
    fn compact(&mut self) -> bool {
        if self.plans.is_empty() || !self.spill.is_empty() {
            return false;
        }
        self.text = self.plans.compact(&mut self.text);
        self.marks.clear();
        // SAFETY: reads a field of the transaction's state.
        self.mark(unsafe { server::GetCurrentSubTransactionId() });
        if let Some((_, offset)) = self.marks.last_mut() {
            *offset = 0;
        }
        self.text.len() <= self.bound() / 2
    }

    /// Keeps by which plan the record at the end of the text was made, where that is asked for later.
    #[cold]
    pub fn adopt(&mut self, plan: &Plan, size: usize) {
        self.withholds |= plan.withheld;
        if !plan.coalesced || size == 0 {
            return;
        }
        let start = self.text.len() - size;
        self.plans
            .adopt(plan, &mut self.text.as_mut_bytes()[start..]);
    }

    fn bound(&self) -> usize {
        if is_inline() || !self.plans.is_empty() {
            LARGE_BOUND
        } else {
            BOUND
        }
    }

    fn open(&mut self, layout: Layout, notified: bool) -> Option<Writer> {
        let segment = *self.segment.get_or_insert_with(|| segment::lock(&layout));
        Writer::open(layout, segment, notified)
    }

    /// Takes back what an aborted subtransaction captured; called while it aborts, so it may neither
    /// raise nor allocate.
    fn roll_back(&mut self, subtransaction: pg_sys::SubTransactionId) {
        let kept = self
            .marks
            .partition_point(|(mark, _)| *mark < subtransaction);
        if let Some(&(_, offset)) = self.marks.get(kept) {
            match offset.checked_sub(self.spill.len()) {
                Some(in_text) => self.text.truncate(in_text as usize),
                None => {
                    self.spill.truncate(offset);
                    self.text.clear();
                }
            }
            self.marks.truncate(kept);
        }
    }

    /// What a released subtransaction captured is its parent's from now on: there are no more marks than
    /// levels of nesting, however many blocks a loop goes through. As roll_back(), it may not fail.
    fn release(
        &mut self,
        subtransaction: pg_sys::SubTransactionId,
        parent: pg_sys::SubTransactionId,
    ) {
        let kept = self
            .marks
            .partition_point(|(mark, _)| *mark < subtransaction);
        if let Some(&(_, offset)) = self.marks.get(kept) {
            self.marks.truncate(kept);
            if self.marks.last().is_none_or(|(last, _)| *last != parent) {
                self.marks.push((parent, offset));
            }
        }
    }

    /// Forgets what has been written to the log.
    fn forget(&mut self) {
        self.text.clear();
        self.marks.clear();
        self.plans.clear();
        self.withholds = false;
        self.spill.close();
        moved::forget();
    }

    /// For the end of the transaction: only memory is freed, so nothing can raise.
    fn reset(&mut self) {
        self.text.clear();
        self.marks.clear();
        self.plans.clear();
        self.withholds = false;
        self.spill.forget();
        self.segment = None;
        self.early = false;
        self.late = false;
        if self.text.capacity() > 2 * BOUND {
            self.text = Text::new();
        }
    }

    /// Whether an event just captured cannot wait for the commit.
    pub fn is_late(&self) -> bool {
        self.late
    }
}

fn is_inline() -> bool {
    settings::delivery() == Delivery::Inline
}

/// Writes what has been captured so far, with the snapshot and the write permission it needs: a
/// transaction may have been set READ ONLY after it wrote.
pub fn flush(notified: bool) -> u64 {
    // SAFETY: the buffer is not referenced elsewhere while the log is written: the log has no
    // capture triggers. Both settings are given back; an error aborts the transaction and them.
    unsafe {
        let buffer = get();
        if buffer.text.is_empty() && buffer.spill.is_empty() {
            return 0;
        }
        let read_only = pg_sys::XactReadOnly;
        pg_sys::XactReadOnly = false;
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        let written = buffer.write_out(notified);
        pg_sys::PopActiveSnapshot();
        pg_sys::XactReadOnly = read_only;
        written
    }
}

/// For an event captured after pre-commit, by another library's own pre-commit work.
pub fn flush_late() {
    wake::announce();
    let written = flush(false);
    shared::count(Counter::Unnotified, written * u64::from(is_inline()));
    // SAFETY: nothing else refers to the buffer here.
    unsafe { get() }.forget();
}

fn pre_commit() {
    // SAFETY: NOTIFY runs no trigger; the records stay where they are until forget().
    let buffer = unsafe { get() };
    if buffer.text.is_empty() && buffer.spill.is_empty() {
        // A transaction that only read must not take a lock, nor an xid, which a standby and a
        // parallel worker cannot.
        buffer.forget();
        buffer.late = true;
        plan::sweep();
        if append::takes_part() {
            wake::announce();
        }
        return;
    }
    // The file's events are in the log alone, so the relay is to tell of all, in order.
    let notify = is_inline()
        && !buffer.early
        && buffer.spill.is_empty()
        && inline::has_room(buffer.text.as_mut_bytes());
    let written = flush(notify);
    // SAFETY: as above.
    let buffer = unsafe { get() };
    // What is held back is due at a time that the relay knows since it was told of the one before.
    let told = written > 0 || !buffer.withholds || append::has_taken_id() || !wake::has_relay();
    if notify {
        inline::notify(buffer.text.as_mut_bytes());
    } else if is_inline() {
        shared::count(Counter::Unnotified, written);
    }
    buffer.forget();
    buffer.late = true;
    plan::sweep();
    if told {
        wake::announce();
    }
}

fn pre_prepare() {
    let written = flush(false);
    // SAFETY: nothing else refers to the buffer here.
    let buffer = unsafe { get() };
    if is_inline() {
        shared::count(Counter::Unnotified, written);
    }
    buffer.forget();
    buffer.late = true;
    plan::sweep();
    if append::takes_part() {
        wake::announce();
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn on_transaction(
    event: pg_sys::XactEvent::Type,
    _arg: *mut std::ffi::c_void,
) {
    use pg_sys::XactEvent::*;
    match event {
        XACT_EVENT_PRE_COMMIT => {
            pre_commit();
            wake::retry();
        }
        XACT_EVENT_PRE_PREPARE => pre_prepare(),
        // An error in the commit callback would be a PANIC of the whole cluster: nothing here can
        // raise or allocate.
        XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE => {
            // SAFETY: nothing else refers to the buffer at the end of a transaction.
            unsafe { get() }.reset();
            moved::forget();
            append::leave();
            wake::ended(event == XACT_EVENT_COMMIT);
        }
        _ => {}
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn on_subtransaction(
    event: pg_sys::SubXactEvent::Type,
    subtransaction: pg_sys::SubTransactionId,
    parent: pg_sys::SubTransactionId,
    _arg: *mut std::ffi::c_void,
) {
    use pg_sys::SubXactEvent::*;
    match event {
        SUBXACT_EVENT_ABORT_SUB => {
            // SAFETY: an abort interrupts whatever held a reference, and never returns to it.
            unsafe { get() }.roll_back(subtransaction);
            moved::roll_back(subtransaction);
        }
        // SAFETY: whoever ends a subtransaction holds no reference meanwhile.
        SUBXACT_EVENT_COMMIT_SUB => unsafe { get() }.release(subtransaction, parent),
        _ => {}
    }
}

pub fn init() {
    wire::buffer::on_out_of_memory(|bytes| Error::OutOfMemory { bytes }.raise());
    // SAFETY: the callbacks live as long as the library, which PostgreSQL never unloads.
    unsafe {
        pg_sys::RegisterXactCallback(Some(on_transaction), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(on_subtransaction), std::ptr::null_mut());
    }
}

/// Writes the events captured so far; the number written.
#[pg_extern(sql = false)]
fn flush_now() -> i64 {
    // SAFETY: reads a field of the transaction's state.
    if unsafe { pg_sys::GetCurrentTransactionNestLevel() } > 1 {
        Error::FlushInSubtransaction.raise();
    }
    let written = flush(false);
    shared::count(Counter::Unnotified, written * u64::from(is_inline()));
    // SAFETY: nothing else refers to the buffer here.
    unsafe { get() }.forget();
    written as i64
}
