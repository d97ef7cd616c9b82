//! Topic templates: `driver:{id}`, `{schema}.{table}`. `{schema}`, `{table}` and `{key}` are those;
//! any other word in braces is a column, written as the catalog has it. In double quotes it is always
//! a column, which may then hold any character: `{"table"}`, `{"a}b"}`. Doubled braces are literal.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Literal(String),
    Column(String),
    Schema,
    Table,
    /// The values of the key columns, joined by ':'.
    Key,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub segments: Vec<Segment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateError {
    Empty,
    EmptyPlaceholder,
    /// A `{` that no `}` closes.
    Unclosed,
    /// A `}` that no `{` opened.
    Unopened,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TemplateError::Empty => "it is empty",
            TemplateError::EmptyPlaceholder => "it has a placeholder without a name",
            TemplateError::Unclosed => "it has a \"{\" without its \"}\"",
            TemplateError::Unopened => "it has a \"}\" without its \"{\"",
        })
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let mut segments = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(tail) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = tail;
            } else if brace == "}" {
                return Err(TemplateError::Unopened);
            } else {
                let (segment, tail) = placeholder(after)?;
                if !literal.is_empty() {
                    segments.push(Segment::Literal(std::mem::take(&mut literal)));
                }
                segments.push(segment);
                rest = tail;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            segments.push(Segment::Literal(literal));
        }
        if segments.is_empty() {
            return Err(TemplateError::Empty);
        }
        Ok(Template { segments })
    }

    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Column(name) => Some(name.as_str()),
            _ => None,
        })
    }

    pub fn has_key(&self) -> bool {
        self.segments.contains(&Segment::Key)
    }
}

/// The placeholder at the start of `text`, its `{` already read, and what follows its `}`.
fn placeholder(text: &str) -> Result<(Segment, &str), TemplateError> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (name, tail) = quoted_name(quoted).ok_or(TemplateError::Unclosed)?;
        if name.is_empty() {
            return Err(TemplateError::EmptyPlaceholder);
        }
        return Ok((Segment::Column(name), tail));
    }
    let (name, tail) = text.split_once('}').ok_or(TemplateError::Unclosed)?;
    let segment = match name {
        "" => return Err(TemplateError::EmptyPlaceholder),
        "schema" => Segment::Schema,
        "table" => Segment::Table,
        "key" => Segment::Key,
        _ if name.contains('{') => return Err(TemplateError::Unclosed),
        _ => Segment::Column(name.into()),
    };
    Ok((segment, tail))
}

/// `a""b"}tail` gives `a"b` and `tail`.
fn quoted_name(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        match after.strip_prefix('"') {
            Some(tail) => {
                name.push('"');
                rest = tail;
            }
            None => return Some((name, after.strip_prefix('}')?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Segment::{Column, Key, Literal, Schema, Table};
    use proptest::prelude::*;

    fn segments(text: &str) -> Vec<Segment> {
        Template::parse(text).unwrap().segments
    }

    #[test]
    fn words_columns_and_literals() {
        assert_eq!(
            segments("driver:{id}"),
            [Literal("driver:".into()), Column("id".into())]
        );
        assert_eq!(
            segments("{schema}.{table}"),
            [Schema, Literal(".".into()), Table]
        );
        assert_eq!(segments("{key}"), [Key]);
        assert_eq!(segments("all"), [Literal("all".into())]);
        assert_eq!(segments("{a}{b}"), [Column("a".into()), Column("b".into())]);
    }

    #[test]
    fn doubled_braces_are_literal() {
        assert_eq!(segments("{{id}}"), [Literal("{id}".into())]);
        assert_eq!(
            segments("{{{id}}}"),
            [
                Literal("{".into()),
                Column("id".into()),
                Literal("}".into())
            ]
        );
    }

    #[test]
    fn quotes_reach_any_column() {
        assert_eq!(segments(r#"{"table"}"#), [Column("table".into())]);
        assert_eq!(segments(r#"{"a}b"}"#), [Column("a}b".into())]);
        assert_eq!(segments(r#"{"a""b"}"#), [Column("a\"b".into())]);
        assert_eq!(segments("{Odd näme}"), [Column("Odd näme".into())]);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, error) in [
            ("", TemplateError::Empty),
            ("{}", TemplateError::EmptyPlaceholder),
            (r#"{""}"#, TemplateError::EmptyPlaceholder),
            ("driver:{id", TemplateError::Unclosed),
            ("a{b{c}", TemplateError::Unclosed),
            (r#"{"id}"#, TemplateError::Unclosed),
            (r#"{"id"x}"#, TemplateError::Unclosed),
            ("driver:id}", TemplateError::Unopened),
        ] {
            assert_eq!(Template::parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_column_can_be_named(column in "\\PC{1,63}", before in "[a-z:]{0,9}") {
            let text = format!("{before}{{\"{}\"}}", column.replace('"', "\"\""));
            let template = Template::parse(&text).unwrap();
            prop_assert_eq!(template.columns().collect::<Vec<_>>(), [column.as_str()]);
        }

        #[test]
        fn any_literal_can_be_written(text in "\\PC{1,80}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(segments(&doubled), [Literal(text)]);
        }

        #[test]
        fn never_panics(text in "\\PC{0,80}|[{}\"a]{0,20}") {
            let _ = Template::parse(&text);
        }
    }
}
