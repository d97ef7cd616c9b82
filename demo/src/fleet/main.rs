//! `make demo-fleet`, a city: drivers who move, riders who book, offers that are accepted, declined and expire, live in
//! the terminal, and then the reckoning in SQL. scripts/demo-fleet starts the server and sets PGHOST and PGUSER.

mod board;
mod city;
mod feed;
mod reckoning;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use demo::screen::Screen;
use demo::session::{self, Fallible, describe, setting};
use tokio::time::{interval, sleep};
use tokio_postgres::{Client, Config};

use crate::city::City;

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
    let mut screen = Screen::open();
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

fn config(user: &str) -> Fallible<Config> {
    session::config("demo-fleet", user, "postgres")
}

async fn connect(user: &str) -> Fallible<Client> {
    session::connect(&config(user)?).await
}
