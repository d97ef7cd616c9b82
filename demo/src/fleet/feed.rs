//! What an app's socket server has: one connection that listens.

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, NoTls};

use crate::{Fallible, config};

/// What the demo looks at in an event; the rest of it is the app's.
#[derive(Deserialize)]
pub struct Event {
    pub id: i64,
    pub event: Option<String>,
    #[serde(default)]
    pub topics: Vec<String>,
    #[serde(default)]
    pub payload: Value,
}

pub struct Feed {
    receiver: mpsc::UnboundedReceiver<Event>,
    /// The connection lives as long as it.
    _client: Client,
}

impl Feed {
    pub async fn listen() -> Fallible<Self> {
        let (client, mut connection) = config("postgres")?.connect(NoTls).await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let message =
                    std::future::poll_fn(|context| connection.poll_message(context)).await;
                match message {
                    Some(Ok(AsyncMessage::Notification(n))) => {
                        let event = serde_json::from_str(n.payload()).expect("an event");
                        if sender.send(event).is_err() {
                            return;
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                }
            }
        });
        client.batch_execute("listen realtime_sync").await?;
        Ok(Self {
            receiver,
            _client: client,
        })
    }

    /// None when the connection is gone.
    pub async fn next(&mut self) -> Option<Event> {
        self.receiver.recv().await
    }
}
