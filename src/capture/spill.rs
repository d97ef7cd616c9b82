//! Where a subtransaction's events go when memory's bound is passed: one temporary file, written at
//! its end, cut where a savepoint is rolled back, read once.

use crate::log::record;
use pgrx::pg_sys;
use wire::buffer::Text;

pub struct Spill {
    file: *mut pg_sys::BufFile,
    len: u64,
}

/// A BufFile is a chain of files of this size (MAX_PHYSICAL_FILESIZE, buffile.c).
const FILE_SIZE: u64 = 1 << 30;

impl Spill {
    pub const fn new() -> Spill {
        Spill {
            file: std::ptr::null_mut(),
            len: 0,
        }
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn append(&mut self, bytes: &[u8]) {
        // SAFETY: the file belongs to the transaction, not to the subtransaction or portal it is
        // made in, so that it outlives both; an error gives the owner and the memory context back
        // with the (sub)transaction.
        unsafe {
            if self.file.is_null() {
                let owner = pg_sys::CurrentResourceOwner;
                let context = pg_sys::MemoryContextSwitchTo(pg_sys::TopTransactionContext);
                pg_sys::CurrentResourceOwner = pg_sys::TopTransactionResourceOwner;
                self.file = pg_sys::BufFileCreateTemp(false);
                pg_sys::CurrentResourceOwner = owner;
                pg_sys::MemoryContextSwitchTo(context);
            }
            self.seek(self.len);
            pg_sys::BufFileWrite(self.file, bytes.as_ptr().cast_mut().cast(), bytes.len());
        }
        self.len += bytes.len() as u64;
    }

    /// Gives every record back, in order.
    pub fn read_back(&mut self, mut use_record: impl FnMut(&mut [u8])) {
        let mut record = Text::new();
        let mut at = 0;
        if self.len > 0 {
            self.seek(0);
        }
        while at < self.len {
            record.clear();
            self.read(&mut record, record::HEADER);
            let rest = record::size(record.as_bytes()) - record::HEADER;
            self.read(&mut record, rest);
            at += record.len() as u64;
            use_record(record.as_mut_bytes());
        }
    }

    fn read(&mut self, out: &mut Text, n: usize) {
        let target = out.spare(n).as_mut_ptr();
        // SAFETY: `target` has room for n bytes.
        let got = unsafe { pg_sys::BufFileRead(self.file, target.cast(), n) };
        assert_eq!(got, n, "the file has what was written to it");
        out.advance(n);
    }

    fn seek(&self, to: u64) {
        let (file, offset) = ((to / FILE_SIZE) as i32, (to % FILE_SIZE) as i64);
        // SAFETY: the file is open; the position is within what was written or its end.
        let failed = unsafe { pg_sys::BufFileSeek(self.file, file, offset, 0) };
        assert_eq!(failed, 0, "the position was written before");
    }

    pub fn truncate(&mut self, len: u64) {
        self.len = len;
    }

    /// Closes the file: one still open at a commit would be reported as a leak.
    pub fn close(&mut self) {
        if !self.file.is_null() {
            // SAFETY: the file is open, and forgotten before anything else can use it.
            unsafe {
                pg_sys::BufFileClose(std::mem::replace(&mut self.file, std::ptr::null_mut()))
            };
        }
        self.len = 0;
    }

    /// For an abort, which has closed the file with the transaction's other resources.
    pub fn forget(&mut self) {
        *self = Spill::new();
    }
}
