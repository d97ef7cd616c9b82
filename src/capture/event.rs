//! A change as the event's text.

use super::parts::BARRIER;
use super::plan::{Plan, Topic};
use super::row::{Change, Row};
use super::scratch::{Scratch, resize};
use super::{context, value};
use crate::log::record;
use crate::settings;
use wire::buffer::Text;
use wire::options::RowImage;

/// What an event is cut down to when it is too large, in turn (DESIGN: full, changed, key).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    Full,
    Changed,
    Key,
}

pub struct Writer<'a> {
    pub plan: &'a Plan,
    pub scratch: &'a mut Scratch,
    pub out: &'a mut Text,
    /// Values whose encoding runs foreign code are left out: it has just failed.
    pub without_foreign: bool,
}

/// What became of a change.
#[derive(Default)]
pub struct Outcome {
    pub partial: bool,
    /// Bytes of the change's own record, the last one; 0 where it has none.
    pub last: usize,
}

impl Writer<'_> {
    pub fn write(&mut self, change: Change) -> Outcome {
        let mut outcome = Outcome::default();
        let change = if self.without_foreign {
            change
        } else {
            change.with(|row| self.plan.generated.fill(row))
        };
        let (old, new) = match change {
            Change::Insert(new) => (None, Some(new)),
            Change::Update(old, new) => (Some(old), Some(new)),
            Change::Delete(old) | Change::Leave(old) => (Some(old), None),
            Change::Truncate => (None, None),
        };
        if let Change::Update(old, new) = change {
            self.compare(old, new);
            if self.nothing_to_see() {
                return outcome;
            }
        }
        if self.plan.coalesced && !matches!(change, Change::Truncate) {
            let start = self.out.len();
            self.write_parts(change);
            outcome.last = self.out.len() - start;
            return outcome;
        }
        self.scratch.topics.clear();
        let all = !self.without_foreign;
        for topic in &self.plan.topics {
            let scratch = &mut *self.scratch;
            scratch
                .topics
                .add(topic, new.or(old), self.plan, &mut scratch.plain, all);
        }
        if let Change::Update(old, _) = change {
            self.write_leave_of_topics(old);
        }
        if !self.scratch.topics.ends.is_empty() {
            let start = self.out.len();
            outcome.partial = self.write_sized(change);
            if self.plan.throttle > 0 {
                self.mark_throttled(change, start);
            }
            outcome.last = self.out.len() - start;
            if self.plan.coalesced {
                record::set_note(&mut self.out.as_mut_bytes()[start..], BARRIER);
            }
        } else if self.scratch.topics.cut {
            outcome.partial = true;
        }
        outcome
    }

    #[cold]
    fn mark_throttled(&mut self, change: Change, start: usize) {
        let plan = self.plan;
        if let Change::Update(_, new) = change {
            // Rows with a null in their key share it.
            let names_a_row = !self.scratch.cut && plan.key.iter().all(|&n| new.get(n).is_some());
            if names_a_row && plan.holds_back(&self.scratch.changed) {
                record::set_throttle(&mut self.out.as_mut_bytes()[start..], plan.throttle);
            }
        }
        if plan.withheld {
            record::set_table(self.out, start, plan.root.to_u32());
        }
    }

    fn compare(&mut self, old: Row, new: Row) {
        let columns = &self.plan.columns;
        resize(&mut self.scratch.changed, columns.len(), false);
        for (n, column) in columns.iter().enumerate() {
            self.scratch.changed[n] = !old.has_same(new, n, column);
        }
    }

    /// Only hidden columns changed: whoever may not see them need not know that they did, unless the row
    /// came to a topic, or into the feed, by it. An update that changed nothing at all is told, as
    /// PostgreSQL made a new row version.
    fn nothing_to_see(&self) -> bool {
        self.plan.hides
            && self.scratch.changed.contains(&true)
            && !self
                .scratch
                .changed
                .iter()
                .enumerate()
                .any(|(n, &changed)| {
                    changed
                        && (self.plan.columns[n].visible
                            || self.plan.key.contains(&n)
                            || self.plan.filtered.contains(&n)
                            || self
                                .plan
                                .topics
                                .iter()
                                .any(|topic| topic.columns.contains(&n)))
                })
    }

    /// LEAVE, with the key only, to each topic OLD had and NEW has not: before the update itself, so
    /// that a client in both the old and the new topic ends up with the row.
    fn write_leave_of_topics(&mut self, old: Row) {
        let moved = |topic: &Topic| topic.columns.iter().any(|&n| self.scratch.changed[n]);
        if !self.plan.topics.iter().any(moved) {
            return;
        }
        self.scratch.left.clear();
        for topic in &self.plan.topics {
            if topic.columns.iter().any(|&n| self.scratch.changed[n]) {
                let Scratch {
                    left,
                    topics,
                    plain,
                    ..
                } = &mut *self.scratch;
                let before = left.ends.len();
                left.add(topic, Some(old), self.plan, plain, !self.without_foreign);
                if left.ends.len() > before {
                    let added = left.iter().last().expect("one was just added");
                    if topics.iter().any(|topic| topic == added) {
                        left.ends.pop();
                        let end = left.ends.last().map_or(0, |&end| end as usize);
                        left.text.truncate(end);
                    }
                }
            }
        }
        if self.scratch.left.ends.is_empty() {
            return;
        }
        std::mem::swap(&mut self.scratch.left, &mut self.scratch.topics);
        let start = self.out.len();
        self.write_sized(Change::Leave(old));
        if self.plan.withheld {
            record::set_table(self.out, start, self.plan.root.to_u32());
        }
        std::mem::swap(&mut self.scratch.left, &mut self.scratch.topics);
    }

    /// Writes the event in the largest form that fits; whether that is less than what was asked for.
    fn write_sized(&mut self, change: Change) -> bool {
        let limit = settings::max_event_size();
        let mut size = if self.plan.closed {
            Size::Key
        } else {
            self.estimate(change, limit)
        };
        loop {
            let start = record::begin(self.out);
            self.scratch.cut = false;
            let at = self.write_body(change, size);
            if size < Size::Key && self.out.len() - start > limit {
                self.out.truncate(start);
                size = if size == Size::Full && matches!(change, Change::Update(..)) {
                    Size::Changed
                } else {
                    Size::Key
                };
                continue;
            }
            record::finish(self.out, start, at, self.scratch.topics.iter());
            return self.is_partial(size);
        }
    }

    fn is_partial(&self, size: Size) -> bool {
        size > Size::Full || self.without_foreign || self.scratch.cut || self.scratch.topics.cut
    }

    /// A first guess from the stored sizes, so that a value of a gigabyte is not fetched to find out
    /// that it is too large.
    fn estimate(&self, change: Change, limit: usize) -> Size {
        let stored = |row: Row, which: &dyn Fn(usize) -> bool| -> usize {
            self.plan
                .columns
                .iter()
                .enumerate()
                .filter(|(n, column)| column.length == -1 && column.visible && which(*n))
                .filter_map(|(n, _)| row.get(n))
                // SAFETY: a column of length -1 holds varlenas.
                .map(|datum| unsafe { value::size(datum) })
                .sum()
        };
        let plan = self.plan;
        let changed = |n: usize| self.scratch.changed[n];
        let image = |row: Row, image: RowImage, update: bool| match image {
            RowImage::Full => stored(row, &|_| true),
            RowImage::Changed if update => stored(row, &changed),
            RowImage::Changed => stored(row, &|_| true),
            RowImage::Key | RowImage::None => 0,
        };
        match change {
            Change::Insert(new) if image(new, plan.new_row, false) > limit => Size::Key,
            Change::Delete(old) if image(old, plan.old_row, false) > limit => Size::Key,
            Change::Update(old, new) => {
                let full = image(new, plan.new_row, true) + image(old, plan.old_row, true);
                if full <= limit {
                    Size::Full
                } else if stored(new, &changed) + stored(old, &changed) <= limit {
                    Size::Changed
                } else {
                    Size::Key
                }
            }
            _ => Size::Full,
        }
    }

    fn write_body(&mut self, change: Change, size: Size) -> i64 {
        let plan = self.plan;
        let status = match change {
            Change::Update(..) => plan
                .status
                .iter()
                .copied()
                .find(|&n| self.scratch.changed[n]),
            _ => None,
        };
        self.out.extend(match change {
            Change::Insert(_) => &plan.heads.insert,
            Change::Update(..) if status.is_some() => &plan.heads.status,
            Change::Update(..) => &plan.heads.update,
            Change::Delete(_) => &plan.heads.delete,
            Change::Leave(_) => &plan.heads.leave,
            Change::Truncate => &plan.heads.truncate,
        });
        self.scratch.topics.write(self.out);
        self.out.extend(b"],\"key\":");
        match change {
            Change::Insert(row)
            | Change::Update(_, row)
            | Change::Delete(row)
            | Change::Leave(row) => self.write_key(row),
            Change::Truncate => self.out.extend(b"null"),
        }
        self.out.extend(b",\"new\":");
        match change {
            Change::Insert(new) => {
                self.write_image(new, smaller(plan.new_row, size), false);
            }
            Change::Update(_, new) => {
                self.write_image(new, smaller(plan.new_row, size), true);
            }
            _ => self.out.extend(b"null"),
        }
        self.out.extend(b",\"old\":");
        match change {
            Change::Update(old, _) => self.write_old(old, smaller(plan.old_row, size)),
            Change::Delete(old) => {
                self.write_image(old, smaller(plan.old_row, size), false);
            }
            _ => self.out.extend(b"null"),
        }
        self.write_changed(change);
        if let (Some(column), Change::Update(old, new)) = (status, change) {
            self.write_status(column, old, new);
        }
        self.out.push(b',');
        let at = context::write(self.out);
        self.out.extend(if self.is_partial(size) {
            b",\"partial\":true}"
        } else {
            b",\"partial\":false}"
        });
        at
    }
}

pub fn smaller(image: RowImage, size: Size) -> RowImage {
    match (size, image) {
        (Size::Full, _) | (_, RowImage::None | RowImage::Key) => image,
        (Size::Changed, _) => RowImage::Changed,
        (Size::Key, _) => RowImage::Key,
    }
}
