//! What a table sink writes: which of a table's columns get which part of an event, by their names.

use serde::Deserialize;
use std::fmt;

/// A part of an event that a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Cursor,
    Id,
    Txid,
    /// One topic: the event is a row for each.
    Topic,
    Topics,
    Type,
    Event,
    Schema,
    Table,
    Key,
    /// The dialect's text.
    Payload,
}

/// How a part is given to the INSERT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Number,
    List,
}

/// The names that count; a table may have any of them.
const NAMES: [(&str, Part); 14] = [
    ("cursor", Part::Cursor),
    ("id", Part::Id),
    ("event_id", Part::Id),
    ("txid", Part::Txid),
    ("topic", Part::Topic),
    ("topics", Part::Topics),
    ("type", Part::Type),
    ("event", Part::Event),
    ("schema", Part::Schema),
    ("schema_name", Part::Schema),
    ("table", Part::Table),
    ("table_name", Part::Table),
    ("key", Part::Key),
    ("payload", Part::Payload),
];

/// A column as the catalog has it.
#[derive(Clone, Debug, Deserialize)]
pub struct Column {
    pub name: String,
    /// The type's name, or of a domain, that of the type it is made of.
    #[serde(rename = "type")]
    pub base: String,
    /// PostgreSQL's category of it: S is for texts, E for enums.
    pub category: char,
    /// The category of an array's elements.
    pub element: Option<char>,
    pub not_null: bool,
    /// It has a default or is an identity.
    pub has_default: bool,
    pub generated: bool,
    /// The sink's owner may write it.
    pub may_insert: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboxError {
    /// The table has none of the names.
    NoColumn,
    Type {
        column: String,
        found: String,
        wanted: &'static str,
    },
    /// It must have a value, and we have none for it.
    Mandatory {
        column: String,
    },
    /// It must have a value, which some events have not.
    NotNull {
        column: String,
    },
    Denied {
        column: String,
    },
}

impl fmt::Display for OutboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutboxError::NoColumn => f.write_str("it has no column that a sink fills"),
            OutboxError::Type {
                column,
                found,
                wanted,
            } => write!(
                f,
                "column \"{column}\" is of type {found}, and takes {wanted}"
            ),
            OutboxError::Mandatory { column } => write!(
                f,
                "column \"{column}\" is NOT NULL without a default, and nothing fills it"
            ),
            OutboxError::NotNull { column } => {
                write!(f, "column \"{column}\" is NOT NULL, and messages have none")
            }
            OutboxError::Denied { column } => {
                write!(
                    f,
                    "the sink's owner may not insert into column \"{column}\""
                )
            }
        }
    }
}

impl std::error::Error for OutboxError {}

/// The columns to fill, in the table's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbox {
    columns: Vec<(&'static str, Part, String)>,
}

impl Outbox {
    pub fn of(columns: &[Column]) -> Result<Outbox, OutboxError> {
        let mut filled = Vec::new();
        for column in columns.iter().filter(|column| !column.generated) {
            let known = NAMES.iter().find(|(name, _)| *name == column.name);
            match known {
                // An id that the table makes itself is the table's own.
                Some((_, Part::Id)) if column.name == "id" && column.has_default => {}
                Some(&(name, part)) => {
                    if !column.may_insert {
                        return Err(OutboxError::Denied {
                            column: name.into(),
                        });
                    }
                    if column.not_null && part.may_be_null() {
                        return Err(OutboxError::NotNull {
                            column: name.into(),
                        });
                    }
                    filled.push((name, part, part.cast(column)?));
                }
                None if column.not_null && !column.has_default => {
                    return Err(OutboxError::Mandatory {
                        column: column.name.clone(),
                    });
                }
                None => {}
            }
        }
        match filled.is_empty() {
            true => Err(OutboxError::NoColumn),
            false => Ok(Outbox { columns: filled }),
        }
    }

    /// The parts, as parameters $1, $2 ... of [`Outbox::insert`].
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        self.columns.iter().map(|(_, part, _)| *part)
    }

    /// The INSERT into a table of this name, as SQL has it.
    pub fn insert(&self, table: &[u8]) -> Vec<u8> {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|(name, _, _)| format!("\"{name}\""))
            .collect();
        let values: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(n, (_, _, cast))| format!("${}{cast}", n + 1))
            .collect();
        let mut sql = b"insert into ".to_vec();
        sql.extend_from_slice(table);
        sql.extend_from_slice(
            format!(" ({}) values ({})", names.join(", "), values.join(", ")).as_bytes(),
        );
        sql
    }
}

impl Part {
    pub fn form(self) -> Form {
        match self {
            Part::Id | Part::Txid => Form::Number,
            Part::Topics => Form::List,
            _ => Form::Text,
        }
    }

    /// Messages have no table, and TRUNCATE no key.
    fn may_be_null(self) -> bool {
        matches!(self, Part::Schema | Part::Table | Part::Key)
    }

    /// What follows the parameter in the INSERT, so that the column takes it: the server's own
    /// assignment casts do the rest.
    fn cast(self, column: &Column) -> Result<String, OutboxError> {
        let base = column.base.as_str();
        let text = column.category == 'S';
        let (wanted, cast) = match self {
            Part::Id | Part::Txid => (
                "bigint, numeric or text",
                match base {
                    "bigint" | "numeric" => Some(String::new()),
                    "xid8" if self == Part::Txid => {
                        Some("::pg_catalog.text::pg_catalog.xid8".into())
                    }
                    _ if text => Some("::pg_catalog.text".into()),
                    _ => None,
                },
            ),
            Part::Topics => ("text[]", (column.element == Some('S')).then(String::new)),
            Part::Key | Part::Payload => (
                "json, jsonb or text",
                match base {
                    "json" | "jsonb" => Some(format!("::pg_catalog.{base}")),
                    _ if text => Some(String::new()),
                    _ => None,
                },
            ),
            _ => (
                "text or an enum",
                match column.category {
                    'S' => Some(String::new()),
                    'E' => Some(format!("::{base}")),
                    _ => None,
                },
            ),
        };
        cast.ok_or_else(|| OutboxError::Type {
            column: column.name.clone(),
            found: base.to_owned(),
            wanted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn column(name: &str, base: &str) -> Column {
        let category = match base {
            "text" | "character varying" | "public.citext" => 'S',
            "public.mood" => 'E',
            "text[]" => 'A',
            "bigint" | "numeric" | "integer" => 'N',
            _ => 'U',
        };
        Column {
            name: name.into(),
            base: base.into(),
            category,
            element: (base == "text[]").then_some('S'),
            not_null: false,
            has_default: false,
            generated: false,
            may_insert: true,
        }
    }

    fn sql(columns: &[Column]) -> String {
        let insert = Outbox::of(columns).unwrap().insert(b"public.\"Out box\"");
        String::from_utf8(insert).unwrap()
    }

    #[test]
    fn columns_are_filled_by_name() {
        let columns = [
            Column {
                has_default: true,
                not_null: true,
                ..column("id", "uuid")
            },
            column("cursor", "text"),
            column("event_id", "bigint"),
            column("txid", "xid8"),
            column("topics", "text[]"),
            column("type", "public.mood"),
            column("table_name", "character varying"),
            column("key", "jsonb"),
            column("payload", "json"),
            Column {
                has_default: true,
                not_null: true,
                ..column("created_at", "timestamp with time zone")
            },
            column("note", "text"),
        ];
        assert_eq!(
            sql(&columns),
            r#"insert into public."Out box" ("cursor", "event_id", "txid", "topics", "type", "table_name", "key", "payload") values ($1, $2, $3::pg_catalog.text::pg_catalog.xid8, $4, $5::public.mood, $6, $7::pg_catalog.jsonb, $8::pg_catalog.json)"#
        );
    }

    #[test]
    fn an_id_without_a_default_is_the_event_s() {
        assert!(sql(&[column("id", "bigint")]).contains(r#"("id")"#));
        assert!(sql(&[column("id", "text")]).ends_with("($1::pg_catalog.text)"));
        let own = Column {
            has_default: true,
            ..column("id", "bigint")
        };
        assert_eq!(Outbox::of(&[own]), Err(OutboxError::NoColumn));
    }

    #[test]
    fn what_cannot_be_filled_is_named() {
        let mandatory = Column {
            not_null: true,
            ..column("tenant", "text")
        };
        let key = Column {
            not_null: true,
            ..column("key", "text")
        };
        let denied = Column {
            may_insert: false,
            ..column("payload", "text")
        };
        for (columns, error) in [
            (vec![column("note", "text")], OutboxError::NoColumn),
            (
                vec![column("payload", "text"), mandatory],
                OutboxError::Mandatory {
                    column: "tenant".into(),
                },
            ),
            (
                vec![key],
                OutboxError::NotNull {
                    column: "key".into(),
                },
            ),
            (
                vec![denied],
                OutboxError::Denied {
                    column: "payload".into(),
                },
            ),
            (
                vec![column("id", "integer")],
                OutboxError::Type {
                    column: "id".into(),
                    found: "integer".into(),
                    wanted: "bigint, numeric or text",
                },
            ),
            (
                vec![column("id", "xid8")],
                OutboxError::Type {
                    column: "id".into(),
                    found: "xid8".into(),
                    wanted: "bigint, numeric or text",
                },
            ),
            (
                vec![column("topics", "text")],
                OutboxError::Type {
                    column: "topics".into(),
                    found: "text".into(),
                    wanted: "text[]",
                },
            ),
            (
                vec![column("payload", "bytea")],
                OutboxError::Type {
                    column: "payload".into(),
                    found: "bytea".into(),
                    wanted: "json, jsonb or text",
                },
            ),
            (
                vec![column("topic", "bigint")],
                OutboxError::Type {
                    column: "topic".into(),
                    found: "bigint".into(),
                    wanted: "text or an enum",
                },
            ),
        ] {
            assert_eq!(Outbox::of(&columns), Err(error));
        }
    }

    proptest! {
        #[test]
        fn every_parameter_has_its_part(names in prop::sample::subsequence(NAMES.to_vec(), 1..NAMES.len())) {
            let columns: Vec<Column> = names
                .iter()
                .map(|(name, part)| column(name, match part.form() {
                    Form::Text => "text",
                    Form::Number => "bigint",
                    Form::List => "text[]",
                }))
                .collect();
            let outbox = Outbox::of(&columns).unwrap();
            prop_assert!(outbox.parts().eq(names.iter().map(|(_, part)| *part)));
            let sql = sql(&columns);
            let last = format!("${}", names.len());
            prop_assert!(sql.contains(&last));
        }
    }
}
