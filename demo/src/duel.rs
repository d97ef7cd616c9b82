//! What happens, in its order.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::{interval, sleep, timeout};
use tokio_postgres::Client;

use crate::board::{Board, Bulk, NONE, NOTIFY, OURS, Percentiles};
use crate::dump::Schema;
use crate::listener::{Account, Feed};
use crate::verdict::{Verdict, delays};
use crate::workload::{self, BULK, BULK_DONE, Probe, Report, STOP};
use crate::{Fallible, config, connect, setting};
use demo::screen::{Screen, thousands};

/// Besides pgbench's three runs: the table, the bulk updates, the dumps.
const REST: u32 = 18;
/// How long an event is waited for that has not come, counted from the last that did: where none can be missing, and
/// where some are.
const PATIENCE: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_millis(700);
const REDRAW: Duration = Duration::from_millis(100);

pub struct Duel {
    screen: Screen,
    board: Board,
    seconds: u32,
    plain: u32,
}

impl Duel {
    pub fn new() -> Self {
        Self {
            screen: Screen::open(),
            board: Board::new(),
            seconds: (setting("DEMO_SECONDS", 60).saturating_sub(REST) / 3).max(2),
            plain: 0,
        }
    }

    /// Whether realtime_sync kept what it promises.
    pub async fn run(&mut self) -> Fallible<bool> {
        self.screen.step(
            "a table of 10,000 drivers; pgbench with 32 clients, each transaction updates one row",
        );
        self.screen.step("every WAL flush lasts at least 3 ms, as on a networked disk (commit_delay = 3000, commit_siblings = 0)");
        connect("postgres")
            .await?
            .batch_execute("create database demo")
            .await?;
        let client = connect("demo").await?;
        client
            .batch_execute("create extension realtime_sync")
            .await?;
        workload::prepare(&client).await?;
        let before = Schema::read(&client).await?;

        self.screen.step("no trigger");
        self.prepare(&client).await?;
        let mut nothing = Account::default();
        self.pgbench(NONE, &client, None, &mut nothing).await?;

        self.screen.step("by hand: create trigger ... for each row execute function notify_drivers(), which is perform pg_notify('drivers', json_build_object('new', ..., 'old', ...)); and a listener");
        client.batch_execute(workload::TRIGGER).await?;
        self.prepare(&client).await?;
        let mut account = Account::default();
        let feed = Feed::listen(&config("demo")?, "drivers").await?;
        self.contest(NOTIFY, &client, feed, &mut account).await?;
        client.batch_execute(workload::NO_TRIGGER).await?;

        self.screen.step("realtime_sync: select realtime_sync.enable('drivers', old_row => 'full', ...), the same content; and a listener");
        client.execute(workload::ENABLE, &[]).await?;
        self.prepare(&client).await?;
        let feed = Feed::listen(&config("demo")?, "realtime_sync").await?;
        let mut account = Account::default();
        let cursor = feed
            .client
            .query_one("select realtime_sync.cursor()", &[])
            .await?;
        account.cursor = Some(cursor.get(0));
        let start = workload::committed(&client).await?;
        let probe = self.contest(OURS, &client, feed, &mut account).await?;
        let committed = workload::committed(&client).await? - start;

        self.screen.step("a replica identity and a publication on top, then select realtime_sync.disable('drivers')");
        client.execute("select realtime_sync.enable('drivers', replica_identity => 'full', publication => 'feed')", &[]).await?;
        let while_on = Schema::read(&client).await?;
        client
            .execute("select realtime_sync.disable('drivers')", &[])
            .await?;
        let verdict = Verdict {
            committed,
            account,
            probe,
            before,
            while_on,
            after: Schema::read(&client).await?,
        };
        self.screen.line("");
        let table = self.board.table(&self.screen);
        self.screen.keep_board(table);
        self.screen.line("");
        verdict.print(&mut self.screen, &self.board);
        Ok(verdict.lossless() && verdict.traceless())
    }

    /// Each starts from a table without dead rows.
    async fn prepare(&mut self, client: &Client) -> Fallible<()> {
        self.board.now = "vacuum analyze drivers".into();
        self.draw();
        client
            .batch_execute("vacuum analyze public.drivers")
            .await?;
        Ok(())
    }

    async fn contest(
        &mut self,
        column: usize,
        client: &Client,
        mut feed: Feed,
        account: &mut Account,
    ) -> Fallible<Probe> {
        let start = workload::committed(client).await?;
        let probe = self
            .pgbench(column, client, Some(&mut feed), account)
            .await?;
        let committed = workload::committed(client).await? - start;
        self.settle(column, &mut feed, account, committed).await;
        let delays = delays(&probe, account, |commit| commit.acknowledged);
        self.board.columns[column].delays = Percentiles::of(delays);
        self.bulk(column, client, feed, account).await?;
        Ok(probe)
    }

    async fn pgbench(
        &mut self,
        column: usize,
        client: &Client,
        mut feed: Option<&mut Feed>,
        account: &mut Account,
    ) -> Fallible<Probe> {
        let (begun, flushed) = (
            workload::committed(client).await?,
            workload::flushes(client).await?,
        );
        STOP.store(false, Ordering::Relaxed);
        let probe = tokio::spawn(Probe::drive(connect("demo").await?));
        let mut reports = workload::pgbench(self.seconds)?;
        let mut redraw = interval(REDRAW);
        loop {
            tokio::select! {
                event = next(&mut feed) => {
                    let (payload, at) = event.ok_or("the listening connection was closed")?;
                    account.take(&payload, at);
                    self.board.event(column, &payload);
                }
                report = reports.recv() => match report {
                    Some(Report::Second(tps)) => self.board.columns[column].seconds.push(tps),
                    Some(Report::Done { tps, latency }) => {
                        self.board.columns[column].tps = Some(tps);
                        self.board.columns[column].latency = Some(latency);
                        break;
                    }
                    Some(Report::Failed(complaint)) => return Err(format!("pgbench: {complaint}").into()),
                    None => return Err("pgbench ended and said nothing".into()),
                },
                _ = redraw.tick() => {
                    let heard = if feed.is_some() { format!(", {} events heard", thousands(account.received)) } else { String::new() };
                    let second = self.board.columns[column].seconds.len();
                    self.board.now = format!("32 clients, second {second} of {}{heard}", self.seconds);
                    self.draw();
                    self.plain_progress(column, second as u32);
                }
            }
        }
        STOP.store(true, Ordering::Relaxed);
        let probe = probe.await??;
        let changes = workload::committed(client).await? - begun;
        let flushes = workload::flushes(client).await? - flushed;
        // every transaction changes one row
        self.board.columns[column].flushes = Some(flushes as f64 / changes.max(1) as f64);
        self.draw();
        Ok(probe)
    }

    /// Until all that was committed has come, or no more comes.
    async fn settle(
        &mut self,
        column: usize,
        feed: &mut Feed,
        account: &mut Account,
        committed: u64,
    ) {
        let patience = if column == OURS { PATIENCE } else { GRACE };
        while account.received < committed {
            let Ok(Some((payload, at))) = timeout(patience, feed.next()).await else {
                break;
            };
            account.take(&payload, at);
        }
        // one that comes though nobody committed it would be as wrong as one that does not come
        while let Ok(Some((payload, at))) = timeout(Duration::from_millis(300), feed.next()).await {
            account.take(&payload, at);
        }
    }

    /// The listener is killed while it runs and comes back before it ends.
    async fn bulk(
        &mut self,
        column: usize,
        client: &Client,
        feed: Feed,
        account: &mut Account,
    ) -> Fallible<()> {
        let (heard, replayed) = (account.received, account.replayed);
        let channel = if column == OURS {
            "realtime_sync"
        } else {
            "drivers"
        };
        let mut bulk = tokio::spawn(workload::bulk(connect("demo").await?));
        let mut feed = Some(feed);
        let mut killed: Option<Instant> = None;
        let mut redraw = interval(REDRAW / 2);
        let mut figures = Bulk::default();
        self.board.now = "a bulk update over the whole table".into();
        loop {
            let mut listening = feed.as_mut();
            tokio::select! {
                event = next(&mut listening) => match event {
                    Some((payload, at)) => {
                        account.take(&payload, at);
                        self.board.event(column, &payload);
                    }
                    None => feed = None,
                },
                ended = &mut bulk => {
                    ended??;
                    break;
                }
                _ = redraw.tick() => {
                    let done = BULK_DONE.load(Ordering::Relaxed);
                    if killed.is_none() && done >= BULK / 3 {
                        let pid = feed.as_ref().map_or(0, |feed| feed.pid);
                        client.execute("select pg_catalog.pg_terminate_backend($1)", &[&pid]).await?;
                        killed = Some(Instant::now());
                        self.board.now = "the bulk update runs; its listener has been killed".into();
                        self.plain_line("listener killed while the bulk update runs");
                    } else if feed.is_none() && done >= BULK * 2 / 3 {
                        let away = killed.map_or(0.0, |killed| killed.elapsed().as_secs_f64());
                        let back = Feed::listen(&config("demo")?, channel).await?;
                        let begun = Instant::now();
                        if column == OURS {
                            account.replay(&back.client).await?;
                        }
                        feed = Some(back);
                        self.board.now = match column {
                            OURS => format!(
                                "the listener is back after {away:.1} s; replay(since => its cursor) gave {} events in {:.0} ms",
                                thousands(account.replayed - replayed), begun.elapsed().as_secs_f64() * 1000.0
                            ),
                            _ => format!("the listener is back after {away:.1} s, and listens again"),
                        };
                        let now = self.board.now.clone();
                        self.plain_line(&now);
                    }
                    figures = Bulk {
                        committed: done,
                        received: account.received - heard,
                        replayed: account.replayed - replayed,
                        away: feed.is_none(),
                        done: false,
                    };
                    self.board.columns[column].bulk = Some(figures);
                    self.draw();
                }
            }
        }
        if let Some(feed) = &mut feed {
            self.settle(column, feed, account, heard + BULK).await;
        }
        figures = Bulk {
            committed: BULK,
            received: account.received - heard,
            replayed: account.replayed - replayed,
            done: true,
            ..figures
        };
        self.board.columns[column].bulk = Some(figures);
        self.draw();
        // time to read it
        sleep(Duration::from_millis(800)).await;
        Ok(())
    }

    fn draw(&mut self) {
        if self.screen.live {
            let lines = self.board.live(&self.screen);
            self.screen.board(lines);
        }
    }

    /// Without a board: a line each third second.
    fn plain_progress(&mut self, column: usize, second: u32) {
        if second != self.plain && second.is_multiple_of(3) && second > 0 {
            let tps = self.board.columns[column].seconds[second as usize - 1];
            let text = format!("second {second}: {} transactions", thousands(tps as u64));
            self.plain_line(&text);
        }
        self.plain = second;
    }

    fn plain_line(&mut self, text: &str) {
        if !self.screen.live {
            self.screen.line(&format!("    {text}"));
        }
    }
}

/// Of no feed, never.
async fn next(feed: &mut Option<&mut Feed>) -> Option<(String, Instant)> {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}
