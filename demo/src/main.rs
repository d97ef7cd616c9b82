//! `make demo`, the duel: the same table and the same pgbench with a pg_notify trigger written by hand and with
//! realtime_sync. scripts/demo starts the server and sets PGHOST, PGUSER, PGBIN.

mod board;
mod duel;
mod dump;
mod event;
mod listener;
mod verdict;
mod workload;

use std::env;
use std::process::ExitCode;

use demo::session::{self, Fallible, describe, interrupted, setting};
use tokio_postgres::{Client, Config};

use crate::duel::Duel;

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

fn config(database: &str) -> Fallible<Config> {
    let user = env::var("PGUSER").unwrap_or_else(|_| "postgres".into());
    session::config("demo", &user, database)
}

async fn connect(database: &str) -> Fallible<Client> {
    session::connect(&config(database)?).await
}
