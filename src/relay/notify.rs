use crate::log::server;
use crate::settings;
use pgrx::pg_sys;
use wire::reference;
pub fn has_room() -> bool {
    let usage =
        unsafe { pgrx::direct_function_call::<f64>(pg_sys::pg_notification_queue_usage, &[]) };
    !settings::is_too_full(usage.unwrap_or(0.0))
}
pub fn send(channel: &str, text: &[u8]) {
    let mut payload = reference::shrink(text, 7999).unwrap_or_else(|| text.to_vec());
    payload.push(0);
    let mut channel = reference::channel(channel).into_bytes();
    channel.push(0);
    unsafe { server::Async_Notify(channel.as_ptr().cast(), payload.as_ptr().cast()) };
}
