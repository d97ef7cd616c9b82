//! Sinks: where events go, as realtime_sync.sink_definition says at the moment.

use super::batch::{Batch, Entry};
use super::clock::now;
use super::dialect::Dialect;
use super::mistake::Mistake;
use super::notify::Notifier;
use super::owner;
use super::queue::Portion;
use super::refusal::{self, Extent};
use super::table;
use super::wal;
use crate::log::layout;
use crate::log::octets::{self, Octets};
use crate::log::record;
use crate::log::statement::{Row, Statement};
use crate::settings;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::prelude::*;
use std::borrow::Cow;
use std::rc::Rc;
use std::time::{Duration, Instant};
use wire::reference::{self, PAYLOAD_LIMIT};
use wire::sink::{Filter, Target};

/// The sink out of the box, which inline delivery serves.
pub const INLINE: i32 = 1;

// What may read the whole log is what PostgreSQL would let past the policies on it.
static ALL: Statement<0> = Statement::new(
    c"select
        d.id,
        nullif(d.dialect, 'native'),
        d.target,
        d.topics,
        d.payload operator(pg_catalog.=) 'reference',
        d.owner::pg_catalog.oid,
        case
            when r.oid is null then 1
            when r.rolsuper or pg_catalog.pg_has_role(r.oid, c.relowner, 'usage') then 0
            when r.rolbypassrls and pg_catalog.has_table_privilege(r.oid, c.oid, 'select') then 0
            else 2
        end
    from realtime_sync.sink_definition d
    join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) 'realtime_sync.event'::pg_catalog.regclass
    left join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) d.owner
    where d.dropped is null
    order by d.id",
    [],
);

pub struct Sink {
    pub id: i32,
    /// None: the channel of the setting.
    target: Option<Target>,
    /// The function's signature; None: native.
    dialect: Option<Vec<u8>>,
    /// None: every topic.
    filter: Option<Filter>,
    reference: bool,
    owner: Oid,
    fault: Option<Fault>,
}

/// What a sink has got of what it was to get.
pub struct Given {
    pub sent: usize,
    /// Of these, the ones it got the reference of.
    pub refused: u64,
}

/// Why a sink cannot work at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    NoOwner,
    /// Its owner may no longer read the whole log.
    MayNotRead,
    /// A row that add_sink() would not have written.
    Definition,
}

/// How long what a role may do is taken for granted, in microseconds. Looking the sinks up was 130,000 of
/// the 592,000 instructions of a tick of one event.
const TRUSTED: i64 = 1_000_000;

/// How long a sink may work on one event: everyone else waits.
const LONGEST: Duration = Duration::from_secs(1);
/// How long a user's code or table may take of the relay's one process at once: everyone else waits, expiries
/// that are promised within a second among them.
pub const ENOUGH: Duration = Duration::from_millis(200);

/// When the sinks were looked up last.
pub struct Sinks {
    /// By the count of changes of any definition; a change of the sinks is one of their table's.
    changes: u64,
    at: i64,
}

impl Sinks {
    pub const fn new() -> Sinks {
        Sinks { changes: 0, at: 0 }
    }

    pub fn forget(&mut self) {
        self.at = 0;
    }

    /// The sinks that the active snapshot sees, unless they are those of the last time. One that cannot
    /// work is among them: its send() says why. Whoever changes sinks says so before the caller of
    /// add_sink() goes on, so that what is captured after that finds the new sink here.
    pub fn changed(&mut self) -> Option<Vec<Rc<Sink>>> {
        let changes = layout::changes();
        let now = now();
        if self.changes == changes && now - self.at < TRUSTED {
            return None;
        }
        let mut sinks = Vec::new();
        ALL.run([], |row| {
            sinks.push(Rc::new(Sink::of(row)));
            true
        });
        // A change while they were read is seen the next time.
        *self = Sinks { changes, at: now };
        Some(sinks)
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_sinks_changed() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// Trigger function of the table of sinks: every process hears of a change with the commit.
///
/// # Safety
/// Called by PostgreSQL as a trigger.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn sinks_changed(call: pg_sys::FunctionCallInfo) -> Datum {
    // SAFETY: PostgreSQL calls a function that returns trigger by triggers only.
    unsafe {
        let trigger = (*call).context.cast::<pg_sys::TriggerData>();
        pg_sys::CacheInvalidateRelcacheByRelid((*(*trigger).tg_relation).rd_id);
    }
    Datum::null()
}

impl Sink {
    fn of(row: &Row) -> Sink {
        let target = text(row, 2).map(|target| Target::parse(&target));
        // SAFETY: the column is a text[].
        let topics = row.get(3).map(|topics| unsafe { octets::array(topics) });
        let filter = topics.map(|topics| Filter::parse(record::topic_texts(&topics)));
        let mut fault = match row.long(6) {
            0 => None,
            1 => Some(Fault::NoOwner),
            _ => Some(Fault::MayNotRead),
        };
        if matches!(target, Some(Err(_))) || matches!(filter, Some(Err(_))) {
            fault = Some(Fault::Definition);
        }
        Sink {
            id: row.long(0) as i32,
            target: target.and_then(Result::ok),
            dialect: text(row, 1),
            filter: filter.and_then(Result::ok),
            reference: row.long(4) != 0,
            owner: Oid::from(row.long(5) as u32),
            fault,
        }
    }

    /// The events of a batch that this sink gets, by their place in it. A sink that cannot work wants
    /// everything, so as not to pass what it should have sent.
    pub fn choose(&self, batch: &Batch) -> Vec<usize> {
        (0..batch.entries.len())
            .filter(|&n| {
                let entry = &batch.entries[n];
                !(entry.notified && self.id == INLINE)
                    && (self.fault.is_some() || self.topics(batch, entry).next().is_some())
            })
            .collect()
    }

    /// The topics of an event that this sink is for.
    fn topics<'a>(&'a self, batch: &'a Batch, entry: &Entry) -> impl Iterator<Item = &'a [u8]> {
        let filter = self.filter.as_ref();
        batch
            .topics(entry)
            .filter(move |topic| filter.is_none_or(|filter| filter.fits(topic)))
    }

    /// Whether it fills the NOTIFY queue.
    pub fn notifies(&self) -> bool {
        matches!(self.target, None | Some(Target::Notify(_)))
    }

    /// Whether [`Sink::send`] runs a user's code or writes to a user's table, and so needs a
    /// subtransaction around it.
    pub fn can_fail(&self) -> bool {
        self.dialect.is_some() || !self.notifies() || self.fault.is_some()
    }

    /// Sends the chosen events in their order, those that time and the NOTIFY queue suffice for, but one. Raises
    /// where it cannot. Carefully, once it has raised a refusal: see [`refusal`].
    pub fn send(&self, batch: &Batch, chosen: &[usize], carefully: bool) -> Given {
        if let Some(fault) = self.fault {
            Mistake::Fault(fault).raise();
        }
        let portion = self.notifies().then(Portion::new);
        let is_spent = || portion.as_ref().is_some_and(Portion::is_spent);
        let mut sent = 0;
        if !self.can_fail() {
            let mut notifier = Notifier::new(self.channel());
            for entry in chosen.iter().map(|&n| &batch.entries[n]) {
                let topics = self.topics(batch, entry);
                if self.reference {
                    let text = reference::reference(batch.text(entry), PAYLOAD_LIMIT);
                    notifier.send(&text, topics);
                } else {
                    notifier.send_event(batch.text(entry), topics);
                }
                sent += 1;
                if is_spent() {
                    break;
                }
            }
            return Given { sent, refused: 0 };
        }
        let mut refused = 0;
        let began = Instant::now();
        let entries = chosen.iter().map(|&n| &batch.entries[n]);
        owner::run(self.owner, LONGEST, |step| {
            let dialect = self.dialect.as_deref().map(Dialect::open);
            let mut outlet = self.outlet();
            for entry in entries {
                step.begin(Some(entry.place.id));
                let mut send =
                    |extent| self.send_one(batch, entry, extent, dialect.as_ref(), &mut outlet);
                match carefully {
                    true if refusal::send(batch.text(entry), &mut send) => refused += 1,
                    true => {}
                    false => send(Extent::Whole),
                }
                step.end();
                sent += 1;
                if began.elapsed() > ENOUGH || is_spent() {
                    break;
                }
            }
        });
        Given { sent, refused }
    }

    fn channel(&self) -> Cow<'_, [u8]> {
        match &self.target {
            Some(Target::Notify(channel)) => Cow::from(channel),
            _ => settings::channel().into_bytes().into(),
        }
    }

    fn outlet(&self) -> Outlet<'_> {
        match &self.target {
            Some(Target::Table(table)) => Outlet::Table(table::Writer::open(table)),
            Some(Target::Wal(prefix)) => Outlet::Wal(wal::prefix(prefix)),
            _ => Outlet::Notify(Notifier::new(self.channel())),
        }
    }

    fn send_one(
        &self,
        batch: &Batch,
        entry: &Entry,
        extent: Extent,
        dialect: Option<&Dialect>,
        outlet: &mut Outlet,
    ) {
        let native = batch.text(entry);
        let extent = match self.reference {
            true => extent.max(Extent::Reference),
            false => extent,
        };
        let shortened = extent.of(native);
        // The columns are filled from the whole event, but for a key that is to be left out.
        let native = match extent {
            Extent::Keyless => &shortened,
            _ => native,
        };
        let Some(dialect) = dialect else {
            let topics = self.topics(batch, entry);
            outlet.send(native, &shortened, entry, topics);
            return;
        };
        let Some(mut text) = dialect.write(&shortened) else {
            return;
        };
        // As in the native dialect, what is too long for NOTIFY becomes a reference: written again.
        if matches!(outlet, Outlet::Notify(_)) && text.len() > PAYLOAD_LIMIT {
            match dialect.write(&reference::reference(native, PAYLOAD_LIMIT)) {
                Some(shorter) => text = shorter,
                None => return,
            }
            if text.len() > PAYLOAD_LIMIT {
                Mistake::Payload { size: text.len() }.raise();
            }
        }
        outlet.send(native, &text, entry, self.topics(batch, entry));
    }
}

enum Outlet<'a> {
    Notify(Notifier<'a>),
    Table(table::Writer),
    Wal(Vec<u8>),
}

impl Outlet<'_> {
    /// `native` is the whole event, `text` what to send of it.
    fn send<'t>(
        &mut self,
        native: &[u8],
        text: &[u8],
        entry: &Entry,
        topics: impl Iterator<Item = &'t [u8]>,
    ) {
        match self {
            Outlet::Notify(notifier) => notifier.send(text, topics),
            Outlet::Table(writer) => writer.write(native, text, entry, topics),
            Outlet::Wal(prefix) => wal::write(prefix, text),
        }
    }
}

/// A text column.
fn text(row: &Row, n: usize) -> Option<Vec<u8>> {
    // SAFETY: the columns asked for are of this type.
    row.get(n)
        .map(|datum| unsafe { Octets::from_datum(datum) }.bytes().to_vec())
}
