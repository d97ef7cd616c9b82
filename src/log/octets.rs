//! Text and JSON arguments as PostgreSQL holds them, in whatever encoding the server has.

use pgrx::pg_sys::{self, Datum, FunctionCallInfo};

/// A value of type text, json or bytea, detoasted in the caller's memory context.
pub struct Octets(*mut pg_sys::varlena);

impl Octets {
    pub fn new(bytes: &[u8]) -> Octets {
        Octets(pgrx::rust_byte_slice_to_bytea(bytes).into_pg().cast())
    }

    /// # Safety
    /// `datum` is a varlena.
    pub unsafe fn from_datum(datum: Datum) -> Octets {
        // SAFETY: the caller's promise.
        Octets(unsafe { pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr()) })
    }

    /// # Safety
    /// The argument is declared as a varlena type.
    pub unsafe fn argument(fcinfo: FunctionCallInfo, n: usize) -> Option<Octets> {
        // SAFETY: the caller's promise.
        unsafe { pgrx::pg_getarg_datum(fcinfo, n).map(|datum| Octets::from_datum(datum)) }
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: detoasted, and in a memory context that outlives the function call.
        unsafe { pgrx::varlena_to_byte_slice(self.0) }
    }

    pub fn datum(&self) -> Datum {
        Datum::from(self.0)
    }

    pub fn with_type(&self, oid: pg_sys::Oid) -> pgrx::datum::DatumWithOid<'_> {
        // SAFETY: text, json and bytea share their form.
        unsafe { pgrx::datum::DatumWithOid::new(Datum::from(self.0), oid) }
    }
}

/// A text[] with its header, detoasted: as [`super::record::topic_texts`] reads it.
///
/// # Safety
/// `datum` is an array.
pub unsafe fn array(datum: Datum) -> Vec<u8> {
    // SAFETY: the caller's promise; detoasted, it has all its bytes in one place.
    unsafe {
        let array = pg_sys::pg_detoast_datum(datum.cast_mut_ptr());
        std::slice::from_raw_parts(array.cast::<u8>(), pgrx::varsize_any(array)).to_vec()
    }
}
