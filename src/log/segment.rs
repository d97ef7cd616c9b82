use pgrx::prelude::*;

#[pg_extern(sql = false)]
fn current_segment() -> i16 {
    super::shared::segment() as i16
}
