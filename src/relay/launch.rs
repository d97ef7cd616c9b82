//! Starting relays: one a database, by the first change there, or at boot where the library is preloaded.

use super::database;
use crate::log::server;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::prelude::*;
use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// Seconds to a restart after a crash or an error.
const RESTART: c_int = 1;

/// Registers the worker of this database; whether PostgreSQL had a process left for it.
pub fn launch() -> bool {
    // SAFETY: plain globals, and a catalog lookup inside a transaction.
    unsafe {
        if !pg_sys::IsUnderPostmaster || pg_sys::IsBinaryUpgrade || pg_sys::RecoveryInProgress() {
            return true;
        }
        let name = pg_sys::get_database_name(pg_sys::MyDatabaseId);
        if name.is_null() {
            return true;
        }
        let argument = Datum::from(pg_sys::MyDatabaseId);
        register(argument, CStr::from_ptr(name))
    }
}

/// In a relay's argument, beside its database: nobody has changed anything yet.
const AT_BOOT: usize = 1 << 32;

pub fn database_of(argument: Datum) -> Oid {
    Oid::from(argument.value() as u32)
}

pub fn is_at_boot(argument: Datum) -> bool {
    argument.value() & AT_BOOT != 0
}

fn describe(name: &str, function: &CStr, argument: Datum) -> pg_sys::BackgroundWorker {
    let mut worker = pg_sys::BackgroundWorker {
        bgw_flags: (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION)
            as c_int,
        bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished,
        bgw_restart_time: RESTART,
        bgw_main_arg: argument,
        ..Default::default()
    };
    write(&mut worker.bgw_name, name.as_bytes());
    write(&mut worker.bgw_type, b"realtime_sync relay");
    write(&mut worker.bgw_library_name, b"realtime_sync");
    write(&mut worker.bgw_function_name, function.to_bytes());
    worker
}

fn write(place: &mut [c_char], text: &[u8]) {
    // The rest is zero already, and the last octet stays so.
    let room = place.len() - 1;
    for (place, octet) in place[..room].iter_mut().zip(text) {
        *place = *octet as c_char;
    }
}

fn register(argument: Datum, name: &CStr) -> bool {
    let name = format!("realtime_sync relay of {}", name.to_string_lossy());
    let mut worker = describe(&name, c"realtime_sync_relay", argument);
    // SAFETY: PostgreSQL copies the description; without a handle nobody waits for the worker.
    unsafe { pg_sys::RegisterDynamicBackgroundWorker(&mut worker, std::ptr::null_mut()) }
}

/// With shared_preload_libraries, a worker of its own starts those of the databases at boot, and on a
/// standby at its promotion.
pub fn init() {
    // SAFETY: plain globals; called while the postmaster loads its libraries.
    unsafe {
        if pg_sys::process_shared_preload_libraries_in_progress && !pg_sys::IsBinaryUpgrade {
            let mut starter = describe(
                "realtime_sync starter",
                c"realtime_sync_start",
                Datum::null(),
            );
            pg_sys::RegisterBackgroundWorker(&mut starter);
        }
    }
}

unsafe extern "C" {
    fn _exit(status: c_int) -> !;
}

#[cfg(not(feature = "pg18"))]
use pg_sys::pqsignal;
#[cfg(feature = "pg18")]
use pg_sys::pqsignal_be as pqsignal;

static CONNECTED: AtomicBool = AtomicBool::new(false);

/// A worker whose database is gone fails to connect, and the postmaster would start it again every
/// second for ever; only one that ends with status 0 is forgotten.
unsafe extern "C-unwind" fn forget_if_unconnected(_code: c_int, _arg: Datum) {
    if !CONNECTED.load(Relaxed) {
        // SAFETY: the last of PostgreSQL's exit callbacks, since it was registered first.
        unsafe { _exit(0) }
    }
}

pub fn connect(database: Oid) {
    // SAFETY: the usual start of a background worker. die() lets a statement in progress be ended at
    // once, so that a shutdown does not wait for a batch.
    unsafe {
        pg_sys::on_proc_exit(Some(forget_if_unconnected), Datum::null());
        pqsignal(pg_sys::SIGTERM as c_int, Some(server::die));
        pqsignal(
            pg_sys::SIGHUP as c_int,
            Some(server::SignalHandlerForConfigReload),
        );
        pg_sys::BackgroundWorkerUnblockSignals();
        pg_sys::BackgroundWorkerInitializeConnectionByOid(database, Oid::INVALID, 0);
    }
    CONNECTED.store(true, Relaxed);
}

/// # Safety
/// Called by PostgreSQL as the main function of a background worker.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn realtime_sync_start(_argument: Datum) {
    connect(Oid::INVALID);
    for (database, name) in database::all() {
        let argument = Datum::from(AT_BOOT | database.to_u32() as usize);
        if !register(argument, &name) {
            log!("realtime_sync could not start a relay: no worker process is left");
            break;
        }
    }
    // SAFETY: ends the process; status 0 means that it is not to be started again.
    unsafe { pg_sys::proc_exit(0) };
}
