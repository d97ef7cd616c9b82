//! A stored value as JSON text, byte for byte what row_to_json gives under the fixed settings.

use super::codec::{Codec, Composite, Element};
use super::value;
use crate::log::server;
use pgrx::pg_sys::{self, Datum};
use std::ffi::CStr;
use wire::buffer::Text;
use wire::{datetime, json, jsonb, number};

/// Appends a non-null value.
///
/// # Safety
/// `datum` is a value of the type the codec was made for.
#[inline]
pub unsafe fn write(codec: &Codec, datum: Datum, out: &mut Text) {
    // SAFETY: the codec says what the datum holds; a varlena is read through its header.
    unsafe {
        match codec {
            Codec::Bool => out.extend(if datum.value() as u8 != 0 {
                b"true"
            } else {
                b"false"
            }),
            Codec::Int2 => number::write_i16(out, datum.value() as i16),
            Codec::Int4 => number::write_i32(out, datum.value() as i32),
            Codec::Int8 => number::write_i64(out, datum.value() as i64),
            Codec::Float4 => number::write_f32(out, f32::from_bits(datum.value() as u32)),
            Codec::Float8 => number::write_f64(out, f64::from_bits(datum.value() as u64)),
            Codec::Text => json::write_string(out, value::payload(datum)),
            Codec::Uuid => datetime::write_uuid(out, &*datum.cast_mut_ptr::<[u8; 16]>()),
            Codec::Timestamptz => datetime::write_timestamptz(out, datum.value() as i64),
            Codec::Timestamp => datetime::write_timestamp(out, datum.value() as i64),
            Codec::Date => datetime::write_date(out, datum.value() as i32),
            Codec::Time => datetime::write_time(out, datum.value() as i64),
            Codec::Bytea => json::write_bytea_hex(out, value::payload(datum)),
            Codec::Json => out.extend(value::payload(datum)),
            Codec::Jsonb => {
                if !jsonb::write_jsonb(out, value::payload(datum)) {
                    write_deep_jsonb(datum, out);
                }
            }
            Codec::Numeric => {
                if !number::write_numeric(out, value::payload(datum)) {
                    write_output(pg_sys::numeric_out, datum, out);
                }
            }
            Codec::NumericText => {
                if !number::write_numeric_string(out, value::payload(datum)) {
                    write_output(pg_sys::numeric_out, datum, out);
                }
            }
            Codec::Int8Text => {
                out.push(b'"');
                number::write_i64(out, datum.value() as i64);
                out.push(b'"');
            }
            Codec::Array(element) => write_array(element, datum, out),
            Codec::Composite(composite) => write_composite(composite, datum, out),
            Codec::Output(function) => {
                let info = (&raw const **function).cast_mut();
                let text = server::OutputFunctionCall(info, datum);
                json::write_string(out, CStr::from_ptr(text).to_bytes());
            }
            Codec::Cast(function) => {
                let info = (&raw const **function).cast_mut();
                let text = server::FunctionCall1Coll(info, pg_sys::InvalidOid, datum);
                out.extend(value::payload(text));
            }
        }
    }
}

/// Appends a value as a topic spells it: its text, neither quoted nor escaped.
///
/// # Safety
/// As [`write`]; `scratch` is empty or may be cleared.
pub unsafe fn write_plain(codec: &Codec, datum: Datum, out: &mut Text, scratch: &mut Text) {
    // SAFETY: as write().
    unsafe {
        match codec {
            Codec::Text => out.extend(value::payload(datum)),
            Codec::Output(function) => {
                let info = (&raw const **function).cast_mut();
                out.extend(CStr::from_ptr(server::OutputFunctionCall(info, datum)).to_bytes());
            }
            Codec::Bytea => {
                scratch.clear();
                write(codec, datum, scratch);
                // The JSON string doubles the backslash of \x.
                out.extend(&scratch.as_bytes()[2..scratch.len() - 1]);
            }
            _ => {
                scratch.clear();
                write(codec, datum, scratch);
                let text = scratch.as_bytes();
                let quoted = text.len() >= 2
                    && text[0] == b'"'
                    && !matches!(codec, Codec::Json | Codec::Jsonb | Codec::Cast(_));
                out.extend(if quoted {
                    &text[1..text.len() - 1]
                } else {
                    text
                });
            }
        }
    }
}

/// Numbers PostgreSQL wrote that our reader does not know, quoted where they are no JSON number.
#[cold]
unsafe fn write_output(
    function: unsafe fn(pg_sys::FunctionCallInfo) -> Datum,
    datum: Datum,
    out: &mut Text,
) {
    // SAFETY: the function is numeric_out, whose result is a C string.
    unsafe {
        if let Some(text) = pgrx::direct_function_call_as_datum(function, &[Some(datum)]) {
            let text = CStr::from_ptr(text.cast_mut_ptr()).to_bytes();
            match text.last() {
                Some(b'0'..=b'9') => out.extend(text),
                _ => json::write_string(out, text),
            }
        }
    }
}

/// A jsonb nested deeper than our reader goes, left to PostgreSQL and its stack check.
#[cold]
unsafe fn write_deep_jsonb(datum: Datum, out: &mut Text) {
    // SAFETY: jsonb's container starts behind a four-byte header, which pg_detoast_datum gives.
    unsafe {
        let start = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<u8>();
        let size = start.cast::<u32>().read() >> 2;
        let text = pg_sys::JsonbToCString(std::ptr::null_mut(), start.add(4).cast(), size as i32);
        out.extend(CStr::from_ptr(text).to_bytes());
    }
}

/// An array's stored form (array.h): dimensions, null bitmap, then the elements, each aligned.
unsafe fn write_array(element: &Element, datum: Datum, out: &mut Text) {
    // SAFETY: payload() of an array begins with ndim, dataoffset, elemtype and the dimensions;
    // offsets count from the varlena header, four bytes before it. Alignment is relative to the
    // array's start, which detoasting puts at an aligned address only with a four-byte header, so a
    // packed array is unpacked first.
    unsafe {
        let start = pg_sys::pg_detoast_datum(datum.cast_mut_ptr())
            .cast::<u8>()
            .cast_const();
        let word = |index: usize| start.cast::<i32>().add(index).read();
        let dimensions = word(1) as usize;
        let sizes = std::slice::from_raw_parts(start.cast::<i32>().add(4), dimensions);
        // An empty int2vector has one dimension, of no elements.
        if dimensions == 0 || sizes.contains(&0) {
            out.extend(b"[]");
            return;
        }
        let header = 16 + 8 * dimensions;
        let (bitmap, data) = match word(2) {
            0 => (std::ptr::null(), start.add(header.next_multiple_of(8))),
            offset => (start.add(header), start.add(offset as usize)),
        };
        let mut reader = Elements {
            element,
            next: data,
            bitmap,
            index: 0,
        };
        reader.write(sizes, out);
    }
}

struct Elements<'a> {
    element: &'a Element,
    next: *const u8,
    bitmap: *const u8,
    index: usize,
}

impl Elements<'_> {
    /// # Safety
    /// `sizes` are the array's remaining dimensions, outermost first.
    unsafe fn write(&mut self, sizes: &[i32], out: &mut Text) {
        for n in 0..sizes[0] {
            out.push(if n == 0 { b'[' } else { b',' });
            // SAFETY: exactly as many elements are read as the dimensions say.
            unsafe {
                match &sizes[1..] {
                    [] => self.write_one(out),
                    inner => self.write(inner, out),
                }
            }
        }
        out.push(b']');
    }

    unsafe fn write_one(&mut self, out: &mut Text) {
        let index = self.index;
        self.index += 1;
        // SAFETY: the bitmap has a bit an element, 0 for null, which then takes no space.
        unsafe {
            if !self.bitmap.is_null() && *self.bitmap.add(index / 8) & (1 << (index % 8)) == 0 {
                out.extend(b"null");
                return;
            }
            let (datum, after) = self.fetch();
            self.next = after;
            write(&self.element.codec, datum, out);
        }
    }

    /// The next element and where it ends, by att_align_pointer, fetch_att and att_addlength_pointer
    /// (tupmacs.h).
    unsafe fn fetch(&self) -> (Datum, *const u8) {
        let align = match self.element.align {
            b'c' => 1,
            b's' => 2,
            b'i' => 4,
            _ => 8,
        };
        // SAFETY: the element lies within the array; a varlena of one-byte header is not aligned,
        // and padding bytes are zero.
        unsafe {
            let mut at = self.next;
            if self.element.length != -1 || *at == 0 {
                at = at.add(at.align_offset(align));
            }
            match (self.element.by_value, self.element.length) {
                (true, 1) => (Datum::from(at.cast::<i8>().read()), at.add(1)),
                (true, 2) => (Datum::from(at.cast::<i16>().read()), at.add(2)),
                (true, 4) => (Datum::from(at.cast::<i32>().read()), at.add(4)),
                (true, _) => (Datum::from(at.cast::<i64>().read()), at.add(8)),
                (false, -1) => {
                    let size = if *at & 1 == 1 {
                        *at as usize >> 1
                    } else {
                        at.cast::<u32>().read() as usize >> 2
                    };
                    (Datum::from(at), at.add(size))
                }
                (false, -2) => (
                    Datum::from(at),
                    at.add(CStr::from_ptr(at.cast()).count_bytes() + 1),
                ),
                (false, length) => (Datum::from(at), at.add(length as usize)),
            }
        }
    }
}

unsafe fn write_composite(composite: &Composite, datum: Datum, out: &mut Text) {
    // SAFETY: a composite value is a heap tuple whose header starts with its varlena length; the
    // descriptor is that of its type, copied when the plan was made.
    unsafe {
        let header =
            pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<pg_sys::HeapTupleHeaderData>();
        let mut tuple: pg_sys::HeapTupleData = std::mem::zeroed();
        tuple.t_len = header.cast::<u32>().read() >> 2;
        tuple.t_data = header;
        let n = (*composite.desc).natts as usize;
        let values = pg_sys::palloc(n * size_of::<Datum>()).cast::<Datum>();
        let nulls = pg_sys::palloc(n).cast::<bool>();
        pg_sys::heap_deform_tuple(&mut tuple, composite.desc, values, nulls);
        out.push(b'{');
        for (n, field) in composite.fields.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend(&field.label);
            if *nulls.add(field.index) {
                out.extend(b"null");
            } else {
                write(&field.codec, *values.add(field.index), out);
            }
        }
        out.push(b'}');
    }
}
