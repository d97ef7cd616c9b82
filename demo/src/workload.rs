//! What writes: pgbench's own TPC-B, untouched, and a table of drivers on the move.

use std::collections::HashMap;
use std::env;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio_postgres::Client;

use crate::Fallible;

/// pgbench_history has no primary key; these columns together name a row well enough for a feed.
pub const ENABLE: &[&str] = &[
    "select realtime_sync.enable('pgbench_accounts', topics => array['account:{aid}'])",
    "select realtime_sync.enable('pgbench_tellers', topics => array['teller:{tid}'])",
    "select realtime_sync.enable('pgbench_branches', topics => array['branch:{bid}'])",
    "select realtime_sync.enable('pgbench_history', topics => array['account:{aid}'], key_columns => array['tid', 'bid', 'aid', 'mtime'])",
    "select realtime_sync.enable('drivers', topics => array['drivers', 'driver:{id}'], status_columns => array['status'])",
];

/// Events a TPC-B transaction makes: three updates and the insert into the history.
pub const PER_TRANSACTION: u64 = 4;

pub static STOP: AtomicBool = AtomicBool::new(false);

const CREATE_DRIVERS: &str = "
create table public.drivers (
    id int primary key,
    name text not null,
    is_online bool not null default true,
    status text not null default 'idle',
    lat numeric(8, 5) not null,
    lng numeric(8, 5) not null,
    battery int not null default 100,
    updated_at timestamptz not null default pg_catalog.now()
);
insert into public.drivers (id, name, lat, lng, battery)
select i, 'driver ' || i, 52.5 + (i % 20) * 0.001, 13.4 + (i / 20) * 0.001, 100 - i % 60
from pg_catalog.generate_series(1, 200) i;
";

fn pgbench() -> Fallible<Command> {
    let mut command = Command::new(format!(
        "{}/pgbench",
        env::var("PGBIN").map_err(|_| "PGBIN is not set: run it by make demo")?
    ));
    command
        .env("PGDATABASE", "demo")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // a group of its own: Ctrl-C is for us, who then count what it committed
    command.process_group(0).kill_on_drop(true);
    Ok(command)
}

pub async fn prepare(client: &Client) -> Fallible<()> {
    // scale 4: no fewer branches than clients, or they would wait for one row
    let output = pgbench()?.args(["-i", "-q", "-s", "4"]).output().await?;
    if !output.status.success() {
        return Err(format!("pgbench -i: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    client.batch_execute(CREATE_DRIVERS).await?;
    Ok(())
}

pub struct Pgbench(Child);

impl Pgbench {
    pub fn start(seconds: u32, rate: u32) -> Fallible<Self> {
        let mut command = pgbench()?;
        command.args(["-n", "-c", "4", "-T", &seconds.to_string()]);
        if rate > 0 {
            command.args(["-R", &rate.to_string()]);
        }
        Ok(Self(command.spawn()?))
    }

    /// Until it is done. May be dropped and asked again, as `select!` does.
    pub async fn wait(&mut self) -> Fallible<()> {
        let status = self.0.wait().await?;
        if status.success() {
            return Ok(());
        }
        let mut complaint = String::new();
        if let Some(stderr) = self.0.stderr.as_mut() {
            stderr.read_to_string(&mut complaint).await?;
        }
        Err(format!("pgbench: {complaint}").into())
    }

    pub async fn stop(&mut self) -> Fallible<()> {
        self.0.kill().await?;
        Ok(())
    }
}

/// What the drivers' writer did, by its own account.
#[derive(Default)]
pub struct Drivers {
    pub changes: u64,
    pub rolled_back: u64,
    /// when each transaction's COMMIT was sent and when acknowledged, by the mutation id it wrote with
    pub commits: HashMap<u64, (Instant, Instant)>,
}

const MOVE: &str = "update public.drivers set
    lat = lat + ($2::int - 5) * 0.0001, lng = lng + ($3::int - 5) * 0.0001, battery = pg_catalog.abs(battery - 1), updated_at = pg_catalog.now()
    where id between $1 and $1 + $4::int and is_online";

impl Drivers {
    pub async fn drive(mut client: Client) -> Fallible<Self> {
        let mut done = Self::default();
        let mut pace = tokio::time::interval(Duration::from_millis(100));
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        let mut step = 0_u64;
        while !STOP.load(Ordering::Relaxed) {
            pace.tick().await;
            step += 1;
            let transaction = client.transaction().await?;
            transaction
                .execute(
                    "select pg_catalog.set_config('realtime_sync.mutation_id', $1, true)",
                    &[&step.to_string()],
                )
                .await?;
            let id = chance.below(200) as i32 + 1;
            let changes = match step % 40 {
                // a transaction that comes to nothing: no event may tell of it
                10 => {
                    done.rolled_back += transaction
                        .execute("update public.drivers set battery = 0", &[])
                        .await?;
                    transaction.rollback().await?;
                    continue;
                }
                7 | 17 | 27 | 37 => {
                    let statuses = ["idle", "to pickup", "on trip", "on a break"];
                    let status = statuses[chance.below(4) as usize];
                    transaction
                        .execute(
                            "update public.drivers set status = $2 where id = $1 and status <> $2",
                            &[&id, &status],
                        )
                        .await?
                }
                14 | 34 => {
                    transaction
                        .execute(
                            "update public.drivers set is_online = not is_online where id = $1",
                            &[&id],
                        )
                        .await?
                }
                20 => {
                    transaction
                        .execute("delete from public.drivers where id = $1", &[&id])
                        .await?
                }
                25 => {
                    let id = 200 + step as i32;
                    let name = format!("driver {id}");
                    transaction.execute("insert into public.drivers (id, name, lat, lng) values ($1, $2, 52.51, 13.41)", &[&id, &name]).await?
                }
                // a convoy: several rows in one statement
                30 => {
                    transaction
                        .execute(
                            MOVE,
                            &[
                                &id,
                                &(chance.below(11) as i32),
                                &(chance.below(11) as i32),
                                &4,
                            ],
                        )
                        .await?
                }
                _ => {
                    transaction
                        .execute(
                            MOVE,
                            &[
                                &id,
                                &(chance.below(11) as i32),
                                &(chance.below(11) as i32),
                                &0,
                            ],
                        )
                        .await?
                }
            };
            let sent = Instant::now();
            transaction.commit().await?;
            done.commits.insert(step, (sent, Instant::now()));
            done.changes += changes;
        }
        Ok(done)
    }
}

/// xorshift64*: the same drive every time, and no dependency for it.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }
}
