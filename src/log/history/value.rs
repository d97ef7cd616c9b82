//! Columns of the log, without the executor's copies.

use crate::log::record;
use pgrx::pg_sys::{self, Datum};
use std::ffi::c_char;
use wire::buffer::Text;

/// Appends a value's bytes without its header.
///
/// # Safety
/// A varlena, as it is stored.
pub unsafe fn write_value(out: &mut Text, datum: Datum) {
    let value = datum.cast_mut_ptr::<pg_sys::varlena>();
    // SAFETY: the caller's promise. What is detoasted is given back at once: the executor's memory
    // lasts for the whole statement.
    unsafe {
        if pgrx::varatt_is_1b_e(value) || pgrx::varatt_is_4b_c(value) {
            let plain = pg_sys::pg_detoast_datum(value);
            out.extend(pgrx::varlena_to_byte_slice(plain));
            pg_sys::pfree(plain.cast());
        } else {
            out.extend(pgrx::varlena_to_byte_slice(value));
        }
    }
}

/// Appends a text[] in the form [`record::topic_texts`] takes: with a long header, of one dimension,
/// without nulls. Only an INSERT by hand makes others.
///
/// # Safety
/// A text[], as it is stored.
pub unsafe fn write_topics(out: &mut Text, datum: Datum) {
    let start = out.len();
    out.extend(&[0; 4]);
    // SAFETY: the caller's promise.
    unsafe { write_value(out, datum) };
    // ArrayType (array.h): dimensions, offset of the data where there are nulls.
    let word = |out: &Text, at: usize| {
        let bytes = &out.as_bytes()[start + at..start + at + 4];
        i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    };
    if word(out, 4) > 1 || word(out, 8) != 0 {
        out.truncate(start);
        out.extend(&[0; 4]);
        // SAFETY: as above; the copies go with the statement.
        unsafe {
            let (mut values, mut nulls, mut n) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
            let list = pg_sys::pg_detoast_datum(datum.cast_mut_ptr());
            let (element, align) = (pg_sys::TEXTOID, b'i' as c_char);
            pg_sys::deconstruct_array(
                list.cast(),
                element,
                -1,
                false,
                align,
                &mut values,
                &mut nulls,
                &mut n,
            );
            let mut kept = 0;
            for index in 0..n as usize {
                if !*nulls.add(index) {
                    *values.add(kept) = *values.add(index);
                    kept += 1;
                }
            }
            let plain = pg_sys::construct_array(values, kept as i32, element, -1, false, align);
            write_value(out, Datum::from(plain));
        }
    }
    let size = out.len() - start;
    out.as_mut_bytes()[start..start + 4].copy_from_slice(&record::varlena(size));
}
