//! Row filters: SQL over `new` and `old`. PostgreSQL parses them, as the WHEN of the trigger; what is
//! decided here is only which of the two rows a filter names, how it reads with the other one, and
//! that it stays inside the parentheses of its WHEN. So the lexer follows PostgreSQL's (scan.l, with
//! standard_conforming_strings on) wherever a string or identifier ends, and refuses what would need
//! more of it: comments, dollar quotes, parameters, strings continued over a line.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    New,
    Old,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    text: String,
    /// Where the row qualifiers stand in `text`, in order.
    qualifiers: Vec<Qualifier>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Qualifier {
    row: Row,
    start: usize,
    end: usize,
    /// What follows its dot, unless that is `*`.
    column: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterError {
    Empty,
    Comment,
    Semicolon,
    Dollar,
    Parentheses,
    UnterminatedString,
    UnterminatedIdentifier,
    UnicodeIdentifier,
    AdjacentStrings,
    BareRow(Row),
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FilterError::Empty => "it is empty",
            FilterError::Comment => "it has a comment",
            FilterError::Semicolon => "it has a semicolon",
            FilterError::Dollar => "it has a dollar quote or a parameter",
            FilterError::Parentheses => "its parentheses do not balance",
            FilterError::UnterminatedString => "it has a string without its end",
            FilterError::UnterminatedIdentifier => "it has a quoted name without its end",
            FilterError::UnicodeIdentifier => "it has a name with Unicode escapes (U&\"...\")",
            FilterError::AdjacentStrings => "it has two strings in a row",
            FilterError::BareRow(Row::New) => "it names new without a column",
            FilterError::BareRow(Row::Old) => "it names old without a column",
        })
    }
}

impl std::error::Error for FilterError {}

impl FilterError {
    /// What to write instead.
    pub fn fix(&self) -> &'static str {
        match self {
            FilterError::Dollar => "Write strings in single quotes.",
            FilterError::UnicodeIdentifier => "Write the name as it is, in double quotes.",
            FilterError::AdjacentStrings => "Write one string, or join them with ||.",
            FilterError::BareRow(_) => "Write new.column or old.column; (new.*) is the whole row.",
            _ => "Write one condition, for example new.status = 'online'.",
        }
    }
}

impl Filter {
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        let tokens = tokens(text)?;
        let mut depth = 0_usize;
        let mut qualifiers = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            match &token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.checked_sub(1).ok_or(FilterError::Parentheses)?,
                Kind::String if at > 0 && tokens[at - 1].kind == Kind::String => {
                    return Err(FilterError::AdjacentStrings);
                }
                Kind::Name(name) if at == 0 || tokens[at - 1].kind != Kind::Dot => {
                    let row = match name.as_str() {
                        "new" => Row::New,
                        "old" => Row::Old,
                        _ => continue,
                    };
                    if tokens.get(at + 1).map(|next| &next.kind) != Some(&Kind::Dot) {
                        return Err(FilterError::BareRow(row));
                    }
                    qualifiers.push(Qualifier {
                        row,
                        start: token.start,
                        end: token.end,
                        column: match tokens.get(at + 2).map(|next| &next.kind) {
                            Some(Kind::Name(column)) => Some(column.clone()),
                            _ => None,
                        },
                    });
                }
                _ => {}
            }
        }
        if depth != 0 {
            return Err(FilterError::Parentheses);
        }
        if tokens.is_empty() {
            return Err(FilterError::Empty);
        }
        Ok(Filter {
            text: text.to_owned(),
            qualifiers,
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn names(&self, row: Row) -> bool {
        self.qualifiers.iter().any(|found| found.row == row)
    }

    /// The columns it names, of either row.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.qualifiers
            .iter()
            .filter_map(|found| found.column.as_deref())
    }

    /// The same condition over the old row.
    pub fn over_old(&self) -> String {
        let mut text = String::with_capacity(self.text.len());
        let mut copied = 0;
        for found in self.qualifiers.iter().filter(|found| found.row == Row::New) {
            text.push_str(&self.text[copied..found.start]);
            text.push_str("old");
            copied = found.end;
        }
        text.push_str(&self.text[copied..]);
        text
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// Folded to lower case unless quoted.
    Name(String),
    String,
    Open,
    Close,
    Dot,
    Other,
}

#[derive(Debug)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

/// Bytes are enough: everything that delimits is ASCII, which no byte of a longer UTF-8 character is.
fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(&byte) = bytes.get(start) {
        let next = bytes.get(start + 1).copied();
        let (kind, end) = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b'\x0b' | b'\x0c' => {
                start += 1;
                continue;
            }
            b'-' if next == Some(b'-') => return Err(FilterError::Comment),
            b'/' if next == Some(b'*') => return Err(FilterError::Comment),
            b';' => return Err(FilterError::Semicolon),
            b'$' => return Err(FilterError::Dollar),
            b'\'' => (Kind::String, string(bytes, start + 1, false)?),
            b'"' => {
                let end =
                    quoted(bytes, start + 1, b'"').ok_or(FilterError::UnterminatedIdentifier)?;
                let name = text[start + 1..end - 1].replace("\"\"", "\"");
                (Kind::Name(name), end)
            }
            b'(' => (Kind::Open, start + 1),
            b')' => (Kind::Close, start + 1),
            b'0'..=b'9' => (Kind::Other, number(bytes, start)),
            b'.' if next.is_some_and(|next| next.is_ascii_digit()) => {
                (Kind::Other, number(bytes, start))
            }
            b'.' => (Kind::Dot, start + 1),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => {
                let end = name(bytes, start);
                match (&bytes[start..end], bytes.get(end), bytes.get(end + 1)) {
                    (b"e" | b"E", Some(b'\''), _) => (Kind::String, string(bytes, end + 1, true)?),
                    (b"b" | b"B" | b"x" | b"X" | b"n" | b"N", Some(b'\''), _) => {
                        (Kind::String, string(bytes, end + 1, false)?)
                    }
                    (b"u" | b"U", Some(b'&'), Some(b'\'')) => {
                        (Kind::String, string(bytes, end + 2, false)?)
                    }
                    (b"u" | b"U", Some(b'&'), Some(b'"')) => {
                        return Err(FilterError::UnicodeIdentifier);
                    }
                    _ => (Kind::Name(text[start..end].to_ascii_lowercase()), end),
                }
            }
            _ => (Kind::Other, start + 1),
        };
        tokens.push(Token { kind, start, end });
        start = end;
    }
    Ok(tokens)
}

fn name(bytes: &[u8], start: usize) -> usize {
    run(bytes, start, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
    })
}

/// Letters too: PostgreSQL refuses `1new`, so it must not become a number and a name here.
fn number(bytes: &[u8], start: usize) -> usize {
    run(bytes, start, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | 0x80..)
    })
}

fn run(bytes: &[u8], start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes[start..]
        .iter()
        .position(|&byte| !belongs(byte))
        .map_or(bytes.len(), |length| start + length)
}

/// Where the string whose inside begins at `start` ends.
fn string(bytes: &[u8], start: usize, backslashes: bool) -> Result<usize, FilterError> {
    if !backslashes {
        return quoted(bytes, start, b'\'').ok_or(FilterError::UnterminatedString);
    }
    let mut at = start;
    loop {
        match bytes.get(at) {
            None => return Err(FilterError::UnterminatedString),
            Some(b'\\') => at += 2,
            Some(b'\'') if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            Some(b'\'') => return Ok(at + 1),
            Some(_) => at += 1,
        }
    }
}

fn quoted(bytes: &[u8], start: usize, quote: u8) -> Option<usize> {
    let mut at = start;
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == quote)? + 1;
        if bytes.get(at) != Some(&quote) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(text: &str) -> (bool, bool) {
        let filter = Filter::parse(text).unwrap();
        (filter.names(Row::New), filter.names(Row::Old))
    }

    fn over_old(text: &str) -> String {
        Filter::parse(text).unwrap().over_old()
    }

    #[test]
    fn tells_which_rows_it_names() {
        assert_eq!(names("new.a = 1"), (true, false));
        assert_eq!(names("OLD.a = 1"), (false, true));
        assert_eq!(names(r#"New . a = "old"."b""#), (true, true));
        assert_eq!(names("current_user <> 'new.a'"), (false, false));
        assert_eq!(names(r#"(new.*) is distinct from null"#), (true, false));
        assert_eq!(names("public.new.a = 1"), (false, false));
        assert_eq!(names("renew.a = 1 and \"NEW\".a = 1"), (false, false));
    }

    #[test]
    fn rewrites_only_the_qualifier() {
        assert_eq!(over_old("new.a = 1"), "old.a = 1");
        assert_eq!(
            over_old("\"new\".\"new\" = 'new.a' and NEW.new = E'\\'new.a'"),
            "old.\"new\" = 'new.a' and old.new = E'\\'new.a'"
        );
        assert_eq!(over_old("x.new.a = new.b"), "x.new.a = old.b");
        assert_eq!(over_old("new.é = 'ü' or new.b"), "old.é = 'ü' or old.b");
    }

    #[test]
    fn lists_its_columns() {
        let filter =
            Filter::parse(r#"new.Status = 'x' and old."Odd ""name" > 1 and (new.*) is null"#)
                .unwrap();
        assert_eq!(
            filter.columns().collect::<Vec<_>>(),
            ["status", "Odd \"name"]
        );
    }

    #[test]
    fn strings_end_where_postgresql_ends_them() {
        for text in [
            "new.a = 'it''s )'",
            r"new.a = 'one \' and new.b = 'x'",
            r"new.a = E'one \' ) \\' and new.b = 'x'",
            r"new.a = U&'\0041)'",
            "new.a = b'1' or new.a = X'1F' or new.b = n'--'",
            "new.a = ename'x'",
        ] {
            assert!(Filter::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn refuses_what_could_leave_the_parentheses() {
        for (text, error) in [
            ("", FilterError::Empty),
            (" \n", FilterError::Empty),
            ("true) execute function x() --", FilterError::Comment),
            ("true) execute function x(", FilterError::Parentheses),
            ("true) or (true", FilterError::Parentheses),
            ("(true", FilterError::Parentheses),
            ("true -- x", FilterError::Comment),
            ("true /* x */", FilterError::Comment),
            ("true+/* x */1", FilterError::Comment),
            ("true; drop table x", FilterError::Semicolon),
            ("new.a = $$x$$", FilterError::Dollar),
            ("new.a = $x$)$x$", FilterError::Dollar),
            ("new.a = $1", FilterError::Dollar),
            ("new.a = 'x", FilterError::UnterminatedString),
            (r"new.a = E'x\'", FilterError::UnterminatedString),
            (r"new.a = E'x\", FilterError::UnterminatedString),
            ("new.\"a = 1", FilterError::UnterminatedIdentifier),
            (r#"U&"\006eew".a = 1"#, FilterError::UnicodeIdentifier),
            ("new.a = E'x'\n'y'", FilterError::AdjacentStrings),
            ("new is not null", FilterError::BareRow(Row::New)),
            ("(old).a = 1", FilterError::BareRow(Row::Old)),
        ] {
            assert_eq!(Filter::parse(text), Err(error), "{text}");
        }
    }

    /// Reads PostgreSQL's rules anew, the slow way: strings blanked, then parentheses counted.
    fn stays_inside(text: &str) -> bool {
        let mut depth = 0_i32;
        let mut quote = None;
        for character in text.chars() {
            match (quote, character) {
                (None, '\'' | '"') => quote = Some(character),
                (Some(open), close) if open == close => quote = None,
                (None, '(') => depth += 1,
                (None, ')') => depth -= 1,
                _ => {}
            }
            if depth < 0 {
                return false;
            }
        }
        depth == 0 && quote.is_none()
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,60}|[-a-eEuUx&()'\"\\\\$;/*.\n 0-9new]{0,40}") {
            if let Ok(filter) = Filter::parse(&text) {
                prop_assert!(!filter.over_old().is_empty());
            }
        }

        /// Without E'' (no e in the alphabet) a doubled quote may be read as two strings in a row.
        #[test]
        fn what_is_accepted_stays_inside(text in "[-abU&()'\"$;/*. \\\\nw0-9]{0,40}") {
            if Filter::parse(&text).is_ok() {
                prop_assert!(stays_inside(&text), "{}", text);
                prop_assert!(!text.contains(';') || text.contains(['\'', '"']));
            }
        }

        #[test]
        fn rewriting_twice_changes_nothing_more(column in "[a-z]{1,9}", value in "[^'\\\\]{0,20}") {
            let once = over_old(&format!("new.{column} = '{value}' or old.x"));
            prop_assert_eq!(over_old(&once), once.clone());
            prop_assert!(!Filter::parse(&once).unwrap().names(Row::New));
        }
    }
}
