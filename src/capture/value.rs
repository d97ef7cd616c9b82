//! Stored values as PostgreSQL lays them out: varlena headers, toast, the image of a value.

use crate::log::server;
use pgrx::pg_sys::Datum;

/// The bytes of a varlena value behind its header, fetched and decompressed where it must be; in
/// the current memory context then.
///
/// # Safety
/// `datum` points to a varlena, which lives as long as the result is used.
#[inline]
pub unsafe fn payload<'a>(datum: Datum) -> &'a [u8] {
    // SAFETY: the first byte tells the header's kind (postgres.h, little endian): bit 0 set is a
    // one-byte header, and 0x01 alone an external pointer; the low bits 10 are a compressed value.
    unsafe {
        let mut start = datum.cast_mut_ptr::<u8>().cast_const();
        if *start == 0x01 || *start & 0x03 == 0x02 {
            start = server::pg_detoast_datum_packed(start.cast_mut().cast()).cast();
        }
        if *start & 0x01 == 0x01 {
            std::slice::from_raw_parts(start.add(1), (*start as usize >> 1) - 1)
        } else {
            let size = start.cast::<u32>().read_unaligned() as usize >> 2;
            std::slice::from_raw_parts(start.add(4), size - 4)
        }
    }
}

/// Whether the value is stored outside its row or compressed.
///
/// # Safety
/// As [`payload`].
#[inline]
unsafe fn is_toasted(datum: Datum) -> bool {
    // SAFETY: as in payload().
    let first = unsafe { *datum.cast_mut_ptr::<u8>() };
    first == 0x01 || first & 0x03 == 0x02
}

/// Bytes of the value's payload once fetched and decompressed, without doing either.
///
/// # Safety
/// As [`payload`].
#[inline]
pub unsafe fn size(datum: Datum) -> usize {
    // SAFETY: as in payload(); toast_raw_datum_size reads the header alone, and counts it.
    unsafe {
        if is_toasted(datum) {
            server::toast_raw_datum_size(datum) - 4
        } else {
            payload(datum).len()
        }
    }
}

/// Whether two non-null values of one type have the same image. Values kept outside the row are
/// fetched only where their pointers differ and their sizes do not.
///
/// # Safety
/// Both are values of a type with this length and passing.
#[inline]
pub unsafe fn same(a: Datum, b: Datum, length: i16, by_value: bool) -> bool {
    if by_value {
        return a == b;
    }
    // SAFETY: the caller's promise about the type tells how many bytes may be read.
    unsafe {
        let (pa, pb) = (
            a.cast_mut_ptr::<u8>().cast_const(),
            b.cast_mut_ptr::<u8>().cast_const(),
        );
        match length {
            -1 => {
                if !is_toasted(a) && !is_toasted(b) {
                    payload(a) == payload(b)
                } else if toast_pointer(pa).is_some() && toast_pointer(pa) == toast_pointer(pb) {
                    true
                } else {
                    size(a) == size(b) && payload(a) == payload(b)
                }
            }
            -2 => std::ffi::CStr::from_ptr(pa.cast()) == std::ffi::CStr::from_ptr(pb.cast()),
            _ => {
                let n = length as usize;
                std::slice::from_raw_parts(pa, n) == std::slice::from_raw_parts(pb, n)
            }
        }
    }
}

/// The bytes of an on-disk toast pointer (varattrib_1b_e of tag VARTAG_ONDISK): tag and four words.
///
/// # Safety
/// `start` is the start of a varlena.
unsafe fn toast_pointer<'a>(start: *const u8) -> Option<&'a [u8]> {
    const VARTAG_ONDISK: u8 = 18;
    // SAFETY: only a header of 0x01 has a tag, and only an on-disk one its 16 bytes behind it.
    unsafe {
        (*start == 0x01 && *start.add(1) == VARTAG_ONDISK)
            .then(|| std::slice::from_raw_parts(start.add(2), 16))
    }
}
