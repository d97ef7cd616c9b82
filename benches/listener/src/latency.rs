//! From a commit's acknowledgement to its event, by one clock: writers on a thread of their own, so that neither waits
//! for the other's turn.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use crate::{Fallible, connect, follow, number, run};

/// The first changes start the relay and fill caches.
const WARM_UP: Duration = Duration::from_millis(1000);
const PATIENCE: Duration = Duration::from_secs(5);
const ROWS: u64 = 10_000;

struct Commit {
    number: u64,
    begun: Instant,
    acknowledged: Instant,
}

/// Prints: counted changes, of those received, changes a second, then p50, p95, p99 and most, in milliseconds.
pub fn measure(
    channel: &str,
    table: &str,
    connections: u64,
    rate: f64,
    seconds: f64,
) -> Fallible<()> {
    let arrivals = Arc::new(Mutex::new(Vec::<(u64, Instant)>::new()));
    let ready = Arc::new(AtomicBool::new(false));
    let listener = {
        let (channel, arrivals, ready) = (channel.to_owned(), arrivals.clone(), ready.clone());
        std::thread::spawn(move || {
            run(follow(
                &channel,
                || ready.store(true, Ordering::Release),
                |payload, at| {
                    if let Some(number) = number(payload, "\"battery\":") {
                        arrivals.lock().expect("no panic").push((number, at));
                    }
                },
            ))
        })
    };
    while !ready.load(Ordering::Acquire) {
        if listener.is_finished() {
            return listener.join().expect("no panic");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let begun = Instant::now();
    let commits = run(write(
        table,
        connections,
        rate,
        WARM_UP + Duration::from_secs_f64(seconds),
    ))?;
    let elapsed = (begun.elapsed() - WARM_UP).as_secs_f64();
    let arrived = || arrivals.lock().expect("no panic").len();
    let (mut last, mut seen) = (Instant::now(), arrived());
    while seen < commits.len() && last.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(10));
        if arrived() > seen {
            (last, seen) = (Instant::now(), arrived());
        }
    }
    let mut at = vec![None; commits.len() + 1];
    for (number, arrival) in arrivals.lock().expect("no panic").iter() {
        if let Some(place) = at.get_mut(*number as usize) {
            *place = Some(*arrival);
        }
    }
    let counted: Vec<&Commit> = commits
        .iter()
        .filter(|commit| commit.begun - begun >= WARM_UP)
        .collect();
    // what overtakes its acknowledgement has waited for nothing
    let mut delays: Vec<Duration> = counted
        .iter()
        .filter_map(|commit| {
            Some(at[commit.number as usize]?.saturating_duration_since(commit.acknowledged))
        })
        .collect();
    delays.sort();
    let part = |part: f64| {
        let place = (delays.len() as f64 * part).ceil() as usize;
        delays
            .get(place.saturating_sub(1))
            .map_or(f64::NAN, |delay| delay.as_secs_f64() * 1000.0)
    };
    println!(
        "{} {} {:.1} {:.3} {:.3} {:.3} {:.3}",
        counted.len(),
        delays.len(),
        counted.len() as f64 / elapsed,
        part(0.50),
        part(0.95),
        part(0.99),
        part(1.0)
    );
    Ok(())
}

/// Each change carries a number of its own in the column battery. A rate of 0 is as many as go.
async fn write(table: &str, connections: u64, rate: f64, time: Duration) -> Fallible<Vec<Commit>> {
    let next = Arc::new(AtomicU64::new(1));
    let begun = Instant::now();
    let sql = format!(
        "update {table} set latitude = latitude + 0.0001, longitude = longitude - 0.0001, battery = $1, updated_at = clock_timestamp()
         where id = $2"
    );
    let mut writers = Vec::new();
    for n in 0..connections {
        let (next, client) = (next.clone(), connect().await?);
        let update = client.prepare(&sql).await?;
        writers.push(tokio::spawn(async move {
            let mut commits = Vec::new();
            let mut pace = (rate > 0.0).then(|| {
                let start = begun + Duration::from_secs_f64(n as f64 / rate);
                let mut pace = tokio::time::interval_at(
                    start.into(),
                    Duration::from_secs_f64(connections as f64 / rate),
                );
                pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
                pace
            });
            while begun.elapsed() < time {
                if let Some(pace) = &mut pace {
                    pace.tick().await;
                }
                let number = next.fetch_add(1, Ordering::Relaxed);
                let row = (1 + number * 7919 % ROWS) as i64;
                let begun = Instant::now();
                client.execute(&update, &[&(number as i32), &row]).await?;
                commits.push(Commit {
                    number,
                    begun,
                    acknowledged: Instant::now(),
                });
            }
            Ok::<_, tokio_postgres::Error>(commits)
        }));
    }
    let mut commits = Vec::new();
    for writer in writers {
        commits.extend(writer.await??);
    }
    Ok(commits)
}
