//! `make demo`, the duel: the same table and the same pgbench with a pg_notify trigger written by hand and with
//! realtime_sync. scripts/demo starts the server and sets PGHOST, PGUSER, PGBIN.

mod board;
mod duel;
mod dump;
mod event;
mod listener;
mod screen;
mod verdict;
mod workload;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_postgres::{Client, Config, NoTls};

use crate::duel::Duel;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let ended = {
        let mut duel = Duel::new();
        tokio::select! {
            ended = duel.run() => Some(ended),
            _ = interrupted() => None,
        }
    };
    match ended {
        Some(Ok(true)) => ExitCode::SUCCESS,
        Some(Ok(false)) => ExitCode::FAILURE,
        Some(Err(error)) => {
            eprintln!("demo: {}", describe(error.as_ref()));
            ExitCode::FAILURE
        }
        None => {
            eprintln!("demo: interrupted, so nothing is decided");
            ExitCode::from(130)
        }
    }
}

async fn interrupted() {
    let mut terminated = signal(SignalKind::terminate()).expect("a handler for SIGTERM");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

fn setting(name: &str, default: u32) -> u32 {
    env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

fn config(database: &str) -> Fallible<Config> {
    let mut config = Config::new();
    config
        .host(env::var("PGHOST").map_err(|_| "PGHOST is not set: run it by make demo")?)
        .user(env::var("PGUSER").unwrap_or_else(|_| "postgres".into()))
        .dbname(database)
        .application_name("realtime_sync demo");
    Ok(config)
}

async fn connect(database: &str) -> Fallible<Client> {
    let (client, connection) = config(database)?.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A server's error with its detail and hint; tokio-postgres prints "db error" alone.
fn describe(error: &(dyn Error + 'static)) -> String {
    let Some(db) = error
        .downcast_ref::<tokio_postgres::Error>()
        .and_then(|e| e.as_db_error())
    else {
        return error.to_string();
    };
    let mut text = format!("{} {}", db.code().code(), db.message());
    for (label, part) in [("detail", db.detail()), ("hint", db.hint())] {
        if let Some(part) = part {
            text.push_str(&format!("\n  {label}: {part}"));
        }
    }
    text
}
