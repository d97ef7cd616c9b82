//! The reckoning: what the table says was committed against what the listener received, and the two numbers.

use crate::board::{Board, NOTIFY, OURS, Percentiles, percent};
use crate::dump::Schema;
use crate::listener::Account;
use crate::workload::Probe;
use demo::screen::{Screen, Tone, thousands};

pub struct Verdict {
    /// by the table: changes of the time in which realtime_sync was on
    pub committed: u64,
    pub account: Account,
    pub probe: Probe,
    pub before: Schema,
    pub while_on: Schema,
    pub after: Schema,
}

impl Verdict {
    pub fn lossless(&self) -> bool {
        let account = &self.account;
        self.committed > 0
            && account.received == self.committed
            && account.twice == 0
            && account.disordered == 0
            && account.unreadable == 0
    }

    pub fn traceless(&self) -> bool {
        self.before == self.after && self.while_on != self.before
    }

    pub fn print(&self, screen: &mut Screen, board: &Board) {
        let verdict = |screen: &Screen, good: bool, word: &str| match good {
            true => screen.paint(&[Tone::Bold, Tone::Green], word),
            false => screen.paint(&[Tone::Bold, Tone::Red], &format!("NOT {word}")),
        };
        let account = &self.account;
        let equal = verdict(screen, self.lossless(), "equal");
        screen.prose(
            &format!(
                "{} changes committed by the table's own count, {} events received: {equal}",
                thousands(self.committed),
                thousands(account.received)
            ),
            2,
        );
        screen.prose(&format!(
            "  out of order within their row {}, received twice {}, rolled back and rightly not heard of {}",
            thousands(account.disordered),
            thousands(account.twice),
            thousands(self.probe.rolled_back)
        ), 2);
        let equal = verdict(screen, self.traceless(), "equal");
        screen.prose(&format!(
            "pg_dump --schema-only before enable() and after disable(): {equal}; {} lines more in between",
            self.while_on.beyond(&self.before)
        ), 2);
        screen.line(&format!("  before  {}", self.before.state));
        screen.line(&format!("  enabled {}", self.while_on.state));
        screen.line(&format!("  after   {}", self.after.state));
        screen.line("");
        screen.line("latency under the load of the 32 clients         p50         p99");
        self.latency(screen, "update sent to event received", |commit| {
            commit.sent
        });
        self.latency(screen, "COMMIT acknowledged to event received", |commit| {
            commit.acknowledged
        });
        screen.line("");
        self.two_numbers(screen, board);
        screen.line("");
        screen.line(&screen.paint(&[Tone::Bold], "Go on with"));
        for line in [
            "  make psql      this database, listening:",
            "                 select topics from realtime_sync.enable('drivers');",
            "                 update drivers set status = 'on trip' where id = 7;",
            "  make test      what is promised, tested",
            "  make install   into your own PostgreSQL; there:",
            "                 create extension realtime_sync;",
            "                 select topics from realtime_sync.enable('a_table');",
        ] {
            screen.line(line);
        }
    }

    fn latency(
        &self,
        screen: &mut Screen,
        what: &str,
        from: fn(&crate::workload::Commit) -> std::time::Instant,
    ) {
        let delays = delays(&self.probe, &self.account, from);
        if let Some(Percentiles { p50, p99 }) = Percentiles::of(delays) {
            screen.line(&format!(
                "  {what:<40} {:>7.2} ms {:>8.2} ms",
                p50 * 1000.0,
                p99 * 1000.0
            ));
        }
    }

    fn two_numbers(&self, screen: &mut Screen, board: &Board) {
        let kept = |column| board.kept(column).map_or("?".into(), percent);
        let missed = |column: usize| {
            let bulk = board.columns[column].bulk;
            bulk.map_or("?".into(), |bulk| thousands(bulk.missed()))
        };
        let tone = match self.lossless() {
            true => Tone::Green,
            false => Tone::Red,
        };
        let head = format!(
            "{:<34}{:>18}{:>18}",
            "", "pg_notify trigger", "realtime_sync"
        );
        screen.line(&screen.paint(&[Tone::Bold], &head));
        for (label, notify, ours) in [
            ("transactions a second, kept", kept(NOTIFY), kept(OURS)),
            (
                "events missed by a listener away",
                missed(NOTIFY),
                missed(OURS),
            ),
        ] {
            let line = format!(
                "{label:<34}{}{}",
                screen.paint(&[Tone::Bold, Tone::Red], &format!("{notify:>18}")),
                screen.paint(&[Tone::Bold, tone], &format!("{ours:>18}"))
            );
            screen.line(&line);
        }
    }
}

/// Seconds from a moment of the probe's commits to the arrival of their events; what overtakes it counts as none.
pub fn delays(
    probe: &Probe,
    account: &Account,
    from: fn(&crate::workload::Commit) -> std::time::Instant,
) -> Vec<f64> {
    let commits = probe.commits.iter();
    commits
        .filter_map(|commit| {
            let at = account.arrivals.get(&(commit.row, commit.revision))?;
            Some(at.saturating_duration_since(from(commit)).as_secs_f64())
        })
        .collect()
}
