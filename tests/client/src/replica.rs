//! A second server made of a first one's data: a standby, or a recovery to a moment.

use crate::{Server, command};
use postgres::NoTls;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

/// Debian's libfaketime; scripts/setup installs it.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

impl Server {
    /// A copy of this server's data, not started.
    pub fn base_backup<N: Display, V: Display>(&self, settings: &[(N, V)]) -> Server {
        let mut copy = Server::without_data();
        let output = command(&self.bin.join("pg_basebackup"), &copy.dir)
            .args([
                "-D",
                "data",
                "-X",
                "stream",
                "--checkpoint=fast",
                "--no-sync",
            ])
            .env("PGHOST", &self.dir)
            .env("PGPORT", crate::PORT.to_string())
            .env("PGUSER", "postgres")
            .output()
            .expect("pg_basebackup runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pg_basebackup: {said}");
        copy.configure(settings);
        copy
    }

    /// Makes a copy a standby of `primary` and starts it.
    pub fn follow(&mut self, primary: &Server) {
        let connection = format!(
            "primary_conninfo=host={} port={} user=postgres",
            primary.dir.display(),
            crate::PORT
        );
        self.settings.push(connection);
        self.start_in("standby.signal");
    }

    /// Recovers a copy from an archive up to a target and starts it there.
    pub fn recover(&mut self, archive: &Path, target: &str) {
        self.settings
            .push(format!("restore_command=cp {}/%f %p", archive.display()));
        self.settings.push(target.to_owned());
        self.settings
            .push("recovery_target_action=promote".to_owned());
        self.start_in("recovery.signal");
    }

    fn start_in(&mut self, signal_file: &str) {
        let file = self.dir.join("data").join(signal_file);
        fs::write(&file, "").expect("the signal file");
        if let Some((user, group)) = crate::server_user() {
            std::os::unix::fs::chown(&file, Some(user), Some(group)).expect("its owner");
        }
        self.start_postmaster();
    }

    pub fn promote(&self) {
        let mut client = self.connect("postgres");
        let promoted = client.query_one("select pg_promote()", &[]);
        assert!(promoted.expect("pg_promote").get::<_, bool>(0));
    }

    /// Whether it answers, and as what.
    pub fn is_in_recovery(&self) -> Option<bool> {
        let mut client = self.config("postgres").connect(NoTls).ok()?;
        let row = client.query_one("select pg_is_in_recovery()", &[]).ok()?;
        Some(row.get(0))
    }

    /// Sets its clock so many seconds behind, at once if it runs and was started with another; false where that cannot
    /// be done.
    pub fn set_clock_behind(&mut self, seconds: u32) -> bool {
        let found = Path::new(FAKETIME).exists();
        assert!(
            found || std::env::var_os("CI").is_none(),
            "libfaketime is missing"
        );
        if found {
            let (file, new) = (self.dir.join("clock"), self.dir.join("clock.new"));
            fs::write(&new, format!("-{seconds}s")).expect("the clock's file");
            // Its processes read it at any moment.
            fs::rename(&new, &file).expect("the clock's file in place");
            let variables = [
                ("LD_PRELOAD", FAKETIME.to_owned()),
                ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
                // Timeouts and sleeps stay what they are.
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
                ("FAKETIME_NO_CACHE", "1".to_owned()),
            ];
            let variables = variables.map(|(name, value)| (name.to_owned(), value));
            self.environment = variables.into();
        }
        found
    }

    /// A directory that its archive_command writes to: `cp %p DIR/%f`.
    pub fn archive_of(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("realtime_sync-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).expect("a directory for the archive");
        if let Some((user, group)) = crate::server_user() {
            std::os::unix::fs::chown(&dir, Some(user), Some(group)).expect("its owner");
        }
        dir
    }
}
