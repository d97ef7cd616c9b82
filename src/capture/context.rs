use pgrx::prelude::*;

#[pg_extern(sql = false)]
fn message_context() -> pgrx::Json {
    pgrx::Json(serde_json::Value::Null)
}

#[pg_extern(sql = false)]
fn flush() -> i64 {
    0
}
