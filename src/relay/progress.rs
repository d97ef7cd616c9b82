//! How far a sink has come: rows that are only ever added, so that no row becomes a hot spot.

use super::clock::wall;
use super::{ring, statement};
use crate::log::layout::{self, SEGMENTS};
use crate::log::octets::Octets;
use crate::log::shared;
use crate::log::statement::Statement;
use pgrx::pg_sys::{self, Datum, Oid};
use std::ffi::CStr;
use wire::cursor::Place;

/// Of a sink that wanted none of the events, this is written so rarely, in microseconds: starting over from
/// there costs reading them again, sends nothing twice. It is written in the end, or retention would wait
/// for a sink that has long got everything.
const QUIET: i64 = 10_000_000;

static NEWEST: Statement<1> = Statement::new(
    c"select p.timeline, p.position, p.id, p.retries, p.at, p.sent, p.refused
    from realtime_sync.progress p
    where p.sink operator(pg_catalog.=) $1
    order by p.sink desc, p.timeline desc, p.position desc, p.id desc, p.retries desc",
    [pg_sys::INT4OID],
);

const COLUMNS: [(&CStr, Oid); 10] = [
    (c"sink", pg_sys::INT4OID),
    (c"timeline", pg_sys::INT4OID),
    (c"position", pg_sys::INT8OID),
    (c"id", pg_sys::INT8OID),
    (c"retries", pg_sys::INT4OID),
    (c"at", pg_sys::TIMESTAMPTZOID),
    (c"sent", pg_sys::INT8OID),
    (c"refused", pg_sys::INT8OID),
    (c"segment", pg_sys::INT2OID),
    (c"error", pg_sys::TEXTOID),
];

const INSERT: &str =
    "insert into realtime_sync.progress (sink, timeline, position, id, retries, sent, refused, error)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

#[derive(Clone, Debug)]
pub struct Progress {
    pub place: Place,
    /// How often the next batch has failed since.
    pub retries: i32,
    /// Events the sink has been given since it was added; told with the next row.
    pub sent: u64,
    /// Of these, the ones it got the reference of instead: see [`super::refusal`].
    pub refused: u64,
    /// The place of the newest row, and when it was added.
    told: Place,
    written: i64,
}

impl Progress {
    /// The newest row of a sink, or the place it starts at.
    pub fn load(sink: i32, start: Place) -> Progress {
        match Progress::find(sink) {
            Some(progress) => progress,
            None => {
                let mut progress = Progress::at(start);
                progress.write(sink, None);
                progress
            }
        }
    }

    pub fn at(place: Place) -> Progress {
        Progress {
            place,
            retries: 0,
            sent: 0,
            refused: 0,
            told: place,
            written: 0,
        }
    }

    /// The newest row of a sink, if it has one.
    pub fn find(sink: i32) -> Option<Progress> {
        let mut found = None;
        NEWEST.run([Datum::from(sink)], |row| {
            let place = Place {
                timeline: row.long(0) as u32,
                position: row.long(1) as u64,
                id: row.long(2) as u64,
            };
            found = Some(Progress {
                place,
                retries: row.long(3) as i32,
                sent: row.long(5) as u64,
                refused: row.long(6) as u64,
                told: place,
                written: row.long(4),
            });
            false
        });
        found
    }

    /// Notes that of what a sink has got nothing is held back up to `place`, and whether anything is after it. As
    /// progress of the number with a minus: of two notes of one place that of `held` is the newer, since its
    /// event came later.
    pub fn note(sink: i32, place: Place, held: bool) {
        let mut note = Progress::at(place);
        note.retries = i32::from(held);
        note.sent = u64::from(!held);
        note.write(-sink, None);
    }

    /// Where what a sink holds back begins, if anything is. A note without either mark is of before there were any.
    pub fn find_note(sink: i32) -> Option<Place> {
        let note = Progress::find(-sink)?;
        (note.sent == 0).then_some(note.place)
    }

    /// Everything up to `place` has been sent, or was not wanted.
    pub fn advance(&mut self, sink: i32, place: Place, sent: bool) {
        self.place = place;
        let failed = std::mem::take(&mut self.retries) > 0;
        if sent || failed {
            self.write(sink, None);
        }
    }

    /// Writes down what advance() has not.
    pub fn settle(&mut self, sink: i32) {
        // Written later than now: before the clock was set back.
        let lately = (0..=QUIET).contains(&(wall() - self.written));
        if self.place != self.told && !lately {
            self.write(sink, None);
        }
    }

    pub fn fail(&mut self, sink: i32, error: &str) {
        self.retries = self.retries.saturating_add(1);
        self.write(sink, Some(error));
    }

    fn write(&mut self, sink: i32, error: Option<&str>) {
        self.told = self.place;
        self.written = wall();
        let Place {
            timeline,
            position,
            id,
        } = self.place;
        let (timeline, position, id) = (timeline as i32, position as i64, id as i64);
        let (retries, sent, refused) = (self.retries, self.sent as i64, self.refused as i64);
        let segment = shared::segment() as usize % SEGMENTS;
        let row = [
            Some(sink.into()),
            Some(timeline.into()),
            Some(position.into()),
            Some(id.into()),
            Some(retries.into()),
            Some(self.written.into()),
            Some(sent.into()),
            Some(refused.into()),
            Some((segment as i16).into()),
            error.map(|error| Octets::new(error.as_bytes()).datum()),
        ];
        let ring = layout::find().map_or(Oid::INVALID, |layout| layout.progress[segment]);
        if !ring::add(ring, &COLUMNS, row) {
            statement::run(
                INSERT,
                &[
                    sink.into(),
                    timeline.into(),
                    position.into(),
                    id.into(),
                    retries.into(),
                    sent.into(),
                    refused.into(),
                    error.into(),
                ],
            );
        }
    }
}
