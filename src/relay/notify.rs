//! NOTIFY: the channel of an event, and a payload that fits.

use super::queue;
use crate::log::server;
use pgrx::pg_sys;
use std::borrow::Cow;
use std::ffi::c_int;
use wire::buffer::Text;
use wire::reference::{self, PAYLOAD_LIMIT};
use wire::sink;

/// A channel or a template of one, and room for a payload.
pub struct Notifier<'a> {
    channel: Cow<'a, [u8]>,
    /// The name as NOTIFY takes it; None of a template.
    fixed: Option<Vec<u8>>,
    payload: Text,
}

impl<'a> Notifier<'a> {
    pub fn new(channel: impl Into<Cow<'a, [u8]>>) -> Notifier<'a> {
        let channel = channel.into();
        Notifier {
            fixed: (!sink::is_template(&channel)).then(|| name(&channel)),
            channel,
            payload: Text::new(),
        }
    }

    /// Notifies of an event in the native dialect: of a long one, with a reference to it.
    pub fn send_event<'t>(&mut self, text: &[u8], topics: impl Iterator<Item = &'t [u8]>) {
        match reference::shrink(text, PAYLOAD_LIMIT) {
            Some(shorter) => self.send(&shorter, topics),
            None => self.send(text, topics),
        }
    }

    /// `payload` has at most [`PAYLOAD_LIMIT`] bytes.
    pub fn send<'t>(&mut self, payload: &[u8], topics: impl Iterator<Item = &'t [u8]>) {
        self.payload.clear();
        self.payload.extend(payload);
        self.payload.push(0);
        if let Some(channel) = &self.fixed {
            notify(channel, self.payload.as_bytes());
            return;
        }
        for topic in topics {
            let channel = name(&sink::channel_of(&self.channel, topic));
            notify(&channel, self.payload.as_bytes());
        }
    }
}

/// A channel's name with its NUL, cut to what NOTIFY takes.
fn name(channel: &[u8]) -> Vec<u8> {
    let clip = |name: &[u8], limit: usize| {
        let length = name.len() as c_int;
        // SAFETY: looks at no more than the name's length, and at whole characters only.
        let kept = unsafe { pg_sys::pg_mbcliplen(name.as_ptr().cast(), length, limit as c_int) };
        kept as usize
    };
    let mut name = reference::channel(channel, clip);
    name.push(0);
    name
}

/// Both end with their NUL.
fn notify(channel: &[u8], payload: &[u8]) {
    // NOTIFY refuses a channel without a name, and with it the transaction.
    if channel == [0] {
        return;
    }
    queue::add(channel.len() + payload.len());
    // SAFETY: both are C strings; PostgreSQL copies them.
    unsafe { server::Async_Notify(channel.as_ptr().cast(), payload.as_ptr().cast()) };
}
