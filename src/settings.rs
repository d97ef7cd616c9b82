//! The settings (GUCs). The statics are private; the typed readers below are the only way in.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use std::ffi::{CString, c_char};

/// How committed events leave the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
pub enum Delivery {
    /// A background worker of the database ticks and sends.
    #[name = c"worker"]
    Worker,
    /// The writing transaction notifies at pre-commit.
    #[name = c"inline"]
    Inline,
    /// relay() is called by a scheduler or a client.
    #[name = c"manual"]
    Manual,
    /// Encoded and thrown away: what `make bench` measures the encoder with.
    #[name = c"discard"]
    #[hidden = true]
    Discard,
}

static CAPTURE: GucSetting<bool> = GucSetting::<bool>::new(true);
static DELIVERY: GucSetting<Delivery> = GucSetting::<Delivery>::new(Delivery::Worker);
static CHANNEL: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"realtime_sync"));
static MAX_EVENT_SIZE: GucSetting<i32> = GucSetting::<i32>::new(64);
static MAX_NOTIFY_QUEUE: GucSetting<i32> = GucSetting::<i32>::new(50);
static RETENTION: GucSetting<i32> = GucSetting::<i32>::new(86_400);
static MAX_LOG_SIZE: GucSetting<i32> = GucSetting::<i32>::new(-1);
static ACTOR: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static MUTATION_ID: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

pub fn init() {
    GucRegistry::define_bool_guc(
        c"realtime_sync.capture",
        c"Whether the capture triggers record changes.",
        c"The kill switch: off makes every capture trigger return at once. Changes made meanwhile are counted in realtime_sync.stats and never become events.",
        &CAPTURE,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_enum_guc(
        c"realtime_sync.delivery",
        c"How committed events are delivered.",
        c"worker: a background worker, started by the first change, sends them. manual: realtime_sync.relay() does, when it is called. inline: the writing transaction sends NOTIFY as it commits, one commit of the cluster at a time.",
        &DELIVERY,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"realtime_sync.channel",
        c"NOTIFY channel of the native sink.",
        c"A name, or a template with {topic} for one channel per topic. A channel over 63 bytes is cut to 30 bytes, '#' and 32 hexadecimal digits of the MD5 of the whole.",
        &CHANNEL,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"realtime_sync.max_event_size",
        c"Largest event written in full.",
        c"A larger one is reduced to its changed columns, then to its key, and says \"partial\": true.",
        &MAX_EVENT_SIZE,
        1,
        16 * 1024,
        GucContext::Suset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_int_guc(
        c"realtime_sync.max_notify_queue",
        c"Share of PostgreSQL's NOTIFY queue, in percent, above which sinks that notify wait.",
        c"When the queue is full, every COMMIT that notifies fails. Events wait in the log and are sent when there is room again.",
        &MAX_NOTIFY_QUEUE,
        0,
        90,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"realtime_sync.retention",
        c"How long events stay in the log.",
        c"Events older than this go with their segment when realtime_sync.retain() runs.",
        &RETENTION,
        60,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"realtime_sync.max_log_size",
        c"Size of the log above which old events go before their retention has passed.",
        c"-1 sets no limit.",
        &MAX_LOG_SIZE,
        -1,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_MB,
    );
    GucRegistry::define_string_guc(
        c"realtime_sync.actor",
        c"Who makes the changes of this session, where request.jwt.claims does not say.",
        c"Advisory: any session may set it. Empty means the session user.",
        &ACTOR,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"realtime_sync.mutation_id",
        c"The client's own name for its change, so that it knows its echo.",
        c"Empty means the request header x-mutation-id, where PostgREST passes one.",
        &MUTATION_ID,
        GucContext::Userset,
        GucFlags::default(),
    );
    // SAFETY: the prefix is a NUL-terminated literal; PostgreSQL copies it.
    unsafe { pgrx::pg_sys::MarkGUCPrefixReserved(c"realtime_sync".as_ptr()) };
}

pub fn capture() -> bool {
    CAPTURE.get()
}

pub fn delivery() -> Delivery {
    DELIVERY.get()
}

/// Whether a background worker is to deliver.
pub fn has_worker() -> bool {
    matches!(delivery(), Delivery::Worker | Delivery::Inline)
}

pub fn channel() -> CString {
    CHANNEL.get().unwrap_or_else(|| c"realtime_sync".to_owned())
}

/// Bytes.
pub fn max_event_size() -> usize {
    MAX_EVENT_SIZE.get() as usize * 1024
}

/// The share of the NOTIFY queue above which sinks that notify wait.
pub fn max_notify_queue() -> f64 {
    f64::from(MAX_NOTIFY_QUEUE.get()) / 100.0
}

/// Where PostgreSQL keeps the string of realtime_sync.actor: read for every row, so not copied here.
pub fn actor() -> *mut *mut c_char {
    ACTOR.as_ptr()
}

/// Like [`actor`], of realtime_sync.mutation_id.
pub fn mutation_id() -> *mut *mut c_char {
    MUTATION_ID.as_ptr()
}
