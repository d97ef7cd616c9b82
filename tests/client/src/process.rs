//! A server's processes, as the operating system knows them.

use crate::{Server, signal};
use postgres::Client;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Waits until `found` gives something, for half a minute at most.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The relay of a database, if it runs.
pub fn relay_pid(client: &mut Client, database: &str) -> Option<u32> {
    let query = "select pid from pg_stat_activity where backend_type = 'realtime_sync relay' and datname = $1";
    let row = client.query_opt(query, &[&database]).expect(query)?;
    Some(row.get::<_, i32>(0) as u32)
}

/// Kilobytes of a line of /proc/PID/status, such as RssAnon; none once the process has ended.
pub fn memory(pid: u32, name: &str) -> Option<u64> {
    status(pid, name)
}

/// How often it has given its processor up to wait for something: each time it is woken it does so again.
pub fn waits(pid: u32) -> Option<u64> {
    status(pid, "voluntary_ctxt_switches")
}

fn status(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let number = line.trim_start_matches(':').trim().split(' ').next()?;
    number.parse().ok()
}

/// Seconds on a processor, of a hundredth each (USER_HZ is 100 on Linux).
pub fn cpu(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which may have spaces: state is the first, utime and stime the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}

pub fn lives(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

impl Server {
    /// The postmaster's own children.
    pub fn children(&self) -> Vec<u32> {
        let parent = self.postmaster_pid().to_string();
        let list = fs::read_dir("/proc").expect("/proc");
        list.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                stat.rsplit_once(')')
                    .and_then(|(_, rest)| rest.split_whitespace().nth(1))
                    == Some(&parent)
            })
            .collect()
    }

    /// As if the machine had lost its power, but for what the operating system has been given: the
    /// postmaster and all its processes at once. WAL that was not written is gone.
    pub fn crash(&mut self) {
        let children = self.children();
        self.kill_only();
        for child in &children {
            signal(*child, "KILL");
        }
        wait_for("the killed processes to end", || {
            children.iter().all(|pid| !lives(*pid)).then_some(())
        });
    }
}
