//! What the pace of a relay goes by: the kernel's account of this process, and the log's last id.

use super::tick;
use crate::log::layout::Layout;
use std::fs::File;
use std::os::unix::fs::FileExt;
use wire::pace::Account;

pub struct Pace {
    /// None where the kernel keeps no account: then it never rests.
    account: Option<File>,
    pace: wire::pace::Pace,
}

impl Pace {
    pub fn new() -> Pace {
        Pace {
            account: File::open("/proc/self/schedstat").ok(),
            pace: wire::pace::Pace::default(),
        }
    }

    pub fn forget(&mut self) {
        self.pace.forget();
    }

    /// How long to rest after a batch of so many events, in microseconds.
    pub fn rest(&mut self, layout: &Layout, events: usize) -> i64 {
        let account = self.account.as_ref().and_then(read);
        let rest = account.map_or(0, |account| {
            let newest = tick::last_value(layout.sequence).unwrap_or(0);
            self.pace.rest(account, events, newest)
        });
        (rest / 1_000) as i64
    }
}

fn read(file: &File) -> Option<Account> {
    let mut buffer = [0; 64];
    let length = file.read_at(&mut buffer, 0).ok()?;
    let text = std::str::from_utf8(&buffer[..length]).ok()?;
    let mut words = text.split_ascii_whitespace().map(str::parse);
    Some(Account {
        ran: words.next()?.ok()?,
        waited: words.next()?.ok()?,
    })
}
