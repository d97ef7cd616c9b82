//! `make demo`: real pgbench and a moving table of drivers, every committed change shown as it arrives, and a count at
//! the end that must agree with the tables. scripts/demo starts the server and sets PGHOST, PGUSER, PGBIN.

mod event;
mod feed;
mod screen;
mod summary;
mod workload;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls};

use crate::feed::Feed;
use crate::screen::Screen;
use crate::summary::Summary;
use crate::workload::{Drivers, Pgbench};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How long the summary waits for an event that has not come, counted from the last that did.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {}", describe(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Fallible<bool> {
    let seconds = setting("DEMO_SECONDS", 15).max(1);
    let rate = setting("DEMO_RATE", 250);
    let mut screen = Screen::new();

    screen.step("create database demo; create extension realtime_sync;");
    connect("postgres")
        .await?
        .batch_execute("create database demo")
        .await?;
    let client = connect("demo").await?;
    client
        .batch_execute("create extension realtime_sync")
        .await?;
    screen.step(
        "pgbench -i (TPC-B: accounts, tellers, branches, history) and a table of 200 drivers",
    );
    workload::prepare(&client).await?;
    for statement in workload::ENABLE {
        screen.step(&format!("{statement};"));
        client.execute(*statement, &[]).await?;
    }
    screen.step("listen realtime_sync;");
    let mut feed = Feed::listen(&config("demo")?).await?;
    screen.step(&format!(
        "pgbench for {seconds} s and the drivers on the move; every committed change from here on:"
    ));
    screen.blank();

    let begun = Instant::now();
    let mut pgbench = Pgbench::start(seconds, rate)?;
    let drivers = tokio::spawn(Drivers::drive(connect("demo").await?));
    let mut summary = Summary::default();
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            received = feed.next() => {
                let received = received?;
                screen.event(&received.event);
                summary.received(received);
            }
            _ = tick.tick() => screen.rate(&summary),
            ended = pgbench.wait() => {
                ended?;
                break;
            }
            _ = tokio::signal::ctrl_c() => {
                screen.note("interrupted: counting what was committed until now");
                pgbench.stop().await?;
                break;
            }
        }
    }
    workload::STOP.store(true, Ordering::Relaxed);
    let drivers = drivers.await??;
    summary.elapsed = begun.elapsed();

    // What was committed, asked of the tables and of the writers, not of the feed.
    let history: i64 = client
        .query_one(
            "select pg_catalog.count(*) from public.pgbench_history",
            &[],
        )
        .await?
        .get(0);
    summary.committed(history as u64, &drivers);
    while summary.missing() > 0 {
        let Ok(received) = timeout(PATIENCE, feed.next()).await else {
            break;
        };
        summary.received(received?);
    }
    // one that comes though nobody committed it would be as wrong as one that does not come
    while let Ok(received) = timeout(Duration::from_millis(300), feed.next()).await {
        summary.received(received?);
    }
    screen.end_rate();
    summary.print(&screen, &drivers);
    Ok(summary.agrees())
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
