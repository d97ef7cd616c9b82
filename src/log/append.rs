use pgrx::prelude::*;

#[pg_extern(sql = false)]
fn next_event_id() -> i64 {
    1
}
