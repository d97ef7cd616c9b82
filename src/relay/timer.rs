//! Functions of kits that are called when what they look after is due.

use super::clock::{now, until};
use super::dialect::{kept, value};
use super::owner;
use super::statement;
use crate::log::octets::Octets;
use crate::log::statement::Statement;
use crate::log::subtransaction;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

/// After events every timer is asked again, this many microseconds apart: what became due by them is in
/// no answer given before.
const APART: i64 = 500_000;
/// One that is always due at once may not keep the relay from its work: so many microseconds from call to call, and
/// from the end of one to the next while there is more to send.
const PAUSE: i64 = 20_000;
/// How long a call may take: few timers are there, and one may have much to do.
const LONGEST: Duration = Duration::from_secs(5);
/// A failing one is called again after a tenth of a second, then twice as long each time.
const FIRST_WAIT: i64 = 100_000;
const LONGEST_WAIT: i64 = 60_000_000;
/// The relay does not stay for what is due later.
const AHEAD: i64 = 3_600_000_000;

static ALL: Statement<0> = Statement::new(
    c"select t.name, t.function, t.owner::pg_catalog.oid, t.error is not null
    from realtime_sync.timer t
    join pg_catalog.pg_proc p on p.oid operator(pg_catalog.=) pg_catalog.to_regprocedure(t.function)::pg_catalog.oid
    join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) t.owner::pg_catalog.oid",
    [],
);

const FAILED: &str = "update realtime_sync.timer set error = $3,
    failing_since = coalesce(failing_since, pg_catalog.clock_timestamp())
    where owner::pg_catalog.oid = $1 and name = $2";
const MENDED: &str = "update realtime_sync.timer set error = null, failing_since = null
    where owner::pg_catalog.oid = $1 and name = $2";

/// Whose it is, and its name: two roles may use the same.
type Key = (Oid, String);

struct Timer {
    key: Key,
    /// schema.function(), quoted.
    function: Vec<u8>,
    /// Its last call, by whichever process, failed.
    failing: bool,
}

/// When a timer wants to be called, and how often it has failed since it worked.
#[derive(Clone, Copy, Default)]
struct State {
    due: i64,
    failures: u32,
}

/// What one process knows of the timers.
#[derive(Default)]
pub struct Timers {
    states: HashMap<Key, State>,
    asked: i64,
    /// When the last turn ended.
    ended: i64,
    /// Events came since they were asked.
    stale: bool,
}

impl Timers {
    /// When something is to be done, or None. `worked` tells that events came, `behind` that more wait to be sent.
    pub fn due(&mut self, worked: bool, behind: bool) -> Option<i64> {
        self.stale |= worked || self.asked == 0;
        let stale = self.stale.then_some(self.asked + APART);
        let first = self.states.values().map(|state| state.due).min();
        let first = first.filter(|due| *due < now().saturating_add(AHEAD));
        let due = [stale, first].into_iter().flatten().min();
        due.map(|due| due.max(if behind { self.ended + PAUSE } else { due }))
    }

    /// Calls those that are due, each in a subtransaction; in the caller's transaction, with a snapshot.
    pub fn turn(&mut self) {
        let time = now();
        let all = self.stale && self.asked + APART <= time;
        if all {
            self.asked = time;
            self.stale = false;
        }
        let known = std::mem::take(&mut self.states);
        for timer in load() {
            let mut state = known.get(&timer.key).copied().unwrap_or_default();
            if state.due <= time || (all && state.failures == 0) {
                state = timer.call(state);
            }
            self.states.insert(timer.key, state);
        }
        self.ended = now();
    }
}

fn load() -> Vec<Timer> {
    let mut timers = Vec::new();
    ALL.run([], |row| {
        let text = |n| {
            // SAFETY: both columns are text, never null.
            row.get(n)
                .map(|datum| unsafe { Octets::from_datum(datum) }.bytes().to_vec())
                .unwrap_or_default()
        };
        timers.push(Timer {
            key: (
                Oid::from(row.long(2) as u32),
                String::from_utf8_lossy(&text(0)).into_owned(),
            ),
            function: text(1),
            failing: row.long(3) != 0,
        });
        true
    });
    timers
}

impl Timer {
    fn call(&self, before: State) -> State {
        let began = now();
        let (owner, name) = (self.key.0, self.key.1.as_str());
        let mut next = None;
        let done = subtransaction::attempt(|| {
            owner::run(owner, LONGEST, |step| {
                step.begin(None);
                next = self.ask();
                step.end();
            });
        });
        match done {
            Ok(()) => {
                if self.failing {
                    statement::run(MENDED, &[owner.into(), name.into()]);
                }
                let due = next.map_or(i64::MAX, |next| until(next).max(began + PAUSE));
                State { due, failures: 0 }
            }
            Err(error) => {
                let doublings = before.failures.min(10);
                if before.failures == 0 {
                    log!("realtime_sync timer \"{name}\" failed: {error}");
                }
                statement::run(FAILED, &[owner.into(), name.into(), error.message.into()]);
                State {
                    due: now() + (FIRST_WAIT << doublings).min(LONGEST_WAIT),
                    failures: before.failures.saturating_add(1),
                }
            }
        }
    }

    fn ask(&self) -> Option<i64> {
        // The function may have been made anew, to give something else.
        let sql = [b"select ", &self.function[..], b"::pg_catalog.timestamptz"].concat();
        // SAFETY: no parameters; a timestamptz is passed by value.
        unsafe { value(kept(sql, &[]), &mut [], |next| next.value() as i64) }
    }
}
