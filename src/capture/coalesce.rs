//! Coalesced sources: at the end of the transaction its changes of a row become one event, or none.

use super::event::{Size, smaller};
use super::parts::{self, ALONE, BARRIER, PARTS, PLAN_SHIFT, Parts};
use super::plan::Plan;
use crate::error::Error;
use crate::log::record;
use crate::log::shared::{self, Counter};
use crate::settings;
use wire::buffer::Text;
use wire::coalesce::{Kind, Net, Step, each_row};
use wire::json;
use wire::options::RowImage;

/// The plans that this transaction's unfinished records were made by. A plan lives until the end of
/// the transaction that used it.
pub struct Plans(Vec<*const Plan>);

impl Plans {
    pub const fn new() -> Plans {
        Plans(Vec::new())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Notes in a record just written by which plan it was.
    pub fn adopt(&mut self, plan: &Plan, bytes: &mut [u8]) {
        let number = self.0.iter().rposition(|known| std::ptr::eq(*known, plan));
        let number = number.unwrap_or_else(|| {
            push(&mut self.0, plan);
            self.0.len() - 1
        });
        record::set_note(bytes, record::note(bytes) | (number as u32) << PLAN_SHIFT);
    }

    fn of(&self, bytes: &[u8]) -> &Plan {
        // SAFETY: see the type; records are made anew before a plan can be freed.
        unsafe { &*self.0[(record::note(bytes) >> PLAN_SHIFT) as usize] }
    }

    /// The records with what is between a row's first and last change left out, for want of room.
    pub fn compact(&self, text: &mut Text) -> Text {
        let (mut kept, mut later) = (Vec::new(), Vec::new());
        self.each_net(text, |net| {
            if net.kind.is_some() {
                push(&mut kept, net.first);
                if net.last != net.first {
                    push(&mut kept, net.last);
                    push(&mut later, net.last as usize);
                }
            }
        });
        for place in later {
            parts::follow(&mut text.as_mut_bytes()[place..]);
        }
        kept.sort_unstable();
        let mut out = Text::new();
        each_place(text, |place, bytes| {
            if record::note(bytes) & PARTS == 0 || kept.binary_search(&place).is_ok() {
                out.extend(bytes);
            }
        });
        out
    }

    /// The records with every row's changes made into its one event.
    pub fn settle(&self, text: &mut Text) -> Text {
        let mut nets = Vec::new();
        self.each_net(text, |net| {
            if net.kind.is_some() {
                push(&mut nets, net);
            }
        });
        nets.sort_unstable_by_key(Net::place);
        let mut nets = nets.into_iter().peekable();
        let mut out = Text::new();
        each_place(text, |place, bytes| {
            if record::note(bytes) & PARTS == 0 {
                out.extend(bytes);
            } else if let Some(net) = nets.next_if(|net| net.place() == place) {
                let [first, last] =
                    [net.first, net.last].map(|place| &text.as_bytes()[place as usize..]);
                Row::new(self, &net, first, last).write(&mut out, bytes);
            }
        });
        out
    }

    /// Gives what each row's changes come to; the last of several is told what those before it say.
    fn each_net(&self, text: &mut Text, mut use_net: impl FnMut(Net)) {
        let mut steps = Vec::new();
        let mut epochs = Vec::new();
        each_place(text, |place, bytes| {
            let note = record::note(bytes);
            if note & (PARTS | BARRIER) == 0 || record::is_taken_back(bytes) {
                return;
            }
            let table = self.of(bytes).root.to_u32();
            if note & BARRIER != 0 {
                pass(&mut epochs, table);
            }
            if note & PARTS != 0 {
                let step = Step {
                    table,
                    // One of its own, from the other end.
                    epoch: match note & ALONE {
                        0 => epoch(&epochs, table),
                        _ => u32::MAX - place,
                    },
                    key: parts::key_range(text.as_bytes(), place as usize),
                    place,
                    kind: parts::kind(bytes),
                };
                push(&mut steps, step);
            }
            if note & BARRIER != 0 {
                pass(&mut epochs, table);
            }
        });
        let mut pairs = Vec::new();
        each_row(&mut steps, text.as_bytes(), |steps, net| {
            for pair in steps.windows(2) {
                push(&mut pairs, (pair[0].place as usize, pair[1].place as usize));
            }
            use_net(net);
        });
        for (earlier, later) in pairs {
            let (head, tail) = text.as_mut_bytes().split_at_mut(later);
            parts::carry_partial(&head[earlier..], tail);
        }
    }
}

fn epoch(epochs: &[(u32, u32)], table: u32) -> u32 {
    let known = epochs.iter().find(|(other, _)| *other == table);
    known.map_or(0, |&(_, epoch)| epoch)
}

fn pass(epochs: &mut Vec<(u32, u32)>, table: u32) {
    match epochs.iter_mut().find(|(other, _)| *other == table) {
        Some((_, epoch)) => *epoch += 1,
        None => push(epochs, (table, 1)),
    }
}

fn each_place(text: &Text, mut use_record: impl FnMut(u32, &[u8])) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let size = record::size(&bytes[at..]);
        use_record(at as u32, &bytes[at..at + size]);
        at += size;
    }
}

fn push<T>(list: &mut Vec<T>, value: T) {
    if list.try_reserve(1).is_err() {
        Error::OutOfMemory {
            bytes: size_of::<T>() * list.len(),
        }
        .raise();
    }
    list.push(value);
}

/// A row's event in the making.
struct Row<'a> {
    plan: &'a Plan,
    kind: Kind,
    /// Several changes in one.
    merged: bool,
    last: Parts<'a>,
    old: Vec<Option<&'a [u8]>>,
    new: Vec<Option<&'a [u8]>>,
    changed: Vec<bool>,
    before: Vec<&'a [u8]>,
    after: Vec<&'a [u8]>,
    at: i64,
    size: Size,
}

impl<'a> Row<'a> {
    fn new(plans: &'a Plans, net: &Net, first: &'a [u8], last: &'a [u8]) -> Row<'a> {
        let plan = plans.of(last);
        let (source, at) = (plans.of(first), record::at(last));
        let (first, last) = (Parts::read(first), Parts::read(last));
        let mut row = Row {
            plan,
            kind: net.kind.unwrap_or(Kind::Leave),
            merged: net.first != net.last,
            old: Vec::new(),
            new: Vec::new(),
            changed: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            at,
            size: last.size,
            last,
        };
        if first.kind != Kind::Insert {
            let mut values = Vec::new();
            for value in first.old_values() {
                push(&mut values, value);
            }
            // A partition may have its columns in another order.
            for (n, column) in plan.columns.iter().enumerate() {
                let same = |other: &super::plan::Column| !other.absent && other.name == column.name;
                let n = match std::ptr::eq(source, plan) {
                    true => Some(n),
                    false => source.columns.iter().position(same),
                };
                let value = n.and_then(|n| values.get(n).copied().flatten());
                push(&mut row.old, value.filter(|_| !column.absent));
            }
            for topic in first.topics_before() {
                push(&mut row.before, topic);
            }
        }
        if row.last.kind.is_present() {
            for value in row.last.new_values() {
                push(&mut row.new, value);
            }
            for topic in row.last.topics() {
                push(&mut row.after, topic);
            }
        }
        let by_value = row.merged && !row.last.is_partial();
        for (n, &flag) in row.last.changed.iter().enumerate() {
            let changed = match (row.kind, by_value) {
                // A hidden column has no text.
                (Kind::Update, true) if row.new[n].is_some() => row.old[n] != row.new[n],
                _ => flag != 0,
            };
            push(&mut row.changed, changed);
        }
        row
    }

    fn write(&self, out: &mut Text, place: &[u8]) {
        let left = self
            .before
            .iter()
            .filter(|&topic| !self.after.contains(topic));
        let mut gone = Vec::new();
        if self.kind == Kind::Update {
            for &topic in left {
                push(&mut gone, topic);
            }
        }
        if !gone.is_empty() {
            let id = Parts::read(place).leave_id;
            self.write_event(out, Kind::Leave, &gone, id);
        }
        let topics = if self.kind.is_present() {
            &self.after
        } else {
            &self.before
        };
        if !topics.is_empty() && (!gone.is_empty() || !self.is_unwatched()) {
            self.write_event(out, self.kind, topics, record::id(place));
        }
    }

    /// Several updates that come to one which the trigger's WHEN would not have let through, unless the row
    /// may have come to match the filter.
    fn is_unwatched(&self) -> bool {
        self.kind == Kind::Update
            && self.merged
            && !self.last.is_partial()
            && !self.plan.watch.is_empty()
            && !self.plan.filtered.iter().any(|&n| self.changed[n])
            && self
                .plan
                .watch
                .iter()
                .all(|&n| self.new[n].is_some() && !self.changed[n])
    }

    /// In the largest form that fits, as events of other sources.
    fn write_event(&self, out: &mut Text, kind: Kind, topics: &[&[u8]], id: i64) {
        let limit = settings::max_event_size();
        let mut size = self.size;
        loop {
            let start = record::begin(out);
            let partial = self.write_body(out, kind, size, topics);
            if size < Size::Key && out.len() - start > limit {
                out.truncate(start);
                size = if size == Size::Full && kind == Kind::Update {
                    Size::Changed
                } else {
                    Size::Key
                };
                continue;
            }
            record::finish(out, start, self.at, topics.iter().copied());
            let bytes = &mut out.as_mut_bytes()[start..];
            record::set_id(bytes, id);
            let is_null = |n: &usize| self.new[*n] == Some(b"null");
            if kind == Kind::Update
                && !self.plan.key.iter().any(is_null)
                && self.plan.holds_back(&self.changed)
            {
                record::set_throttle(bytes, self.plan.throttle);
            }
            if self.plan.withheld {
                record::set_table(out, start, self.plan.root.to_u32());
            }
            shared::count(Counter::Partial, u64::from(partial));
            return;
        }
    }

    fn write_body(&self, out: &mut Text, kind: Kind, size: Size, topics: &[&[u8]]) -> bool {
        let plan = self.plan;
        let update = kind == Kind::Update;
        let status = plan
            .status
            .iter()
            .copied()
            .find(|&n| update && self.changed[n]);
        out.extend(match kind {
            Kind::Insert => &plan.heads.insert,
            Kind::Update if status.is_some() => &plan.heads.status,
            Kind::Update => &plan.heads.update,
            Kind::Delete => &plan.heads.delete,
            Kind::Leave => &plan.heads.leave,
        });
        for (n, topic) in topics.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            json::write_string(out, topic);
        }
        out.extend(b"],\"key\":");
        match kind {
            Kind::Leave => self.write_key(out, &self.old),
            _ => out.extend(self.last.key),
        }
        out.extend(b",\"new\":");
        match kind {
            Kind::Insert | Kind::Update => {
                self.write_image(out, &self.new, smaller(plan.new_row, size), update);
            }
            _ => out.extend(b"null"),
        }
        out.extend(b",\"old\":");
        match kind {
            Kind::Update | Kind::Delete => {
                self.write_image(out, &self.old, smaller(plan.old_row, size), update);
            }
            _ => out.extend(b"null"),
        }
        out.extend(b",\"changed\":");
        if update {
            self.write_changed(out);
        } else {
            out.extend(b"null");
        }
        if let Some(n) = status {
            let label = &plan.columns[n].label;
            out.extend(b",\"status\":{\"column\":");
            out.extend(&label[..label.len() - 1]);
            out.extend(b",\"from\":");
            out.extend(self.old[n].unwrap_or(b"null"));
            out.extend(b",\"to\":");
            out.extend(self.new[n].unwrap_or(b"null"));
            out.push(b'}');
        }
        out.push(b',');
        out.extend(self.last.context);
        let partial = kind != Kind::Leave && (size > Size::Full || self.last.foreign_failed);
        out.extend(match partial {
            true => b",\"partial\":true}",
            false => b",\"partial\":false}",
        });
        partial
    }

    fn write_key(&self, out: &mut Text, values: &[Option<&[u8]>]) {
        let mut separator = b'{';
        for &n in &self.plan.key {
            out.push(separator);
            separator = b',';
            out.extend(&self.plan.columns[n].label);
            out.extend(values[n].unwrap_or(b"null"));
        }
        out.extend(if separator == b'{' {
            &b"null"[..]
        } else {
            b"}"
        });
    }

    /// As `Writer::write_image` and `write_old`.
    fn write_image(&self, out: &mut Text, values: &[Option<&[u8]>], image: RowImage, update: bool) {
        match image {
            RowImage::None => return out.extend(b"null"),
            RowImage::Key => return self.write_key(out, values),
            RowImage::Full | RowImage::Changed => {}
        }
        let all = image == RowImage::Full || !update;
        out.push(b'{');
        let mut first = true;
        for (n, column) in self.plan.columns.iter().enumerate() {
            let included = if all {
                column.visible
            } else {
                self.plan.key.contains(&n) || self.changed[n] && column.visible
            };
            if let (true, Some(value)) = (included, values[n]) {
                if !first {
                    out.push(b',');
                }
                first = false;
                out.extend(&column.label);
                out.extend(value);
            }
        }
        out.push(b'}');
    }

    fn write_changed(&self, out: &mut Text) {
        out.push(b'[');
        let mut first = true;
        for (n, column) in self.plan.columns.iter().enumerate() {
            if self.changed[n] && (column.visible || self.plan.key.contains(&n)) {
                if !first {
                    out.push(b',');
                }
                first = false;
                out.extend(&column.label[..column.label.len() - 1]);
            }
        }
        out.push(b']');
    }
}
