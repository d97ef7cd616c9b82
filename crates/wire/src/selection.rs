//! Which topics a reader or a sink asks for: `driver:42` is that topic, `driver:*` all that begin so,
//! `*` every one. Works on bytes, in whatever encoding the server has.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectionError {
    Empty,
    /// A `*` before the end.
    StarWithin,
}

impl fmt::Display for SelectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SelectionError::Empty => "it is empty",
            SelectionError::StarWithin => "it has a \"*\" before its end",
        })
    }
}

impl std::error::Error for SelectionError {}

/// Patterns that have been added fit what they say once [`Selection::sort`] has been called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Sorted.
    exact: Vec<Vec<u8>>,
    /// Sorted, and none begins with another, so that at most one fits a topic: the last that is not
    /// after it.
    prefixes: Vec<Vec<u8>>,
}

impl Selection {
    pub fn add(&mut self, pattern: &[u8]) -> Result<(), SelectionError> {
        let (topic, list) = match pattern.strip_suffix(b"*") {
            Some(prefix) => (prefix, &mut self.prefixes),
            None if pattern.is_empty() => return Err(SelectionError::Empty),
            None => (pattern, &mut self.exact),
        };
        if topic.contains(&b'*') {
            return Err(SelectionError::StarWithin);
        }
        list.push(topic.to_vec());
        Ok(())
    }

    /// Once for all: kept sorted while they are added, 100,000 in descending order take seconds, uninterrupted.
    pub fn sort(&mut self) {
        self.exact.sort_unstable();
        self.exact.dedup();
        self.prefixes.sort_unstable();
        // What begins with one of them follows it.
        self.prefixes.dedup_by(|next, kept| next.starts_with(kept));
    }

    pub fn fits(&self, topic: &[u8]) -> bool {
        let exact = |known: &Vec<u8>| known.as_slice().cmp(topic);
        let before = self
            .prefixes
            .partition_point(|known| known.as_slice() <= topic);
        before > 0 && topic.starts_with(&self.prefixes[before - 1])
            || self.exact.binary_search_by(exact).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn selection<T: AsRef<[u8]>>(patterns: &[T]) -> Result<Selection, SelectionError> {
        let mut selection = Selection::default();
        for pattern in patterns {
            selection.add(pattern.as_ref())?;
        }
        selection.sort();
        Ok(selection)
    }

    #[test]
    fn topics_and_beginnings() {
        let some = selection(&["drivers", "trip:*"]).unwrap();
        for (topic, fits) in [
            ("drivers", true),
            ("drivers:1", false),
            ("driver", false),
            ("trip:", true),
            ("trip:7", true),
            ("trip", false),
        ] {
            assert_eq!(some.fits(topic.as_bytes()), fits, "{topic}");
        }
        assert!(selection(&["*"]).unwrap().fits(b"anything"));
        assert!(!Selection::default().fits(b"anything"));
        assert!(!selection(&["a{b}"]).unwrap().fits(b"a"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert_eq!(selection(&[""]), Err(SelectionError::Empty));
        assert_eq!(selection(&["a*b"]), Err(SelectionError::StarWithin));
        assert_eq!(selection(&["a**"]), Err(SelectionError::StarWithin));
    }

    #[test]
    fn patterns_given_twice_or_within_others_are_kept_once() {
        let some = selection(&["b", "ab*", "a", "b", "abc*", "ab*", "c*", "a"]).unwrap();
        let texts = |list: &[Vec<u8>]| list.concat();
        assert_eq!(texts(&some.exact), b"ab");
        assert_eq!(texts(&some.prefixes), b"abc");
        assert_eq!((some.exact.len(), some.prefixes.len()), (2, 2));
    }

    proptest! {
        #[test]
        fn fits_as_each_pattern_alone_would(
            patterns in prop::collection::vec("[ab:]{1,4}\\*?|\\*", 0..6),
            topic in "[ab:]{0,5}",
        ) {
            let expected = patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => topic.starts_with(prefix),
                None => topic == *pattern,
            });
            prop_assert_eq!(selection(&patterns).unwrap().fits(topic.as_bytes()), expected);
        }
    }
}
