//! A relation as the catalogs have it: what enable() and disable() decide by.

use super::catalog;
use pgrx::pg_sys;
use serde::Deserialize;
use std::collections::BTreeMap;
use wire::options::{Options, Restore};

#[derive(Deserialize)]
pub struct Relation {
    /// Schema-qualified and quoted.
    pub name: String,
    /// pg_class.relkind.
    pub kind: char,
    pub system: bool,
    /// In the extension's own schema.
    pub own: bool,
    pub owned: bool,
    /// Whether the caller may execute capture().
    pub may_attach: bool,
    /// The source this is a partition of.
    pub source_above: Option<String>,
    pub columns: Vec<Column>,
    pub keys: Vec<Key>,
    /// The table itself, then its partitions at every depth.
    pub members: Vec<Member>,
    pub publications: Vec<Publication>,
    /// The functions of event triggers that have no search_path of their own.
    pub event_triggers: Vec<String>,
}

#[derive(Deserialize)]
pub struct Column {
    pub name: String,
    pub quoted: String,
    #[serde(rename = "type")]
    pub type_oid: u32,
    /// Whether equal text is the same text: not so under a nondeterministic collation.
    pub exact: bool,
}

#[derive(Deserialize)]
pub struct Key {
    pub index: String,
    pub primary: bool,
    /// Whether it lets no two rows have the same values, at any time.
    pub unique: bool,
    pub columns: Vec<String>,
}

#[derive(Deserialize)]
pub struct Member {
    pub oid: u32,
    pub name: String,
    pub kind: char,
    /// As [`wire::options::Restore`] writes it.
    pub identity: String,
    /// The root's index to the one of this partition that stems from it.
    pub indexes: Option<BTreeMap<String, String>>,
    /// Those that can be its replica identity.
    pub own_indexes: Vec<Index>,
    /// Those that call capture(), but for the copies a partitioned table made.
    pub triggers: Vec<Existing>,
    /// Triggers that have our names and call something else.
    pub taken: Vec<String>,
}

#[derive(Deserialize)]
pub struct Index {
    pub name: String,
    pub columns: Vec<String>,
}

#[derive(Deserialize)]
pub struct Existing {
    pub name: String,
    pub argument: String,
    /// pg_trigger.tgtype.
    #[serde(rename = "type")]
    pub kind: i16,
    pub enabled: char,
    pub conditional: bool,
    /// Those its WHEN looks at.
    pub columns: Vec<String>,
}

#[derive(Deserialize)]
pub struct Publication {
    pub name: String,
    /// Whether it lists the table.
    pub member: bool,
    /// Whether it publishes the table, listed or not.
    pub covers: bool,
    /// Whether it has anything else in it.
    pub others: bool,
    /// Only its owner can have written it.
    pub comment: Option<String>,
}

impl Relation {
    /// None when there is no relation of that oid.
    pub fn load(oid: pg_sys::Oid) -> Option<Relation> {
        catalog::document(include_str!("relation.sql"), oid)
    }

    pub fn root(&self) -> &Member {
        &self.members[0]
    }

    pub fn is_partitioned(&self) -> bool {
        self.kind == 'p'
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub fn publication(&self, name: &str) -> Option<&Publication> {
        self.publications
            .iter()
            .find(|publication| publication.name == name)
    }

    pub fn primary_key(&self) -> Option<&Key> {
        self.keys.iter().find(|key| key.primary)
    }
}

impl Member {
    /// What the last enable() left to give back of this one.
    pub fn restore(&self) -> Restore {
        self.triggers
            .iter()
            .filter(|trigger| trigger.is_ours())
            .find_map(|trigger| Options::parse(&trigger.argument).ok())
            .map(|options| options.restore)
            .unwrap_or_default()
    }
}

impl Existing {
    pub fn is_ours(&self) -> bool {
        self.name.starts_with("00_realtime_sync_")
    }
}
