//! Where a sink sends and what it is sent: the target's grammar, topic filters, channel templates.
//!
//! Works on bytes in the server's encoding, of which ASCII is always a part.

use std::fmt;

/// In a channel's name, the topic: an event goes to one channel for each.
pub const TOPIC: &[u8] = b"{topic}";

/// The longest NOTIFY channel, in octets.
pub const CHANNEL_LIMIT: usize = 63;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A NOTIFY channel, or a template of one.
    Notify(Vec<u8>),
    /// A table's name, as SQL has it.
    Table(Vec<u8>),
    /// The prefix of logical decoding messages.
    Wal(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetError {
    UnknownKind,
    /// Nothing after the colon.
    NoName,
    ChannelTooLong,
    /// A brace that is not of `{topic}`.
    Placeholder,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TargetError::UnknownKind => "it begins with none of \"notify:\", \"table:\", \"wal:\"",
            TargetError::NoName => "nothing follows the colon",
            TargetError::ChannelTooLong => "the channel has more than 63 bytes",
            TargetError::Placeholder => "a channel has braces only for {topic}",
        })
    }
}

impl std::error::Error for TargetError {}

impl Target {
    /// Reads `notify:<channel>`, `table:<name>` or `wal:<prefix>`.
    pub fn parse(text: &[u8]) -> Result<Target, TargetError> {
        let colon = text.iter().position(|&byte| byte == b':');
        let (kind, name) = text.split_at(colon.ok_or(TargetError::UnknownKind)? + 1);
        let make = match kind {
            b"notify:" => Target::Notify,
            b"table:" => Target::Table,
            b"wal:" => Target::Wal,
            _ => return Err(TargetError::UnknownKind),
        };
        if name.trim_ascii().is_empty() {
            return Err(TargetError::NoName);
        }
        let target = make(name.to_vec());
        if let Target::Notify(channel) = &target {
            let rest = replace(channel, TOPIC, b"");
            if rest.iter().any(|byte| matches!(byte, b'{' | b'}')) {
                return Err(TargetError::Placeholder);
            }
            if rest.len() == channel.len() && channel.len() > CHANNEL_LIMIT {
                return Err(TargetError::ChannelTooLong);
            }
        }
        Ok(target)
    }
}

/// Whether a channel's name is a template.
pub fn is_template(channel: &[u8]) -> bool {
    channel.windows(TOPIC.len()).any(|part| part == TOPIC)
}

/// The name of a topic's channel, of any length.
pub fn channel_of(template: &[u8], topic: &[u8]) -> Vec<u8> {
    replace(template, TOPIC, topic)
}

fn replace(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + with.len());
    let mut rest = text;
    while let Some(at) = rest.windows(what.len()).position(|part| part == what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Topic patterns of a sink: `drivers` is that topic, `driver:*` all that begin so, `*` every one.
/// Doubled braces are literal, as in every pattern and template; a placeholder means nothing here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    exact: Vec<Vec<u8>>,
    prefixes: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterError {
    Empty,
    /// A `*` before the end.
    StarWithin,
    /// `{...}`: a sink has no caller whose claims could be asked.
    Placeholder,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FilterError::Empty => "it is empty",
            FilterError::StarWithin => "it has a \"*\" before its end",
            FilterError::Placeholder => "it has a single brace",
        })
    }
}

impl std::error::Error for FilterError {}

impl Filter {
    pub fn parse<T: AsRef<[u8]>>(
        patterns: impl IntoIterator<Item = T>,
    ) -> Result<Filter, FilterError> {
        let mut filter = Filter::default();
        for pattern in patterns {
            filter.add(pattern.as_ref())?;
        }
        Ok(filter)
    }

    pub fn add(&mut self, pattern: &[u8]) -> Result<(), FilterError> {
        if pattern.is_empty() {
            return Err(FilterError::Empty);
        }
        let open = pattern.strip_suffix(b"*");
        let text = literal(open.unwrap_or(pattern))?;
        match open {
            Some(_) => self.prefixes.push(text),
            None => self.exact.push(text),
        }
        Ok(())
    }

    pub fn fits(&self, topic: &[u8]) -> bool {
        self.exact.iter().any(|exact| exact == topic)
            || self.prefixes.iter().any(|prefix| topic.starts_with(prefix))
    }
}

fn literal(text: &[u8]) -> Result<Vec<u8>, FilterError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'*' => return Err(FilterError::StarWithin),
            b'{' | b'}' if bytes.next() != Some(&byte) => return Err(FilterError::Placeholder),
            _ => out.push(byte),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn targets_read_as_written() {
        for (text, target) in [
            ("notify:feed", Target::Notify(b"feed".to_vec())),
            ("notify:rt:{topic}", Target::Notify(b"rt:{topic}".to_vec())),
            (
                "table:public.\"Out box\"",
                Target::Table(b"public.\"Out box\"".to_vec()),
            ),
            ("wal:outbox", Target::Wal(b"outbox".to_vec())),
            ("wal:{any}", Target::Wal(b"{any}".to_vec())),
        ] {
            assert_eq!(Target::parse(text.as_bytes()), Ok(target), "{text}");
        }
    }

    #[test]
    fn wrong_targets_are_named() {
        let long = format!("notify:{}", "c".repeat(64));
        for (text, error) in [
            ("", TargetError::UnknownKind),
            ("feed", TargetError::UnknownKind),
            ("Notify:feed", TargetError::UnknownKind),
            (":feed", TargetError::UnknownKind),
            ("notify:", TargetError::NoName),
            ("table:  ", TargetError::NoName),
            ("wal:", TargetError::NoName),
            ("notify:{table}", TargetError::Placeholder),
            ("notify:{topic", TargetError::Placeholder),
            ("notify:{topic}}", TargetError::Placeholder),
            (&long, TargetError::ChannelTooLong),
        ] {
            assert_eq!(Target::parse(text.as_bytes()), Err(error), "{text}");
        }
        assert!(Target::parse(&long.as_bytes()[..70]).is_ok());
        // A template's channels are shortened when they are too long, so it may have any length.
        let template = format!("notify:{{topic}}{}", "c".repeat(64));
        assert!(Target::parse(template.as_bytes()).is_ok());
    }

    #[test]
    fn each_topic_has_its_channel() {
        assert!(is_template(b"rt:{topic}"));
        assert!(!is_template(b"rt"));
        assert_eq!(channel_of(b"rt:{topic}", b"driver:42"), b"rt:driver:42");
        assert_eq!(channel_of(b"{topic}/{topic}", b"a"), b"a/a");
        // What a topic says is not looked into.
        assert_eq!(channel_of(b"<{topic}>", b"{topic}"), b"<{topic}>");
    }

    #[test]
    fn patterns_are_exact_or_a_beginning() {
        let filter = Filter::parse(["drivers", "trip:*", "{{x}}"]).unwrap();
        for topic in ["drivers", "trip:", "trip:7", "{x}"] {
            assert!(filter.fits(topic.as_bytes()), "{topic}");
        }
        for topic in ["", "driver", "drivers:1", "trip", "{{x}}", "x"] {
            assert!(!filter.fits(topic.as_bytes()), "{topic}");
        }
        assert!(Filter::parse(["*"]).unwrap().fits(b"anything"));
        assert!(!Filter::default().fits(b"anything"));
    }

    #[test]
    fn wrong_patterns_are_named() {
        for (pattern, error) in [
            ("", FilterError::Empty),
            ("a*b", FilterError::StarWithin),
            ("**", FilterError::StarWithin),
            ("driver:{id}", FilterError::Placeholder),
            ("a{", FilterError::Placeholder),
            ("a{*", FilterError::Placeholder),
            ("a}}}", FilterError::Placeholder),
        ] {
            assert_eq!(Filter::parse([pattern]), Err(error), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_fits_itself_and_a_beginning_all_that_begins_so(
            topic in prop::collection::vec(any::<u8>().prop_filter("no star", |b| *b != b'*'), 1..40),
            more in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let mut pattern = Vec::new();
            for &byte in &topic {
                pattern.push(byte);
                if matches!(byte, b'{' | b'}') {
                    pattern.push(byte);
                }
            }
            let exact = Filter::parse([&pattern]).unwrap();
            let longer = [topic.clone(), more.clone()].concat();
            prop_assert!(exact.fits(&topic));
            prop_assert_eq!(exact.fits(&longer), more.is_empty());
            pattern.push(b'*');
            let open = Filter::parse([&pattern]).unwrap();
            prop_assert!(open.fits(&longer));
            prop_assert!(!open.fits(&topic[..topic.len() - 1]));
        }

        #[test]
        fn any_bytes_are_read_or_refused(text in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Filter::parse([&text]);
            if let Ok(Target::Notify(channel)) = Target::parse(&text) {
                prop_assert!(is_template(&channel) || channel.len() <= CHANNEL_LIMIT);
            }
        }

        #[test]
        fn a_template_is_found_where_it_replaces(before in "[a-z{}]{0,9}", topic in "[a-z:]{1,9}") {
            let template = format!("{before}{{topic}}").into_bytes();
            prop_assert!(is_template(&template));
            prop_assert!(channel_of(&template, topic.as_bytes()).ends_with(topic.as_bytes()));
        }
    }
}
