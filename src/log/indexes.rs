//! A table's indexes, for rows that are added without the executor.

use pgrx::pg_sys;

/// What it allocates is in the memory context it is opened in; an error frees that with the transaction.
pub struct Indexes {
    relation: *mut pg_sys::ResultRelInfo,
    executor: *mut pg_sys::EState,
}

impl Indexes {
    /// # Safety
    /// The table is open and locked for writing, and stays so until [`Indexes::close`].
    pub unsafe fn open(table: pg_sys::Relation) -> Indexes {
        // SAFETY: the usual sequence of COPY (copyfrom.c) for a table whose indexes are maintained and
        // whose triggers are not fired.
        unsafe {
            let executor = pg_sys::CreateExecutorState();
            let relation =
                pg_sys::palloc0(size_of::<pg_sys::ResultRelInfo>()).cast::<pg_sys::ResultRelInfo>();
            (*relation).type_ = pg_sys::NodeTag::T_ResultRelInfo;
            pg_sys::InitResultRelInfo(relation, table, 0, std::ptr::null_mut(), 0);
            pg_sys::ExecOpenIndices(relation, false);
            Indexes { relation, executor }
        }
    }

    /// The one of this oid.
    pub fn find(&self, index: pg_sys::Oid) -> Option<pg_sys::Relation> {
        // SAFETY: open, as many as it says.
        unsafe {
            (0..(*self.relation).ri_NumIndices as usize)
                .map(|n| *(*self.relation).ri_IndexRelationDescs.add(n))
                .find(|index_relation| (**index_relation).rd_id == index)
        }
    }

    /// Adds the entries of a row that has just been added to the table.
    ///
    /// # Safety
    /// The slot has the row and where it is stored.
    pub unsafe fn add(&self, slot: *mut pg_sys::TupleTableSlot) {
        // SAFETY: the caller's promise; from PostgreSQL 16 on a flag tells BRIN-only updates.
        unsafe {
            let nothing = std::ptr::null_mut();
            #[cfg(feature = "pg15")]
            pg_sys::ExecInsertIndexTuples(
                self.relation,
                slot,
                self.executor,
                false,
                false,
                nothing,
                nothing.cast(),
            );
            #[cfg(not(feature = "pg15"))]
            pg_sys::ExecInsertIndexTuples(
                self.relation,
                slot,
                self.executor,
                false,
                false,
                nothing,
                nothing.cast(),
                false,
            );
            let context = pg_sys::MakePerTupleExprContext(self.executor);
            pg_sys::MemoryContextReset((*context).ecxt_per_tuple_memory);
        }
    }

    pub fn close(self) {
        // SAFETY: the reverse of open().
        unsafe {
            pg_sys::ExecCloseIndices(self.relation);
            pg_sys::FreeExecutorState(self.executor);
        }
    }
}
