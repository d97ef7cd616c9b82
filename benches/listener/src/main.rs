//! What listens in `make bench`: `listener count CHANNEL` counts what comes, `listener latency ...` writes as well and tells
//! how long after its acknowledgement each change came. benches/*.py start it and set PGHOST, PGUSER, PGDATABASE.

mod count;
mod latency;

use std::env;
use std::error::Error;
use std::time::Instant;

use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["count", channel] => run(count::count(channel)),
        ["latency", channel, table, connections, rate, seconds] => latency::measure(
            channel,
            table,
            connections.parse()?,
            rate.parse()?,
            seconds.parse()?,
        ),
        _ => Err(
            "usage: listener count CHANNEL, or latency CHANNEL TABLE CONNECTIONS RATE SECONDS"
                .into(),
        ),
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime of one thread")
        .block_on(future)
}

fn config() -> Fallible<Config> {
    let mut config = Config::new();
    config
        .host(env::var("PGHOST")?)
        .user(env::var("PGUSER")?)
        .dbname(env::var("PGDATABASE")?)
        .options(env::var("PGOPTIONS").unwrap_or_default())
        .application_name("listener");
    Ok(config)
}

async fn connect() -> Fallible<Client> {
    let (client, connection) = config()?.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Listens until the connection is closed; each payload goes to `each` with the moment it came in.
async fn follow(
    channel: &str,
    ready: impl FnOnce(),
    mut each: impl FnMut(&str, Instant),
) -> Fallible<()> {
    let (client, mut connection) = config()?.connect(NoTls).await?;
    let statement = format!("listen \"{channel}\"");
    // the statement's answer comes through the connection that is polled below
    let listening = tokio::spawn(async move {
        client.batch_execute(&statement).await?;
        Ok::<_, tokio_postgres::Error>(client)
    });
    let mut begun = Some(ready);
    let mut listening = Some(listening);
    let mut _client = None;
    loop {
        if listening.as_ref().is_some_and(|task| task.is_finished()) {
            _client = Some(listening.take().expect("checked above").await??);
            begun.take().expect("ready once")();
        }
        let message = tokio::select! {
            message = std::future::poll_fn(|context| connection.poll_message(context)) => message,
            () = tokio::time::sleep(std::time::Duration::from_millis(5)), if listening.is_some() => continue,
        };
        match message {
            Some(Ok(AsyncMessage::Notification(n))) => each(n.payload(), Instant::now()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => return Ok(()),
        }
    }
}

/// The number after the first `name` of a payload. Parsing it all would take the processor from what is measured.
fn number(payload: &str, name: &str) -> Option<u64> {
    let rest = &payload[payload.find(name)? + name.len()..];
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok()
}
