//! The databases there are, and whether somebody wants ours to himself.

use super::transaction;
use pgrx::pg_sys::{self, Oid};
use std::ffi::{CStr, CString};

/// Databases one can connect to, templates left out.
pub fn all() -> Vec<(Oid, CString)> {
    let mut found = Vec::new();
    // SAFETY: a scan of a shared catalog as the autovacuum launcher's (autovacuum.c).
    transaction::run(|| unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let catalog = pg_sys::table_open(pg_sys::DatabaseRelationId, lock);
        let scan = pg_sys::table_beginscan_catalog(catalog, 0, std::ptr::null_mut());
        loop {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            let header = (*tuple).t_data;
            let row = &*header
                .cast::<u8>()
                .add((*header).t_hoff.into())
                .cast::<pg_sys::FormData_pg_database>();
            if row.datallowconn && !row.datistemplate {
                found.push((
                    row.oid,
                    CStr::from_ptr(row.datname.data.as_ptr()).to_owned(),
                ));
            }
        }
        pg_sys::table_endscan(scan);
        pg_sys::table_close(catalog, lock);
    });
    found
}

/// Whether DROP DATABASE, or CREATE DATABASE from ours as a template, waits for its sessions to end: each
/// holds a lock on it that a new session could not pass.
pub fn is_wanted() -> bool {
    let tag = pg_sys::LOCKTAG {
        locktag_field1: 0,
        locktag_field2: pg_sys::DatabaseRelationId.to_u32(),
        // SAFETY: a plain global.
        locktag_field3: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    let mode = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
    // SAFETY: the end of the transaction releases the lock.
    let taken = transaction::run(|| unsafe { pg_sys::LockAcquire(&tag, mode, false, true) });
    taken == pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}
