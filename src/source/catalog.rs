//! The way to the catalogs and back. Documents travel as UTF-8 in bytea, since Rust's strings are
//! UTF-8 and the database's need not be.

use super::mistake::{Filter, Mistake};
use super::relation::Relation;
use pgrx::PgSqlErrorCode::*;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;
use serde::de::DeserializeOwned;
use std::ffi::CString;

/// The one JSON document a query gives for a relation; None when it gives no row.
pub fn document<T: DeserializeOwned>(query: &str, relation: pg_sys::Oid) -> Option<T> {
    bytes(query, relation).map(|json| {
        serde_json::from_str(&String::from_utf8_lossy(&json))
            .expect("the query and its Rust type are written together")
    })
}

/// As [`document`], not read. By the latest snapshot, as PostgreSQL's own DDL reads the catalogs: the
/// transaction's may be older than what a lock just waited for. (SPI takes the active one for what only
/// reads; pgrx's `select` is none of that once the transaction has written.)
pub fn bytes(query: &str, relation: pg_sys::Oid) -> Option<Vec<u8>> {
    let query = CString::new(query).expect("a query of ours holds no NUL");
    Spi::connect(|_| {
        // SAFETY: SPI is connected; one parameter of the type said, which outlives the call, as the row
        // does the reading. The snapshot is popped, by an error with the transaction or savepoint.
        unsafe {
            pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
            let code = pg_sys::SPI_execute_with_args(
                query.as_ptr(),
                1,
                [pg_sys::OIDOID].as_mut_ptr(),
                [pg_sys::Datum::from(relation)].as_mut_ptr(),
                std::ptr::null(),
                true,
                1,
            );
            pg_sys::PopActiveSnapshot();
            assert_eq!(
                code,
                pg_sys::SPI_OK_SELECT as i32,
                "a query of the catalogs"
            );
            if pg_sys::SPI_processed == 0 {
                return None;
            }
            let rows = pg_sys::SPI_tuptable;
            let mut null = false;
            let json = pg_sys::SPI_getbinval(*(*rows).vals, (*rows).tupdesc, 1, &mut null);
            Vec::<u8>::from_datum(json, null)
        }
    })
}

/// Runs DDL of ours, with the user's filter in it or none. PostgreSQL's errors about a filter keep their
/// SQLSTATE and say whose words they are about. All other names are qualified: where one is not found, it
/// is an event trigger of the app's that looks for it, under our search_path.
pub fn execute(statement: &str, filter: Option<&str>, relation: &Relation) {
    PgTryBuilder::new(|| run(statement))
        .catch_others(|caught| {
            let error = match caught {
                CaughtError::PostgresError(error) => error,
                other => other.rethrow(),
            };
            let code = error.sql_error_code();
            let event_triggers = match code {
                ERRCODE_UNDEFINED_TABLE | ERRCODE_UNDEFINED_FUNCTION | ERRCODE_UNDEFINED_OBJECT => {
                    relation.event_triggers.clone()
                }
                _ => Vec::new(),
            };
            if filter.is_none() && event_triggers.is_empty() {
                CaughtError::PostgresError(error).rethrow();
            }
            Filter::Refused {
                code,
                message: error.message().to_owned(),
                detail: error.detail().map(str::to_owned),
                hint: error.hint().map(str::to_owned),
                filter: filter.map(str::to_owned),
                event_triggers,
            }
            .raise()
        })
        .execute();
}

fn run(statement: &str) {
    let statement = CString::new(statement).expect("text from PostgreSQL holds no NUL");
    let length = statement.count_bytes() as i32;
    Spi::connect_mut(|_| {
        // SAFETY: SPI is connected; the statement is NUL-terminated before and after conversion, and
        // SPI copies what it keeps.
        let code = unsafe {
            let converted = pg_sys::pg_any_to_server(
                statement.as_ptr(),
                length,
                pg_sys::pg_enc::PG_UTF8 as i32,
            );
            pg_sys::SPI_execute(converted, false, 0)
        };
        assert_eq!(code, pg_sys::SPI_OK_UTILITY as i32, "SPI_execute of DDL");
    });
}

/// Whether `is distinct from` on this type means what PostgreSQL itself would say: only where the
/// type's default equality is one of its own operators. An extension's may hide changes (citext) or not
/// be found under the fixed search_path; and one that asks the equality of its parts, of an array, a
/// range or a composite, is the extension's again, or fails once a part without any is added.
pub fn has_own_equality(type_oid: u32) -> bool {
    const FIRST_NORMAL_OBJECT: u32 = 16384;
    // SAFETY: catalog lookups by OID; the entry lives as long as the backend.
    unsafe {
        let base = pg_sys::getBaseType(type_oid.into());
        let has_parts = pg_sys::get_element_type(base) != pg_sys::InvalidOid
            || pg_sys::type_is_rowtype(base)
            || matches!(
                pg_sys::get_typtype(base) as u8,
                pg_sys::TYPTYPE_RANGE | pg_sys::TYPTYPE_MULTIRANGE
            );
        let entry = pg_sys::lookup_type_cache(base, pg_sys::TYPECACHE_EQ_OPR as i32);
        let operator = (*entry).eq_opr;
        !has_parts && operator != pg_sys::InvalidOid && operator.to_u32() < FIRST_NORMAL_OBJECT
    }
}

pub fn lock(relation: u32, mode: u32) {
    // SAFETY: the lock manager takes any oid; it is released at the end of the transaction.
    unsafe { pg_sys::LockRelationOid(relation.into(), mode as i32) };
}

/// Refuses if an UPDATE or DELETE of the table would fail by the publications it is now in.
pub fn check_replica_identity(oid: u32, name: &str) {
    PgTryBuilder::new(|| {
        // SAFETY: the caller holds a lock on the relation, so it opens and stays; an error leaves its
        // reference to the resource owner.
        unsafe {
            let relation = pg_sys::table_open(oid.into(), pg_sys::NoLock as i32);
            pg_sys::CheckCmdReplicaIdentity(relation, pg_sys::CmdType::CMD_UPDATE);
            pg_sys::CheckCmdReplicaIdentity(relation, pg_sys::CmdType::CMD_DELETE);
            pg_sys::table_close(relation, pg_sys::NoLock as i32);
        }
    })
    .catch_others(|caught| match caught {
        CaughtError::PostgresError(error) => Mistake::PublicationWouldFail {
            name: name.to_owned(),
            reason: error.detail().unwrap_or(error.message()).to_owned(),
        }
        .raise(),
        other => other.rethrow(),
    })
    .execute();
}
