//! Which transactions a moment saw: what PostgreSQL's type pg_snapshot says, and in its text
//! (`xmin:xmax:xip,xip`; functions-info, "Snapshot Components").

use std::fmt;

/// A transaction below `xmax` that is not in `running` had ended; whether it committed only the row's
/// own visibility tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The oldest transaction that was running, else `xmax`.
    pub xmin: u64,
    /// The first id not yet given to a transaction that had ended.
    pub xmax: u64,
    /// Ascending, each from `xmin` on and below `xmax`.
    pub running: Vec<u64>,
}

impl Snapshot {
    /// Before any transaction: sees none.
    pub const NONE: Snapshot = Snapshot {
        xmin: 0,
        xmax: 0,
        running: Vec::new(),
    };

    pub fn parse(text: &str) -> Option<Snapshot> {
        let mut parts = text.split(':');
        let (xmin, xmax, list) = (parts.next()?, parts.next()?, parts.next()?);
        let snapshot = Snapshot {
            xmin: number(xmin)?,
            xmax: number(xmax)?,
            running: match list {
                "" => Vec::new(),
                _ => list.split(',').map(number).collect::<Option<_>>()?,
            },
        };
        let ascending = snapshot.running.is_sorted_by(|a, b| a < b);
        let within = |xid: &u64| snapshot.xmin <= *xid && *xid < snapshot.xmax;
        (parts.next().is_none()
            && snapshot.xmin <= snapshot.xmax
            && ascending
            && snapshot.running.iter().all(within))
        .then_some(snapshot)
    }

    pub fn sees(&self, xid: u64) -> bool {
        xid < self.xmin || (xid < self.xmax && self.running.binary_search(&xid).is_err())
    }

    /// Whether this moment saw all that `other` did.
    pub fn covers(&self, other: &Snapshot) -> bool {
        let beyond = other.running.iter().filter(|xid| **xid >= self.xmax);
        beyond.count() as u64 == other.xmax.saturating_sub(self.xmax)
            && self
                .running
                .iter()
                .all(|xid| *xid >= other.xmax || other.running.binary_search(xid).is_ok())
    }

    /// Transactions that were running at this moment and had ended at `later`: with those from
    /// `xmax` on, all that can have committed in between.
    pub fn ended_by<'a>(&'a self, later: &'a Snapshot) -> impl Iterator<Item = u64> + 'a {
        let seen = |xid: &u64| later.sees(*xid);
        self.running.iter().copied().filter(seen)
    }
}

fn number(text: &str) -> Option<u64> {
    // Not the sign and the spaces that FromStr lets through.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.xmin, self.xmax)?;
        for (n, xid) in self.running.iter().enumerate() {
            write!(f, "{}{xid}", if n > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn snapshot() -> impl Strategy<Value = Snapshot> {
        (
            1u64..30,
            prop::collection::btree_set(1u64..40, 0..8),
            0u64..10,
        )
            .prop_map(|(xmin, running, more)| {
                let running: Vec<u64> = running.into_iter().filter(|xid| *xid >= xmin).collect();
                let xmax = running.last().map_or(xmin, |last| last + 1) + more;
                let xmin = running.first().copied().unwrap_or(xmax);
                Snapshot {
                    xmin,
                    xmax,
                    running,
                }
            })
    }

    fn seen(snapshot: &Snapshot) -> BTreeSet<u64> {
        (0..64).filter(|xid| snapshot.sees(*xid)).collect()
    }

    #[test]
    fn postgresql_s_own_examples() {
        let snapshot = Snapshot::parse("10:20:10,14,15").unwrap();
        let seen: Vec<bool> = [9, 10, 11, 14, 19, 20]
            .map(|xid| snapshot.sees(xid))
            .to_vec();
        assert_eq!(seen, [true, false, true, false, true, false]);
        assert_eq!(Snapshot::parse("1:1:").unwrap().to_string(), "1:1:");
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        for text in [
            "", "1", "1:2", "2:1:", "1:2:3", "1:5:3,2", "1:5:2,2", "1:5:0", "1:5:,", "a:5:",
            "+1:5:", "1:5::",
        ] {
            assert_eq!(Snapshot::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(snapshot in snapshot()) {
            prop_assert_eq!(Snapshot::parse(&snapshot.to_string()), Some(snapshot));
        }

        #[test]
        fn covers_is_seeing_all_the_other_saw(a in snapshot(), b in snapshot()) {
            prop_assert_eq!(a.covers(&b), seen(&b).is_subset(&seen(&a)));
        }

        #[test]
        fn what_ended_in_between_is_found(a in snapshot(), b in snapshot()) {
            let found: BTreeSet<u64> = a.ended_by(&b).chain(a.xmax..64).filter(|xid| b.sees(*xid)).collect();
            prop_assert_eq!(found, seen(&b).difference(&seen(&a)).copied().collect());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9:,]{0,20}|(?s).{0,20}") {
            if let Some(snapshot) = Snapshot::parse(&text) {
                prop_assert_eq!(Snapshot::parse(&snapshot.to_string()), Some(snapshot));
            }
        }
    }
}
