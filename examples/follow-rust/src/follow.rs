//! Load, then follow: a copy of what the database has, kept up to date by every later change, each once and in order,
//! whatever happens to the connection. Copy this file into your application; main.rs shows its use.

use serde_json::Value;
use std::collections::BTreeSet;
use std::{future::poll_fn, time::Duration};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, NoTls, types::Type};

pub type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
type Inbox = UnboundedReceiver<Fallible<String>>;

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
    /// For loads and replays; may lead through a transaction pooler.
    pub database: String,
    /// For LISTEN, past the pooler. None: poll.
    pub listen: Option<String>,
    /// None: all events.
    pub topics: Option<Vec<String>>,
    /// Between two looks where no notification can arrive.
    pub poll: Duration,
    /// And where they do, should one get lost.
    pub heartbeat: Duration,
    /// All up to here has been applied: place, and until replayed beyond it /snapshot of the load; they sort as strings.
    /// Empty: load.
    pub cursor: String,
    /// Ids: a crash of the server may send an event again, under a later cursor.
    pub applied: BTreeSet<i64>,
}

impl<A: Application> Follower<A> {
    pub async fn run(&mut self) {
        let mut failures = 0;
        loop {
            if let Err(error) = self.session(&mut failures).await {
                self.application.lost(&*error);
            }
            // Anything up to the limit, so that after an outage not everybody comes back at the same moment.
            let limit = f64::min(10.0, 0.1 * f64::powi(2.0, failures));
            tokio::time::sleep(Duration::from_secs_f64(fastrand::f64() * limit)).await;
            failures += 1;
        }
    }

    async fn session(&mut self, failures: &mut i32) -> Fallible<()> {
        let (sender, mut inbox) = unbounded_channel();
        let listener;
        let mut wait = self.poll;
        if let Some(url) = &self.listen {
            // Before anything is read, so that nothing falls between. On a connection that does nothing else: through a
            // transaction pooler it then hears nothing, which the heartbeat finds out, rather than a part.
            listener = connect(url, Some(sender.clone())).await?;
            match listener.batch_execute("listen realtime_sync").await {
                // A standby: then we poll.
                Err(error) if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => {}
                done => {
                    done?;
                    wait = self.heartbeat;
                }
            }
        }
        let client = &connect(&self.database, None).await?;
        if self.cursor.is_empty() {
            self.load(client).await?;
        }
        self.replay(client, &mut inbox).await?;
        *failures = 0;
        loop {
            match tokio::time::timeout(wait, inbox.recv()).await {
                Ok(payload) => {
                    let event = serde_json::from_str(&payload.ok_or("no connection")??)?;
                    wait = self.heartbeat;
                    self.live(&event, client, &mut inbox).await?;
                }
                // There was something, and no notification of it: a pooler keeps them, perhaps.
                Err(_) if self.replay(client, &mut inbox).await? > 0 => wait = self.poll,
                Err(_) => {}
            }
        }
    }

    async fn load(&mut self, client: &Client) -> Fallible<()> {
        let begin = "begin isolation level repeatable read, read only";
        client.batch_execute(begin).await?;
        let row = client
            .query_typed("select realtime_sync.cursor()", &[])
            .await?;
        let cursor: String = row[0].get(0);
        self.application.load(client, &cursor).await?;
        client.batch_execute("commit").await?;
        self.cursor = cursor;
        self.applied.clear();
        Ok(())
    }

    async fn replay(&mut self, client: &Client, inbox: &mut Inbox) -> Fallible<usize> {
        let query = "select realtime_sync.replay(since => $1, topics => $2, max_events => 1000)";
        let mut count = 0;
        loop {
            // What has been announced so far, the log has.
            while let Ok(payload) = inbox.try_recv() {
                payload?;
            }
            // query_typed prepares nothing, which a pooler would mix up.
            let parameters = &[
                (&self.cursor as _, Type::TEXT),
                (&self.topics as _, Type::TEXT_ARRAY),
            ];
            let page = match client.query_typed(query, parameters).await {
                Ok(rows) => rows[0].get::<_, Value>(0),
                // Away for too long.
                Err(error) if error.code() == Some(&SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE) => {
                    Value::Null
                }
                Err(error) => return Err(error.into()),
            };
            // Or the server was set back to an earlier state.
            if page["reset"] != Value::Bool(false) {
                self.load(client).await?;
                continue;
            }
            let events = page["events"].as_array().ok_or("no events")?;
            for event in events {
                self.take(event, client).await?;
            }
            self.cursor = text(&page["cursor"]).to_owned();
            count += events.len();
            if page["more"] == Value::Bool(false) {
                return Ok(count);
            }
        }
    }

    async fn live(&mut self, event: &Value, client: &Client, inbox: &mut Inbox) -> Fallible<()> {
        // Empty: sent by the writing transaction itself (inline delivery), it has no place yet.
        let place = text(&event["cursor"]);
        let wanted = self.wants(event);
        // Not a reference to what a notification cannot hold.
        let whole = event.get("new").is_some() || event["type"] == "MESSAGE";
        if !place.is_empty() && *place <= *self.cursor {
            return Ok(()); // Loaded or replayed.
        }
        if !place.is_empty() && !self.cursor.contains('/') && (whole || !wanted) {
            if wanted {
                self.take(event, client).await?;
            }
            self.cursor = place.to_owned();
        } else {
            // Which also knows what the load's snapshot has seen.
            self.replay(client, inbox).await?;
            if *place > *self.cursor {
                return Err("the notification is ahead of the log: not the same server?".into());
            }
        }
        Ok(())
    }

    fn wants(&self, event: &Value) -> bool {
        match (&self.topics, event["topics"].as_array()) {
            (Some(wanted), Some(topics)) => topics
                .iter()
                .any(|topic| wanted.iter().any(|wanted| topic == wanted)),
            _ => true,
        }
    }

    async fn take(&mut self, event: &Value, client: &Client) -> Fallible<()> {
        let id = event["id"].as_i64().ok_or("no id")?;
        if !self.applied.contains(&id) {
            self.application.apply(event, client).await?;
            self.applied.insert(id);
            if self.applied.len() > 100_000 {
                self.applied.pop_first();
            }
        }
        Ok(())
    }
}

async fn connect(url: &str, inbox: Option<UnboundedSender<Fallible<String>>>) -> Fallible<Client> {
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        loop {
            let payload = match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    Ok(notification.payload().to_owned())
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => Err(error.into()),
                None => Err("the connection was closed".into()),
            };
            // Of the other connection, what is wrong shows at the next query.
            let Some(inbox) = &inbox else { break };
            let ended = payload.is_err();
            if inbox.send(payload).is_err() || ended {
                break;
            }
        }
    });
    Ok(client)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}
