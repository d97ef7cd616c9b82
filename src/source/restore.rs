//! What enable() changes besides triggers, replica identity and publication, and how it is given back.
//! Each table's own trigger remembers what is to be given back of it, so that it goes where the table
//! goes: renamed, moved to another schema, detached, dumped.

use super::relation::{Member, Relation};
use super::request::{ReplicaIdentity, Request};
use pgrx::spi::quote_identifier;
use std::collections::BTreeMap;
use wire::options::{Publication, Restore};

/// The comment of a publication that enable() made, by which disable() knows it: a trigger says what whoever owns the
/// table has written into it.
const MADE: &str = "Made by realtime_sync.enable().";

/// Statements, and what disable() will need to undo them.
#[derive(Default)]
pub struct Changes {
    pub statements: Vec<String>,
    pub memory: Memory,
}

/// What is to be given back, of each member that has any.
#[derive(Default)]
pub struct Memory(BTreeMap<u32, Restore>);

impl Memory {
    pub fn of(&self, member: &Member) -> Restore {
        self.0.get(&member.oid).cloned().unwrap_or_default()
    }

    fn entry(&mut self, member: &Member) -> &mut Restore {
        self.0.entry(member.oid).or_default()
    }
}

/// From how the table is now, with what an earlier enable() changed, to what is asked for.
pub fn changes(request: &Request, relation: &Relation) -> Changes {
    let mut changes = Changes::default();
    replica_identity(request, relation, &mut changes);
    publication(request, relation, &mut changes);
    changes
}

/// The statements that give everything back.
pub fn undo(relation: &Relation) -> Vec<String> {
    let mut statements: Vec<String> = storage(relation)
        .filter_map(|member| set(member, &former_identity(member)?))
        .collect();
    statements.extend(
        relation
            .root()
            .restore()
            .publication
            .and_then(|ours| leave(relation, &ours)),
    );
    statements
}

/// Whether there is a replica identity to give back.
pub fn changes_identity(relation: &Relation) -> bool {
    storage(relation).any(|member| member.restore().replica_identity.is_some())
}

/// The replica identity a table had before the first enable() that changed it; None if none did, or
/// if the index it was is gone.
pub fn former_identity(member: &Member) -> Option<ReplicaIdentity> {
    recall(member, &member.restore())
}

/// Foreign partitions have no replica identity.
fn storage(relation: &Relation) -> impl Iterator<Item = &Member> {
    relation.members.iter().filter(|member| member.kind != 'f')
}

/// An index by the name it has now. Its columns come before its name: what is rebuilt or renamed
/// leaves the name to others, and indexes of the same columns are the same replica identity.
fn recall(member: &Member, former: &Restore) -> Option<ReplicaIdentity> {
    match ReplicaIdentity::recall(former.replica_identity.as_ref()?)? {
        ReplicaIdentity::Index(name) => {
            let indexes = || member.own_indexes.iter();
            let same = |columns: &[String]| columns == former.index_columns;
            indexes()
                .find(|index| index.name == name && same(&index.columns))
                .or_else(|| indexes().find(|index| same(&index.columns)))
                .or_else(|| indexes().find(|index| index.name == name))
                .map(|index| ReplicaIdentity::Index(index.name.clone()))
        }
        identity => Some(identity),
    }
}

/// How it is now, as it is remembered.
fn present(member: &Member) -> Restore {
    let index_columns = match ReplicaIdentity::recall(&member.identity) {
        Some(ReplicaIdentity::Index(name)) => member
            .own_indexes
            .iter()
            .find(|index| index.name == name)
            .map(|index| index.columns.clone())
            .unwrap_or_default(),
        _ => Vec::new(),
    };
    Restore {
        replica_identity: Some(member.identity.clone()),
        index_columns,
        publication: None,
    }
}

fn replica_identity(request: &Request, relation: &Relation, changes: &mut Changes) {
    for member in storage(relation) {
        let before = member.restore();
        let remembered = before.replica_identity.is_some();
        let former = if remembered { before } else { present(member) };
        let wanted = match &request.replica_identity {
            Some(ReplicaIdentity::Index(index)) => member
                .indexes
                .as_ref()
                .and_then(|indexes| indexes.get(index))
                .map(|index| ReplicaIdentity::Index(index.clone())),
            Some(identity) => Some(identity.clone()),
            None if remembered => recall(member, &former),
            None => None,
        };
        let changed = match &wanted {
            Some(_) => wanted != recall(member, &former),
            None => remembered,
        };
        if changed {
            let memory = changes.memory.entry(member);
            memory.replica_identity = former.replica_identity;
            memory.index_columns = former.index_columns;
        }
        changes
            .statements
            .extend(wanted.and_then(|wanted| set(member, &wanted)));
    }
}

/// None if it has it already.
fn set(member: &Member, wanted: &ReplicaIdentity) -> Option<String> {
    if member.identity == wanted.record() {
        return None;
    }
    let identity = match wanted {
        ReplicaIdentity::Default => "default".into(),
        ReplicaIdentity::Full => "full".into(),
        ReplicaIdentity::Nothing => "nothing".into(),
        ReplicaIdentity::Index(index) => format!("using index {}", quote_identifier(index)),
    };
    Some(format!(
        "alter table only {} replica identity {identity}",
        member.name
    ))
}

fn publication(request: &Request, relation: &Relation, changes: &mut Changes) {
    let before = relation.root().restore().publication;
    let ours = before.as_ref();
    if let Some(ours) = ours.filter(|ours| request.publication.as_ref() != Some(&ours.name)) {
        changes.statements.extend(leave(relation, ours));
    }
    let Some(name) = &request.publication else {
        return;
    };
    let quoted = quote_identifier(name);
    let ours = ours.filter(|ours| ours.name == *name);
    match relation.publication(name) {
        None => changes.statements.extend([
            format!("create publication {quoted} for table {}", relation.name),
            format!("comment on publication {quoted} is '{MADE}'"),
        ]),
        Some(publication) if !publication.covers => changes.statements.push(format!(
            "alter publication {quoted} add table {}",
            relation.name
        )),
        Some(_) if ours.is_none() => return,
        Some(_) => {}
    }
    let name = name.clone();
    changes.memory.entry(relation.root()).publication = Some(Publication { name });
}

fn leave(relation: &Relation, ours: &Publication) -> Option<String> {
    let publication = relation.publication(&ours.name)?;
    // Without the table in it, it is not the one enable() made.
    if !publication.member {
        return None;
    }
    let quoted = quote_identifier(&ours.name);
    let made = publication.comment.as_deref() == Some(MADE);
    // Whichever source made it: the last to leave drops it.
    Some(if made && !publication.others {
        format!("drop publication {quoted}")
    } else {
        format!("alter publication {quoted} drop table {}", relation.name)
    })
}
