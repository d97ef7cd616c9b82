//! A transaction's changes of one row as one: which of them are of the same row, and what they come to.

/// A change, by what it does to the row in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Insert,
    Update,
    Delete,
    /// The row has stopped matching the filter.
    Leave,
}

impl Kind {
    pub fn from_byte(byte: u8) -> Kind {
        match byte {
            0 => Kind::Insert,
            1 => Kind::Update,
            2 => Kind::Delete,
            _ => Kind::Leave,
        }
    }

    /// Whether the row is in the feed afterwards.
    pub fn is_present(self) -> bool {
        matches!(self, Kind::Insert | Kind::Update)
    }
}

/// A change and where it stands in a text that also has its key.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub table: u32,
    /// Changes before and after a TRUNCATE, or a change of key, are not those of one row.
    pub epoch: u32,
    pub key: (u32, u32),
    pub place: u32,
    pub kind: Kind,
}

/// What a row's steps come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// None: nobody has to know, the row was made and is gone.
    pub kind: Option<Kind>,
    pub first: u32,
    pub last: u32,
}

impl Net {
    /// Where the one event stands among those of other rows. A new row comes before what may refer to
    /// it; what a row was changed to, or that it is gone, after what it may refer to.
    pub fn place(&self) -> u32 {
        if self.kind == Some(Kind::Insert) {
            self.first
        } else {
            self.last
        }
    }
}

/// Sorts the steps by row and gives each row's to `use_row`, in the order they were made in.
pub fn each_row(steps: &mut [Step], text: &[u8], mut use_row: impl FnMut(&[Step], Net)) {
    let key = |step: &Step| &text[step.key.0 as usize..step.key.1 as usize];
    let row = |step: &Step| (step.table, step.epoch, key(step));
    steps.sort_unstable_by(|a, b| row(a).cmp(&row(b)).then(a.place.cmp(&b.place)));
    for same_key in steps.chunk_by(|a, b| row(a) == row(b)) {
        // A second INSERT of a row that is there is of another row: its key is not unique any more.
        for steps in same_key.chunk_by(|a, b| !(a.kind.is_present() && b.kind == Kind::Insert)) {
            use_row(steps, net(steps));
        }
    }
}

fn net(steps: &[Step]) -> Net {
    let (first, last) = (steps[0], steps[steps.len() - 1]);
    let kind = match (first.kind != Kind::Insert, last.kind.is_present()) {
        (false, true) => Some(Kind::Insert),
        (false, false) => None,
        (true, true) => Some(Kind::Update),
        (true, false) => Some(last.kind),
    };
    Net {
        kind,
        first: first.place,
        last: last.place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn of(kinds: &[Kind]) -> Vec<Option<Kind>> {
        let mut steps: Vec<Step> = (0..)
            .zip(kinds)
            .map(|(place, &kind)| Step {
                table: 1,
                epoch: 0,
                key: (0, 1),
                place,
                kind,
            })
            .collect();
        let mut nets = Vec::new();
        each_row(&mut steps, b"k", |_, net| nets.push(net.kind));
        nets
    }

    #[test]
    fn two_changes_come_to_one() {
        use Kind::*;
        for (kinds, net) in [
            ([Insert, Update], Some(Insert)),
            ([Insert, Delete], None),
            ([Insert, Leave], None),
            ([Update, Update], Some(Update)),
            ([Update, Delete], Some(Delete)),
            ([Update, Leave], Some(Leave)),
            ([Delete, Insert], Some(Update)),
            ([Leave, Update], Some(Update)),
            ([Leave, Insert], Some(Update)),
        ] {
            assert_eq!(of(&kinds), [net], "{kinds:?}");
        }
    }

    #[test]
    fn rows_that_share_a_key_stay_apart() {
        use Kind::*;
        assert_eq!(of(&[Insert, Insert]), [Some(Insert), Some(Insert)]);
        assert_eq!(of(&[Update, Insert, Delete]), [Some(Update), None]);
    }

    proptest! {
        /// Random changes of a few rows, of which some are there before: applying what they come to gives
        /// what applying each gives, and names each row once.
        #[test]
        fn the_net_changes_do_what_the_changes_did(
            there in prop::collection::btree_set(0..4usize, 0..4),
            choices in prop::collection::vec((0..4usize, any::<bool>()), 0..40),
        ) {
            let text = b"abcd";
            let mut table: BTreeMap<usize, u32> = there.iter().map(|&row| (row, u32::MAX)).collect();
            let before = table.clone();
            let mut steps = Vec::new();
            for (place, (row, removes)) in (0..).zip(choices) {
                let kind = match (table.contains_key(&row), removes) {
                    (false, _) => Kind::Insert,
                    (true, false) => Kind::Update,
                    (true, true) => Kind::Delete,
                };
                if kind == Kind::Delete { table.remove(&row); } else { table.insert(row, place); }
                steps.push(Step { table: 1, epoch: 0, key: (row as u32, row as u32 + 1), place, kind });
            }
            let keys: BTreeMap<u32, usize> = steps.iter().map(|step| (step.place, step.key.0 as usize)).collect();
            let mut copy = before;
            let mut rows = Vec::new();
            each_row(&mut steps, text, |_, net| {
                let row = keys[&net.last];
                assert!(!rows.contains(&row));
                rows.push(row);
                match net.kind {
                    None => {}
                    Some(Kind::Insert) => assert!(copy.insert(row, net.last).is_none()),
                    Some(Kind::Update) => assert!(copy.insert(row, net.last).is_some()),
                    Some(_) => assert!(copy.remove(&row).is_some()),
                }
            });
            prop_assert_eq!(copy, table);
        }
    }
}
