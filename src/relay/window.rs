//! What a sink has still to get of a tick too big to be read at once.

use super::batch::Batch;
use crate::log::history::{self, Pair, Tick, Wanted};
use crate::settings;
use std::collections::VecDeque;
use wire::cursor::Place;
use wire::snapshot::Snapshot;

/// Events of a batch. A tick that has more is delivered in several transactions.
const BATCH: usize = 500;
/// Bytes of a large tick's batch, about.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Ids of a large tick that are sorted at once: 16 bytes each.
const WINDOW: usize = 500_000;

/// Ids of the large tick that a sink is in, sorted, not yet sent.
#[derive(Default)]
pub struct Window {
    position: u64,
    pairs: VecDeque<Pair>,
    /// There are no ids beyond `pairs`.
    complete: bool,
}

impl Window {
    pub fn fill(&mut self, base: &Snapshot, tick: &Tick, after: i64) {
        if self.position != tick.position || (self.pairs.is_empty() && !self.complete) {
            let pairs = history::pairs(base, tick, after, WINDOW, Wanted::default());
            self.position = tick.position;
            self.complete = pairs.len() < WINDOW;
            self.pairs = pairs.into();
        }
    }

    /// The window's next batch; the place its last event is at.
    pub fn read(&mut self, tick: &Tick, batch: &mut Batch) -> Place {
        let pairs = self.pairs.make_contiguous();
        // Half of the events at once, 16 MB at most: to begin reading costs as much as some ten events.
        let chunk = batch_limit() / 2;
        let mut read = 0;
        while read < pairs.len().min(batch_limit()) && batch.size() < BATCH_BYTES {
            let chunk = &pairs[read..pairs.len().min(read + chunk)];
            history::fetch(chunk, Wanted::default(), |event| {
                batch.push(event, tick.place_of(event.id as u64));
            });
            read += chunk.len();
        }
        match pairs.get(read.wrapping_sub(1)) {
            Some(pair) if read < pairs.len() || !self.complete => tick.place_of(pair.id as u64),
            _ => tick.place_of(Place::END),
        }
    }

    /// Forgets what has been sent.
    pub fn pass(&mut self, place: Place) {
        while self
            .pairs
            .front()
            .is_some_and(|pair| pair.id as u64 <= place.id)
        {
            self.pairs.pop_front();
        }
    }
}

/// Fewer where events may be huge, so that a batch stays within 32 MB; four where each may have 16 MB, with which
/// the relay grew by 160 MB.
pub fn batch_limit() -> usize {
    (32 * 1024 * 1024 / settings::max_event_size()).clamp(4, BATCH)
}
