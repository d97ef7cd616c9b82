//! The reckoning: what the tables say was committed against what arrived, and how long it took.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use crate::feed::Received;
use crate::screen::{Screen, Tone};
use crate::workload::{Drivers, PER_TRANSACTION};

#[derive(Default)]
pub struct Summary {
    pub elapsed: Duration,
    ids: HashSet<i64>,
    twice: u64,
    partial: u64,
    tables: BTreeMap<String, u64>,
    /// from the statement's start, by the event's own timestamp, to its arrival here
    since_statement: Vec<Duration>,
    arrivals: Vec<(u64, Instant)>,
    /// table, committed changes
    committed: Vec<(&'static str, u64)>,
}

impl Summary {
    pub fn received(&mut self, received: Received) {
        let Received { event, at, clock } = received;
        if !self.ids.insert(event.id) {
            self.twice += 1;
            return;
        }
        self.partial += u64::from(event.partial);
        if let Some(statement) = event.statement {
            self.since_statement.push(
                clock
                    .duration_since(statement.min(clock))
                    .unwrap_or_default(),
            );
        }
        if let Some(mutation) = event.mutation {
            self.arrivals.push((mutation, at));
        }
        *self.tables.entry(event.table).or_default() += 1;
    }

    pub fn count(&self) -> u64 {
        self.tables.values().sum()
    }

    pub fn by_table(&self) -> impl Iterator<Item = (&str, u64)> {
        self.tables
            .iter()
            .map(|(table, count)| (table.as_str(), *count))
    }

    pub fn committed(&mut self, transactions: u64, drivers: &Drivers) {
        let pgbench = [
            "pgbench_accounts",
            "pgbench_branches",
            "pgbench_history",
            "pgbench_tellers",
        ];
        debug_assert_eq!(pgbench.len() as u64, PER_TRANSACTION);
        self.committed = pgbench
            .into_iter()
            .map(|table| (table, transactions))
            .chain([("drivers", drivers.changes)])
            .collect();
    }

    pub fn missing(&self) -> u64 {
        self.committed
            .iter()
            .map(|(table, count)| count.saturating_sub(self.of(table)))
            .sum()
    }

    fn of(&self, table: &str) -> u64 {
        self.tables.get(table).copied().unwrap_or(0)
    }

    pub fn agrees(&self) -> bool {
        let committed: u64 = self.committed.iter().map(|(_, count)| count).sum();
        committed > 0
            && self.twice == 0
            && self.count() == committed
            && self
                .committed
                .iter()
                .all(|(table, count)| self.of(table) == *count)
    }

    pub fn print(&self, screen: &Screen, drivers: &Drivers) {
        let verdict = if self.agrees() {
            screen.paint(Tone::Green, "equal")
        } else {
            screen.paint(Tone::Red, "NOT EQUAL")
        };
        let committed: u64 = self.committed.iter().map(|(_, count)| count).sum();
        println!();
        println!(
            "{}",
            screen.paint(Tone::Bold, "table                committed   received")
        );
        for (table, count) in &self.committed {
            let received = self.of(table);
            let line = format!(
                "{table:<18} {:>11} {:>10}",
                thousands(*count),
                thousands(received)
            );
            println!(
                "{}",
                if received == *count {
                    line
                } else {
                    screen.paint(Tone::Red, &line)
                }
            );
        }
        println!(
            "{:<18} {:>11} {:>10}   {verdict}",
            "all",
            thousands(committed),
            thousands(self.count())
        );
        screen.paragraph(&format!(
            "committed is read from the tables: pgbench's transactions are the rows of pgbench_history; the drivers' \
             are the rows their writer's acknowledged commits changed. {} changes were rolled back: no event tells of them.",
            thousands(drivers.rolled_back)
        ));
        if self.twice > 0 {
            println!(
                "{}",
                screen.paint(
                    Tone::Red,
                    &format!("{} events came twice", thousands(self.twice))
                )
            );
        }
        if self.partial > 0 {
            println!(
                "{} events were too large and came as references",
                thousands(self.partial)
            );
        }
        let rate = self.count() as f64 / self.elapsed.as_secs_f64().max(0.001);
        println!();
        println!(
            "{} events/s over {:.1} s; latency:            p50        p99        max",
            thousands(rate.round() as u64),
            self.elapsed.as_secs_f64()
        );
        latency(
            "COMMIT sent to event received",
            self.since_commit(drivers, |(sent, _)| sent),
        );
        latency(
            "COMMIT acknowledged to event received",
            self.since_commit(drivers, |(_, acknowledged)| acknowledged),
        );
        latency(
            "statement begun to event received",
            self.since_statement
                .iter()
                .map(Duration::as_secs_f64)
                .collect(),
        );
        screen.paragraph(
            "The first two over the drivers' events, by one clock in one process; an event that overtakes the \
             acknowledgement counts as zero. The third over all events: it holds the rest of the transaction and its WAL flush.",
        );
        println!();
        println!("{}", screen.paint(Tone::Bold, "Go on with"));
        println!("  make psql      this database, the feed still on:");
        println!("                 update drivers set status = 'on trip' where id = 7;");
        println!("  make test      what is promised, tested");
        println!("  make install   into your own PostgreSQL; there:");
        println!("                 create extension realtime_sync;");
        println!("                 select realtime_sync.enable('a_table');");
    }

    fn since_commit(&self, drivers: &Drivers, from: fn((Instant, Instant)) -> Instant) -> Vec<f64> {
        let since = |(mutation, at): &(u64, Instant)| {
            let commit = drivers.commits.get(mutation)?;
            Some(at.saturating_duration_since(from(*commit)).as_secs_f64())
        };
        self.arrivals.iter().filter_map(since).collect()
    }
}

fn latency(what: &str, mut seconds: Vec<f64>) {
    if seconds.is_empty() {
        return;
    }
    seconds.sort_by(f64::total_cmp);
    let at = |part: f64| {
        seconds[((seconds.len() as f64 * part).ceil() as usize).clamp(1, seconds.len()) - 1]
            * 1000.0
    };
    println!(
        "  {what:<40} {:>7.2} ms {:>7.2} ms {:>7.2} ms",
        at(0.50),
        at(0.99),
        at(1.0)
    );
}

pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [7, 1000, 1_234_567].map(thousands),
            ["7", "1,000", "1,234,567"]
        );
    }
}
