//! A growable byte buffer that outlives every transaction and never aborts the process.

use std::sync::OnceLock;

/// Bytes of a first allocation: a 12-column event with its old row is 1 to 2 kB, and a page multiple wastes nothing.
const FIRST: usize = 8 * 1024;

static OUT_OF_MEMORY: OnceLock<fn(usize) -> !> = OnceLock::new();

/// What to do when memory cannot be had, given the bytes asked for; the first registration stays. Without one it is a panic.
///
/// Rust's own answer is `abort()`, which the postmaster takes for a crash and restarts every session of the cluster.
pub fn on_out_of_memory(f: fn(usize) -> !) {
    _ = OUT_OF_MEMORY.set(f);
}

#[cold]
#[inline(never)]
fn out_of_memory(bytes: usize) -> ! {
    match OUT_OF_MEMORY.get() {
        Some(f) => f(bytes),
        None => panic!("out of memory: {bytes} bytes"),
    }
}

/// The text of events being written.
///
/// Every byte of `bytes` up to its capacity is initialised and only the first `len` count, so that writers store whole words
/// into the spare part, in safe code, and then say how many bytes of them they meant.
///
/// The handler of [`on_out_of_memory`] may `longjmp` over these frames: it is called before anything changes.
pub struct Text {
    bytes: Vec<u8>,
    len: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self::new()
    }
}

impl Text {
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            len: 0,
        }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    #[inline]
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }

    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Forgets all but the first `len` bytes; more than there are changes nothing.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Makes room for `n` more bytes.
    #[inline]
    pub fn reserve(&mut self, n: usize) {
        if !self.has_room(n) {
            self.grow(n);
        }
    }

    #[inline]
    fn has_room(&self, n: usize) -> bool {
        self.bytes
            .get(self.len..)
            .is_some_and(|spare| spare.len() >= n)
    }

    /// The same as [`Text::spare`] with a bigger buffer. Apart from it so that the usual way has its bounds checked once.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, n: usize) -> &mut [u8] {
        let Some(needed) = self.len.checked_add(n) else {
            out_of_memory(n)
        };
        let size = needed.max(self.bytes.len().saturating_mul(2)).max(FIRST);
        // Doubling a buffer of a gigabyte may fail where what is needed would not.
        let size = match self.bytes.try_reserve_exact(size - self.bytes.len()) {
            Ok(()) => size,
            Err(_) => match self.bytes.try_reserve_exact(needed - self.bytes.len()) {
                Ok(()) => needed,
                Err(_) => out_of_memory(needed),
            },
        };
        self.bytes.resize(size, 0);
        &mut self.bytes[self.len..needed]
    }

    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.extend_array(&[byte]);
    }

    /// [`Text::extend`] by what has its length known when compiled: one store instead of a call.
    #[inline]
    pub fn extend_array<const N: usize>(&mut self, bytes: &[u8; N]) {
        *self.spare_array() = *bytes;
        self.len += N;
    }

    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) {
        self.spare(bytes.len()).copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// The next `n` bytes, of whatever content, to be written and then kept by [`Text::advance`].
    #[inline]
    pub fn spare(&mut self, n: usize) -> &mut [u8] {
        if self.has_room(n) {
            &mut self.bytes[self.len..][..n]
        } else {
            self.grow(n)
        }
    }

    /// [`Text::spare`] for writers that know their bound when compiled.
    #[inline]
    pub fn spare_array<const N: usize>(&mut self) -> &mut [u8; N] {
        let spare = if self.has_room(N) {
            &mut self.bytes[self.len..]
        } else {
            self.grow(N)
        };
        spare.first_chunk_mut().unwrap()
    }

    /// Keeps `n` bytes written into the spare part.
    #[inline]
    pub fn advance(&mut self, n: usize) {
        debug_assert!(self.has_room(n));
        self.len += n;
    }

    /// Appends zero bytes up to a multiple of `to`, a power of two.
    #[inline]
    pub fn align(&mut self, to: usize) {
        let padding = self.len.wrapping_neg() & (to - 1);
        self.spare(padding).fill(0);
        self.len += padding;
    }

    /// Appends a copy of bytes already here: OLD's text where it is NEW's.
    #[inline]
    pub fn copy_within(&mut self, range: std::ops::Range<usize>) {
        let n = range.len();
        assert!(range.start <= range.end && range.end <= self.len);
        self.reserve(n);
        self.bytes.copy_within(range, self.len);
        self.len += n;
    }

    /// Gives memory back beyond `n` bytes (or what is in use), for after an unusually large transaction.
    pub fn shrink_to(&mut self, n: usize) {
        let size = n.max(self.len);
        if self.bytes.len() <= size {
            return;
        }
        // Not Vec::shrink_to, which aborts should the smaller block be refused.
        let mut smaller = Vec::new();
        if smaller.try_reserve_exact(size).is_ok() {
            smaller.extend_from_slice(&self.bytes[..self.len]);
            smaller.resize(size, 0);
            self.bytes = smaller;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_keeps_what_was_written() {
        let mut text = Text::new();
        assert_eq!(text.capacity(), 0);
        let mut expected = Vec::new();
        for i in 0..5000u32 {
            text.push(i as u8);
            text.extend(&i.to_le_bytes());
            expected.push(i as u8);
            expected.extend_from_slice(&i.to_le_bytes());
        }
        assert_eq!(text.as_bytes(), expected);
        assert_eq!(text.capacity(), 4 * FIRST);
    }

    #[test]
    fn align_pads_with_zeros_whatever_was_there_before() {
        let mut text = Text::new();
        text.extend(&[7; 40]);
        text.truncate(9);
        text.align(8);
        assert_eq!(text.as_bytes(), [[7u8; 9].as_slice(), &[0; 7]].concat());
        text.align(4);
        assert_eq!(text.len(), 16);
    }

    #[test]
    fn copies_its_own_bytes_across_a_growth() {
        let mut text = Text::new();
        text.extend(&[b'a'; FIRST - 1]);
        text.push(b'b');
        text.copy_within(FIRST - 2..FIRST);
        assert_eq!(&text.as_bytes()[FIRST - 2..], b"abab");
    }

    #[test]
    fn gives_memory_back() {
        let mut text = Text::new();
        text.extend(&[1; 100_000]);
        text.truncate(10);
        text.shrink_to(FIRST);
        assert_eq!((text.capacity(), text.as_bytes()), (FIRST, &[1u8; 10][..]));
        text.clear();
        text.shrink_to(0);
        assert_eq!(text.capacity(), 0);
    }

    #[test]
    fn out_of_memory_is_raised_before_anything_changes() {
        let mut text = Text::new();
        text.extend(b"kept");
        for n in [usize::MAX, isize::MAX as usize] {
            let mut text = std::panic::AssertUnwindSafe(&mut text);
            assert!(std::panic::catch_unwind(move || text.reserve(n)).is_err());
        }
        assert_eq!(text.as_bytes(), b"kept");
    }
}
