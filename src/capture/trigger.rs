use pgrx::pg_sys;

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_capture() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

#[unsafe(no_mangle)]
pub extern "C-unwind" fn capture(_: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    pg_sys::Datum::null()
}
