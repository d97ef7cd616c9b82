//! What a sink is not sent at once: updates of throttled columns. A sink has a throttle of its own, fed in
//! the order of its events, so that one that is behind is throttled as well.

use super::batch::{Batch, Entry};
use super::clock::{now, until};
use super::progress::Progress;
use super::sink::INLINE;
use crate::log::history::{self, Pair, Wanted};
use crate::log::shared::{self, Counter};
use pgrx::prelude::*;
use wire::cursor::Place;
use wire::throttle::{Due, Subject, Throttle, Verdict};

/// Rows that are throttled at once, at some 300 bytes each. Updates of more are sent as they come.
const ROWS: usize = 100_000;
/// How often it is noted how far nothing is held back any more, in microseconds. What a new process
/// reads again, and may send again, is that much more.
const NOTED: i64 = 1_000_000;
/// Ids this far apart are not read as one range: of the events in between none is wanted.
const GAP: i64 = 64;

/// An event held back. Ordered as the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    place: Place,
    xid: u64,
}

impl Held {
    fn of(entry: &Entry) -> Held {
        let (place, xid) = (entry.place, entry.xid);
        Held { place, xid }
    }

    pub fn id(&self) -> u64 {
        self.place.id
    }

    /// The place just before it.
    fn before(&self) -> Place {
        let id = self.place.id.saturating_sub(1);
        Place { id, ..self.place }
    }
}

pub struct Valve {
    inline: bool,
    throttle: Throttle<Held>,
    /// Up to here events come for the second time, to find those that were held back when the last
    /// process ended.
    again: Option<Place>,
    /// Up to here nothing is held back, as written; None when nothing is of all the sink has got.
    noted: Option<Place>,
    written: i64,
    /// Of what the throttle counts, what the shared counter has.
    counted: u64,
    told: bool,
}

impl Valve {
    /// For a sink that stands at `place`, which is set back to where something may have been held.
    pub fn open(sink: i32, place: &mut Place) -> Valve {
        let noted = Progress::find_note(sink).filter(|noted| noted < place);
        Valve {
            inline: sink == INLINE,
            throttle: Throttle::new(ROWS),
            again: noted.map(|noted| std::mem::replace(place, noted)),
            noted,
            written: 0,
            counted: 0,
            told: false,
        }
    }

    /// Takes out of `chosen` what comes for the second time, and gives up to where everything does. The last
    /// event of a row may have been held back: better twice than never. When it is due follows from when it
    /// was made, so that one process after another does not put it off.
    pub fn recall(&mut self, batch: &Batch, chosen: &mut Vec<usize>) -> Option<Place> {
        let again = self.again?;
        chosen.retain(|&n| {
            let entry = &batch.entries[n];
            if entry.place > again {
                return true;
            }
            let (held, subject) = (
                Held::of(entry),
                Subject::of(batch.text(entry), entry.throttle > 0),
            );
            match subject {
                Subject::Row(row) if entry.throttle > 0 => {
                    let window = i64::from(entry.throttle) * 1_000;
                    // The clock may have been set back since.
                    let made = until(entry.at).min(now());
                    self.throttle
                        .recall(&row, window, made.saturating_add(window), held);
                }
                subject => self.throttle.pass_subject(&subject, held),
            }
            false
        });
        // What a second reading takes the place of was counted by the first.
        self.counted = self.throttle.suppressed;
        Some(again)
    }

    /// Takes out of `chosen` what is held back.
    pub fn sift(&mut self, batch: &Batch, chosen: &mut Vec<usize>, now: i64) {
        let throttled = |n: &usize| batch.entries[*n].throttle > 0;
        if self.throttle.is_empty() && !chosen.iter().any(throttled) {
            return;
        }
        if self.inline {
            for entry in batch.entries.iter().filter(|entry| entry.notified) {
                let subject = Subject::of(batch.text(entry), false);
                self.throttle.pass_subject(&subject, Held::of(entry));
            }
        }
        chosen.retain(|&n| {
            let entry = &batch.entries[n];
            if entry.throttle == 0 {
                if self.throttle.next_due().is_some() {
                    let subject = Subject::of(batch.text(entry), false);
                    self.throttle.pass_subject(&subject, Held::of(entry));
                }
                return true;
            }
            let Subject::Row(row) = Subject::of(batch.text(entry), true) else {
                return true;
            };
            let window = i64::from(entry.throttle) * 1_000;
            self.throttle.update(&row, window, now, Held::of(entry)) == Verdict::Send
        });
        self.throttle.sweep(now);
        self.count();
    }

    /// What is due, the longest waiting first.
    pub fn due(&self, now: i64, max: usize) -> Vec<Due<Held>> {
        self.throttle.due(now, max)
    }

    /// When the next is due.
    pub fn next_due(&self) -> Option<i64> {
        self.throttle.next_due()
    }

    /// Reads what is due into a batch, in the order of ids, at the position of `place`.
    pub fn read(&self, due: &[Due<Held>], place: Place, batch: &mut Batch) {
        batch.clear();
        let mut pairs: Vec<Pair> = due
            .iter()
            .map(|due| Pair::anywhere(due.event.place.id as i64, due.event.xid))
            .collect();
        pairs.sort_unstable_by_key(|pair| (pair.xid(), pair.id));
        let near = |a: &Pair, b: &Pair| a.xid() != b.xid() || b.id - a.id <= GAP;
        let mut found = Vec::with_capacity(pairs.len());
        for pairs in pairs.chunk_by(near) {
            history::fetch(pairs, Wanted::default(), |event| {
                if pairs.contains(&Pair::anywhere(event.id, event.xid)) {
                    found.push(event.id as u64);
                    let id = event.id as u64;
                    batch.push(event, Place { id, ..place });
                }
            });
        }
        batch.entries.sort_unstable_by_key(|entry| entry.place);
        // realtime_sync.max_log_size may have let it go meanwhile.
        shared::count(Counter::Lost, (pairs.len() - found.len()) as u64);
    }

    /// These have been sent.
    pub fn sent(&mut self, due: &[Due<Held>], now: i64) {
        self.throttle.sent(due, now);
    }

    /// Notes up to where nothing is held back, for the process that comes after this one, in the same
    /// transaction as what has been sent. The sink has got everything up to `place`.
    pub fn save(&mut self, sink: i32, place: Place) {
        if self.again.is_some_and(|again| place < again) {
            return;
        }
        self.again = None;
        if self.noted.is_some()
            && self.throttle.next_due().is_some()
            && now() - self.written < NOTED
        {
            return;
        }
        // What is after `place` comes again anyway, to a sink that failed.
        let oldest = self.throttle.oldest().filter(|held| held.place <= place);
        let note = oldest.map(|held| held.before());
        if self.noted != note {
            self.written = now();
            Progress::note(sink, note.unwrap_or(place), note.is_some());
        }
        self.noted = note;
    }

    fn count(&mut self) {
        let suppressed = self.throttle.suppressed - self.counted;
        self.counted += suppressed;
        shared::count(Counter::Suppressed, suppressed);
        if self.throttle.let_through > 0 && !self.told {
            self.told = true;
            log!(
                "realtime_sync throttles {ROWS} rows of a sink at once; updates of others are sent as they come"
            );
        }
    }
}
