//! The relay's own writes: statements planned once a process.

use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiTupleTable};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

thread_local! {
    static PLANS: RefCell<HashMap<&'static str, Rc<OwnedPreparedStatement>>> = RefCell::new(HashMap::new());
}

/// Runs a statement that returns nothing; a failure is raised by PostgreSQL itself.
pub fn run(sql: &'static str, arguments: &[DatumWithOid]) {
    planned(sql, arguments, |_| ());
}

/// The two bigints that a statement returns, 0 for none.
pub fn pair(sql: &'static str, arguments: &[DatumWithOid]) -> (i64, i64) {
    planned(sql, arguments, |rows| {
        let (one, other) = rows.first().get_two::<i64, i64>().unwrap_or_default();
        (one.unwrap_or(0), other.unwrap_or(0))
    })
}

fn planned<T>(
    sql: &'static str,
    arguments: &[DatumWithOid],
    read: impl FnOnce(SpiTupleTable) -> T,
) -> T {
    Spi::connect_mut(|client| {
        let known = PLANS.with_borrow(|plans| plans.get(sql).cloned());
        let plan = known.unwrap_or_else(|| {
            let types: Vec<PgOid> = arguments.iter().map(|value| value.oid().into()).collect();
            let plan = client
                .prepare_mut(sql, &types)
                .expect("a constant statement")
                .keep();
            let plan = Rc::new(plan);
            PLANS.with_borrow_mut(|plans| plans.insert(sql, plan.clone()));
            plan
        });
        read(
            client
                .update(&*plan, None, arguments)
                .expect("a statement that fails raises"),
        )
    })
}
