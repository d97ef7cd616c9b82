//! Which writer a type has: the decision row_to_json makes for every value (json_categorize_type in
//! PostgreSQL's json.c), made once a plan.

use super::fixed::Sensitivity;
use crate::log::server;
use pgrx::pg_sys::{self, Oid};
use wire::options::Numbers;

pub enum Codec {
    Bool,
    Int2,
    Int4,
    Int8,
    Int8Text,
    Float4,
    Float8,
    Numeric,
    NumericText,
    /// Types whose text is their bytes: text, varchar, char(n).
    Text,
    Uuid,
    Timestamptz,
    Timestamp,
    Date,
    Time,
    Bytea,
    Json,
    Jsonb,
    Array(Box<Element>),
    Composite(Box<Composite>),
    /// The output function's text as a JSON string.
    Output(Box<pg_sys::FmgrInfo>),
    /// The text a cast to json gives, as it is.
    Cast(Box<pg_sys::FmgrInfo>),
}

pub struct Element {
    pub codec: Codec,
    pub length: i16,
    pub by_value: bool,
    pub align: u8,
}

pub struct Composite {
    pub desc: pg_sys::TupleDesc,
    pub fields: Vec<Field>,
}

pub struct Field {
    pub index: usize,
    /// `"name":`
    pub label: Vec<u8>,
    pub codec: Codec,
}

/// What encoding a row will need, gathered while its types are looked up.
#[derive(Default)]
pub struct Needs {
    pub sensitivity: Sensitivity,
    /// Some value's encoding runs code that is not PostgreSQL's own.
    pub foreign: bool,
    /// Relations of composite types; a change of theirs makes the plan stale.
    pub relations: Vec<Oid>,
}

/// Looks a type up. `memory` keeps what the functions cache and lives as long as the codec.
pub fn codec(
    type_oid: Oid,
    numbers: Numbers,
    memory: pg_sys::MemoryContext,
    needs: &mut Needs,
) -> Codec {
    let text = numbers == Numbers::Text;
    // SAFETY: catalog lookups by OID; they raise for a type that is gone, which a locked relation's
    // column cannot be.
    let base = unsafe { pg_sys::getBaseType(type_oid) };
    match base {
        pg_sys::BOOLOID => Codec::Bool,
        pg_sys::INT2OID => Codec::Int2,
        pg_sys::INT4OID => Codec::Int4,
        pg_sys::INT8OID if text => Codec::Int8Text,
        pg_sys::INT8OID => Codec::Int8,
        pg_sys::FLOAT4OID => Codec::Float4,
        pg_sys::FLOAT8OID => Codec::Float8,
        pg_sys::NUMERICOID if text => Codec::NumericText,
        pg_sys::NUMERICOID => Codec::Numeric,
        pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => Codec::Text,
        pg_sys::UUIDOID => Codec::Uuid,
        pg_sys::TIMESTAMPTZOID => Codec::Timestamptz,
        pg_sys::TIMESTAMPOID => Codec::Timestamp,
        pg_sys::DATEOID => Codec::Date,
        pg_sys::TIMEOID => Codec::Time,
        pg_sys::BYTEAOID => Codec::Bytea,
        pg_sys::JSONOID => Codec::Json,
        pg_sys::JSONBOID => Codec::Jsonb,
        _ => constructed(base, numbers, memory, needs),
    }
}

fn constructed(
    base: Oid,
    numbers: Numbers,
    memory: pg_sys::MemoryContext,
    needs: &mut Needs,
) -> Codec {
    // SAFETY: catalog lookups as above.
    unsafe {
        let element = pg_sys::get_element_type(base);
        if element != Oid::INVALID {
            let (mut length, mut by_value, mut align) = (0, false, 0);
            pg_sys::get_typlenbyvalalign(element, &mut length, &mut by_value, &mut align);
            let codec = codec(element, numbers, memory, needs);
            return Codec::Array(Box::new(Element {
                codec,
                length,
                by_value,
                align: align as u8,
            }));
        }
        if pg_sys::type_is_rowtype(base) {
            return composite(base, numbers, memory, needs);
        }
        if base.to_u32() >= pg_sys::FirstNormalObjectId {
            let mut cast = Oid::INVALID;
            let path = pg_sys::find_coercion_pathway(
                pg_sys::JSONOID,
                base,
                pg_sys::CoercionContext::COERCION_EXPLICIT,
                &mut cast,
            );
            if path == pg_sys::CoercionPathType::COERCION_PATH_FUNC && cast != Oid::INVALID {
                needs.foreign = true;
                needs.sensitivity = Sensitivity::ALL;
                return Codec::Cast(function(cast, memory));
            }
        }
        let (mut output, mut varlena) = (Oid::INVALID, false);
        pg_sys::getTypeOutputInfo(base, &mut output, &mut varlena);
        needs.foreign |= is_foreign(base, output);
        needs.sensitivity = needs.sensitivity.and(sensitivity(base));
        Codec::Output(function(output, memory))
    }
}

fn composite(
    base: Oid,
    numbers: Numbers,
    memory: pg_sys::MemoryContext,
    needs: &mut Needs,
) -> Codec {
    // SAFETY: the copied descriptor lives in `memory`, as long as the codec that reads it.
    unsafe {
        let caller = pg_sys::MemoryContextSwitchTo(memory);
        let desc = pg_sys::lookup_rowtype_tupdesc_copy(base, -1);
        pg_sys::MemoryContextSwitchTo(caller);
        needs.relations.push(pg_sys::get_typ_typrelid(base));
        let fields = (0..(*desc).natts as usize)
            .map(|index| (index, server::attribute(desc, index)))
            .filter(|(_, attribute)| !attribute.attisdropped)
            .map(|(index, attribute)| Field {
                index,
                label: label(attribute),
                codec: codec(attribute.atttypid, numbers, memory, needs),
            })
            .collect();
        Codec::Composite(Box::new(Composite { desc, fields }))
    }
}

/// `"name":` as row_to_json writes it.
pub fn label(attribute: &pg_sys::FormData_pg_attribute) -> Vec<u8> {
    let mut text = wire::buffer::Text::new();
    wire::json::write_string(&mut text, name_bytes(&attribute.attname));
    text.push(b':');
    text.as_bytes().to_vec()
}

pub fn name_bytes(name: &pg_sys::NameData) -> &[u8] {
    // SAFETY: a name is 64 bytes with a NUL among them.
    unsafe { std::ffi::CStr::from_ptr(name.data.as_ptr()) }.to_bytes()
}

fn function(oid: Oid, memory: pg_sys::MemoryContext) -> Box<pg_sys::FmgrInfo> {
    // SAFETY: an all-zero FmgrInfo is what fmgr_info_cxt expects to fill; the box keeps its address.
    unsafe {
        let mut info: Box<pg_sys::FmgrInfo> = Box::new(std::mem::zeroed());
        pg_sys::fmgr_info_cxt(oid, &mut *info, memory);
        info
    }
}

/// Whether output runs code that is not PostgreSQL's own: an extension's or a user's function, also
/// that of a range's elements.
fn is_foreign(base: Oid, output: Oid) -> bool {
    // SAFETY: catalog lookups by OID.
    unsafe {
        if let Some(subtype) = range_subtype(base) {
            let (mut output, mut varlena) = (Oid::INVALID, false);
            let subtype = pg_sys::getBaseType(subtype);
            pg_sys::getTypeOutputInfo(subtype, &mut output, &mut varlena);
            return is_foreign(subtype, output);
        }
        let element = pg_sys::get_element_type(base);
        if element != Oid::INVALID {
            let (mut output, mut varlena) = (Oid::INVALID, false);
            pg_sys::getTypeOutputInfo(element, &mut output, &mut varlena);
            return is_foreign(element, output);
        }
        if pg_sys::type_is_rowtype(base) {
            return true;
        }
        output.to_u32() >= pg_sys::FirstNormalObjectId && !is_internal(output)
    }
}

/// An extension may declare PostgreSQL's own function for its type, as citext does textout.
fn is_internal(function: Oid) -> bool {
    /// pg_language's row for functions built into the server (pg_language.dat).
    const INTERNAL: u32 = 12;
    // SAFETY: the tuple is read before it is released; pg_proc's fixed part is never null.
    unsafe {
        let tuple =
            pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::PROCOID as i32, function.into());
        if tuple.is_null() {
            return false;
        }
        let row = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_proc>();
        let language = (*row).prolang;
        pg_sys::ReleaseSysCache(tuple);
        language.to_u32() == INTERNAL
    }
}

fn range_subtype(base: Oid) -> Option<Oid> {
    // SAFETY: catalog lookups by OID.
    unsafe {
        let range = match pg_sys::get_typtype(base) as u8 {
            pg_sys::TYPTYPE_RANGE => base,
            pg_sys::TYPTYPE_MULTIRANGE => pg_sys::get_multirange_range(base),
            _ => return None,
        };
        Some(pg_sys::get_range_subtype(range))
    }
}

/// The settings a type's output function reads (its source in PostgreSQL's utils/adt). A type not
/// listed is taken to read all of them.
fn sensitivity(base: Oid) -> Sensitivity {
    if let Some(subtype) = range_subtype(base) {
        // SAFETY: a catalog lookup by OID.
        let subtype = unsafe { pg_sys::getBaseType(subtype) };
        return match subtype {
            pg_sys::INT2OID
            | pg_sys::INT4OID
            | pg_sys::INT8OID
            | pg_sys::NUMERICOID
            | pg_sys::TEXTOID
            | pg_sys::VARCHAROID
            | pg_sys::BPCHAROID
            | pg_sys::BOOLOID => Sensitivity::NONE,
            pg_sys::DATEOID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => Sensitivity::TIME,
            pg_sys::FLOAT4OID | pg_sys::FLOAT8OID => Sensitivity::FLOAT,
            _ => sensitivity(subtype),
        };
    }
    match base {
        pg_sys::NAMEOID
        | pg_sys::CHAROID
        | pg_sys::OIDOID
        | pg_sys::XIDOID
        | pg_sys::XID8OID
        | pg_sys::CIDOID
        | pg_sys::TIDOID
        | pg_sys::PG_LSNOID
        | pg_sys::PG_SNAPSHOTOID
        | pg_sys::INETOID
        | pg_sys::CIDROID
        | pg_sys::MACADDROID
        | pg_sys::MACADDR8OID
        | pg_sys::BITOID
        | pg_sys::VARBITOID
        | pg_sys::TSVECTOROID
        | pg_sys::TSQUERYOID
        | pg_sys::JSONPATHOID
        | pg_sys::XMLOID
        | pg_sys::TIMETZOID
        | pg_sys::INT2VECTOROID
        | pg_sys::OIDVECTOROID => Sensitivity::NONE,
        pg_sys::INTERVALOID => Sensitivity::INTERVAL,
        pg_sys::MONEYOID => Sensitivity::MONEY,
        pg_sys::POINTOID
        | pg_sys::LSEGOID
        | pg_sys::PATHOID
        | pg_sys::BOXOID
        | pg_sys::POLYGONOID
        | pg_sys::LINEOID
        | pg_sys::CIRCLEOID => Sensitivity::FLOAT,
        pg_sys::REGCLASSOID
        | pg_sys::REGPROCOID
        | pg_sys::REGPROCEDUREOID
        | pg_sys::REGOPEROID
        | pg_sys::REGOPERATOROID
        | pg_sys::REGTYPEOID
        | pg_sys::REGROLEOID
        | pg_sys::REGNAMESPACEOID
        | pg_sys::REGCOLLATIONOID
        | pg_sys::REGCONFIGOID
        | pg_sys::REGDICTIONARYOID => Sensitivity::NAME,
        // SAFETY: a catalog lookup by OID.
        _ if unsafe { pg_sys::get_typtype(base) } as u8 == pg_sys::TYPTYPE_ENUM => {
            Sensitivity::NONE
        }
        _ => Sensitivity::ALL,
    }
}
