//! Counts what comes. Each line on standard input asks for the count; the end of it ends the listener.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, BufReader, stdin};

use crate::{Fallible, follow, number};

#[derive(Default)]
struct Count {
    received: u64,
    bytes: u64,
    /// ids of realtime_sync's events: none may come twice
    ids: HashSet<u64>,
    twice: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Count {
    fn take(&mut self, payload: &str, at: Instant) {
        if let Some(id) = payload
            .starts_with("{\"v\":1,")
            .then(|| number(payload, "\"id\":"))
            .flatten()
            && !self.ids.insert(id)
        {
            self.twice += 1;
            return;
        }
        self.received += 1;
        self.bytes += payload.len() as u64;
        self.first.get_or_insert(at);
        self.last = Some(at);
    }

    /// received, twice, bytes, seconds from the first to the last
    fn tell(&self) {
        let seconds = self
            .first
            .zip(self.last)
            .map_or(0.0, |(first, last)| (last - first).as_secs_f64());
        println!(
            "{} {} {} {seconds:.6}",
            self.received, self.twice, self.bytes
        );
    }
}

pub async fn count(channel: &str) -> Fallible<()> {
    let count = RefCell::new(Count::default());
    let asked = async {
        let mut lines = BufReader::new(stdin()).lines();
        while lines.next_line().await?.is_some() {
            count.borrow().tell();
        }
        Ok(())
    };
    tokio::select! {
        ended = asked => ended,
        ended = follow(channel, || println!("ready"), |payload, at| count.borrow_mut().take(payload, at)) => ended,
    }
}
