//! Names between the server's encoding and Rust's.

use pgrx::pg_sys;
use std::ffi::CStr;

/// Text of the server's encoding in Rust's.
pub fn utf8(bytes: &[u8]) -> String {
    // SAFETY: the result is NUL-terminated, in the current memory context or `bytes` itself.
    unsafe { convert(bytes, pg_sys::pg_server_to_any) }
}

/// The reverse: a name or literal of the options as the server spells it.
pub fn native(text: &str) -> Vec<u8> {
    // SAFETY: as above.
    let convert = |s, n, encoding| unsafe { pg_sys::pg_any_to_server(s, n, encoding) };
    if text.is_ascii() {
        return text.as_bytes().to_vec();
    }
    let converted = convert(
        text.as_ptr().cast(),
        text.len() as i32,
        pg_sys::pg_enc::PG_UTF8 as i32,
    );
    if converted.cast_const().cast() == text.as_ptr() {
        return text.as_bytes().to_vec();
    }
    // SAFETY: a converted string is a fresh C string.
    unsafe { CStr::from_ptr(converted) }.to_bytes().to_vec()
}

unsafe fn convert(
    bytes: &[u8],
    to: unsafe fn(*const std::ffi::c_char, i32, i32) -> *mut std::ffi::c_char,
) -> String {
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.is_ascii()
    {
        return text.to_owned();
    }
    // SAFETY: a conversion gives its input back where nothing is to be done, else a C string.
    unsafe {
        let result = to(
            bytes.as_ptr().cast(),
            bytes.len() as i32,
            pg_sys::pg_enc::PG_UTF8 as i32,
        );
        let converted = if result.cast_const().cast() == bytes.as_ptr() {
            bytes
        } else {
            CStr::from_ptr(result).to_bytes()
        };
        String::from_utf8_lossy(converted).into_owned()
    }
}
