//! The table itself: what it is, whose it is, and what has its triggers already.

use super::Mistake;
use crate::error::{Parts, parts};
use pgrx::PgSqlErrorCode::*;

pub enum Table {
    NoRelation,
    NoSuchRelation { oid: u32 },
    Dropped { name: String },
    WrongKind { name: String, kind: char },
    Catalog { name: String },
    Ours { name: String },
    NotOwner { name: String },
    MayNotAttach,
    PartitionOfSource { name: String, source: String },
    PartitionIsSource { name: String, partition: String },
    NameTaken { name: String, trigger: String },
}

impl Table {
    pub fn raise(self) -> ! {
        Mistake::Table(self).raise()
    }

    pub fn parts(self) -> Parts {
        match self {
            Table::NoRelation => parts(
                ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "relation must not be null",
                "",
                "Name the table: realtime_sync.enable('drivers').",
            ),
            Table::NoSuchRelation { oid } => parts(
                ERRCODE_UNDEFINED_TABLE,
                format!("relation with OID {oid} does not exist"),
                "",
                "",
            ),
            Table::Dropped { name } => parts(
                ERRCODE_UNDEFINED_TABLE,
                format!("table {name} does not exist any more"),
                "Another session dropped it while this one waited for its lock.",
                "",
            ),
            Table::WrongKind { name, kind } => parts(
                ERRCODE_WRONG_OBJECT_TYPE,
                format!("{name} is not a table"),
                match kind {
                    'v' => "A view has no rows of its own to report.",
                    'm' => "A materialized view fires no triggers.",
                    'f' => "Changes made on the foreign server fire no triggers here.",
                    'S' => "It is a sequence.",
                    'i' | 'I' => "It is an index.",
                    'c' => "It is a composite type.",
                    't' => "It is a TOAST table.",
                    _ => "It fires no triggers.",
                },
                match kind {
                    'v' | 'm' => "Enable the tables it reads.",
                    'f' => "Enable the table on the foreign server.",
                    _ => "Only tables and partitioned tables can be sources.",
                },
            ),
            Table::Catalog { name } => parts(
                ERRCODE_WRONG_OBJECT_TYPE,
                format!("{name} is a system catalog"),
                "PostgreSQL fires no triggers on its own tables.",
                "",
            ),
            Table::Ours { name } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{name} is in the schema of realtime_sync itself"),
                "An event about the event log would make another, without end.",
                "Keep your own tables in another schema.",
            ),
            Table::NotOwner { name } => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("must be owner of table {name}"),
                "",
                "Run the migration as the table's owner.",
            ),
            Table::MayNotAttach => parts(
                ERRCODE_INSUFFICIENT_PRIVILEGE,
                "permission denied for function realtime_sync.capture",
                "Whoever attaches it to a table may write to any topic.",
                "Have a superuser run: select realtime_sync.allow('your_role', 'migrate');",
            ),
            Table::PartitionOfSource { name, source } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("{name} is a partition of the source {source}"),
                "It has that table's triggers already.",
                format!(
                    "Use {source} here, or first: select realtime_sync.disable('{}');",
                    source.replace('\'', "''")
                ),
            ),
            Table::PartitionIsSource { name, partition } => parts(
                ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("partition {partition} of {name} is a source already"),
                "Its triggers would be lost in those of the whole table.",
                format!(
                    "Run first: select realtime_sync.disable('{}');",
                    partition.replace('\'', "''")
                ),
            ),
            Table::NameTaken { name, trigger } => parts(
                ERRCODE_DUPLICATE_OBJECT,
                format!("trigger \"{trigger}\" of {name} is not one of realtime_sync's"),
                "It calls another function.",
                format!("Rename it: alter trigger \"{trigger}\" on {name} rename to ...;"),
            ),
        }
    }
}
