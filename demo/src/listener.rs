//! A listener as an app has one: a connection that hands over each notification with the moment it came in, and what
//! was received through it.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use crate::Fallible;
use crate::event::Facts;

pub struct Feed {
    receiver: mpsc::UnboundedReceiver<(String, Instant)>,
    pub client: Client,
    pub pid: i32,
}

impl Feed {
    pub async fn listen(config: &Config, channel: &str) -> Fallible<Self> {
        let (client, mut connection) = config.connect(NoTls).await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let message =
                    std::future::poll_fn(|context| connection.poll_message(context)).await;
                match message {
                    Some(Ok(AsyncMessage::Notification(n))) => {
                        if sender
                            .send((n.payload().to_owned(), Instant::now()))
                            .is_err()
                        {
                            return;
                        }
                    }
                    Some(Ok(_)) => {}
                    // it was killed: that is what the demo is about
                    Some(Err(_)) | None => return,
                }
            }
        });
        client.batch_execute(&format!("listen {channel}")).await?;
        let pid = client
            .query_one("select pg_catalog.pg_backend_pid()", &[])
            .await?
            .get(0);
        Ok(Self {
            receiver,
            client,
            pid,
        })
    }

    /// None when the connection is gone.
    pub async fn next(&mut self) -> Option<(String, Instant)> {
        self.receiver.recv().await
    }
}

/// What a listener has received, over all its connections.
#[derive(Default)]
pub struct Account {
    pub received: u64,
    pub replayed: u64,
    pub twice: u64,
    pub disordered: u64,
    pub unreadable: u64,
    /// as far as it has everything; the hand-written trigger knows no such thing
    pub cursor: Option<String>,
    ids: HashSet<i64>,
    revisions: HashMap<i64, i64>,
    /// of the rows that the probe writes: when each revision came in
    pub arrivals: HashMap<(i64, i64), Instant>,
}

impl Account {
    pub fn take(&mut self, payload: &str, at: Instant) {
        let Some(facts) = Facts::of(payload) else {
            self.unreadable += 1;
            return;
        };
        if let Some(cursor) = facts.cursor {
            // a replay has had it already: cursors sort as plain strings
            if self
                .cursor
                .as_deref()
                .is_some_and(|had| cursor <= place(had))
            {
                return;
            }
            self.cursor = Some(cursor.to_owned());
        }
        if facts.id.is_some_and(|id| !self.ids.insert(id)) {
            self.twice += 1;
            return;
        }
        self.received += 1;
        let before = self.revisions.insert(facts.row, facts.revision);
        self.disordered += u64::from(before.is_some_and(|before| before >= facts.revision));
        if facts.row <= crate::workload::PROBED {
            self.arrivals.insert((facts.row, facts.revision), at);
        }
    }

    /// What it missed while it was away. Its new connection listens already, so that nothing falls in between.
    pub async fn replay(&mut self, client: &Client) -> Fallible<()> {
        #[derive(Deserialize)]
        struct Answer<'a> {
            #[serde(borrow)]
            events: Vec<&'a RawValue>,
            cursor: String,
            more: bool,
        }
        loop {
            let row = client
                .query_one(
                    "select realtime_sync.replay(since => $1, max_events => 2000)::text",
                    &[&self.cursor],
                )
                .await?;
            let answer: Answer = serde_json::from_str(row.get(0))?;
            let before = self.received;
            for event in answer.events {
                self.take(event.get(), Instant::now());
            }
            self.replayed += self.received - before;
            self.cursor = Some(answer.cursor);
            if !answer.more {
                return Ok(());
            }
        }
    }
}

/// A cursor without the snapshot of the load that it may carry.
fn place(cursor: &str) -> &str {
    cursor.split('/').next().unwrap_or(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: i64, position: i64, revision: i64) -> String {
        format!(
            r#"{{"v":1,"id":{id},"cursor":"00000001-{position:016x}-{id:016x}","new":{{"id":5,"revision":{revision}}}}}"#
        )
    }

    #[test]
    fn what_a_replay_gave_is_not_counted_again() {
        let mut account = Account::default();
        account.take(&event(1, 1, 1), Instant::now());
        account.take(&event(2, 2, 2), Instant::now());
        account.take(&event(1, 1, 1), Instant::now());
        assert_eq!(
            (account.received, account.twice, account.disordered),
            (2, 0, 0)
        );
    }

    #[test]
    fn an_event_that_comes_twice_under_a_later_cursor_is_noticed() {
        let mut account = Account::default();
        account.take(&event(1, 1, 1), Instant::now());
        account.take(&event(1, 2, 1), Instant::now());
        assert_eq!((account.received, account.twice), (1, 1));
    }

    #[test]
    fn a_row_that_goes_back_is_noticed() {
        let mut account = Account::default();
        account.take(&event(1, 1, 2), Instant::now());
        account.take(&event(2, 2, 1), Instant::now());
        assert_eq!(account.disordered, 1);
    }
}
