//! Names between the server's encoding and Rust's.

use pgrx::pg_sys;
use std::ffi::CStr;

/// Whether the server takes any text of Rust's as it is.
pub fn is_rusts() -> bool {
    // SAFETY: reads a global that is set before any function of a library can run.
    let encoding = unsafe { pg_sys::GetDatabaseEncoding() };
    encoding == pg_sys::pg_enc::PG_UTF8 as i32 || encoding == pg_sys::pg_enc::PG_SQL_ASCII as i32
}

/// Text of the server's encoding in Rust's. SQL_ASCII has any bytes, at which PostgreSQL's conversion
/// would raise, in a user's write: what is no UTF-8 comes as U+FFFD.
pub fn utf8(bytes: &[u8]) -> String {
    convert(bytes, pg_sys::pg_server_to_any, |converted| {
        String::from_utf8_lossy(converted).into_owned()
    })
}

/// The reverse: a name or literal of the options as the server spells it.
pub fn native(text: &str) -> Vec<u8> {
    convert(text.as_bytes(), pg_sys::pg_any_to_server, <[u8]>::to_vec)
}

fn convert<T>(
    bytes: &[u8],
    by: unsafe fn(*const std::ffi::c_char, i32, i32) -> *mut std::ffi::c_char,
    read: impl Fn(&[u8]) -> T,
) -> T {
    if bytes.is_ascii() || is_rusts() {
        return read(bytes);
    }
    // SAFETY: between two encodings the result is a fresh C string.
    read(unsafe {
        let utf8 = pg_sys::pg_enc::PG_UTF8 as i32;
        CStr::from_ptr(by(bytes.as_ptr().cast(), bytes.len() as i32, utf8)).to_bytes()
    })
}
