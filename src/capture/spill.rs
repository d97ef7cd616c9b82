//! Where a subtransaction's events go when memory's bound is passed: one temporary file, written at
//! its end, cut where a savepoint is rolled back, read once.
//!
//! A plain file and no BufFile: that one keeps what it could not write, and closing it writes again,
//! so a temp_file_limit that the app had rolled back to a savepoint for would fail its COMMIT.

use crate::error::Error;
use crate::log::record;
use pgrx::pg_sys;
use wire::buffer::Text;

pub struct Spill {
    file: Option<pg_sys::File>,
    len: u64,
}

/// Bytes read or written at a time: a system call costs less than a hundredth of copying them.
const CHUNK: usize = 256 * 1024;

impl Spill {
    pub const fn new() -> Spill {
        Spill { file: None, len: 0 }
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn append(&mut self, bytes: &[u8]) {
        let file = self.open();
        let mut at = self.len;
        for chunk in bytes.chunks(CHUNK) {
            // SAFETY: the file is open, and only read from the chunk.
            let written = unsafe {
                pg_sys::FileWrite(
                    file,
                    chunk.as_ptr().cast_mut().cast(),
                    chunk.len() as _,
                    at as pg_sys::off_t,
                    0,
                )
            };
            if written as usize != chunk.len() {
                Error::TemporaryFile { verb: "write" }.raise();
            }
            at += chunk.len() as u64;
        }
        self.len = at;
    }

    fn open(&mut self) -> pg_sys::File {
        *self.file.get_or_insert_with(|| {
            // SAFETY: the file belongs to the transaction, not to the subtransaction or portal it is
            // made in, so that it outlives both; an error sets the owner anew with the
            // (sub)transaction it aborts.
            unsafe {
                let owner = pg_sys::CurrentResourceOwner;
                pg_sys::CurrentResourceOwner = pg_sys::TopTransactionResourceOwner;
                let file = pg_sys::OpenTemporaryFile(false);
                pg_sys::CurrentResourceOwner = owner;
                file
            }
        })
    }

    /// Gives every record back, in order.
    pub fn read_back(&mut self, mut use_record: impl FnMut(&mut [u8])) {
        let mut chunk = Text::new();
        let mut at = 0;
        while at < self.len {
            // What is left of the last chunk is the beginning of a record.
            let wanted = match chunk.len() {
                n if n < record::HEADER => CHUNK,
                n => CHUNK.max(record::size(chunk.as_bytes()) - n),
            };
            let n = wanted.min((self.len - at) as usize);
            self.read(&mut chunk, n, at);
            at += n as u64;
            let mut used = 0;
            let bytes = chunk.as_mut_bytes();
            while bytes.len() - used >= record::HEADER {
                let size = record::size(&bytes[used..]);
                if size > bytes.len() - used {
                    break;
                }
                use_record(&mut bytes[used..used + size]);
                used += size;
            }
            bytes.copy_within(used.., 0);
            let left = bytes.len() - used;
            chunk.truncate(left);
        }
    }

    fn read(&self, out: &mut Text, n: usize, at: u64) {
        let Some(file) = self.file else { return };
        let target = out.spare(n).as_mut_ptr();
        // SAFETY: `target` has room for n bytes.
        let got = unsafe { pg_sys::FileRead(file, target.cast(), n as _, at as pg_sys::off_t, 0) };
        if got as usize != n {
            Error::TemporaryFile { verb: "read" }.raise();
        }
        out.advance(n);
    }

    pub fn truncate(&mut self, len: u64) {
        self.len = len;
    }

    /// Closes the file: one still open at a commit would be reported as a leak.
    pub fn close(&mut self) {
        if let Some(file) = self.file.take() {
            // SAFETY: the file is open, and forgotten before anything else can use it.
            unsafe { pg_sys::FileClose(file) };
        }
        self.len = 0;
    }

    /// For an abort, which has closed the file with the transaction's other resources.
    pub fn forget(&mut self) {
        *self = Spill::new();
    }
}
