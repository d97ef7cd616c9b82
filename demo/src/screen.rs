//! The terminal: one line for each event worth it, and one line of rates that is written over, never a flood.

use std::collections::VecDeque;
use std::env;
use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

use crate::event::Event;
use crate::summary::{Summary, thousands};

/// Lines a second for the drivers' events, and for pgbench's, which would be hundreds.
const DRIVER_LINES: usize = 14;
const OTHER_LINES: usize = 2;
/// Below this many columns the values would be cut off: the time loses its milliseconds, tables their pgbench_.
const NARROW: usize = 100;
/// Longer lines of prose are hard to read.
const PROSE: usize = 110;

pub struct Screen {
    terminal: bool,
    colour: bool,
    /// columns of the terminal; without one, lines are not cut
    width: usize,
    /// what stands in the last line of a terminal, below the events
    rate_line: String,
    rate_shown: bool,
    last_rate: (Instant, u64),
    printed: [VecDeque<Instant>; 2],
}

#[derive(Clone, Copy)]
pub enum Tone {
    Green,
    Yellow,
    Red,
    Magenta,
    Cyan,
    Dim,
    Bold,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Red => "31",
            Self::Magenta => "35",
            Self::Cyan => "36",
            Self::Dim => "2",
            Self::Bold => "1",
        }
    }
}

impl Screen {
    pub fn new() -> Self {
        let terminal = stdout().is_terminal();
        let columns = env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok());
        Self {
            terminal,
            colour: terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            width: if terminal {
                columns.filter(|width| *width >= 40).unwrap_or(120)
            } else {
                usize::MAX
            },
            rate_line: String::new(),
            rate_shown: false,
            last_rate: (Instant::now(), 0),
            printed: [VecDeque::new(), VecDeque::new()],
        }
    }

    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if self.colour {
            format!("\x1b[{}m{text}\x1b[0m", tone.code())
        } else {
            text.to_owned()
        }
    }

    pub fn step(&mut self, text: &str) {
        self.line(&format!("{} {text}", self.paint(Tone::Bold, "==>")));
    }

    pub fn note(&mut self, text: &str) {
        self.line(&self.paint(Tone::Dim, text));
    }

    /// Prose, broken between words where the window ends.
    pub fn paragraph(&self, text: &str) {
        let width = self.width.saturating_sub(1).min(PROSE);
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                println!("{line}");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        println!("{line}");
    }

    pub fn blank(&mut self) {
        self.line("");
    }

    pub fn event(&mut self, event: &Event) {
        let drivers = event.table == "drivers";
        let (printed, bound) = if drivers {
            (&mut self.printed[0], DRIVER_LINES)
        } else {
            (&mut self.printed[1], OTHER_LINES)
        };
        let now = Instant::now();
        while printed
            .front()
            .is_some_and(|then| now - *then > Duration::from_secs(1))
        {
            printed.pop_front();
        }
        if printed.len() >= bound {
            return;
        }
        printed.push_back(now);
        let line = self.describe(event);
        self.line(&line);
    }

    fn describe(&self, event: &Event) -> String {
        let tone = match event.kind.as_str() {
            _ if event.name != event.kind => Tone::Magenta,
            "INSERT" => Tone::Green,
            "UPDATE" => Tone::Yellow,
            "DELETE" | "LEAVE" | "TRUNCATE" => Tone::Red,
            _ => Tone::Cyan,
        };
        let topic = event.topics.last().map_or("", String::as_str);
        let mut line = Line {
            width: self.width,
            used: 0,
            text: String::new(),
        };
        let (mut time, mut table, mut pads) =
            (clock(event), event.table.as_str(), [14, 14, 18, 16]);
        if self.width < NARROW {
            time.truncate(8);
            table = table.trim_start_matches("pgbench_");
            pads = [9, 14, 10, 15];
        }
        line.add(&time, pads[0], |t| self.paint(Tone::Dim, t));
        line.add(&event.name, pads[1], |t| self.paint(tone, t));
        line.add(table, pads[2], |t| self.paint(Tone::Bold, t));
        line.add(topic, pads[3], |t| self.paint(Tone::Cyan, t));
        if event.partial {
            line.add("partial ", 0, |t| self.paint(Tone::Dim, t));
        }
        // a key that the topic spells already is not repeated
        if !topic.contains(':') {
            line.add(&format!("{} ", event.key), 0, str::to_owned);
        }
        let shown = event
            .changes
            .iter()
            .filter(|(column, ..)| !matches!(column.as_str(), "updated_at" | "filler"));
        for (i, (column, old, new)) in shown.enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            line.add(&format!("{comma}{column} "), 0, |t| {
                self.paint(Tone::Dim, t)
            });
            if let Some(old) = old {
                line.add(&format!("{old} \u{2192} "), 0, |t| self.paint(Tone::Dim, t));
            }
            line.add(new.as_deref().unwrap_or("?"), 0, str::to_owned);
        }
        line.text.trim_end().to_owned()
    }

    /// Called five times a second; without a terminal to write over, one line in two seconds.
    pub fn rate(&mut self, summary: &Summary) {
        let (then, count) = self.last_rate;
        let elapsed = then.elapsed();
        if elapsed < Duration::from_millis(if self.terminal { 900 } else { 1900 }) {
            return;
        }
        let events = summary.count();
        if events == 0 {
            return;
        }
        self.last_rate = (Instant::now(), events);
        let rate = (events - count) as f64 / elapsed.as_secs_f64();
        let text = format!(
            "--- {} events/s, {} so far: {}",
            thousands(rate.round() as u64),
            thousands(events),
            summary
                .by_table()
                .map(|(table, n)| format!(
                    "{} {}",
                    table.trim_start_matches("pgbench_"),
                    thousands(n)
                ))
                .collect::<Vec<_>>()
                .join(", ")
        );
        let text: String = text.chars().take(self.width.saturating_sub(1)).collect();
        self.rate_line = self.paint(Tone::Bold, &text);
        if self.terminal {
            self.clear_rate();
            self.show_rate();
        } else {
            println!("{}", self.rate_line);
        }
    }

    fn show_rate(&mut self) {
        if self.terminal && !self.rate_line.is_empty() {
            print!("{}", self.rate_line);
            let _ = stdout().flush();
            self.rate_shown = true;
        }
    }

    /// Takes it away for good: what follows is the summary.
    pub fn end_rate(&mut self) {
        self.clear_rate();
        self.rate_line.clear();
    }

    fn clear_rate(&mut self) {
        if self.rate_shown {
            print!("\r{:width$}\r", "", width = self.width - 1);
            self.rate_shown = false;
        }
    }

    pub fn line(&mut self, text: &str) {
        self.clear_rate();
        println!("{text}");
        self.show_rate();
    }
}

/// A line that ends where the window does; colours take no room.
struct Line {
    width: usize,
    used: usize,
    text: String,
}

impl Line {
    fn add(&mut self, text: &str, pad: usize, paint: impl Fn(&str) -> String) {
        let room = self.width.saturating_sub(self.used + 1);
        let cut: String = format!("{text:<pad$}").chars().take(room).collect();
        // a field as long as its column still needs a space after it
        let cut = if pad > 0 && text.chars().count() >= pad && room > pad {
            cut.chars().take(pad - 2).collect::<String>() + "\u{2026} "
        } else {
            cut
        };
        self.used += cut.chars().count();
        self.text.push_str(&paint(&cut));
    }
}

fn clock(event: &Event) -> String {
    let Some(since) = event
        .statement
        .and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok())
    else {
        return "?".into();
    };
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    format!(
        "{:02}:{:02}:{:02}.{millis:03}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60
    )
}
