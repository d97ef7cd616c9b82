//! The three side by side: what each has shown so far.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::event::Shown;
use demo::screen::{Screen, Tone, thousands};

pub const NONE: usize = 0;
pub const NOTIFY: usize = 1;
pub const OURS: usize = 2;

const NAMES: [&str; 3] = ["no trigger", "pg_notify trigger", "realtime_sync"];
const BY: [&str; 3] = ["", "PL/pgSQL, by hand", "enable('drivers')"];
const TONES: [Tone; 3] = [Tone::Bold, Tone::Yellow, Tone::Green];
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Lines of the feed, and how long one stands before the next pushes it.
const FEED: usize = 5;
const PACE: Duration = Duration::from_millis(140);

#[derive(Default)]
pub struct Column {
    /// transactions a second, one a second
    pub seconds: Vec<f64>,
    pub tps: Option<f64>,
    /// milliseconds
    pub latency: Option<f64>,
    pub flushes: Option<f64>,
    /// seconds from an acknowledged commit to its event
    pub delays: Option<Percentiles>,
    pub bulk: Option<Bulk>,
}

#[derive(Clone, Copy)]
pub struct Percentiles {
    pub p50: f64,
    pub p99: f64,
}

impl Percentiles {
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let at = |part: f64| values.get((values.len() as f64 * part).ceil() as usize - 1);
        (!values.is_empty()).then(|| Self {
            p50: *at(0.50).expect("not empty"),
            p99: *at(0.99).expect("not empty"),
        })
    }
}

#[derive(Clone, Copy, Default)]
pub struct Bulk {
    pub committed: u64,
    pub received: u64,
    pub replayed: u64,
    /// the listener is killed and not back yet
    pub away: bool,
    pub done: bool,
}

impl Bulk {
    pub fn missed(self) -> u64 {
        self.committed.saturating_sub(self.received)
    }
}

pub struct Board {
    pub columns: [Column; 3],
    /// what is going on
    pub now: String,
    feed: VecDeque<(usize, Shown)>,
    fed: Option<Instant>,
}

impl Board {
    pub fn new() -> Self {
        Self {
            columns: Default::default(),
            now: String::new(),
            feed: VecDeque::new(),
            fed: None,
        }
    }

    /// Transactions a second, no trigger = 1.
    pub fn kept(&self, column: usize) -> Option<f64> {
        Some(self.columns[column].tps? / self.columns[NONE].tps?)
    }

    pub fn event(&mut self, column: usize, payload: &str) {
        if self.fed.is_some_and(|then| then.elapsed() < PACE) {
            return;
        }
        if let Some(shown) = Shown::of(payload) {
            self.fed = Some(Instant::now());
            self.feed.push_back((column, shown));
            if self.feed.len() > FEED {
                self.feed.pop_front();
            }
        }
    }

    /// The table, and below it what goes on now and the events that come.
    pub fn live(&self, screen: &Screen) -> Vec<String> {
        let mut lines = vec![String::new()];
        lines.extend(self.table(screen));
        lines.push(String::new());
        lines.push(format!(
            "{} {}",
            screen.paint(&[Tone::Bold], "now:"),
            self.now
        ));
        lines.push(String::new());
        lines.extend((0..FEED).map(|n| {
            let shown = self.feed.get(n);
            shown.map_or(String::new(), |(column, shown)| {
                describe(screen, *column, shown)
            })
        }));
        lines
    }

    pub fn table(&self, screen: &Screen) -> Vec<String> {
        let widths: (usize, usize) = if screen.width < 106 {
            (25, 18)
        } else {
            (29, 25)
        };
        let row = |label: &str, cell: &dyn Fn(usize) -> (String, Vec<Tone>)| {
            let mut line = screen.paint(&[Tone::Dim], &format!("{label:<0$}", widths.0));
            for column in [NONE, NOTIFY, OURS] {
                let (text, tones) = cell(column);
                let room = widths.1.saturating_sub(text.chars().count());
                line.push_str(&screen.paint(&tones, &text));
                line.push_str(&" ".repeat(room));
            }
            line.trim_end().to_owned()
        };
        let figure =
            |text: Option<String>, tones: &[Tone]| (text.unwrap_or_default(), tones.to_vec());
        let milliseconds = |value: f64| format!("{value:.1} ms");
        let delay = |column: usize, part: fn(Percentiles) -> f64| {
            let delays = self.columns[column].delays;
            figure(
                delays.map(|delays| milliseconds(part(delays) * 1000.0)),
                &[],
            )
        };
        let bulk = |column: usize| self.columns[column].bulk;
        vec![
            row("", &|c| {
                figure(Some(NAMES[c].into()), &[Tone::Bold, TONES[c]])
            }),
            row("", &|c| figure(Some(BY[c].into()), &[Tone::Dim])),
            row("32 clients", &|c| {
                figure(Some(self.graph(c, widths.1 - 4)), &[TONES[c]])
            }),
            row("  transactions a second", &|c| {
                let column = &self.columns[c];
                let tps = column.tps.or(column.seconds.last().copied());
                figure(tps.map(|tps| thousands(tps.round() as u64)), &[Tone::Bold])
            }),
            row("  kept of no trigger", &|c| {
                let kept = self.kept(c).filter(|_| c != NONE);
                figure(kept.map(percent), &[Tone::Bold, TONES[c]])
            }),
            row("  a transaction takes", &|c| {
                figure(self.columns[c].latency.map(milliseconds), &[])
            }),
            row("  WAL flushes for each", &|c| {
                figure(self.columns[c].flushes.map(|n| format!("{n:.2}")), &[])
            }),
            row("  commit to event, p50", &|c| delay(c, |delays| delays.p50)),
            row("                   p99", &|c| delay(c, |delays| delays.p99)),
            row("bulk update, listener", &|c| {
                figure(
                    bulk(c).map(|bulk| {
                        match (bulk.away, bulk.done) {
                            (true, _) => "killed",
                            (_, true) => "killed, came back",
                            _ => "listening",
                        }
                        .into()
                    }),
                    &[Tone::Dim],
                )
            }),
            row("  events committed", &|c| {
                figure(bulk(c).map(|bulk| thousands(bulk.committed)), &[])
            }),
            row("  received", &|c| {
                figure(bulk(c).map(|bulk| thousands(bulk.received)), &[])
            }),
            row("  replayed from cursor", &|c| match (bulk(c), c) {
                (Some(bulk), OURS) => figure(Some(thousands(bulk.replayed)), &[]),
                (Some(bulk), _) if bulk.done => figure(Some("cannot".into()), &[Tone::Dim]),
                _ => figure(None, &[]),
            }),
            row("  missed", &|c| {
                let done = bulk(c).filter(|bulk| bulk.done);
                let tone = match done.map(Bulk::missed) {
                    Some(0) => Tone::Green,
                    _ => Tone::Red,
                };
                figure(
                    done.map(|bulk| thousands(bulk.missed())),
                    &[Tone::Bold, tone],
                )
            }),
        ]
    }

    /// Transactions a second over time; a full bar is the most that no trigger reached.
    fn graph(&self, column: usize, width: usize) -> String {
        let most = self.columns[NONE]
            .seconds
            .iter()
            .copied()
            .fold(1.0, f64::max);
        let seconds = &self.columns[column].seconds;
        let step = seconds.len().div_ceil(width).max(1);
        seconds
            .chunks(step)
            .map(|chunk| {
                let mean = chunk.iter().sum::<f64>() / chunk.len() as f64;
                BARS[((mean / most * 8.0).round() as usize).clamp(1, 8) - 1]
            })
            .collect()
    }
}

pub fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

fn describe(screen: &Screen, column: usize, shown: &Shown) -> String {
    let since = shown
        .at
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = since.as_secs();
    let time = format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        since.subsec_millis()
    );
    let tone = if shown.name == "UPDATE" {
        TONES[column]
    } else {
        Tone::Magenta
    };
    let mut line = format!(
        "{}  {} {} ",
        screen.paint(&[Tone::Dim], &time),
        screen.paint(&[tone], &format!("{:<13}", shown.name)),
        screen.paint(&[Tone::Cyan], &format!("{:<12}", shown.topic)),
    );
    for (n, (name, old, new)) in shown.changes.iter().enumerate() {
        let comma = if n > 0 { ", " } else { "" };
        line.push_str(&screen.paint(&[Tone::Dim], &format!("{comma}{name} {old} → ")));
        line.push_str(new);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_seen() {
        let percentiles = Percentiles::of((1..=100).rev().map(f64::from).collect()).unwrap();
        assert_eq!((percentiles.p50, percentiles.p99), (50.0, 99.0));
        assert!(Percentiles::of(Vec::new()).is_none());
    }

    #[test]
    fn the_graph_is_relative_to_no_trigger() {
        let mut board = Board::new();
        board.columns[NONE].seconds = vec![800.0, 400.0];
        board.columns[NOTIFY].seconds = vec![20.0];
        assert_eq!(board.graph(NONE, 10), "█▄");
        assert_eq!(board.graph(NOTIFY, 10), "▁");
    }
}
