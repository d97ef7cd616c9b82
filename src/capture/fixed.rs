//! The fixed settings: one value has one spelling, whatever the writer's session has set.

use pgrx::pg_sys;
use std::ffi::CStr;

/// Which settings the text of a type depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sensitivity(u8);

const FIXED: [(Sensitivity, &CStr, &CStr); 8] = [
    (Sensitivity(1), c"TimeZone", c"UTC"),
    (Sensitivity(2), c"DateStyle", c"ISO, MDY"),
    (Sensitivity(4), c"IntervalStyle", c"postgres"),
    (Sensitivity(8), c"extra_float_digits", c"1"),
    (Sensitivity(16), c"search_path", c"pg_catalog"),
    (Sensitivity(32), c"quote_all_identifiers", c"off"),
    (Sensitivity(64), c"lc_monetary", c"C"),
    (Sensitivity(128), c"bytea_output", c"hex"),
];

impl Sensitivity {
    pub const NONE: Sensitivity = Sensitivity(0);
    pub const TIME: Sensitivity = Sensitivity(1 | 2);
    pub const INTERVAL: Sensitivity = Sensitivity(4);
    pub const FLOAT: Sensitivity = Sensitivity(8);
    pub const NAME: Sensitivity = Sensitivity(16 | 32);
    pub const MONEY: Sensitivity = Sensitivity(64);
    pub const ALL: Sensitivity = Sensitivity(255);

    pub fn and(self, other: Sensitivity) -> Sensitivity {
        Sensitivity(self.0 | other.0)
    }

    fn has(self, other: Sensitivity) -> bool {
        self.0 & other.0 != 0
    }
}

/// Switches to the fixed settings where the session's differ; gives what [`restore`] needs. An
/// error in between gives them back with the (sub)transaction it aborts.
pub fn switch(sensitivity: Sensitivity) -> Option<i32> {
    if sensitivity == Sensitivity::NONE {
        return None;
    }
    // SAFETY: names and values are literals of settings every session may set; GUC_ACTION_SAVE
    // belongs to the nest level just opened.
    unsafe {
        let level = pg_sys::NewGUCNestLevel();
        for (_, name, value) in FIXED.iter().filter(|(which, ..)| sensitivity.has(*which)) {
            let current = pg_sys::GetConfigOption(name.as_ptr(), true, false);
            if current.is_null() || CStr::from_ptr(current) != *value {
                pg_sys::set_config_option(
                    name.as_ptr(),
                    value.as_ptr(),
                    pg_sys::GucContext::PGC_USERSET,
                    pg_sys::GucSource::PGC_S_SESSION,
                    pg_sys::GucAction::GUC_ACTION_SAVE,
                    true,
                    0,
                    false,
                );
            }
        }
        Some(level)
    }
}

pub fn restore(level: Option<i32>) {
    if let Some(level) = level {
        // SAFETY: the level was opened by switch() in this very call chain.
        unsafe { pg_sys::AtEOXact_GUC(true, level) };
    }
}
