//! How much of PostgreSQL's NOTIFY queue the notifications of a transaction take (`asyncQueueAddEntries()` in
//! commands/async.c): one after another, and none across the end of a page.

pub const PAGE: usize = 8192;
/// What an entry has before its channel and payload: length, database, transaction, process.
const HEADER: usize = 16;

#[derive(Clone, Copy, Debug, Default)]
pub struct Fill {
    pages: usize,
    /// Bytes of the last page.
    used: usize,
}

impl Fill {
    pub const fn new() -> Fill {
        Fill { pages: 0, used: 0 }
    }

    /// `text` bytes of channel and payload, each with its NUL.
    pub fn add(&mut self, text: usize) {
        let size = (HEADER + text).next_multiple_of(4);
        if self.pages == 0 || self.used + size > PAGE {
            self.pages += 1;
            self.used = 0;
        }
        self.used += size;
    }

    pub fn pages(&self) -> usize {
        self.pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(count: usize, text: usize) -> usize {
        let mut fill = Fill::new();
        for _ in 0..count {
            fill.add(text);
        }
        fill.pages()
    }

    #[test]
    fn an_entry_over_half_a_page_takes_a_page() {
        assert_eq!(pages(0, 100), 0);
        assert_eq!(pages(1, 1), 1);
        assert_eq!(pages(400, 7_014), 400);
        assert_eq!(pages(400, PAGE / 2 - HEADER), 200);
        assert_eq!(pages(400, PAGE / 2 - HEADER + 1), 400);
    }

    #[test]
    fn small_entries_fill_a_page() {
        // 112 bytes each, 73 a page
        assert_eq!(pages(73, 95), 1);
        assert_eq!(pages(74, 95), 2);
    }
}
