//! When, who and which mutation: the part of an event that is the same for a whole statement.

use super::encoding::is_rusts;
use crate::log::permission::LARGEST_OBJECT;
use crate::log::server::{self, Local};
use crate::settings;
use pgrx::pg_guard;
use pgrx::pg_sys;
use std::ffi::{CStr, c_char};
use wire::buffer::Text;
use wire::{datetime, json};

/// The settings as they stood when the text was written. Reading them again for each row and
/// comparing is what notices a set_config() made by an app's trigger in the middle of a statement.
struct Context {
    at: pg_sys::TimestampTz,
    user: pg_sys::Oid,
    sources: [Text; 4],
    /// `"timestamp":...,"actor":...,"mutation_id":...`
    text: Text,
}

static CONTEXT: Local<Context> = Local::new(Context {
    at: i64::MIN,
    user: pg_sys::Oid::INVALID,
    sources: [const { Text::new() }; 4],
    text: Text::new(),
});

/// Appends the context; gives the statement's time, in microseconds since 2000.
pub fn write(out: &mut Text) -> pg_sys::TimestampTz {
    // SAFETY: nothing below runs another trigger; the strings are PostgreSQL's own copies of the
    // settings, valid until one is set.
    unsafe {
        let context = CONTEXT.get();
        let at = server::GetCurrentStatementStartTimestamp();
        let sources = [
            bytes(server::GetConfigOption(
                c"request.jwt.claims".as_ptr(),
                true,
                false,
            )),
            bytes(*settings::actor()),
            bytes(*settings::mutation_id()),
            bytes(server::GetConfigOption(
                c"request.headers".as_ptr(),
                true,
                false,
            )),
        ];
        let user = pg_sys::GetSessionUserId();
        let known = context.at == at
            && context.user == user
            && context
                .sources
                .iter()
                .zip(sources)
                .all(|(seen, now)| seen.as_bytes() == now);
        if !known {
            context.refresh(at, user, sources);
        }
        out.extend(context.text.as_bytes());
        at
    }
}

impl Context {
    #[cold]
    fn refresh(&mut self, at: pg_sys::TimestampTz, user: pg_sys::Oid, sources: [&[u8]; 4]) {
        // An error half-way must not leave a text that looks current.
        self.at = i64::MIN;
        self.text.clear();
        self.text.extend(b"\"timestamp\":");
        datetime::write_timestamptz(&mut self.text, at);
        self.text.extend(b",\"actor\":");
        let [claims, actor, mutation, headers] = sources;
        match member(claims, "sub").or_else(|| non_empty(actor)) {
            Some(actor) => json::write_string(&mut self.text, clip(&actor)),
            // SAFETY: the name of a role that is gone comes back as null.
            None => match unsafe { pg_sys::GetUserNameFromId(user, true) } {
                name if name.is_null() => self.text.extend(b"null"),
                name => json::write_string(&mut self.text, unsafe { bytes(name) }),
            },
        }
        self.text.extend(b",\"mutation_id\":");
        match non_empty(mutation).or_else(|| member(headers, "x-mutation-id")) {
            Some(mutation) => json::write_string(&mut self.text, clip(&mutation)),
            None => self.text.extend(b"null"),
        }
        for (seen, now) in self.sources.iter_mut().zip(sources) {
            seen.clear();
            seen.extend(now);
        }
        self.user = user;
        self.at = at;
    }
}

/// # Safety
/// `string` is null or a C string that outlives the result.
unsafe fn bytes<'a>(string: *const c_char) -> &'a [u8] {
    // SAFETY: the caller's promise.
    if string.is_null() {
        &[]
    } else {
        unsafe { CStr::from_ptr(string) }.to_bytes()
    }
}

/// Any session may set these, and every event of its carries them, however small it has become.
fn clip(bytes: &[u8]) -> &[u8] {
    const LONGEST: usize = 1024;
    if bytes.len() <= LONGEST {
        return bytes;
    }
    // SAFETY: reads no more than the first bytes; whole characters of the server's encoding are kept.
    let kept =
        unsafe { pg_sys::pg_mbcliplen(bytes.as_ptr().cast(), bytes.len() as i32, LONGEST as i32) };
    &bytes[..kept as usize]
}

fn non_empty(bytes: &[u8]) -> Option<Vec<u8>> {
    (!bytes.is_empty()).then(|| bytes.to_vec())
}

/// A member of a JSON object, strings as they are and numbers as text. What any session may set may
/// hold anything, so what is no JSON simply has no members; nor is one that the server's encoding need not
/// have, which nobody could read from the log.
fn member(object: &[u8], name: &str) -> Option<Vec<u8>> {
    if object.is_empty() || object.len() > LARGEST_OBJECT {
        return None;
    }
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(object).ok()?;
    match object.get(name)? {
        // No text of PostgreSQL's holds NUL, and an actor is read as text.
        serde_json::Value::String(text) if text.contains('\0') => None,
        serde_json::Value::String(text) if !text.is_ascii() && !is_rusts() => None,
        serde_json::Value::String(text) => non_empty(text.as_bytes()),
        serde_json::Value::Number(number) => Some(number.to_string().into_bytes()),
        _ => None,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_message_context() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// The context as JSON, in the server's encoding, which pgrx's own types would take for UTF-8.
///
/// # Safety
/// Called by PostgreSQL's function manager.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn message_context(_call: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // Kept: a new buffer's 8 kB of zeros would be most of a message's cost here.
    static TEXT: Local<Text> = Local::new(Text::new());
    // SAFETY: nothing below calls this again.
    let text = unsafe { TEXT.get() };
    text.clear();
    text.push(b'{');
    write(text);
    text.push(b'}');
    let bytes = text.as_bytes();
    // SAFETY: the bytes are copied into a new text datum.
    unsafe { pg_sys::cstring_to_text_with_len(bytes.as_ptr().cast(), bytes.len() as i32) }.into()
}
