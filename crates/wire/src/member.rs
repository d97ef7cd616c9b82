//! A member of a JSON object, found without decoding anything: PostgreSQL's own operators decode every
//! escape on their way, and raise for one its encoding has no character for, such as `\u0000`.

/// The text of the member's value; None where it is absent or null, or the text is no object.
pub fn member<'a>(object: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut at = skip_space(object, 0);
    if object.get(at) != Some(&b'{') {
        return None;
    }
    at = skip_space(object, at + 1);
    while object.get(at) == Some(&b'"') {
        let key_end = string_end(object, at)?;
        let key = &object[at + 1..key_end - 1];
        at = skip_space(object, key_end);
        if object.get(at) != Some(&b':') {
            return None;
        }
        at = skip_space(object, at + 1);
        let end = value_end(object, at)?;
        if key == name {
            let value = object[at..end].trim_ascii_end();
            return (value != b"null").then_some(value);
        }
        at = skip_space(object, end);
        if object.get(at) != Some(&b',') {
            return None;
        }
        at = skip_space(object, at + 1);
    }
    None
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Behind the closing quote of the string that starts here.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The comma or bracket behind the value that starts here, space before it included.
fn value_end(text: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = start;
    loop {
        match text.get(at)? {
            b'"' => {
                at = string_end(text, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_top_level_members_only() {
        let text = br#"{"a": {"b": [1, "}", {"c": "x,\"y"}]} , "b":"\u0000\\","n":null,"e":[]}"#;
        let found = |name: &str| member(text, name.as_bytes());
        assert_eq!(found("a"), Some(&br#"{"b": [1, "}", {"c": "x,\"y"}]}"#[..]));
        assert_eq!(found("b"), Some(&br#""\u0000\\""#[..]));
        assert_eq!(found("e"), Some(&b"[]"[..]));
        assert_eq!((found("n"), found("c"), found("")), (None, None, None));
    }

    proptest! {
        #[test]
        fn agrees_with_a_parser(values in prop::collection::btree_map("[a-e\"\\\\]{1,2}", ".*", 0..5)) {
            let text = serde_json::to_vec(&values).unwrap();
            for (name, value) in &values {
                let key = serde_json::to_vec(name).unwrap();
                let expected = serde_json::to_vec(value).unwrap();
                prop_assert_eq!(member(&text, &key[1..key.len() - 1]), Some(&expected[..]));
            }
        }

        #[test]
        fn never_reads_past_what_is_no_json(text in prop::collection::vec(any::<u8>(), 0..64), name in "[a-c]") {
            member(&text, name.as_bytes());
        }
    }
}
