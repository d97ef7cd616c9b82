//! The background worker: one a database, started by the first change there, or at boot where the
//! library is preloaded.

use super::clock::{now, wall};
use super::database;
use super::deliver::Relay;
use super::held;
use super::launch::{connect, database_of, is_at_boot, launch};
use super::pace::Pace;
use super::timer::Timers;
use super::transaction;
use crate::log::statement::Statement;
use crate::log::{layout, shared, subtransaction};
use crate::settings;
use pgrx::pg_sys::{self, Datum};
use pgrx::prelude::*;
use std::ffi::{CStr, c_int};
use std::sync::atomic::Ordering::SeqCst;

/// COMMIT PREPARED in a backend without the library wakes nobody, so the relay looks by itself.
const POLL: i64 = 1_000;
/// After this long with nothing to do the worker leaves, so that CREATE and DROP DATABASE are not
/// blocked for longer.
const IDLE: i64 = 30_000_000;
/// How often a relay looks whether it is in the way of DROP or CREATE DATABASE, which wait for five
/// seconds, in microseconds.
const LOOK: i64 = 500_000;
/// How often retain() is called, in microseconds. The first time soon, since a worker that is started by an
/// event an hour never lives for a minute.
const RETAIN: i64 = 60_000_000;
const FIRST_RETAIN: i64 = 5_000_000;

static PREPARED: Statement<0> = Statement::new(
    c"select from pg_catalog.pg_prepared_xacts p
    where p.database operator(pg_catalog.=) pg_catalog.current_database()",
    [],
);

/// What a cycle of the relay leaves to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// More waits already.
    AtOnce,
    /// Nothing for so many microseconds, whoever wakes us.
    Linger(i64),
    /// Nothing, until somebody wakes us, or until a time at which something is due.
    Rest(Option<i64>),
    /// The extension is not here.
    Leave,
}

/// The next commit finds no relay, and may start one at once.
unsafe extern "C-unwind" fn give_up(_code: c_int, latch: Datum) {
    let relay = shared::relay();
    let latch = latch.value() as u64;
    if relay
        .latch
        .compare_exchange(latch, 0, SeqCst, SeqCst)
        .is_ok()
    {
        relay.launched.store(0, SeqCst);
    }
}

/// # Safety
/// Called by PostgreSQL as the main function of a background worker.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn realtime_sync_relay(argument: Datum) {
    connect(database_of(argument));
    // Who starts one by a change may say so for his session alone.
    if is_at_boot(argument) && !settings::has_worker() {
        return;
    }
    if !shared::is_own() {
        log!(
            "realtime_sync has no shared memory left for this database; set realtime_sync.delivery = manual"
        );
        return;
    }
    if !claim() {
        return;
    }
    // SAFETY: the callback only touches shared memory, which is still there at that time.
    unsafe { pg_sys::before_shmem_exit(Some(give_up), Datum::from(pg_sys::MyLatch)) };
    // A tick that a crash undoes is made again; what it sends is durable before.
    for (name, value) in [
        // A database's settings are a worker's too.
        (c"role", c"none"),
        (c"synchronous_commit", c"off"),
        (c"search_path", c"pg_catalog, pg_temp"),
        (c"jit", c"off"),
        (c"idle_in_transaction_session_timeout", c"0"),
        (c"statement_timeout", c"0"),
        (c"lock_timeout", c"0"),
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        (c"transaction_timeout", c"0"),
        (c"default_transaction_isolation", c"read committed"),
        (c"default_transaction_read_only", c"off"),
        (c"row_security", c"off"),
    ] {
        // SAFETY: both are C strings; the settings exist in every supported version.
        unsafe {
            pg_sys::SetConfigOption(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_OVERRIDE,
            );
        }
    }
    let mut relay = Relay::new();
    relay.pace = Some(Pace::new());
    let mut timers = Timers::default();
    let mut busy = now();
    let mut retain_at = busy + FIRST_RETAIN;
    let mut looked = busy;
    loop {
        // SAFETY: our own latch; interrupts are looked at before anything is held.
        unsafe {
            pg_sys::ResetLatch(pg_sys::MyLatch);
            pgrx::check_for_interrupts!();
            if pg_sys::ConfigReloadPending != 0 {
                pg_sys::ConfigReloadPending = 0;
                let had_worker = settings::has_worker();
                pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
                if had_worker && !settings::has_worker() {
                    return;
                }
            }
        }
        let next = cycle(&mut relay);
        let now = now();
        if now >= retain_at && next != Next::Leave {
            retain();
            retain_at = now + RETAIN;
        }
        // Under a light load every turn ends at rest.
        if relay.worked {
            busy = now;
        }
        if relay.held.is_some_and(|due| due <= now) && next != Next::Leave {
            relay.held = move_held();
        }
        let timer = timers.due(relay.worked, next == Next::AtOnce);
        if timer.is_some_and(|due| due <= now) && next != Next::Leave {
            show(pg_sys::BackendState::STATE_RUNNING, c"calling timers");
            transaction::with_snapshot(|| {
                if layout::find().is_some() {
                    timers.turn();
                }
            });
            show(pg_sys::BackendState::STATE_IDLE, c"waiting for commits");
        }
        let due = match next {
            Next::Rest(due) => due
                .into_iter()
                .chain(relay.held)
                .chain(timers.due(false, false))
                .min(),
            _ => Some(now),
        };
        if now - looked > LOOK && next != Next::Leave {
            looked = now;
            if database::is_wanted() {
                make_room(due.is_some());
                return;
            }
        }
        match next {
            Next::AtOnce => {}
            Next::Linger(time) => {
                // SAFETY: sleeps; a shutdown waits these few milliseconds.
                unsafe { pg_sys::pg_usleep(time) };
            }
            Next::Rest(_) => {
                if due.is_none() && now - busy > IDLE && leave() {
                    return;
                }
                let until = due.map_or(POLL, |due| ((due - now + 999) / 1_000).clamp(0, POLL));
                rest(until);
            }
            Next::Leave if is_gone() => {
                if depart() {
                    return;
                }
                rest(POLL);
            }
            Next::Leave => {}
        }
    }
}

fn rest(milliseconds: i64) {
    let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    // SAFETY: our own latch.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            events as c_int,
            milliseconds,
            pg_sys::PG_WAIT_EXTENSION,
        );
    }
}

/// Makes this process the database's relay, unless there is one.
fn claim() -> bool {
    // SAFETY: set before a worker's main function runs.
    let latch = unsafe { pg_sys::MyLatch } as u64;
    shared::relay()
        .latch
        .compare_exchange(0, latch, SeqCst, SeqCst)
        .is_ok()
}

/// Gives the latch up, unless a transaction is about to commit events: nobody would wake a relay for
/// those, since it was there when they looked. Nor would anybody for a prepared one.
fn leave() -> bool {
    !has_prepared() && depart()
}

/// Whether the extension is still not here, looked up after what has waited was forgotten: that went with its log.
/// Another made meanwhile may have events already, whose commits found this relay.
fn is_gone() -> bool {
    let relay = shared::relay();
    relay.pending.store(0, SeqCst);
    let is_here = transaction::run(|| layout::find().is_some());
    if is_here {
        relay.pending.store(1, SeqCst);
    }
    !is_here
}

fn depart() -> bool {
    let relay = shared::relay();
    relay.latch.store(0, SeqCst);
    let wanted = relay.capturing.load(SeqCst) > 0 || relay.pending.load(SeqCst) > 0;
    if wanted && claim() {
        return false;
    }
    relay.launched.store(0, SeqCst);
    true
}

/// Leaves to let the database be dropped or copied. Another relay starts when that is done: by itself if
/// something is due, as it waits for the database's lock; else with the next commit.
fn make_room(due: bool) {
    let relay = shared::relay();
    relay.latch.store(0, SeqCst);
    let wanted = relay.capturing.load(SeqCst) > 0 || relay.pending.load(SeqCst) > 0;
    relay.launched.store(0, SeqCst);
    if (due || wanted || has_prepared()) && !transaction::run(launch) {
        // This one's process may have been the last. Whoever ends a transaction asks again, as for events that wait.
        relay.refused.store(wall(), SeqCst);
        relay.pending.store(1, SeqCst);
    }
}

fn has_prepared() -> bool {
    transaction::with_snapshot(|| {
        let mut found = false;
        PREPARED.run([], |_| {
            found = true;
            false
        });
        found
    })
}

/// What pg_stat_activity says of this process.
fn show(state: pg_sys::BackendState::Type, what: &CStr) {
    // SAFETY: PostgreSQL copies the text.
    unsafe { pg_sys::pgstat_report_activity(state, what.as_ptr()) }
}

/// Lets old events go, in a transaction of its own. What fails is logged and tried again next time.
fn retain() {
    transaction::with_snapshot(|| {
        show(
            pg_sys::BackendState::STATE_RUNNING,
            c"select realtime_sync.retain()",
        );
        if layout::find().is_some() {
            let done = subtransaction::attempt(|| Spi::run("select realtime_sync.retain()"));
            if let Err(error) = done {
                log!("realtime_sync.retain() failed: {error}");
            }
        }
    });
    // SAFETY: outside any transaction.
    unsafe { pg_sys::pgstat_report_stat(false) };
    show(pg_sys::BackendState::STATE_IDLE, c"waiting for commits");
}

/// In a transaction of its own, since a writer may wait for it; gives when to come again.
fn move_held() -> Option<i64> {
    let next = transaction::run(|| {
        show(
            pg_sys::BackendState::STATE_RUNNING,
            c"logging what was held back",
        );
        layout::find().and_then(|layout| held::turn(&layout).1)
    });
    show(pg_sys::BackendState::STATE_IDLE, c"waiting for commits");
    next
}

/// One cycle in a transaction of its own. An error ends the process, which starts anew.
fn cycle(relay: &mut Relay) -> Next {
    let next = transaction::run(|| {
        show(
            pg_sys::BackendState::STATE_RUNNING,
            match relay.is_behind() {
                true => c"sending what sinks have not got yet",
                false => c"sending what was just committed",
            },
        );
        match layout::find() {
            Some(layout) => relay.turn(&layout),
            None => Next::Leave,
        }
    });
    if next == Next::AtOnce {
        return next;
    }
    // SAFETY: outside any transaction.
    unsafe { pg_sys::pgstat_report_stat(false) };
    show(
        pg_sys::BackendState::STATE_IDLE,
        match next {
            Next::Linger(_) if relay.is_behind() => c"resting, while others write",
            Next::Rest(Some(_)) => c"waiting until something held back or failed is due",
            _ => c"waiting for commits",
        },
    );
    next
}
