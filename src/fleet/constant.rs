//! What an app's small table says, as a constant of plans: looked up when a statement is planned, which is done
//! again once the table has changed. Read by each call, the words of an active trip were 40 us of a dashboard's 460.

use crate::log::server;
use pgrx::PgList;
use pgrx::pg_sys::{self, Datum, FunctionCallInfo};
use pgrx::prelude::*;

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_realtime_sync_fleet_newest() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// The text[] that a query gives, `(query, its one parameter, a text[])`, by the newest snapshot: a plan made by
/// an older one, taken before the table changed, would be kept after it.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn realtime_sync_fleet_newest(fcinfo: FunctionCallInfo) -> Datum {
    // SAFETY: declared in SQL as strict, with (text, text[]).
    let (query, parameter) = unsafe {
        (
            pg_sys::text_to_cstring((*(*fcinfo).args.as_ptr()).value.cast_mut_ptr()),
            (*(*fcinfo).args.as_ptr().add(1)).value,
        )
    };
    Spi::connect(|_| {
        // SAFETY: SPI is connected; one parameter of the type said, which outlives the call. The snapshot is
        // popped, by an error with the transaction or savepoint; SPI takes the active one for what only reads.
        unsafe {
            pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
            let code = pg_sys::SPI_execute_with_args(
                query,
                1,
                [pg_sys::TEXTARRAYOID].as_mut_ptr(),
                [parameter].as_mut_ptr(),
                std::ptr::null(),
                true,
                1,
            );
            pg_sys::PopActiveSnapshot();
            assert_eq!(code, pg_sys::SPI_OK_SELECT as i32, "a query of the kit's");
            let rows = pg_sys::SPI_tuptable;
            let mut null = false;
            let found = pg_sys::SPI_getbinval(*(*rows).vals, (*rows).tupdesc, 1, &mut null);
            pg_sys::SPI_datumTransfer(found, false, -1)
        }
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_realtime_sync_fleet_replan() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// A trigger of the table that constants come from: when its transaction commits, whatever was planned with the
/// table's name in it is planned anew, in all sessions.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn realtime_sync_fleet_replan(fcinfo: FunctionCallInfo) -> Datum {
    // SAFETY: the node's tag says whether the context is a trigger's, whose table is open and locked, and with it
    // those that it is a partition of.
    unsafe {
        let node = (*fcinfo).context;
        if !node.is_null() && (*node).type_ == pg_sys::NodeTag::T_TriggerData {
            let table = (*node.cast::<pg_sys::TriggerData>()).tg_relation;
            pg_sys::CacheInvalidateRelcache(table);
            if (*(*table).rd_rel).relispartition {
                let ancestors = server::get_partition_ancestors((*table).rd_id);
                for ancestor in PgList::<pg_sys::Oid>::from_pg(ancestors).iter_oid() {
                    pg_sys::CacheInvalidateRelcacheByRelid(ancestor);
                }
            }
        }
    }
    Datum::null()
}
