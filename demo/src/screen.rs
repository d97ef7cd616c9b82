//! The terminal: lines that stay, and below them a board that is drawn over. Without a terminal, lines only.

use std::env;
use std::io::{IsTerminal, Write, stdout};

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
        for (n, line) in self.wrap(text, 4).iter().enumerate() {
            let start = if n == 0 { &arrow } else { "   " };
            self.line(&format!("{start} {line}"));
        }
    }

    /// A line that stays, above the board.
    pub fn line(&mut self, text: &str) {
        self.clear();
        println!("{}", self.cut(text));
        self.draw();
    }

    /// Prose, broken between words where the window ends.
    fn wrap(&self, text: &str, indent: usize) -> Vec<String> {
        let width = self.width.saturating_sub(1).min(PROSE) - indent;
        let mut lines = vec![String::new()];
        for word in text.split(' ') {
            let line = lines.last_mut().expect("one at least");
            if line.is_empty() {
                line.push_str(word);
            } else if line.chars().count() + 1 + word.chars().count() <= width {
                line.push(' ');
                line.push_str(word);
            } else {
                lines.push(word.to_owned());
            }
        }
        lines
    }

    pub fn board(&mut self, lines: Vec<String>) {
        if self.live {
            self.clear();
            self.board = lines;
            self.draw();
        }
    }

    /// The board becomes lines that stay.
    pub fn keep_board(&mut self, lines: Vec<String>) {
        self.clear();
        self.board.clear();
        for line in lines {
            println!("{}", self.cut(&line));
        }
    }

    fn clear(&mut self) {
        if self.shown > 0 {
            print!("\x1b[{}A\r\x1b[J", self.shown);
            self.shown = 0;
        }
    }

    fn draw(&mut self) {
        // at once, or the terminal shows halves
        let text: String = self
            .board
            .iter()
            .map(|line| self.cut(line) + "\n")
            .collect();
        let mut out = stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
        self.shown = self.board.len();
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

    #[test]
    fn colours_take_no_room() {
        let screen = Screen {
            live: false,
            colour: true,
            width: 4,
            board: Vec::new(),
            shown: 0,
        };
        assert_eq!(screen.cut("\x1b[31mabcdef\x1b[0m"), "\x1b[31mabc\x1b[0m");
    }
}
