//! Virtual generated columns (PostgreSQL 18): not stored, so computed from the row that is. Their
//! expressions may raise, which is why plans that have one encode in a subtransaction.

use super::row::Row;
use pgrx::pg_sys;

pub struct Generated {
    columns: Vec<(usize, *mut pg_sys::ExprState)>,
    context: *mut pg_sys::ExprContext,
}

impl Generated {
    /// # Safety
    /// The relation is open; `memory` lives as long as the result.
    #[cfg(feature = "pg18")]
    pub unsafe fn of(relation: pg_sys::Relation, memory: pg_sys::MemoryContext) -> Generated {
        use crate::log::server;
        // SAFETY: the caller's promise; all that is made here is made in `memory`.
        unsafe {
            let caller = pg_sys::MemoryContextSwitchTo(memory);
            let desc = (*relation).rd_att;
            let columns: Vec<_> = (0..(*desc).natts as usize)
                .filter(|&n| is_virtual(server::attribute(desc, n)))
                .map(|n| {
                    let expression = pg_sys::build_generation_expression(relation, n as i32 + 1);
                    let planned = pg_sys::expression_planner(expression.cast());
                    (n, pg_sys::ExecInitExpr(planned, std::ptr::null_mut()))
                })
                .collect();
            let context = match columns.is_empty() {
                true => std::ptr::null_mut(),
                false => pg_sys::CreateStandaloneExprContext(),
            };
            pg_sys::MemoryContextSwitchTo(caller);
            Generated { columns, context }
        }
    }

    /// # Safety
    /// None: older versions have no such columns.
    #[cfg(not(feature = "pg18"))]
    pub unsafe fn of(_: pg_sys::Relation, _: pg_sys::MemoryContext) -> Generated {
        Generated {
            columns: Vec::new(),
            context: std::ptr::null_mut(),
        }
    }

    /// The row with these columns computed; a copy, for the slot serves later triggers too.
    pub fn fill(&self, row: Row) -> Row {
        if self.columns.is_empty() {
            return row;
        }
        // SAFETY: the slot is the row's own and deformed; the copies live in the trigger's memory.
        unsafe {
            let n = (*(*row.slot).tts_tupleDescriptor).natts as usize;
            let values = pg_sys::palloc(n * size_of::<pg_sys::Datum>()).cast::<pg_sys::Datum>();
            let nulls = pg_sys::palloc(n).cast::<bool>();
            std::ptr::copy_nonoverlapping(row.values, values, n);
            std::ptr::copy_nonoverlapping(row.nulls, nulls, n);
            (*self.context).ecxt_scantuple = row.slot;
            for &(column, expression) in &self.columns {
                let null = &mut *nulls.add(column);
                *values.add(column) = pg_sys::ExecEvalExpr(expression, self.context, null);
            }
            Row {
                values,
                nulls,
                slot: row.slot,
            }
        }
    }
}

pub fn is_virtual(attribute: &pg_sys::FormData_pg_attribute) -> bool {
    !attribute.attisdropped && attribute.attgenerated as u8 == b'v'
}
