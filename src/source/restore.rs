//! What enable() changes besides triggers, replica identity and publication, and how it is given back.

use super::relation::{Member, Relation};
use super::request::{ReplicaIdentity, Request};
use pgrx::spi::quote_identifier;
use wire::options::{Options, Publication, Restore};

/// Statements, and what disable() will need to undo them.
#[derive(Default)]
pub struct Changes {
    pub statements: Vec<String>,
    pub restore: Restore,
}

/// From how the table is now, with what an earlier enable() changed, to what is asked for.
pub fn changes(request: &Request, relation: &Relation) -> Changes {
    let before = relation
        .options()
        .map(|options| options.restore)
        .unwrap_or_default();
    let mut changes = Changes::default();
    replica_identity(request, relation, &before, &mut changes);
    publication(request, relation, &before, &mut changes);
    changes
}

/// The statements that give everything back.
pub fn undo(relation: &Relation, before: &Restore) -> Vec<String> {
    let mut statements: Vec<String> = storage(relation)
        .filter_map(|member| {
            let identity = ReplicaIdentity::recall(original(before, relation, member)?)?;
            match &identity {
                ReplicaIdentity::Index(index) if !member.own_indexes.contains(index) => None,
                _ => set(member, &identity),
            }
        })
        .collect();
    statements.extend(
        before
            .publication
            .as_ref()
            .and_then(|ours| leave(relation, ours)),
    );
    statements
}

/// Foreign partitions have no replica identity.
fn storage(relation: &Relation) -> impl Iterator<Item = &Member> {
    relation.members.iter().filter(|member| member.kind != 'f')
}

/// The replica identity a table had before the first enable() that changed it.
fn original<'a>(before: &'a Restore, relation: &Relation, member: &Member) -> Option<&'a String> {
    if member.oid == relation.root().oid {
        before.replica_identity.as_ref()
    } else {
        before.partitions.get(&member.name)
    }
}

fn replica_identity(
    request: &Request,
    relation: &Relation,
    before: &Restore,
    changes: &mut Changes,
) {
    for member in storage(relation) {
        let original = original(before, relation, member);
        let wanted = match &request.replica_identity {
            Some(ReplicaIdentity::Index(index)) => member
                .indexes
                .as_ref()
                .and_then(|indexes| indexes.get(index))
                .map(|index| ReplicaIdentity::Index(index.clone())),
            Some(identity) => Some(identity.clone()),
            None => original.and_then(|original| ReplicaIdentity::recall(original)),
        };
        let Some(wanted) = wanted else { continue };
        let original = original.unwrap_or(&member.identity);
        if wanted.record() != *original {
            if member.oid == relation.root().oid {
                changes.restore.replica_identity = Some(original.clone());
            } else {
                changes
                    .restore
                    .partitions
                    .insert(member.name.clone(), original.clone());
            }
        }
        changes.statements.extend(set(member, &wanted));
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

fn publication(request: &Request, relation: &Relation, before: &Restore, changes: &mut Changes) {
    let ours = before.publication.as_ref();
    if let Some(ours) = ours.filter(|ours| request.publication.as_ref() != Some(&ours.name)) {
        changes.statements.extend(leave(relation, ours));
    }
    let Some(name) = &request.publication else {
        return;
    };
    let quoted = quote_identifier(name);
    let ours = ours.filter(|ours| ours.name == *name);
    let created = match relation.publication(name) {
        None => {
            changes.statements.push(format!(
                "create publication {quoted} for table {}",
                relation.name
            ));
            true
        }
        Some(publication) => {
            if !publication.covers {
                changes.statements.push(format!(
                    "alter publication {quoted} add table {}",
                    relation.name
                ));
            } else if ours.is_none() {
                return;
            }
            ours.is_some_and(|ours| ours.created) || made_elsewhere(relation, name)
        }
    };
    changes.restore.publication = Some(Publication {
        name: name.clone(),
        created,
    });
}

/// Whether another source made it, so that the last to leave drops it.
fn made_elsewhere(relation: &Relation, name: &str) -> bool {
    relation
        .makers
        .iter()
        .filter(|maker| maker.publication == name)
        .filter_map(|maker| Options::parse(&maker.argument).ok()?.restore.publication)
        .any(|publication| publication.created && publication.name == name)
}

fn leave(relation: &Relation, ours: &Publication) -> Option<String> {
    let publication = relation.publication(&ours.name)?;
    // Without the table in it, it is not the one enable() made.
    if !publication.member {
        return None;
    }
    let quoted = quote_identifier(&ours.name);
    Some(if ours.created && !publication.others {
        format!("drop publication {quoted}")
    } else {
        format!("alter publication {quoted} drop table {}", relation.name)
    })
}
