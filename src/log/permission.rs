//! What the policies on the log are made of.

use super::server::{self, Local};
use crate::error::Error;
use pgrx::prelude::*;
use serde_json::Value;
use std::ffi::CStr;
use wire::pattern;

/// Claims and headers longer than this are not looked into: HTTP servers take 8 to 16 kB of headers, and
/// parsing what any session may make a gigabyte long would take memory that Rust cannot be refused.
pub const LARGEST_OBJECT: usize = 64 * 1024;

/// The claims as they were last asked for: policies ask several times a statement, and parsing cost more
/// than all else of it. Compared with the setting each time, so never those of another login.
struct Claims {
    text: Vec<u8>,
    value: Value,
}

static CLAIMS: Local<Claims> = Local::new(Claims {
    text: Vec::new(),
    value: Value::Null,
});

/// A claim of the caller, as PostgREST and Supabase pass it, or null, which no topic equals. Null as
/// well: a claim that is empty, or no string, number or boolean, and claims that are not JSON. JSON is
/// UTF-8: in a database of another encoding only claims in ASCII are found.
#[pg_extern(sql = false)]
fn claim(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    // SAFETY: the setting's own string, read before anything can set it; null where it is not set. The
    // reference ends with this function, which runs nothing of anybody else's.
    let (text, claims) = unsafe {
        let text = server::GetConfigOption(c"request.jwt.claims".as_ptr(), true, false);
        (
            (!text.is_null()).then(|| CStr::from_ptr(text).to_bytes())?,
            CLAIMS.get(),
        )
    };
    if text.len() > LARGEST_OBJECT {
        return None;
    }
    if claims.text != text {
        *claims = Claims {
            text: text.to_vec(),
            value: serde_json::from_slice(text).unwrap_or_default(),
        };
    }
    match find(&claims.value, name)? {
        // No text of PostgreSQL's holds NUL, so no topic has one.
        Value::String(text) => (!text.is_empty() && !text.contains('\0')).then(|| text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The member a dotted path names. A name may have dots itself (`https://example.com/org`), so the
/// longest that is there is taken first.
fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    object.get(path).or_else(|| {
        path.rmatch_indices('.')
            .find_map(|(dot, _)| find(object.get(&path[..dot])?, &path[dot + 1..]))
    })
}

/// The condition of the policy that lets a role read or send the topics these patterns fit.
#[pg_extern(sql = false)]
fn topic_condition(action: &str, patterns: Vec<String>) -> String {
    for pattern in &patterns {
        if let Err(error) = pattern::read_condition(&[pattern]) {
            Error::TopicPattern {
                pattern: pattern.clone(),
                fault: error.to_string(),
            }
            .raise()
        }
    }
    let condition = match action {
        "send" => pattern::send_condition(&patterns),
        _ => pattern::read_condition(&patterns),
    };
    condition.expect("every pattern has just been parsed")
}
