//! What enable() and disable() refuse by looking at the table.

use super::mistake::{Mistake, nearest};
use super::relation::{Key, Relation};
use super::request::{ReplicaIdentity, Request};
use super::restore;
use crate::source::mistake::{Filter, Table};
use wire::filter::Row;
use wire::options::Operation;

pub fn may_enable(relation: &Relation, request: &Request) {
    table(relation);
    if let Some(source) = &relation.source_above {
        Table::PartitionOfSource {
            name: relation.name.clone(),
            source: source.clone(),
        }
        .raise();
    }
    if let Some(partition) = partition_source(relation) {
        Table::PartitionIsSource {
            name: relation.name.clone(),
            partition,
        }
        .raise();
    }
    for member in &relation.members {
        if let Some(trigger) = member.taken.first() {
            Table::NameTaken {
                name: member.name.clone(),
                trigger: trigger.clone(),
            }
            .raise();
        }
    }
    columns(relation, request);
    identity(relation, request);
    key(relation, request);
    throttle(relation, request);
    unique_key(relation, request);
    filter(relation, request);
}

pub fn may_disable(relation: &Relation) {
    if !relation.owned {
        Table::NotOwner {
            name: relation.name.clone(),
        }
        .raise();
    }
    if let Some(source) = &relation.source_above {
        Table::PartitionOfSource {
            name: relation.name.clone(),
            source: source.clone(),
        }
        .raise();
    }
}

fn table(relation: &Relation) {
    let name = relation.name.clone();
    if relation.system {
        Table::Catalog { name }.raise();
    }
    if !matches!(relation.kind, 'r' | 'p') {
        Table::WrongKind {
            name,
            kind: relation.kind,
        }
        .raise();
    }
    if relation.own {
        Table::Ours { name }.raise();
    }
    if !relation.owned {
        Table::NotOwner { name }.raise();
    }
    if !relation.may_attach {
        Table::MayNotAttach.raise();
    }
}

/// A partition that is a source of its own: one with row triggers, while the table above has none.
/// (A TRUNCATE trigger alone may be of the table above.)
fn partition_source(relation: &Relation) -> Option<String> {
    let above = relation
        .root()
        .triggers
        .iter()
        .any(|trigger| trigger.is_ours());
    relation.members[1..]
        .iter()
        .find(|member| {
            member
                .triggers
                .iter()
                .any(|trigger| trigger.is_ours() && !(above && trigger.name.ends_with("_truncate")))
        })
        .map(|member| member.name.clone())
}

fn columns(relation: &Relation, request: &Request) {
    let options = &request.options;
    let topics: Vec<String> = request
        .topics
        .iter()
        .flat_map(|topic| topic.columns())
        .map(str::to_owned)
        .collect();
    for (option, columns) in [
        ("topics", &topics),
        ("columns", &options.columns),
        ("exclude", &options.exclude),
        ("watch", &options.watch),
        ("key_columns", &options.key_columns),
        ("status_columns", &options.status_columns),
        ("throttle_columns", &options.throttle_columns),
    ] {
        for column in columns {
            if relation.column(column).is_none() {
                Mistake::NoColumn {
                    column: column.clone(),
                    option,
                    table: relation.name.clone(),
                    nearest: nearest(column, relation.columns.iter().map(|c| c.name.as_str())),
                }
                .raise();
            }
        }
    }
    for column in &options.status_columns {
        if options.exclude.contains(column) {
            Mistake::StatusExcluded {
                column: column.clone(),
            }
            .raise();
        }
        if !options.columns.is_empty() && !options.columns.contains(column) {
            Mistake::StatusLeftOut {
                column: column.clone(),
            }
            .raise();
        }
    }
}

fn identity(relation: &Relation, request: &Request) {
    let Some(ReplicaIdentity::Index(index)) = &request.replica_identity else {
        return;
    };
    if !relation.keys.iter().any(|key| key.index == *index) {
        Mistake::NoIndex {
            index: index.clone(),
            table: relation.name.clone(),
            nearest: nearest(index, relation.keys.iter().map(|key| key.index.as_str())),
        }
        .raise();
    }
}

fn key(relation: &Relation, request: &Request) {
    let key = effective_key(relation, request);
    if key.is_empty() {
        Mistake::NoKey {
            name: relation.name.clone(),
        }
        .raise();
    }
    for column in key {
        if request.options.exclude.contains(column) {
            Mistake::KeyExcluded {
                column: column.clone(),
            }
            .raise();
        }
    }
}

/// As capture() will find it: the columns named, else the primary key, else the replica identity's.
pub fn effective_key<'a>(relation: &'a Relation, request: &'a Request) -> &'a [String] {
    if !request.options.key_columns.is_empty() {
        return &request.options.key_columns;
    }
    let identity = match final_identity(relation, request) {
        Some(ReplicaIdentity::Index(index)) => relation.keys.iter().find(|key| key.index == index),
        _ => None,
    };
    relation
        .primary_key()
        .or(identity)
        .map_or(&[], |key| &key.columns)
}

/// The replica identity the table will have: what is asked for, else what it had before enable() first
/// changed it, else what it has.
pub fn final_identity(relation: &Relation, request: &Request) -> Option<ReplicaIdentity> {
    let root = relation.root();
    request
        .replica_identity
        .clone()
        .or_else(|| restore::former_identity(root))
        .or_else(|| ReplicaIdentity::recall(&root.identity))
}

fn throttle(relation: &Relation, request: &Request) {
    let options = &request.options;
    let owned = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect();
    let topics: Vec<String> = owned(&mut request.topics.iter().flat_map(|topic| topic.columns()));
    let filter: Vec<String> = owned(&mut request.filter.iter().flat_map(|f| f.columns()));
    for (role, columns) in [
        ("the key", effective_key(relation, request)),
        ("topics", &topics),
        ("status_columns", &options.status_columns),
        ("filter", &filter),
    ] {
        let column = options
            .throttle_columns
            .iter()
            .find(|c| columns.contains(c));
        if let Some(column) = column.cloned() {
            Mistake::ThrottleNever { column, role }.raise();
        }
    }
    let watched = |column: &String| options.watch.contains(column);
    if options.throttle > 0
        && !options.watch.is_empty()
        && !options.throttle_columns.iter().any(watched)
    {
        Mistake::ThrottleUnwatched.raise();
    }
}

fn unique_key(relation: &Relation, request: &Request) {
    let options = &request.options;
    let option = match (options.coalesced, options.throttle > 0) {
        (true, _) => "coalesced",
        (_, true) => "throttle",
        _ => return,
    };
    let key = effective_key(relation, request);
    let names_a_row = |index: &Key| {
        index.unique && !index.columns.is_empty() && index.columns.iter().all(|c| key.contains(c))
    };
    if !relation.keys.iter().any(names_a_row) {
        Mistake::NeedsUniqueKey {
            option,
            name: relation.name.clone(),
            key: key.join(", "),
        }
        .raise();
    }
}

fn filter(relation: &Relation, request: &Request) {
    let Some(filter) = &request.filter else {
        return;
    };
    if !filter.names(Row::Old) {
        return;
    }
    if relation.is_partitioned() {
        Filter::OfPartitioned {
            name: relation.name.clone(),
        }
        .raise();
    }
    if request.operations.contains(&Operation::Insert) {
        Filter::NeedsOld.raise();
    }
    if filter.names(Row::New) && request.operations.contains(&Operation::Delete) {
        Filter::NeedsNew.raise();
    }
}
