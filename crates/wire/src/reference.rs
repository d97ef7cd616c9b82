//! What goes out when the event itself is too long for its carrier: a NOTIFY payload has at most
//! 7,999 octets (NOTIFY_PAYLOAD_MAX_LENGTH in async.c), a channel name 63 (NAMEDATALEN).

use crate::json::HEX;
use crate::sink::CHANNEL_LIMIT;
use md5::{Digest, Md5};

/// The longest NOTIFY payload.
pub const PAYLOAD_LIMIT: usize = 7999;

/// No reference that has given up all it can is longer.
pub const SHORTEST: usize = 300;

const CHANNEL_KEPT: usize = 30;

/// The members of a reference, in order, then `"partial":true`. Given up from the last: the key,
/// the topics, then the names, which can only be too long when every character of theirs is escaped.
const MEMBERS: [&str; 8] = [
    "id", "txid", "cursor", "type", "schema", "table", "topics", "key",
];

/// The first of them, which are never given up.
const SCALARS: usize = 4;

/// Longest text taken over for those; a hand-made event with longer ones gets null. A cursor in
/// quotes has 44 octets.
const SCALAR_LIMIT: usize = 44;

/// The reference to an event whose native text is longer than `limit`, else nothing.
pub fn shrink(text: &[u8], limit: usize) -> Option<Vec<u8>> {
    (text.len() > limit).then(|| reference(text, limit))
}

/// The reference to an event, made from its native text: what it takes to fetch it, and nothing of
/// the row but its key. Its parts keep their own text. It fits into `limit`, provided that is not
/// less than [`SHORTEST`].
pub fn reference(text: &[u8], limit: usize) -> Vec<u8> {
    let mut values: [Option<&[u8]>; MEMBERS.len()] = [None; MEMBERS.len()];
    for (name, value) in members(text) {
        if let Some(n) = MEMBERS.iter().position(|m| m.as_bytes() == name) {
            // The first one of a name wins: the head is ours, what follows may be anyone's.
            values[n].get_or_insert(value);
        }
    }
    for scalar in &mut values[..SCALARS] {
        *scalar = scalar.filter(|value| value.len() <= SCALAR_LIMIT);
    }
    for given_up in [8, 7, 6, SCALARS] {
        values[given_up..].fill(None);
        if length(&values) <= limit {
            break;
        }
    }
    let mut out = Vec::with_capacity(length(&values));
    for (name, value) in MEMBERS.iter().zip(values) {
        out.extend_from_slice(if out.is_empty() { b"{\"" } else { b",\"" });
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(value.unwrap_or(b"null"));
    }
    out.extend_from_slice(LAST);
    out
}

const LAST: &[u8] = br#","partial":true}"#;

fn length(values: &[Option<&[u8]>; MEMBERS.len()]) -> usize {
    let names: usize = MEMBERS.iter().map(|name| name.len() + 4).sum();
    let values: usize = values.iter().map(|v| v.map_or(4, <[u8]>::len)).sum();
    names + values + LAST.len()
}

/// A member of a JSON object, as it is written.
pub fn member<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    members(text)
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// The members of a JSON object, name and value as they are written. Written here because a JSON
/// parser wants UTF-8, and the database may have another encoding. Ends where the text stops
/// making sense.
pub fn members(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = text.trim_ascii_start().strip_prefix(b"{");
    std::iter::from_fn(move || {
        let at = rest.take()?.trim_ascii_start();
        let (name, at) = at.split_at_checked(value_length(at))?;
        let name = name.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let at = at.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let (value, at) = at.split_at_checked(value_length(at))?;
        rest = at.trim_ascii_start().strip_prefix(b",");
        let value = value.trim_ascii_end();
        (!value.is_empty()).then_some((name, value))
    })
}

/// How far the JSON value at the start of `text` goes.
fn value_length(text: &[u8]) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, &byte) in text.iter().enumerate() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    quoted = false;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b',' | b':' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// The NOTIFY channel for a name of any length: the name itself up to 63 octets, else its first 30
/// octets (less, rather than half a character), `#` and the MD5 of the whole in hexadecimal. `clip`
/// knows the encoding: how many octets of a name have only whole characters and are no more than this.
///
/// A client computes the same:
/// ```sql
/// case when octet_length(name) <= 63 then name else cut || '#' || md5(name) end
/// ```
/// where `cut` is the longest beginning of whole characters that has at most 30 octets.
pub fn channel(name: &[u8], clip: impl FnOnce(&[u8], usize) -> usize) -> Vec<u8> {
    if name.len() <= CHANNEL_LIMIT {
        return name.to_owned();
    }
    let mut channel = Vec::with_capacity(CHANNEL_LIMIT);
    channel.extend_from_slice(&name[..clip(name, CHANNEL_KEPT).min(CHANNEL_KEPT)]);
    channel.push(b'#');
    for byte in Md5::digest(name) {
        channel.extend_from_slice(&HEX[usize::from(byte)]);
    }
    channel
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Text;
    use crate::cursor::Place;
    use crate::native;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn captured(body: &[u8]) -> Vec<u8> {
        let mut text = Text::new();
        native::write_captured(&mut text, 9137, 748213, None, body);
        text.as_bytes().to_vec()
    }

    fn event(body: &Value) -> Vec<u8> {
        captured(body.to_string().as_bytes())
    }

    fn channel(name: &str) -> String {
        let clip = |_: &[u8], limit| name.floor_char_boundary(limit);
        String::from_utf8(super::channel(name.as_bytes(), clip)).unwrap()
    }

    fn read(text: &[u8]) -> Value {
        serde_json::from_slice(text).unwrap()
    }

    #[test]
    fn what_fits_stays() {
        let text = event(&json!({"type": "INSERT"}));
        assert_eq!(shrink(&text, text.len()), None);
        assert!(shrink(&text, text.len() - 1).is_some());
    }

    #[test]
    fn a_reference_has_the_way_to_the_event() {
        let body = r#"{"type":"UPDATE","event":"UPDATE","schema":"public","table":"t","topics":["t", "t:1"],"key":{"id":1.0},"new":{"topics":"no, }]\" not this"},"partial":false}"#;
        let text = captured(body.as_bytes());
        assert_eq!(
            String::from_utf8(shrink(&text, 199).unwrap()).unwrap(),
            r#"{"id":9137,"txid":"748213","cursor":null,"type":"UPDATE","schema":"public","table":"t","topics":["t", "t:1"],"key":{"id":1.0},"partial":true}"#
        );
    }

    #[test]
    fn a_reference_is_made_of_a_short_event_too() {
        let cursor = Place {
            timeline: 1,
            position: 0xa41,
            id: 9137,
        }
        .to_string();
        let mut text = Text::new();
        let body = br#"{"type":"INSERT","schema":"public","table":"t","topics":["t"],"key":{"id":1},"new":{"secret":1}}"#;
        native::write_captured(&mut text, 9137, 748213, Some(&cursor), body);
        let expected = format!(
            r#"{{"id":9137,"txid":"748213","cursor":"{cursor}","type":"INSERT","schema":"public","table":"t","topics":["t"],"key":{{"id":1}},"partial":true}}"#
        );
        let reference = reference(text.as_bytes(), PAYLOAD_LIMIT);
        assert_eq!(String::from_utf8(reference).unwrap(), expected);
        // What is as short as can be has its cursor still.
        let shortest = super::reference(text.as_bytes(), 0);
        assert!(read(&shortest)["cursor"] == cursor.as_str());
    }

    #[test]
    fn the_key_goes_first_then_the_topics_then_the_names() {
        let long = "x".repeat(2000);
        let name = "\u{1}".repeat(63);
        let body = |topics: &str, key: &str| {
            json!({"type": "DELETE", "schema": name, "table": name, "topics": [topics],
                   "key": {"id": key}, "old": long})
        };
        let reference = read(&shrink(&event(&body("t", &long)), 1500).unwrap());
        assert_eq!(reference["topics"], json!(["t"]));
        assert_eq!(reference["key"], Value::Null);
        let reference = read(&shrink(&event(&body(&long, "1")), 1500).unwrap());
        assert_eq!(reference["topics"], Value::Null);
        assert_eq!(reference["key"], Value::Null);
        assert_eq!(reference["schema"], json!(name));
        let reference = shrink(&event(&body(&long, "1")), SHORTEST).unwrap();
        assert!(reference.len() <= SHORTEST);
        assert_eq!(
            read(&reference),
            json!({"id": 9137, "txid": "748213", "cursor": null, "type": "DELETE", "schema": null, "table": null,
                   "topics": null, "key": null, "partial": true})
        );
    }

    #[test]
    fn an_event_in_latin1_is_shortened_too() {
        let mut text = br#"{"id":1,"txid":"2","type":"INSERT","schema":"s","table":"caf"#.to_vec();
        text.extend_from_slice(b"\xe9\",\"topics\":[\"caf\xe9\"],\"key\":null,\"new\":\"");
        text.resize(9000, b'x');
        text.extend_from_slice(b"\"}");
        let reference = shrink(&text, PAYLOAD_LIMIT).unwrap();
        let topics =
            b"\"table\":\"caf\xe9\",\"topics\":[\"caf\xe9\"],\"key\":null,\"partial\":true}";
        assert!(reference.ends_with(topics));
    }

    #[test]
    fn a_channel_of_63_octets_is_itself() {
        assert_eq!(channel(&"a".repeat(63)), "a".repeat(63));
        assert_eq!(channel("realtime_sync"), "realtime_sync");
    }

    #[test]
    fn a_longer_channel_ends_in_postgresql_s_md5() {
        // select md5(repeat('a', 64))
        let expected = format!("{}#014842d480b571495a4a0363793f7367", "a".repeat(30));
        assert_eq!(channel(&"a".repeat(64)), expected);
        assert_eq!(expected.len(), 63);
    }

    #[test]
    fn a_channel_never_ends_in_half_a_character() {
        // 29 octets, then a character of four: the cut falls before it.
        let name = format!("{}{}", "a".repeat(29), "😀".repeat(20));
        let channel = channel(&name);
        assert!(channel.starts_with(&format!("{}#", "a".repeat(29))));
        assert_eq!(channel.len(), 62);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "(?s).{0,40}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("(?s).{0,10}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_reference_is_json_and_fits(
            schema in "(?s).{1,60}", table in "(?s).{1,60}",
            topics in prop::collection::vec("(?s).{0,60}", 0..9),
            key in value(), row in value(),
            limit in SHORTEST..2000,
            pretty: bool,
        ) {
            let body = json!({"type": "UPDATE", "schema": schema, "table": table, "topics": topics,
                              "key": key, "new": row});
            let body = if pretty { format!("{body:#}") } else { body.to_string() };
            let text = captured(body.as_bytes());
            let event = read(&text);
            match shrink(&text, limit) {
                None => prop_assert!(text.len() <= limit),
                Some(reference) => {
                    prop_assert!(text.len() > limit);
                    prop_assert!(reference.len() <= limit);
                    let reference = read(&reference);
                    for name in MEMBERS {
                        prop_assert!(reference[name] == event[name] || reference[name].is_null());
                    }
                    prop_assert_eq!(&reference["id"], &json!(9137));
                    prop_assert_eq!(&reference["txid"], &json!("748213"));
                    prop_assert_eq!(&reference["partial"], &json!(true));
                }
            }
        }

        #[test]
        fn any_bytes_end_within_the_limit(text in prop::collection::vec(any::<u8>(), 0..2000), limit in SHORTEST..1000) {
            if let Some(reference) = shrink(&text, limit) {
                prop_assert!(reference.len() <= limit);
            }
        }

        #[test]
        fn a_channel_fits(name in "(?s).{0,100}") {
            let channel = channel(&name);
            prop_assert!(channel.len() <= CHANNEL_LIMIT);
            prop_assert!(name.len() > CHANNEL_LIMIT || channel == name);
        }
    }
}
