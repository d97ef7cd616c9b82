//! The terminal: lines that stay, and below them a board that is drawn over. Without a terminal, lines only.

use std::env;
use std::io::{IsTerminal, Write, stdout};
use std::process::exit;

/// Longer lines of prose are hard to read.
const PROSE: usize = 110;
/// A window with fewer rows cannot hold the board: it would scroll away with each drawing.
const ROWS: usize = 24;

pub struct Screen {
    /// the board can be drawn over
    pub live: bool,
    colour: bool,
    /// columns of the terminal; without one, lines are not cut
    pub width: usize,
    board: Vec<String>,
    shown: usize,
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
    pub fn open() -> Self {
        let terminal = stdout().is_terminal() && env::var("TERM").as_deref() != Ok("dumb");
        let size = |name: &str| env::var(name).ok().and_then(|n| n.parse().ok());
        let live = terminal && size("LINES").unwrap_or(ROWS) >= ROWS;
        let screen = Self {
            live,
            colour: terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            width: match (terminal, size("COLUMNS")) {
                (true, columns) => columns.filter(|width| *width >= 40).unwrap_or(100),
                (false, _) => usize::MAX,
            },
            board: Vec::new(),
            shown: 0,
        };
        if live {
            // the cursor would flicker
            print!("\x1b[?25l");
        }
        screen
    }

    pub fn paint(&self, tones: &[Tone], text: &str) -> String {
        if !self.colour || tones.is_empty() || text.is_empty() {
            return text.to_owned();
        }
        let codes: Vec<&str> = tones.iter().map(|tone| tone.code()).collect();
        format!("\x1b[{}m{text}\x1b[0m", codes.join(";"))
    }

    pub fn step(&mut self, text: &str) {
        let arrow = self.paint(&[Tone::Bold], "==>");
        self.prose(&format!("{arrow} {text}"), 4);
    }

    /// Lines that stay, broken between words where the window ends; all but the first are indented.
    pub fn prose(&mut self, text: &str, indent: usize) {
        for line in self.wrap(text, indent) {
            self.line(&line);
        }
    }

    /// A line that stays, above the board.
    pub fn line(&mut self, text: &str) {
        let line = self.cut(text);
        self.write(&format!("{line}\n"));
    }

    fn wrap(&self, text: &str, indent: usize) -> Vec<String> {
        let width = self.width.saturating_sub(1).min(PROSE);
        let words = text.trim_start();
        let mut lines = vec![text[..text.len() - words.len()].to_owned()];
        for word in words.split(' ') {
            let line = lines.last_mut().expect("one at least");
            if line.trim_start().is_empty() {
                line.push_str(word);
            } else if visible(line) + 1 + visible(word) <= width {
                line.push(' ');
                line.push_str(word);
            } else {
                lines.push(" ".repeat(indent) + word);
            }
        }
        lines
    }

    pub fn board(&mut self, lines: Vec<String>) {
        if self.live {
            self.board = lines;
            self.write("");
        }
    }

    /// The board becomes lines that stay.
    pub fn keep_board(&mut self, lines: Vec<String>) {
        self.board.clear();
        for line in lines {
            self.line(&line);
        }
    }

    /// Lines that stay in place of the board, and the board below them: in one piece, or the terminal shows halves.
    fn write(&mut self, lines: &str) {
        let mut text = String::new();
        if self.shown > 0 {
            text.push_str(&format!("\x1b[{}A\r\x1b[J", self.shown));
        }
        text.push_str(lines);
        for line in &self.board {
            text.push_str(&self.cut(line));
            text.push('\n');
        }
        self.shown = self.board.len();
        let mut out = stdout().lock();
        if out
            .write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .is_err()
        {
            // whoever read it has gone, as head does
            exit(1);
        }
    }

    /// What fits the window; colours take no room.
    fn cut(&self, text: &str) -> String {
        let (mut out, mut used, mut escape) = (String::new(), 0, false);
        for c in text.chars() {
            if escape || c == '\x1b' {
                escape = c != 'm';
            } else {
                used += 1;
                if used >= self.width {
                    continue;
                }
            }
            out.push(c);
        }
        out
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.live {
            print!("\x1b[?25h");
            let _ = stdout().flush();
        }
    }
}

/// Columns that a text takes; colours take none.
fn visible(text: &str) -> usize {
    let mut escape = false;
    let takes_room = |c: &char| {
        let hidden = escape || *c == '\x1b';
        escape = hidden && *c != 'm';
        !hidden
    };
    text.chars().filter(takes_room).count()
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

    fn wide(width: usize) -> Screen {
        Screen {
            live: false,
            colour: true,
            width,
            board: Vec::new(),
            shown: 0,
        }
    }

    #[test]
    fn colours_take_no_room() {
        let screen = wide(4);
        assert_eq!(screen.cut("\x1b[31mabcdef\x1b[0m"), "\x1b[31mabc\x1b[0m");
        let screen = wide(11);
        let lines = ["\x1b[31mab\x1b[0m cd efg", "  hi jk"];
        assert_eq!(screen.wrap("\x1b[31mab\x1b[0m cd efg hi jk", 2), lines);
        assert_eq!(screen.wrap("  abc defg", 4), ["  abc defg"]);
    }
}
