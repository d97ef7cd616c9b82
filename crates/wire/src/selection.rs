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
        let at = list.partition_point(|known| known.as_slice() < topic);
        let prefix = pattern.ends_with(b"*");
        if prefix {
            if at > 0 && topic.starts_with(&list[at - 1]) {
                return Ok(());
            }
            let longer = list[at..]
                .iter()
                .take_while(|known| known.starts_with(topic));
            let end = at + longer.count();
            list.splice(at..end, [topic.to_vec()]);
        } else if list.get(at).is_none_or(|known| known != topic) {
            list.insert(at, topic.to_vec());
        }
        Ok(())
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
