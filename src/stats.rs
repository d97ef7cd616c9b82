//! What the shared counters show in SQL.

use crate::log::shared;
use pgrx::prelude::*;

/// The counters of the current database: name and value.
#[pg_extern(sql = false)]
fn counters() -> TableIterator<'static, (name!(name, &'static str), name!(value, i64))> {
    TableIterator::new(
        shared::Counter::ALL
            .iter()
            .map(|&counter| (counter.name(), shared::read(counter))),
    )
}
