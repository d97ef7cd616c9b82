//! realtime_sync: a lossless, ordered, authorised realtime feed for any PostgreSQL table.
//!
//! Data flows one way: source (enable, disable) -> capture (triggers, buffer) -> log (table, segments)
//! -> relay (delivery). docs/architecture.md tells why each part has its shape.

// pgrx's #[pg_guard] on extern blocks expands to a path through `crate::ffi`.
use pgrx::pg_sys::ffi;

mod capture;
mod error;
mod fleet;
mod log;
mod relay;
mod settings;
mod source;
mod stats;

::pgrx::pg_module_magic!(name, version);

// One file of the install script after the other, each named and requiring the one before it.
macro_rules! install_script {
    ($name:tt: $file:tt $($rest:tt)*) => {
        pgrx::extension_sql_file!($file, name = $name, bootstrap);
        install_script!(@ $name, $($rest)*);
    };
    (@ $before:tt, $name:tt: $file:tt $($rest:tt)*) => {
        pgrx::extension_sql_file!($file, name = $name, requires = [$before]);
        install_script!(@ $name, $($rest)*);
    };
    (@ $before:tt,) => {};
}

// In the order the objects need each other.
install_script! {
    "bootstrap": "../sql/bootstrap.sql"
    "log": "../sql/log.sql"
    "tick": "../sql/tick.sql"
    "capture": "../sql/capture.sql"
    "held": "../sql/held.sql"
    "source": "../sql/source.sql"
    "enable": "../sql/enable.sql"
    "events": "../sql/events.sql"
    "message": "../sql/message.sql"
    "replay": "../sql/replay.sql"
    "permission": "../sql/permission.sql"
    "access": "../sql/access.sql"
    "relay": "../sql/relay.sql"
    "sink": "../sql/sink.sql"
    "timer": "../sql/timer.sql"
    "stats": "../sql/stats.sql"
    "metrics": "../sql/metrics.sql"
    "floor": "../sql/floor.sql"
    "retention": "../sql/retention.sql"
    "source_health": "../sql/health/source.sql"
    "log_health": "../sql/health/log.sql"
    "relay_health": "../sql/health/relay.sql"
    "sink_health": "../sql/health/sink.sql"
    "permission_health": "../sql/health/permission.sql"
    "presence": "../sql/presence.sql"
    "presence_state": "../sql/presence_state.sql"
    "presence_shift": "../sql/presence_shift.sql"
    "fleet_map": "../sql/fleet/map.sql"
    "fleet_limit": "../sql/fleet/limit.sql"
    "fleet_object": "../sql/fleet/object.sql"
    "fleet_path": "../sql/fleet/path.sql"
    "fleet_template": "../sql/fleet/template.sql"
    "fleet_identity": "../sql/fleet/identity.sql"
    "fleet_tables": "../sql/fleet/tables.sql"
    "fleet_earth": "../sql/fleet/earth.sql"
    "fleet_geofence": "../sql/fleet/geofence.sql"
    "fleet_place": "../sql/fleet/place.sql"
    "fleet_location": "../sql/fleet/location.sql"
    "fleet_location_held": "../sql/fleet/location_held.sql"
    "fleet_location_batch": "../sql/fleet/location_batch.sql"
    "fleet_nearby": "../sql/fleet/nearby.sql"
    "fleet_driver_presence": "../sql/fleet/driver_presence.sql"
    "fleet_transition": "../sql/fleet/transition.sql"
    "fleet_trip": "../sql/fleet/trip.sql"
    "fleet_trip_trigger": "../sql/fleet/trip_trigger.sql"
    "fleet_offer": "../sql/fleet/offer.sql"
    "fleet_offer_trip": "../sql/fleet/offer_trip.sql"
    "fleet_offer_answer": "../sql/fleet/offer_answer.sql"
    "fleet_offer_due": "../sql/fleet/offer_due.sql"
    "fleet_auto_offer": "../sql/fleet/auto_offer.sql"
    "fleet_telemetry": "../sql/fleet/telemetry.sql"
    "fleet_status_telemetry": "../sql/fleet/status_telemetry.sql"
    "fleet_retention": "../sql/fleet/retention.sql"
    "fleet_dashboard": "../sql/fleet/dashboard.sql"
    "fleet_word": "../sql/fleet/word.sql"
    "fleet_column": "../sql/fleet/column.sql"
    "fleet_find": "../sql/fleet/find.sql"
    "fleet_statement": "../sql/fleet/statement.sql"
    "fleet_astray": "../sql/fleet/astray.sql"
    "fleet_make": "../sql/fleet/make.sql"
    "fleet_setup": "../sql/fleet/setup.sql"
    "fleet_remove": "../sql/fleet/remove.sql"
    "fleet_policy": "../sql/fleet/policy.sql"
    "fleet_health": "../sql/health/fleet.sql"
    "health": "../sql/health.sql"
    "default_privileges": "../sql/default_privileges.sql"
}

#[pgrx::pg_guard]
extern "C-unwind" fn _PG_init() {
    settings::init();
    capture::init();
    relay::init();
}
