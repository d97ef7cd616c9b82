//! How far it is from one place to another.

use pgrx::pg_sys::{self, Datum, FunctionCallInfo};
use pgrx::prelude::*;

/// IUGG's R1, in metres.
const MEAN_RADIUS: f64 = 6_371_008.8;

#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_realtime_sync_distance_m() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// Metres between two places in degrees: `(lat, lng, lat, lng)`.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn realtime_sync_distance_m(fcinfo: FunctionCallInfo) -> Datum {
    let degrees = |at| {
        // SAFETY: declared in SQL as strict, with four double precision.
        unsafe { pgrx::pg_getarg::<f64>(fcinfo, at) }.unwrap_or(f64::NAN)
    };
    metres(degrees(0), degrees(1), degrees(2), degrees(3))
        .into_datum()
        .unwrap_or(Datum::from(0))
}

/// Haversine. Twice atan2 and not the asin, whose argument rounding may take above 1.
fn metres(lat1: f64, lng1: f64, lat2: f64, lng2: f64) -> f64 {
    let square = |difference: f64| (difference.to_radians() / 2.0).sin().powi(2);
    let h = square(lat2 - lat1)
        + lat1.to_radians().cos() * lat2.to_radians().cos() * square(lng2 - lng1);
    2.0 * MEAN_RADIUS * h.sqrt().atan2((1.0 - h).abs().sqrt())
}
