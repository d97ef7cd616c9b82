//! What the relation cache and the catalogs say of a source: its key, its root, its names.

use super::codec;
use super::compile::place;
use super::plan::Column;
use crate::log::server;
use pgrx::pg_sys::{self, Oid};
use std::ffi::CStr;
use wire::options::Options;

/// The columns that identify a row: those named, else the root's primary key, else its replica
/// identity's. A partition's own may be others: an identity does not pass down to it.
///
/// # Safety
/// The relation is open.
pub unsafe fn key(
    relation: pg_sys::Relation,
    root: Oid,
    options: &Options,
    columns: &[Column],
) -> Vec<usize> {
    if !options.key_columns.is_empty() {
        let key: Option<Vec<usize>> = options
            .key_columns
            .iter()
            .map(|name| place(columns, name))
            .collect();
        return key.unwrap_or_default();
    }
    // SAFETY: as root(): read without a lock, stale once it changes.
    unsafe {
        if root == (*relation).rd_id {
            return index_key(relation);
        }
        let above = pg_sys::RelationIdGetRelation(root);
        if above.is_null() {
            return index_key(relation);
        }
        let own = |n: usize| {
            let name = codec::name_bytes(&server::attribute((*above).rd_att, n).attname);
            columns
                .iter()
                .position(|column| !column.absent && column.name == name)
        };
        let key: Option<Vec<usize>> = index_key(above).into_iter().map(own).collect();
        pg_sys::RelationClose(above);
        match key {
            Some(key) if !key.is_empty() => key,
            _ => index_key(relation),
        }
    }
}

/// # Safety
/// The relation is open.
unsafe fn index_key(relation: pg_sys::Relation) -> Vec<usize> {
    // SAFETY: a catalog tuple is read before it is released; indkey is the last fixed column and never
    // null.
    unsafe {
        let mut replica = Vec::new();
        let indexes = pg_sys::RelationGetIndexList(relation);
        for n in 0..if indexes.is_null() {
            0
        } else {
            (*indexes).length
        } {
            let oid = pg_sys::list_nth_oid(indexes, n);
            let tuple =
                pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::INDEXRELID as i32, oid.into());
            if tuple.is_null() {
                continue;
            }
            let index = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_index>();
            let key: Vec<usize> = index
                .indkey
                .values
                .as_slice(index.indnkeyatts as usize)
                .iter()
                .filter(|number| **number > 0)
                .map(|number| *number as usize - 1)
                .collect();
            let (primary, identity) = (index.indisprimary, index.indisreplident);
            pg_sys::ReleaseSysCache(tuple);
            if primary {
                return key;
            }
            if identity {
                replica = key;
            }
        }
        replica
    }
}

/// The topmost ancestor that carries this trigger, and all ancestors.
///
/// # Safety
/// The relation is open, and the trigger one of its.
pub unsafe fn root(relation: pg_sys::Relation, trigger: *const pg_sys::Trigger) -> (Oid, Vec<Oid>) {
    // SAFETY: relation cache entries are read without a lock, which may be out of date by a
    // concurrent change that will make this plan stale; a relation that is gone gives null.
    unsafe {
        let own = (*relation).rd_id;
        if !(*(*relation).rd_rel).relispartition {
            return (own, Vec::new());
        }
        let list = server::get_partition_ancestors(own);
        // DETACH CONCURRENTLY has taken the parent away already, and not yet the triggers.
        if list.is_null() {
            return (own, Vec::new());
        }
        let ancestors: Vec<Oid> = (0..(*list).length)
            .map(|n| pg_sys::list_nth_oid(list, n))
            .collect();
        let carries = |oid: &&Oid| {
            let ancestor = pg_sys::RelationIdGetRelation(**oid);
            if ancestor.is_null() {
                return false;
            }
            let triggers = (*ancestor).trigdesc;
            let found = !triggers.is_null()
                && (0..(*triggers).numtriggers as usize).any(|n| {
                    let other = &*(*triggers).triggers.add(n);
                    other.tgfoid == (*trigger).tgfoid
                        && CStr::from_ptr(other.tgname) == CStr::from_ptr((*trigger).tgname)
                });
            pg_sys::RelationClose(ancestor);
            found
        };
        let root = ancestors.iter().rev().find(carries).copied().unwrap_or(own);
        (root, ancestors)
    }
}

/// Those columns of the key that no ancestor is partitioned by.
pub fn unmoved(key: &[usize], columns: &[Column], ancestors: &[Oid]) -> Vec<usize> {
    // SAFETY: as root().
    let moves =
        |&n: &usize, &ancestor: &Oid| unsafe { is_partitioned_by(ancestor, &columns[n].name) };
    key.iter()
        .copied()
        .filter(|n| !ancestors.iter().any(|ancestor| moves(n, ancestor)))
        .collect()
}

/// Also where the column is part of an expression.
unsafe fn is_partitioned_by(ancestor: Oid, name: &[u8]) -> bool {
    // SAFETY: a relation that is gone gives null; the descriptor is the open relation's.
    unsafe {
        let relation = pg_sys::RelationIdGetRelation(ancestor);
        if relation.is_null() {
            return true;
        }
        let desc = (*relation).rd_att;
        let number = (0..(*desc).natts)
            .find(|&n| codec::name_bytes(&server::attribute(desc, n as usize).attname) == name);
        let by = number.is_none_or(|n| {
            let number = n + 1 - pg_sys::FirstLowInvalidHeapAttributeNumber;
            server::has_partition_attrs(
                relation,
                pg_sys::bms_make_singleton(number),
                std::ptr::null_mut(),
            )
        });
        pg_sys::RelationClose(relation);
        by
    }
}

/// Schema and table of the root, in the server's encoding.
///
/// # Safety
/// The relation is open.
pub unsafe fn names(root: Oid, relation: pg_sys::Relation) -> (Vec<u8>, Vec<u8>) {
    // SAFETY: lookups by OID give a fresh C string or null.
    unsafe {
        let text = |name: *mut std::ffi::c_char| {
            if name.is_null() {
                Vec::new()
            } else {
                CStr::from_ptr(name).to_bytes().to_vec()
            }
        };
        let schema = text(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(root)));
        let table = text(pg_sys::get_rel_name(root));
        if table.is_empty() {
            (schema, name(relation))
        } else {
            (schema, table)
        }
    }
}

/// # Safety
/// The relation is open.
pub unsafe fn name(relation: pg_sys::Relation) -> Vec<u8> {
    // SAFETY: the relation is open.
    codec::name_bytes(unsafe { &(*(*relation).rd_rel).relname }).to_vec()
}
