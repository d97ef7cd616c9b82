//! The listener: a connection of its own that hands over each notification with the moment it came in.

use std::time::{Instant, SystemTime};

use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use crate::Fallible;
use crate::event::Event;

pub struct Received {
    pub event: Event,
    pub at: Instant,
    pub clock: SystemTime,
}

pub struct Feed {
    receiver: mpsc::UnboundedReceiver<Fallible<(String, Instant, SystemTime)>>,
    _client: Client,
}

impl Feed {
    pub async fn listen(config: &Config) -> Fallible<Self> {
        let (client, mut connection) = config.connect(NoTls).await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let message =
                    std::future::poll_fn(|context| connection.poll_message(context)).await;
                let sent = match message {
                    Some(Ok(AsyncMessage::Notification(n))) => sender.send(Ok((
                        n.payload().to_owned(),
                        Instant::now(),
                        SystemTime::now(),
                    ))),
                    Some(Ok(_)) => Ok(()),
                    Some(Err(error)) => sender.send(Err(error.into())),
                    None => return,
                };
                if sent.is_err() {
                    return;
                }
            }
        });
        client.batch_execute("listen realtime_sync").await?;
        Ok(Self {
            receiver,
            _client: client,
        })
    }

    pub async fn next(&mut self) -> Fallible<Received> {
        let (payload, at, clock) = self
            .receiver
            .recv()
            .await
            .ok_or("the listening connection was closed")??;
        let event = Event::parse(&payload)
            .ok_or_else(|| format!("not an event of the native dialect: {payload}"))?;
        Ok(Received { event, at, clock })
    }
}
