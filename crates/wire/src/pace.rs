//! How long a relay rests between batches of a backlog: writers and listeners share its processors, and what
//! it sends at once keeps more than one busy.

/// A rest is so many times as long as the relay has waited for a processor since the last. Four writers with
/// flushes of 3 ms kept 0.55 to 0.85 of their transactions without, on one machine and day 0.84 with 20, 0.88
/// with 40, 0.90 and 0.91 with 80. One that nobody else wants is not waited for.
const WAITED: u64 = 80;
/// It is at most so many times as long as the relay ran,
const RAN: u64 = 9;
/// and so many nanoseconds: readers of the log wait for the next tick.
const LONGEST: u64 = 50_000_000;
/// Events sent without a rest: a statement that changes some thousand rows is no backlog.
const FREE: u64 = 5_000;

/// Nanoseconds for which a process ran, and waited for a processor, since it began.
#[derive(Clone, Copy, Default)]
pub struct Account {
    pub ran: u64,
    pub waited: u64,
}

#[derive(Default)]
pub struct Pace {
    last: Account,
    backlog: Option<Backlog>,
}

struct Backlog {
    /// The last id that an event had when it began.
    newest: u64,
    /// Events sent since, or passed because nobody wanted them.
    passed: u64,
}

impl Pace {
    /// There is no backlog any more.
    pub fn forget(&mut self) {
        self.backlog = None;
    }

    /// Nanoseconds to rest after a batch of so many events, when the last id given to any event is `newest`.
    /// None unless two events were sent for each that came since the backlog began: so it ends before as many
    /// have come as there were, if it can.
    pub fn rest(&mut self, account: Account, events: usize, newest: u64) -> u64 {
        let before = std::mem::replace(&mut self.last, account);
        let backlog = self.backlog.get_or_insert(Backlog { newest, passed: 0 });
        backlog.passed += events as u64;
        let came = newest.saturating_sub(backlog.newest);
        if backlog.passed < FREE + 2 * came {
            return 0;
        }
        let ran = account.ran.saturating_sub(before.ran);
        let waited = account.waited.saturating_sub(before.waited);
        (waited * WAITED).min(ran * RAN).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: u64 = 500;
    const RUNS: u64 = 3_000_000;

    /// A backlog sent by a relay that gets one of so many turns at its processor, while events come at
    /// a rate; seconds until it has ended, and events sent by then.
    fn send(mut left: u64, share: u64, per_second: u64) -> (f64, u64) {
        let (mut pace, mut account) = (Pace::default(), Account::default());
        let (mut time, mut came, mut sent) = (0, 0, 0);
        // The last batch is a tick like any other.
        while left >= BATCH {
            assert!(sent < 10_000_000, "it does not end");
            account.ran += RUNS;
            account.waited += RUNS * (share - 1);
            sent += BATCH;
            time += RUNS * share;
            time += pace.rest(account, BATCH as usize, 1_000 + came);
            let all = time * per_second / 1_000_000_000;
            left = left - BATCH + all - came;
            came = all;
        }
        (time as f64 / 1e9, sent)
    }

    #[test]
    fn a_processor_that_is_not_waited_for_is_used() {
        let (seconds, _) = send(1_000_000, 1, 0);
        assert_eq!(seconds, 6.0);
    }

    #[test]
    fn one_that_is_waited_for_is_left_to_others() {
        let (seconds, _) = send(1_000_000, 2, 0);
        assert!((60.0..70.0).contains(&seconds), "{seconds}");
    }

    #[test]
    fn a_backlog_ends_before_as_many_have_come_as_there_were() {
        // At full speed this relay sends 83,000 a second.
        for per_second in [100, 1_000, 10_000, 40_000] {
            let (_, sent) = send(1_000_000, 2, per_second);
            assert!(sent <= 2_010_000, "{per_second} a second: {sent}");
        }
    }

    #[test]
    fn a_large_statement_is_no_backlog() {
        let (seconds, _) = send(4_500, 2, 0);
        assert_eq!(seconds, 9.0 * 2.0 * 0.003);
    }

    #[test]
    fn no_rest_is_long() {
        let mut pace = Pace::default();
        let account = Account {
            ran: 1_000_000_000,
            waited: 1_000_000_000,
        };
        assert_eq!(pace.rest(account, 10_000, 0), LONGEST);
        assert_eq!(pace.rest(account, 10_000, 0), 0);
    }
}
