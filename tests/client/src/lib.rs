//! A throwaway server for one test: own data and socket directory, no TCP, stopped by its own pid.
//!
//! `PG_BINDIR` names the PostgreSQL to use; without it, it is the private copy that `scripts/setup`
//! makes and `scripts/build` installs the extension into.

pub mod causal;
pub mod event;
pub mod installation;
pub mod load;
pub mod process;
pub mod random;
pub mod reader;
pub mod replica;
pub mod wal;

use postgres::{Client, Config, NoTls};
use std::fmt::Display;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub use postgres;

const STARTS_WITHIN: Duration = Duration::from_secs(60);
const STOPS_WITHIN: Duration = Duration::from_secs(30);
/// A port is only part of the socket's name here: there is no TCP.
const PORT: u16 = 5432;

pub struct Server {
    bin: PathBuf,
    dir: PathBuf,
    settings: Vec<String>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    postmaster: Option<Child>,
}

impl Server {
    /// A new, empty cluster (UTF8, locale C), started.
    pub fn start() -> Server {
        Server::with::<&str, &str>(&[])
    }

    /// The same, with settings of its own.
    pub fn with<N: Display, V: Display>(settings: &[(N, V)]) -> Server {
        let mut server = Server::without_data();
        server.init();
        server.configure(settings);
        server.start_postmaster();
        server
    }

    fn configure<N: Display, V: Display>(&mut self, settings: &[(N, V)]) {
        let settings = settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        self.settings.extend(settings);
    }

    /// A setting from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.configure(&[(name, value)]);
    }

    /// An argument of `postgres` from the next start on.
    pub fn argument(&mut self, argument: &str) {
        self.arguments.push(argument.to_owned());
    }

    /// A directory for a server.
    fn without_data() -> Server {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let bin = bin();
        // sun_path holds 107 bytes, so the place is a short one.
        let dir = std::env::temp_dir().join(format!(
            "realtime_sync-client-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        // What a killed run of the same pid has left.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).expect("a directory for the server");
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).expect("its mode");
        if let Some((user, group)) = server_user() {
            chown(&dir, Some(user), Some(group)).expect("the directory is the server's");
        }
        Server {
            bin,
            dir,
            settings: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            postmaster: None,
        }
    }

    fn init(&self) {
        let output = command(&self.bin.join("initdb"), &self.dir)
            .args(["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"])
            .args(["--locale=C", "--no-sync"])
            .output()
            .expect("initdb runs");
        assert!(
            output.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Starts the postmaster again, after [`Server::stop`], [`Server::kill`] or a crash.
    pub fn start_postmaster(&mut self) {
        assert!(self.postmaster.is_none(), "the server runs");
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join("log"))
            .expect("the server's log");
        let mut postgres = command(&self.bin.join("postgres"), &self.dir);
        postgres.args(["-D", "data", "-p", &PORT.to_string()]);
        postgres.args(&self.arguments);
        postgres.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let socket = format!("unix_socket_directories={}", self.dir.display());
        let fixed = [
            "listen_addresses=",
            &socket,
            "unix_socket_permissions=0777",
            "fsync=off",
            "wal_level=logical",
            "max_prepared_transactions=16",
            "log_line_prefix=%m [%p] %d ",
        ];
        for setting in fixed
            .into_iter()
            .chain(self.settings.iter().map(String::as_str))
        {
            postgres.args(["-c", setting]);
        }
        let child = postgres
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log again"))
            .stderr(log)
            .spawn()
            .expect("postgres runs");
        self.postmaster = Some(child);
        self.wait_until_ready();
    }

    /// Waits until connections are accepted: after a start, or after a backend's crash.
    pub fn wait_until_ready(&mut self) {
        let until = Instant::now() + STARTS_WITHIN;
        loop {
            if let Some(child) = &mut self.postmaster
                && let Ok(Some(status)) = child.try_wait()
            {
                panic!("the server ended, {status}:\n{}", self.last_log_lines(40));
            }
            match self.config("postgres").connect(NoTls) {
                Ok(_) => return,
                Err(error) => assert!(
                    Instant::now() < until,
                    "the server does not answer, {error}:\n{}",
                    self.last_log_lines(40)
                ),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(&self.dir)
            .port(PORT)
            .user("postgres")
            .dbname(database);
        config
    }

    /// A superuser's session.
    pub fn connect(&self, database: &str) -> Client {
        self.config(database)
            .connect(NoTls)
            .unwrap_or_else(|error| panic!("cannot connect to {database}: {error}"))
    }

    /// A session in a new database with the extension in it. `options` are those of CREATE DATABASE.
    pub fn create(&self, database: &str, options: &str) -> Client {
        self.connect("postgres")
            .batch_execute(&format!("create database {database} {options}"))
            .expect("a database");
        let mut client = self.connect(database);
        client
            .batch_execute("create extension realtime_sync")
            .expect("the extension");
        client
    }

    /// psql with its arguments, as a client program of this server: for scripts and COPY.
    pub fn program(&self, name: &str) -> Command {
        let mut program = command(&self.bin.join(name), &self.dir);
        program
            .env("PGHOST", &self.dir)
            .env("PGPORT", PORT.to_string())
            .env("PGUSER", "postgres");
        program
    }

    pub fn postmaster_pid(&self) -> u32 {
        self.postmaster.as_ref().expect("the server runs").id()
    }

    /// The server's own directory: `data`, `log`, the socket.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("log")).unwrap_or_default()).into_owned()
    }

    /// `kill -9` of the postmaster; its backends end as they notice, and the next start recovers.
    pub fn kill(&mut self) -> ExitStatus {
        let status = self.kill_only();
        // The shared memory block is in use until the last backend has ended.
        std::thread::sleep(Duration::from_millis(200));
        status
    }

    /// After a signal that ends it.
    pub fn wait_until_ended(&mut self) -> ExitStatus {
        let mut child = self.postmaster.take().expect("the server runs");
        child.wait().expect("the postmaster has ended")
    }

    fn kill_only(&mut self) -> ExitStatus {
        let mut child = self.postmaster.take().expect("the server runs");
        child.kill().expect("the postmaster can be killed");
        child.wait().expect("the postmaster has ended")
    }

    /// A fast shutdown, or an immediate one where that takes too long.
    pub fn stop(&mut self) -> ExitStatus {
        let Some(mut child) = self.postmaster.take() else {
            return ExitStatus::from_raw(0);
        };
        for name in ["INT", "QUIT", "KILL"] {
            signal(child.id(), name);
            let until = Instant::now() + STOPS_WITHIN;
            while Instant::now() < until {
                if let Ok(Some(status)) = child.try_wait() {
                    return status;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        child.wait().expect("the postmaster has ended")
    }

    fn last_log_lines(&self, n: usize) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(n)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            eprintln!("-- end of the server's log\n{}", self.last_log_lines(40));
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Sends a signal by name ("KILL", "INT", "TERM") to one process.
pub fn signal(pid: u32, name: &str) {
    // The shell's own: a minimal Debian has no kill program.
    let sent = Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()])
        .status();
    assert!(sent.is_ok(), "sh runs");
}

/// A program run as the server's user, with nothing of the caller's environment that libpq, a locale
/// or pgrx would read.
fn command(program: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", "C.UTF-8");
    // PostgreSQL refuses to run as root.
    if let Some((user, group)) = server_user() {
        command.uid(user).gid(group);
    }
    command
}

/// The ids of user postgres where the tests run as root.
fn server_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> u32 {
        let output = Command::new("id")
            .args(arguments)
            .output()
            .expect("id runs");
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim().parse().expect("a user postgres")
    };
    (id(&["-u"]) == 0).then(|| (id(&["-u", "postgres"]), id(&["-g", "postgres"])))
}

fn bin() -> PathBuf {
    let bin = std::env::var_os("PG_BINDIR").map_or_else(private_bin, PathBuf::from);
    assert!(
        bin.join("postgres").exists(),
        "no PostgreSQL in {}: run scripts/build, or set PG_BINDIR",
        bin.display()
    );
    bin
}

/// Where scripts/lib.sh puts the private copy: below target/, or where target/place says.
fn private_bin() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let copy = "pg15/usr/lib/postgresql/15/bin";
    let place = fs::read_to_string(target.join("place")).unwrap_or_default();
    match place.trim() {
        "" => target.join(copy),
        place => Path::new(place).join(copy),
    }
}
