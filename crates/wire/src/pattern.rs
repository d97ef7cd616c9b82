//! Topic patterns: what `allow()` lets a role read or send, and the policy's condition they become.
//!
//! `drivers` is that topic, `trip:*` all that begin so. `{jwt.sub}` is a claim of the caller, `{user}`
//! its role; doubled braces are literal. What a claim says is only ever compared: a `*` in it is a
//! star.

use crate::topic::{Segment, Template, TemplateError};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternError {
    Template(TemplateError),
    UnknownPlaceholder(String),
    /// A `*` before the end.
    StarWithin,
    /// `{jwt.sub}*`: the caller called 1 would be let in to what is 12's.
    StarAfterPlaceholder,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PatternError::Template(error) => error.fmt(f),
            PatternError::UnknownPlaceholder(name) => write!(f, "it has an unknown {{{name}}}"),
            PatternError::StarWithin => f.write_str("it has a \"*\" before its end"),
            PatternError::StarAfterPlaceholder => {
                f.write_str("it has a \"*\" directly after a placeholder")
            }
        }
    }
}

impl std::error::Error for PatternError {}

/// An SQL expression, and whether it stays the same whoever asks.
struct Value {
    sql: String,
    constant: bool,
}

#[derive(Default)]
struct Values {
    exact: Vec<Value>,
    prefixes: Vec<Value>,
    everything: bool,
}

/// The condition under which a row of the log may be read: it has a topic one of the patterns fits.
/// Claims are read once a query: an uncorrelated scalar subquery is planned as an InitPlan.
pub fn read_condition<T: AsRef<str>>(patterns: &[T]) -> Result<String, PatternError> {
    let values = parse(patterns)?;
    if values.everything {
        return Ok("true".into());
    }
    let mut terms = Vec::new();
    if !values.exact.is_empty() {
        terms.push(format!(
            "topics operator(pg_catalog.&&) {}",
            array(&values.exact)
        ));
    }
    if !values.prefixes.is_empty() {
        terms.push(format!(
            "exists (select from pg_catalog.unnest(topics) as topic where {})",
            starts(&values.prefixes)
        ));
    }
    Ok(terms.join(" or "))
}

/// The condition under which a message may be sent: every one of its topics fits a pattern.
pub fn send_condition<T: AsRef<str>>(patterns: &[T]) -> Result<String, PatternError> {
    let values = parse(patterns)?;
    let message =
        "event is not null and payload is not null and pg_catalog.cardinality(topics) > 0";
    let mut terms = Vec::new();
    if values.everything {
        terms.push("topic is not null".into());
    } else {
        if !values.exact.is_empty() {
            terms.push(format!(
                "topic operator(pg_catalog.=) any ({})",
                array(&values.exact)
            ));
        }
        if !values.prefixes.is_empty() {
            terms.push(starts(&values.prefixes));
        }
    }
    // "is not true": a topic that is null, or whose claim is, is no topic of the caller's.
    Ok(format!(
        "{message} and not exists (select from pg_catalog.unnest(topics) as topic where ({}) is not true)",
        terms.join(" or ")
    ))
}

fn parse<T: AsRef<str>>(patterns: &[T]) -> Result<Values, PatternError> {
    let mut values = Values::default();
    for pattern in patterns {
        let mut segments = Template::parse(pattern.as_ref())
            .map_err(PatternError::Template)?
            .segments;
        let mut open = false;
        if let Some(Segment::Literal(last)) = segments.last_mut()
            && last.ends_with('*')
        {
            last.pop();
            open = true;
            if last.is_empty() {
                segments.pop();
                if !segments.is_empty() {
                    return Err(PatternError::StarAfterPlaceholder);
                }
            }
        }
        match (open, segments.is_empty()) {
            (true, true) => values.everything = true,
            (true, false) => values.prefixes.push(value(&segments)?),
            (false, _) => values.exact.push(value(&segments)?),
        }
    }
    Ok(values)
}

fn value(segments: &[Segment]) -> Result<Value, PatternError> {
    let mut constant = true;
    let parts = segments.iter().map(|segment| match segment {
        Segment::Literal(text) if text.contains('*') => Err(PatternError::StarWithin),
        Segment::Literal(text) => Ok(quote(text)),
        Segment::Column(name) => {
            constant = false;
            match name.strip_prefix("jwt.") {
                Some(claim) if !claim.is_empty() => {
                    Ok(format!("realtime_sync.claim({})", quote(claim)))
                }
                _ if name == "user" => Ok("current_user::pg_catalog.text".into()),
                _ => Err(PatternError::UnknownPlaceholder(name.clone())),
            }
        }
        Segment::Schema => Err(PatternError::UnknownPlaceholder("schema".into())),
        Segment::Table => Err(PatternError::UnknownPlaceholder("table".into())),
        Segment::Key => Err(PatternError::UnknownPlaceholder("key".into())),
    });
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    Ok(Value {
        sql: parts.join(" operator(pg_catalog.||) "),
        constant,
    })
}

fn array(values: &[Value]) -> String {
    let list: Vec<&str> = values.iter().map(|value| value.sql.as_str()).collect();
    let array = format!("array[{}]::pg_catalog.text[]", list.join(", "));
    if values.iter().all(|value| value.constant) {
        array
    } else {
        // The cast keeps "= any (...)" from taking the subquery for a set of rows.
        format!("((select {array})::pg_catalog.text[])")
    }
}

fn starts(prefixes: &[Value]) -> String {
    let terms: Vec<String> = prefixes
        .iter()
        .map(|prefix| {
            let sql = &prefix.sql;
            if prefix.constant {
                format!("topic operator(pg_catalog.^@) {sql}")
            } else {
                format!("topic operator(pg_catalog.^@) (select {sql})")
            }
        })
        .collect();
    terms.join(" or ")
}

/// As PostgreSQL's `quote_literal`: right whatever standard_conforming_strings says.
fn quote(text: &str) -> String {
    let escape = if text.contains('\\') { "E" } else { "" };
    let text = text.replace('\\', "\\\\").replace('\'', "''");
    format!("{escape}'{text}'::pg_catalog.text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(patterns: &[&str]) -> String {
        read_condition(patterns)
            .unwrap()
            .replace("pg_catalog.", "")
            .replace("::text", "")
    }

    #[test]
    fn constants_are_one_array() {
        assert_eq!(
            read(&["drivers", "it's", r"a\b"]),
            r"topics operator(&&) array['drivers', 'it''s', E'a\\b'][]"
        );
    }

    #[test]
    fn claims_are_read_once() {
        assert_eq!(
            read(&["drivers:{jwt.app_metadata.org}", "{user}"]),
            "topics operator(&&) ((select array['drivers:' operator(||) \
             realtime_sync.claim('app_metadata.org'), current_user][])[])"
        );
    }

    #[test]
    fn a_star_at_the_end_is_a_prefix() {
        assert_eq!(
            read(&["a", "trip:*", "org:{jwt.org}:*"]),
            "topics operator(&&) array['a'][] or exists (select from unnest(topics) as topic where \
             topic operator(^@) 'trip:' or topic operator(^@) (select 'org:' operator(||) \
             realtime_sync.claim('org') operator(||) ':'))"
        );
        assert_eq!(read(&["a", "*"]), "true");
    }

    #[test]
    fn doubled_braces_are_literal() {
        assert_eq!(read(&["a{{b}}"]), "topics operator(&&) array['a{b}'][]");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let error = |pattern| read_condition(&[pattern]).unwrap_err();
        assert_eq!(error("a*b"), PatternError::StarWithin);
        assert_eq!(error("a**"), PatternError::StarWithin);
        assert_eq!(error("a:{jwt.sub}*"), PatternError::StarAfterPlaceholder);
        assert_eq!(error("{id}"), PatternError::UnknownPlaceholder("id".into()));
        assert_eq!(
            error("{jwt.}"),
            PatternError::UnknownPlaceholder("jwt.".into())
        );
        assert_eq!(
            error("{key}"),
            PatternError::UnknownPlaceholder("key".into())
        );
        assert_eq!(error(""), PatternError::Template(TemplateError::Empty));
        assert_eq!(
            error("a{b"),
            PatternError::Template(TemplateError::Unclosed)
        );
    }

    #[test]
    fn a_message_needs_every_topic_allowed() {
        let condition = send_condition(&["room:*", "a"]).unwrap();
        assert!(condition.contains("not exists"));
        assert!(condition.contains("is not true"));
        assert!(
            send_condition(&["*"])
                .unwrap()
                .contains("topic is not null")
        );
    }

    proptest! {
        #[test]
        fn no_pattern_leaves_its_quotes(text in "[a'\\\\\"{}]{1,12}") {
            if let Ok(condition) = read_condition(&[&text]) {
                // Take the literals out as PostgreSQL's scanner would: no quote may be left.
                let mut rest = condition.as_str();
                let mut outside = String::new();
                while let Some(at) = rest.find('\'') {
                    outside.push_str(&rest[..at]);
                    let escaped = rest[..at].ends_with('E');
                    let mut body = rest[at + 1..].char_indices().peekable();
                    let end = loop {
                        match body.next() {
                            None => panic!("an open literal in {condition}"),
                            Some((_, '\\')) if escaped => drop(body.next()),
                            Some((_, '\'')) if body.peek().is_some_and(|c| c.1 == '\'') => drop(body.next()),
                            Some((n, '\'')) => break n,
                            Some(_) => {}
                        }
                    };
                    rest = &rest[at + 1 + end + 1..];
                }
                outside.push_str(rest);
                prop_assert!(!outside.contains('a') || !outside.contains('\''));
                prop_assert!(!outside.contains('\\'));
            }
        }
    }
}
