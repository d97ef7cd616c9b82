//! The native dialect: an event's text as listeners, the view `events` and replay give it.
//!
//! Works on bytes, in whatever encoding the server has: every encoding PostgreSQL allows on a server
//! keeps ASCII as it is, so JSON's own signs are found without decoding.

use crate::buffer::Text;
use crate::json::write_string;
use std::io::Write;

/// No head of an event is longer, its cursor aside: what to reserve beyond the body.
pub const HEAD: usize = 96;

/// What a message takes beyond its head, topics, event name, payload and context.
pub const MESSAGE_FRAME: usize = 160;

/// An event of a captured change. `body` is its JSON object without v, id, txid and cursor.
pub fn write_captured(out: &mut Text, id: i64, xid: u64, cursor: Option<&str>, body: &[u8]) {
    write_head(out, id, xid, cursor);
    out.extend(after_brace(body));
}

/// An event made by `send()`. `payload` is JSON text, `context` the JSON object of timestamp, actor
/// and mutation_id.
#[allow(clippy::too_many_arguments)] // the row of the log, column by column
pub fn write_message<T: AsRef<[u8]>>(
    out: &mut Text,
    id: i64,
    xid: u64,
    cursor: Option<&str>,
    topics: impl IntoIterator<Item = T>,
    event: Option<&[u8]>,
    payload: &[u8],
    context: &[u8],
) {
    write_head(out, id, xid, cursor);
    write_message_body(out, topics, event, payload, context);
}

/// What follows the head of a message, without an opening brace: the counterpart of a captured
/// event's body.
pub fn write_message_body<T: AsRef<[u8]>>(
    out: &mut Text,
    topics: impl IntoIterator<Item = T>,
    event: Option<&[u8]>,
    payload: &[u8],
    context: &[u8],
) {
    out.extend(br#""type":"MESSAGE","event":"#);
    write_string(out, event.unwrap_or(b"MESSAGE"));
    out.extend(br#","schema":null,"table":null,"topics":["#);
    for (n, topic) in topics.into_iter().enumerate() {
        if n > 0 {
            out.extend(b",");
        }
        write_string(out, topic.as_ref());
    }
    out.extend(br#"],"key":null,"new":null,"old":null,"changed":null,"payload":"#);
    out.extend(payload.trim_ascii());
    let context = after_brace(context).trim_ascii_end();
    let members = context.strip_suffix(b"}").unwrap_or(context).trim_ascii();
    if !members.is_empty() {
        out.extend(b",");
        out.extend(members);
    }
    out.extend(br#","partial":false}"#);
}

fn write_head(out: &mut Text, id: i64, xid: u64, cursor: Option<&str>) {
    let mut head = [0; HEAD];
    let mut rest = &mut head[..];
    // Cannot fail: two numbers of at most 20 digits and 33 octets fit into HEAD.
    let _ = write!(rest, r#"{{"v":1,"id":{id},"txid":"{xid}","cursor":"#);
    let length = HEAD - rest.len();
    out.extend(&head[..length]);
    match cursor {
        Some(cursor) => write_string(out, cursor.as_bytes()),
        None => out.extend(b"null"),
    }
    out.extend(b",");
}

fn after_brace(object: &[u8]) -> &[u8] {
    let object = object.trim_ascii_start();
    object.strip_prefix(b"{").unwrap_or(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn a_captured_event_is_the_head_and_its_body() {
        let mut out = Text::new();
        write_captured(&mut out, 9137, 748213, None, br#"{"type":"INSERT"}"#);
        assert_eq!(
            out.as_bytes(),
            br#"{"v":1,"id":9137,"txid":"748213","cursor":null,"type":"INSERT"}"#
        );
    }

    #[test]
    fn the_longest_head_fits() {
        let mut out = Text::new();
        write_captured(&mut out, i64::MIN, u64::MAX, Some("1-2-3"), br#"{"a":1}"#);
        assert!(out.as_bytes().ends_with(br#""cursor":"1-2-3","a":1}"#));
        let head = out.len() - r#""1-2-3","a":1}"#.len();
        assert!(head + "null,".len() <= HEAD);
    }

    #[test]
    fn a_message_is_an_event_with_a_payload() {
        let mut out = Text::new();
        let context = br#"{"timestamp":"t","actor":"a","mutation_id":null}"#;
        write_message(
            &mut out,
            1,
            2,
            None,
            ["room:7", "say \"hi\""],
            Some(b"typing"),
            b" [1, 2] ",
            context,
        );
        assert_eq!(
            std::str::from_utf8(out.as_bytes()).unwrap(),
            concat!(
                r#"{"v":1,"id":1,"txid":"2","cursor":null,"type":"MESSAGE","event":"typing","#,
                r#""schema":null,"table":null,"topics":["room:7","say \"hi\""],"key":null,"#,
                r#""new":null,"old":null,"changed":null,"payload":[1, 2],"timestamp":"t","#,
                r#""actor":"a","mutation_id":null,"partial":false}"#
            )
        );
    }

    #[test]
    fn a_message_without_a_name_or_a_context_is_still_json() {
        let mut out = Text::new();
        write_message(&mut out, 1, 2, None, [""; 0], None, b"null", b"{}");
        let event: Value = serde_json::from_slice(out.as_bytes()).unwrap();
        assert_eq!(event["event"], json!("MESSAGE"));
        assert_eq!(event["topics"], json!([]));
        assert_eq!(event["partial"], json!(false));
    }

    proptest! {
        #[test]
        fn a_message_reads_back(
            id: i64, xid: u64,
            topics in prop::collection::vec("(?s).{0,20}", 0..5),
            name in prop::option::of("(?s).{0,20}"),
            payload in "(?s).{0,50}",
        ) {
            let mut out = Text::new();
            let text = json!({ "a": payload }).to_string();
            let name_octets = name.as_deref().map(str::as_bytes);
            write_message(&mut out, id, xid, None, &topics, name_octets, text.as_bytes(), b"{\"actor\":null}");
            let event: Value = serde_json::from_slice(out.as_bytes()).unwrap();
            prop_assert_eq!(&event["id"], &json!(id));
            prop_assert_eq!(&event["txid"], &json!(xid.to_string()));
            prop_assert_eq!(&event["topics"], &json!(topics));
            prop_assert_eq!(&event["event"], &json!(name.unwrap_or("MESSAGE".into())));
            prop_assert_eq!(&event["payload"]["a"], &json!(payload));
            let plain: usize = topics.iter().map(|topic| 6 * topic.len() + 3).sum();
            prop_assert!(out.len() <= HEAD + MESSAGE_FRAME + plain + 6 * 80 + text.len() + 16);
        }
    }
}
