//! realtime_sync: a lossless, ordered, authorised realtime feed for any PostgreSQL table.
//!
//! Data flows one way: source (enable, disable) -> capture (triggers, buffer) -> log (table, segments)
//! -> relay (delivery). docs/architecture.md tells why each part has its shape.

// pgrx's #[pg_guard] on extern blocks expands to a path through `crate::ffi`.
use pgrx::pg_sys::ffi;

mod capture;
mod error;
mod log;
mod relay;
mod settings;
mod source;
mod stats;

::pgrx::pg_module_magic!(name, version);

// The install script, in the order the objects need each other.
pgrx::extension_sql_file!("../sql/bootstrap.sql", name = "bootstrap", bootstrap);
pgrx::extension_sql_file!("../sql/log.sql", name = "log", requires = ["bootstrap"]);
pgrx::extension_sql_file!("../sql/tick.sql", name = "tick", requires = ["log"]);
pgrx::extension_sql_file!("../sql/capture.sql", name = "capture", requires = ["tick"]);
pgrx::extension_sql_file!("../sql/held.sql", name = "held", requires = ["capture"]);
pgrx::extension_sql_file!("../sql/source.sql", name = "source", requires = ["held"]);
pgrx::extension_sql_file!("../sql/events.sql", name = "events", requires = ["source"]);
pgrx::extension_sql_file!(
    "../sql/message.sql",
    name = "message",
    requires = ["events"]
);
pgrx::extension_sql_file!("../sql/replay.sql", name = "replay", requires = ["message"]);
pgrx::extension_sql_file!(
    "../sql/permission.sql",
    name = "permission",
    requires = ["replay"]
);
pgrx::extension_sql_file!(
    "../sql/relay.sql",
    name = "relay",
    requires = ["permission"]
);
pgrx::extension_sql_file!("../sql/sink.sql", name = "sink", requires = ["relay"]);
pgrx::extension_sql_file!("../sql/timer.sql", name = "timer", requires = ["sink"]);
pgrx::extension_sql_file!("../sql/stats.sql", name = "stats", requires = ["timer"]);
pgrx::extension_sql_file!("../sql/metrics.sql", name = "metrics", requires = ["stats"]);
pgrx::extension_sql_file!(
    "../sql/retention.sql",
    name = "retention",
    requires = ["stats"]
);
pgrx::extension_sql_file!(
    "../sql/health.sql",
    name = "health",
    requires = ["retention"]
);
pgrx::extension_sql_file!(
    "../sql/presence.sql",
    name = "presence",
    requires = ["health"]
);
pgrx::extension_sql_file!(
    "../sql/fleet/map.sql",
    name = "fleet_map",
    requires = ["presence"]
);
pgrx::extension_sql_file!(
    "../sql/fleet/identity.sql",
    name = "fleet_identity",
    requires = ["fleet_map"]
);
pgrx::extension_sql_file!(
    "../sql/fleet/tables.sql",
    name = "fleet_tables",
    requires = ["fleet_identity"]
);
pgrx::extension_sql_file!(
    "../sql/fleet/location.sql",
    name = "fleet_location",
    requires = ["fleet_tables"]
);
pgrx::extension_sql_file!(
    "../sql/fleet/trip.sql",
    name = "fleet_trip",
    requires = ["fleet_location"]
);
pgrx::extension_sql_file!(
    "../sql/fleet/offer.sql",
    name = "fleet_offer",
    requires = ["fleet_trip"]
);
pgrx::extension_sql_file!(
    "../sql/fleet/telemetry.sql",
    name = "fleet_telemetry",
    requires = ["fleet_offer"]
);
pgrx::extension_sql_file!(
    "../sql/fleet/dashboard.sql",
    name = "fleet_dashboard",
    requires = ["fleet_telemetry"]
);
pgrx::extension_sql_file!(
    "../sql/fleet/setup.sql",
    name = "fleet_setup",
    requires = ["fleet_dashboard"]
);
pgrx::extension_sql_file!(
    "../sql/fleet/policy.sql",
    name = "fleet_policy",
    requires = ["fleet_setup"]
);

#[pgrx::pg_guard]
extern "C-unwind" fn _PG_init() {
    settings::init();
    capture::init();
    relay::init();
}
