//! Sessions on the server that the demo's script has started, and settings from the environment.

use std::env;
use std::error::Error;

use tokio::signal::unix::{SignalKind, signal};
use tokio_postgres::{Client, Config, NoTls};

pub type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

pub fn setting(name: &str, default: u32) -> u32 {
    env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// `target` is what make calls the demo.
pub fn config(target: &str, user: &str, database: &str) -> Fallible<Config> {
    let mut config = Config::new();
    config
        .host(
            env::var("PGHOST")
                .map_err(|_| format!("PGHOST is not set: run it by make {target}"))?,
        )
        .user(user)
        .dbname(database)
        .application_name(format!("realtime_sync {target}"));
    Ok(config)
}

pub async fn connect(config: &Config) -> Fallible<Client> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Ctrl-C, or what the demo's script is ended by: the terminal gets its cursor back, which dropping the screen does.
pub async fn interrupted() {
    let mut terminated = signal(SignalKind::terminate()).expect("a handler for SIGTERM");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

/// A server's error with its detail and hint; tokio-postgres prints "db error" alone.
pub fn describe(error: &(dyn Error + 'static)) -> String {
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
