//! A live copy of a table: `follow-rust drivers`, or of the rows of one topic: `follow-rust trips driver:7 'driver_id = 7'`

mod follow;

use follow::{Application, Fallible, Follower};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::{env, error::Error, time::Duration};
use tokio::signal::unix::{SignalKind, signal};
use tokio_postgres::{Client, types::Type};

struct Copy {
    query: String,
    rows: HashMap<i64, Value>,
}

impl Application for Copy {
    async fn load(&mut self, client: &Client, cursor: &str) -> Fallible<()> {
        // As events write times.
        client.batch_execute("set local timezone = 'UTC'").await?;
        let rows = client.query_typed(&self.query, &[]).await?;
        let rows = rows.iter().map(|row| row.get::<_, Value>(0));
        self.rows = rows
            .filter_map(|row| Some((row["id"].as_i64()?, row)))
            .collect();
        println!("loaded {} at {cursor}", self.rows.len());
        Ok(())
    }

    async fn apply(&mut self, event: &Value, client: &Client) -> Fallible<()> {
        let kind = event["type"].as_str().unwrap_or("");
        let row = match (kind, event["key"]["id"].as_i64()) {
            // It was too large for the log: the row itself. First what can fail, then what cannot be done twice.
            ("INSERT" | "UPDATE", Some(id)) if event["partial"] == Value::Bool(true) => {
                let query = format!("{} and id = $1", self.query);
                let found = client.query_typed(&query, &[(&id, Type::INT8)]).await?;
                found.first().map(|row| row.get(0))
            }
            ("INSERT" | "UPDATE", _) => Some(event["new"].clone()),
            _ => None,
        };
        if kind == "TRUNCATE" {
            self.rows.clear();
        }
        for former in [&event["old"], &event["key"]] {
            former["id"].as_i64().and_then(|id| self.rows.remove(&id));
        }
        if let Some(row) = row {
            self.rows.insert(row["id"].as_i64().ok_or("no id")?, row);
        }
        let cursor = event["cursor"].as_str().unwrap_or("");
        println!("{cursor} {} {kind} {}", event["id"], event["key"]);
        Ok(())
    }

    fn lost(&mut self, error: &(dyn Error + Send + Sync)) {
        // What PostgreSQL said is the error's source.
        let error: &dyn Error = error.source().unwrap_or(error);
        println!("lost: {error}");
    }
}

fn setting(name: &str, otherwise: &str) -> String {
    env::var(name).unwrap_or_else(|_| otherwise.to_owned())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Fallible<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (table, topic, condition) = match arguments.as_slice() {
        [table] => (table, table, "true"),
        [table, topic, condition] => (table, topic, condition.as_str()),
        _ => {
            eprintln!("usage: follow-rust TABLE [TOPIC CONDITION]");
            std::process::exit(1);
        }
    };
    let mut follower = Follower {
        application: Copy {
            query: format!("select row_to_json(t) from {table} t where {condition}"),
            rows: HashMap::new(),
        },
        database: setting("DATABASE_URL", "postgresql://localhost"),
        topics: Some(vec![topic.clone()]),
        listen: setting("LISTEN", "listen realtime_sync"),
        poll: Duration::from_secs_f64(setting("POLL", "5").parse()?),
        pause: Duration::from_millis(10),
        limit: Duration::from_secs_f64(setting("LIMIT", "15").parse()?),
        cursor: setting("CURSOR", ""),
        applied: BTreeSet::new(),
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = follower.run() => {}
    }
    println!("copy:");
    for row in follower.application.rows.values() {
        println!("{row}");
    }
    Ok(())
}
