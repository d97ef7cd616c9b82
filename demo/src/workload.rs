//! What writes: pgbench, a bulk update, and a probe that knows when each of its commits was acknowledged. Every update
//! adds one to its row's revision, so that the table itself tells how many changes were committed.

use std::env;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use crate::Fallible;

pub const ROWS: i64 = 10_000;
/// The first so many rows are the probe's alone.
pub const PROBED: i64 = 200;
pub const CLIENTS: u32 = 32;

const CREATE: &str = "
create table public.drivers (
    id bigint primary key,
    vehicle uuid not null,
    name text not null,
    status text not null,
    is_online boolean not null,
    lat double precision not null,
    lng double precision not null,
    battery integer not null,
    settings jsonb not null,
    revision bigint not null default 0,
    created_at timestamptz not null default pg_catalog.now(),
    updated_at timestamptz not null default pg_catalog.now()
);
insert into public.drivers (id, vehicle, name, status, is_online, lat, lng, battery, settings)
select
    i, pg_catalog.md5(i::text)::uuid, 'driver ' || i, 'idle', true, 52.5 + (i % 100) * 0.001, 13.4 + (i / 100) * 0.001, 100 - i % 60,
    pg_catalog.jsonb_build_object('os', 'android', 'language', 'de', 'seats', 4, 'plate', 'B-RS ' || i)
from pg_catalog.generate_series(1, 10000) i;
create publication feed;
";

/// As it is written by hand in so many projects: the same content, in the transaction.
pub const TRIGGER: &str = "
create function public.notify_drivers() returns trigger language plpgsql as $$
begin
    perform pg_notify('drivers', json_build_object('type', tg_op, 'table', tg_table_name,
        'new', row_to_json(new), 'old', row_to_json(old))::text);
    return null;
end
$$;
create trigger notify_drivers after update on public.drivers for each row execute function public.notify_drivers();
";
pub const NO_TRIGGER: &str =
    "drop trigger notify_drivers on public.drivers; drop function public.notify_drivers()";

pub const ENABLE: &str = "select realtime_sync.enable('drivers', topics => array['drivers', 'driver:{id}'], old_row => 'full', status_columns => array['status'])";

const SCRIPT: &str = "\\set id random(201, 10000)
update public.drivers set lat = lat + 0.0001, lng = lng - 0.0001, revision = revision + 1, updated_at = clock_timestamp() where id = :id;
";

pub async fn prepare(client: &Client) -> Fallible<()> {
    Ok(client.batch_execute(CREATE).await?)
}

/// Changes of the table's rows that were ever committed.
pub async fn committed(client: &Client) -> Fallible<u64> {
    let row = client
        .query_one(
            "select pg_catalog.sum(revision)::bigint from public.drivers",
            &[],
        )
        .await?;
    Ok(row.get::<_, i64>(0) as u64)
}

/// WAL flushes of the cluster, once pgbench's backends have reported theirs, which they do at their end.
pub async fn flushes(client: &Client) -> Fallible<i64> {
    let left = "select 1 from pg_catalog.pg_stat_activity where application_name = 'pgbench'";
    while !client.query(left, &[]).await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let row = client
        .query_one("select wal_sync from pg_catalog.pg_stat_wal", &[])
        .await?;
    Ok(row.get(0))
}

pub fn program(name: &str) -> Fallible<Command> {
    let bin = env::var("PGBIN").map_err(|_| "PGBIN is not set: run it by make demo")?;
    let mut command = Command::new(format!("{bin}/{name}"));
    command
        .env("PGDATABASE", "demo")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // a group of its own: Ctrl-C is for us
    command.process_group(0).kill_on_drop(true);
    Ok(command)
}

pub enum Report {
    /// transactions a second, once a second
    Second(f64),
    Done {
        tps: f64,
        latency: f64,
    },
    Failed(String),
}

/// pgbench, and what it says of itself.
pub fn pgbench(seconds: u32) -> Fallible<mpsc::UnboundedReceiver<Report>> {
    // pgbench cannot read a script from its standard input
    let script = env::var_os("SERVER_DIR")
        .map_or_else(env::temp_dir, PathBuf::from)
        .join("demo.sql");
    std::fs::File::create(&script)?.write_all(SCRIPT.as_bytes())?;
    let mut child = program("pgbench")?
        .args(["-n", "-M", "prepared", "-P", "1", "-j", "2", "-f"])
        .arg(&script)
        .args(["-c", &CLIENTS.to_string(), "-T", &seconds.to_string()])
        .spawn()?;
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut complaint = String::new();
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            match between(&line, " s, ", " tps") {
                Some(tps) if line.starts_with("progress:") => {
                    let _ = sender.send(Report::Second(tps));
                }
                _ => complaint = line,
            }
        }
        let mut told = String::new();
        if let Some(mut stdout) = child.stdout.take() {
            let _ = stdout.read_to_string(&mut told).await;
        }
        let _ = child.wait().await;
        let done = between(&told, "tps = ", " ").zip(between(&told, "latency average = ", " "));
        let _ = sender.send(match done {
            Some((tps, latency)) => Report::Done { tps, latency },
            None => Report::Failed(complaint),
        });
    });
    Ok(receiver)
}

fn between(text: &str, before: &str, after: &str) -> Option<f64> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after)?.0.parse().ok()
}

/// When an update of the probe was sent and when its commit was acknowledged.
pub struct Commit {
    pub row: i64,
    pub revision: i64,
    pub sent: Instant,
    pub acknowledged: Instant,
}

#[derive(Default)]
pub struct Probe {
    pub commits: Vec<Commit>,
    pub rolled_back: u64,
}

pub static STOP: AtomicBool = AtomicBool::new(false);

impl Probe {
    /// Some updates a second beside pgbench's: their way to the listener is what is timed, and shown.
    pub async fn drive(client: Client) -> Fallible<Self> {
        let mut done = Self::default();
        let mut pace = tokio::time::interval(Duration::from_millis(25));
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let statuses = ["to pickup", "on trip", "on a break", "idle"];
        let mut step = 0_i64;
        while !STOP.load(Ordering::Relaxed) {
            pace.tick().await;
            step += 1;
            let row = 1 + step * 61 % PROBED;
            if step % 20 == 0 {
                // a transaction that comes to nothing: no event may tell of it
                client.batch_execute("begin; update public.drivers set battery = 0, revision = revision + 1 where id <= 5; rollback").await?;
                done.rolled_back += 5;
                continue;
            }
            let status = statuses[(step / PROBED) as usize % statuses.len()];
            let sent = Instant::now();
            let revision = client
                .query_one(
                    "update public.drivers set status = $2, battery = battery - 1, lat = lat + 0.0003, revision = revision + 1,
                     updated_at = pg_catalog.clock_timestamp() where id = $1 returning revision",
                    &[&row, &status],
                )
                .await?
                .get(0);
            done.commits.push(Commit {
                row,
                revision,
                sent,
                acknowledged: Instant::now(),
            });
        }
        Ok(done)
    }
}

/// Rows that the bulk update has changed so far.
pub static BULK_DONE: AtomicU64 = AtomicU64::new(0);
pub const BULK_PASSES: i64 = 2;
pub const BULK: u64 = (ROWS * BULK_PASSES) as u64;

/// A job over the whole table in transactions of 100 rows, at 5,000 rows a second.
pub async fn bulk(client: Client) -> Fallible<()> {
    BULK_DONE.store(0, Ordering::Relaxed);
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    for start in (0..BULK_PASSES).flat_map(|_| (1..=ROWS).step_by(100)) {
        pace.tick().await;
        let changed = client
            .execute(
                "update public.drivers set is_online = not is_online, revision = revision + 1, updated_at = pg_catalog.now()
                 where id between $1 and $1 + 99",
                &[&start],
            )
            .await?;
        BULK_DONE.fetch_add(changed, Ordering::Relaxed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_in_what_pgbench_says() {
        let line = "progress: 1.0 s, 8412.5 tps, lat 3.798 ms stddev 0.5, 0 failed";
        assert_eq!(between(line, " s, ", " tps"), Some(8412.5));
        let told = "latency average = 3.8 ms\ntps = 8412.3 (without initial connection time)\n";
        assert_eq!(between(told, "tps = ", " "), Some(8412.3));
        assert_eq!(between(told, "latency average = ", " "), Some(3.8));
    }
}
