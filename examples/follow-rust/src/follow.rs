//! Load, then follow: a copy of what the database has, kept up to date by every later change, each once and in order,
//! whatever happens to the connection. Copy this file into your application; main.rs shows its use.

use serde_json::Value;
use std::{collections::BTreeSet, convert::Infallible, future::poll_fn, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time, time::timeout};
use tokio_postgres::{Client, Config, NoTls, error::SqlState, types::Type};

const BEGIN: &str = "begin isolation level repeatable read, read only";
const CURSOR: &str = "select realtime_sync.cursor()";
const REPLAY: &str = "select realtime_sync.replay(since => $1, topics => $2, max_events => 1000)";
const EXPIRED: Option<&SqlState> = Some(&SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
const STANDBY: Option<&SqlState> = Some(&SqlState::READ_ONLY_SQL_TRANSACTION);

pub type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

pub trait Application {
    /// Replaces the copy, by queries on this one snapshot.
    async fn load(&mut self, client: &Client, cursor: &str) -> Fallible<()>;
    /// If it fails, the same event comes again.
    async fn apply(&mut self, event: &Value, client: &Client) -> Fallible<()>;
    /// The connection, say; all is tried again.
    fn lost(&mut self, error: &(dyn std::error::Error + Send + Sync));
}

pub struct Follower<A> {
    pub application: A,
    pub database: String,
    pub topics: Option<Vec<String>>, // None: all events
    pub listen: String, // "listen realtime_sync"; through a transaction pooler "": only poll
    pub poll: Duration, // between two looks where no notification tells
    pub pause: Duration, // and at least: at 10 ms, a thousand changes a second cost a hundred looks
    pub limit: Duration, // for each answer but those to load and apply: a network may go silent and close nothing
    pub cursor: String,  // all up to here has been applied; empty: load
    pub applied: BTreeSet<i64>, // ids: a crash of the server may send an event again, under a later cursor
}

impl<A: Application> Follower<A> {
    pub async fn run(&mut self) {
        let mut failures = 0;
        loop {
            let Err(error) = self.follow(&mut failures).await;
            self.application.lost(&*error);
            // Anything up to the limit, so that after an outage not everybody comes back at the same moment.
            let limit = f64::min(10.0, 0.1 * f64::powi(2.0, failures));
            time::sleep(Duration::from_secs_f64(fastrand::f64() * limit)).await;
            failures += 1;
        }
    }

    async fn follow(&mut self, failures: &mut i32) -> Fallible<Infallible> {
        let mut config: Config = self.database.parse()?;
        // Only the kernel can tell that nobody is there while load and apply wait.
        config.keepalives_idle(Duration::from_secs(5));
        config.keepalives_interval(Duration::from_secs(5));
        config.tcp_user_timeout(self.limit);
        let (client, mut connection) = timeout(self.limit, config.connect(NoTls)).await??;
        let (heard, mut hear) = mpsc::channel(1);
        let mut task = JoinSet::new(); // which ends it with this function: it could wait for an answer for ever
        task.spawn(async move {
            while let Some(Ok(_)) = poll_fn(|context| connection.poll_message(context)).await {
                let _ = heard.try_send(()); // full: there is a reason to look already
            }
        });
        // Before anything is read, so that nothing falls between.
        match timeout(self.limit, client.batch_execute(&self.listen)).await? {
            Err(error) if error.code() == STANDBY => {} // which cannot: then we poll
            done => done?,
        }
        loop {
            if self.cursor.is_empty() {
                self.load(&client).await?;
            }
            let more = self.replay(&client).await?;
            *failures = 0;
            if !more {
                time::sleep(self.pause).await;
                // What a notification says, the log has, whole and in order: it is a reason to look, no more.
                // So is the end of the connection, which the look then finds.
                let _ = timeout(self.poll, hear.recv()).await;
            }
        }
    }

    async fn load(&mut self, client: &Client) -> Fallible<()> {
        timeout(self.limit, client.batch_execute(BEGIN)).await??;
        let row = timeout(self.limit, client.query_typed_one(CURSOR, &[])).await??;
        let cursor = row.get(0);
        self.application.load(client, cursor).await?;
        timeout(self.limit, client.batch_execute("commit")).await??;
        self.cursor = cursor.to_owned();
        self.applied.clear();
        Ok(())
    }

    async fn replay(&mut self, client: &Client) -> Fallible<bool> {
        // query_typed prepares nothing, which a pooler would mix up.
        let parameters = [
            (&self.cursor as _, Type::TEXT),
            (&self.topics as _, Type::TEXT_ARRAY),
        ];
        let replay = client.query_typed_one(REPLAY, &parameters);
        let page = match timeout(self.limit, replay).await? {
            Err(error) if error.code() == EXPIRED => Value::Null, // away for too long
            row => row?.get(0),
        };
        if page["reset"] != false {
            self.cursor.clear(); // or the server was set back to an earlier state
            return Ok(true);
        }
        for event in page["events"].as_array().ok_or("no events")? {
            let id = event["id"].as_i64().ok_or("no id")?;
            if !self.applied.contains(&id) {
                self.application.apply(event, client).await?;
                self.applied.insert(id);
            }
        }
        while self.applied.len() > 100_000 {
            self.applied.pop_first();
        }
        self.cursor = page["cursor"].as_str().ok_or("no cursor")?.to_owned();
        Ok(page["more"] == true)
    }
}
