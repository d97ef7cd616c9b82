//! `make demo-fleet`, a city: drivers who move, riders who book, offers that are accepted, declined and expire, live in
//! the terminal, and then the reckoning in SQL. scripts/demo-fleet starts the server and sets PGHOST and PGUSER.

mod board;
mod city;
mod feed;
mod reckoning;
// The duel's terminal, of which this needs a part.
#[allow(dead_code)]
#[path = "../screen.rs"]
mod screen;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{interval, sleep};
use tokio_postgres::{Client, Config, NoTls};

use crate::city::City;
use crate::screen::Screen;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SETUP: &str = include_str!("setup.sql");

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let ended = tokio::select! {
        ended = run() => ended,
        _ = tokio::signal::ctrl_c() => {
            eprintln!("demo-fleet: interrupted, so nothing is decided");
            return ExitCode::from(130);
        }
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo-fleet: {}", describe(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Fallible<bool> {
    let mut screen = Screen::new();
    let seconds = setting("DEMO_SECONDS", 60).max(20);
    let drivers = setting("DEMO_DRIVERS", 1_000).max(10);
    screen.step("One call makes the tables, follows their changes and writes the functions: fleet_setup('public', create_missing => true)");
    let owner = connect("postgres").await?;
    owner.batch_execute(SETUP).await?;
    let mut feed = feed::Feed::listen().await?;
    owner
        .execute("select populate($1)", &[&(drivers as i32)])
        .await?;
    screen.step(&format!(
        "{drivers} drivers and their riders for {seconds} seconds. Each driver is a login of an ordinary role; bookings are offered by themselves to the nearest, who have four seconds to answer"
    ));
    let city = Arc::new(City::new(drivers).await?);
    let began = Instant::now();
    // The last ten seconds belong to the trips under way.
    let open_for = Duration::from_secs(u64::from(seconds) - 10);
    let work = city.start(began + open_for).await?;
    let mut tick = interval(Duration::from_millis(200));
    while began.elapsed() < open_for + Duration::from_secs(10) {
        tokio::select! {
            event = feed.next() => {
                city.hear(&event.ok_or("the listener's connection is gone")?);
            }
            _ = tick.tick() => screen.board(board::lines(&screen, &city, began.elapsed(), seconds)),
        }
    }
    for task in work {
        task.abort();
    }
    city.settle(&owner).await?;
    // What is still on its way to the listener.
    let late = sleep(Duration::from_secs(2));
    tokio::pin!(late);
    loop {
        tokio::select! {
            event = feed.next() => city.hear(&event.ok_or("the listener's connection is gone")?),
            () = &mut late => break,
        }
    }
    let kept = board::lines(&screen, &city, began.elapsed(), seconds);
    screen.keep_board(kept);
    reckoning::print(&mut screen, &owner, &city).await
}

fn setting(name: &str, default: u32) -> u32 {
    env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

fn config(user: &str) -> Fallible<Config> {
    let mut config = Config::new();
    config
        .host(env::var("PGHOST").map_err(|_| "PGHOST is not set: run it by make demo-fleet")?)
        .user(user)
        .dbname("postgres")
        .application_name("realtime_sync demo-fleet");
    Ok(config)
}

async fn connect(user: &str) -> Fallible<Client> {
    let (client, connection) = config(user)?.connect(NoTls).await?;
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
