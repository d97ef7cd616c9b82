//! `make demo-fleet`, a city: drivers who move, riders who book, offers that are accepted, declined and expire, live in
//! the terminal, and then the reckoning in SQL. scripts/demo-fleet starts the server and sets PGHOST and PGUSER.

mod board;
mod city;
mod feed;
mod reckoning;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use demo::screen::{Screen, thousands};
use demo::session::{self, Fallible, describe, interrupted, setting};
use tokio::time::{interval, sleep};
use tokio_postgres::{Client, Config};

use crate::city::City;

const SETUP: &str = include_str!("setup.sql");

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let ended = tokio::select! {
        ended = run() => ended,
        _ = interrupted() => {
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
        "{} drivers and their riders for {seconds} seconds. Each driver is a login of an ordinary role; bookings are offered by themselves to the nearest, who have four seconds to answer",
        thousands(u64::from(drivers))
    ));
    let city = Arc::new(City::new(drivers).await?);
    let began = Instant::now();
    // The last ten seconds belong to the trips under way.
    let open_for = Duration::from_secs(u64::from(seconds) - 10);
    let work = city.start(began + open_for).await?;
    let mut tick = interval(Duration::from_millis(200));
    // With everybody at work; again, until somebody is on a trip and has an offer.
    let mut midday = None;
    while began.elapsed() < open_for + Duration::from_secs(10) {
        tokio::select! {
            event = feed.next() => {
                city.hear(&event.ok_or("the listener's connection is gone")?);
            }
            _ = tick.tick() => {
                screen.board(board::lines(&screen, &city, began.elapsed(), seconds));
                if midday.is_none() && began.elapsed() > open_for / 2 {
                    let compared = reckoning::compare(&owner, false).await?;
                    midday = Some(compared).filter(|c| c.on_trip > 0 && c.offered > 0 && c.present > 0);
                }
            }
        }
    }
    for task in work {
        task.abort();
    }
    city.settle(&owner).await?;
    // What is still on its way to the listener; a driver's last fix for five seconds.
    let late = sleep(Duration::from_secs(7));
    tokio::pin!(late);
    loop {
        tokio::select! {
            event = feed.next() => city.hear(&event.ok_or("the listener's connection is gone")?),
            () = &mut late => break,
        }
    }
    let kept = board::lines(&screen, &city, began.elapsed(), seconds);
    screen.keep_board(kept);
    let midday =
        midday.ok_or("no moment with a driver on a trip, an open offer and a driver present")?;
    reckoning::print(&mut screen, &owner, &city, &midday).await
}

fn config(user: &str) -> Fallible<Config> {
    session::config("demo-fleet", user, "postgres")
}

async fn connect(user: &str) -> Fallible<Client> {
    session::connect(&config(user)?).await
}
