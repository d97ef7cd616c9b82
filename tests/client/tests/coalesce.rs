//! Coalesced sources against an oracle: random changes in transactions with savepoints; the feed replayed
//! onto a copy ends as the table, and has a row at most once a transaction.
//!
//! `SEED` repeats a run; `ROUNDS` says how many transactions (default 300).

use client::Server;
use client::postgres::Client;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

struct Random(u64);

impl Random {
    /// One of so many: xorshift, whose period is long enough and whose source is one line.
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
    )
}

fn change(random: &mut Random) -> String {
    let id = random.below(6);
    let value = random.below(3);
    match random.below(10) {
        0..3 => format!(
            "insert into row values ({id}, {value}, 'n{value}', {value}) on conflict (id) do update set a = {value}"
        ),
        3..5 => format!("update row set a = {value} where id = {id}"),
        5 => format!("update row set name = 'x{value}', a = a where id = {id}"),
        6 => format!("update row set room = nullif({value}, 0) where id = {id}"),
        7 => format!("update row set room = {value} where id < {id}"),
        8 => format!("delete from row where id = {id}"),
        _ => format!(
            "delete from row where id = {id}; insert into row values ({id}, 9, 'again', {value})"
        ),
    }
}

fn transaction(random: &mut Random) -> Vec<String> {
    let mut statements = vec!["begin".to_owned()];
    let mut open: Vec<u64> = Vec::new();
    for step in 0..1 + random.below(14) {
        match random.below(8) {
            0 => {
                statements.push(format!("savepoint s{step}"));
                open.push(step);
            }
            1 if !open.is_empty() => {
                let n = random.below(open.len() as u64) as usize;
                statements.push(format!("rollback to s{}", open[n]));
                open.truncate(n + 1);
            }
            2 if !open.is_empty() => {
                let n = random.below(open.len() as u64) as usize;
                statements.push(format!("release s{}", open[n]));
                open.truncate(n);
            }
            // Over the bound: what is between first and last goes, and in a savepoint all goes to a file.
            3 if random.below(20) == 0 => statements.push(
                "do 'begin for i in 1..50 loop update bulk set n = n + 1; end loop; end'"
                    .to_owned(),
            ),
            _ => statements.push(change(random)),
        }
    }
    let end = if random.below(8) == 0 {
        "rollback"
    } else {
        "commit"
    };
    statements.push(end.to_owned());
    statements
}

type Rows = BTreeMap<(String, String), Value>;

fn table(client: &mut Client, name: &str) -> Rows {
    let query = format!("select id::text, to_jsonb(t)::text from {name} t");
    let rows = client.query(&query, &[]).unwrap();
    rows.iter()
        .map(|row| {
            let value = serde_json::from_str(row.get(1)).unwrap();
            ((name.to_owned(), row.get(0)), value)
        })
        .collect()
}

#[test]
fn the_coalesced_feed_gives_the_table() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = number("SEED").unwrap_or_else(|| now.unwrap().as_nanos() as u64 | 1);
    println!("seed {seed} (repeat with SEED={seed})");
    let rounds = number("ROUNDS").unwrap_or(300);
    let mut random = Random(seed.max(1));
    let server = Server::with(&[("realtime_sync.delivery", "manual")]);
    let mut client = server.create("app", "");
    client
        .batch_execute(
            "create table row (id int primary key, a int, name text, room int);
             create table bulk (id int primary key, n int, filler text);
             insert into bulk select g, 0, repeat('x', 1000) from generate_series(1, 200) g;
             select realtime_sync.enable('row', coalesced => true, topics => array['row:{id}', 'room:{room}', 'rows']);
             select realtime_sync.enable('bulk', coalesced => true);",
        )
        .unwrap();
    let mut copy = table(&mut client, "bulk");
    for round in 0..rounds {
        let statements = transaction(&mut random);
        for statement in &statements {
            client.batch_execute(statement).unwrap();
        }
        let told = || {
            format!(
                "seed {seed}, transaction {round}: {}",
                statements.join("; ")
            )
        };
        let events = client
            .query(
                "select native::text from realtime_sync.events order by id",
                &[],
            )
            .unwrap();
        let before = copy.clone();
        let mut seen = BTreeSet::new();
        for event in events {
            let event: Value = serde_json::from_str(event.get(0)).unwrap();
            let id = event["key"]["id"].to_string();
            let row = (event["table"].as_str().unwrap().to_owned(), id);
            let kind = event["type"].as_str().unwrap();
            if kind == "LEAVE" {
                let room = |row: &Value| match &row["room"] {
                    Value::Null => None,
                    room => Some(format!("room:{room}")),
                };
                let was = before.get(&row).and_then(room);
                assert_eq!(event["topics"][0].as_str(), was.as_deref(), "{}", told());
                continue;
            }
            assert!(seen.insert(row.clone()), "{row:?} twice\n{}", told());
            let old = before.get(&row);
            assert_eq!(
                old.is_none(),
                kind == "INSERT",
                "{row:?} {kind}\n{}",
                told()
            );
            if let (Some(old), "UPDATE") = (old, kind) {
                let new = event["new"].as_object().unwrap();
                let changed: Vec<&String> =
                    new.keys().filter(|name| new[*name] != old[*name]).collect();
                let said: BTreeSet<&str> = event["changed"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(Value::as_str)
                    .collect();
                assert_eq!(
                    said,
                    changed.iter().map(|name| name.as_str()).collect(),
                    "{}",
                    told()
                );
                for name in changed {
                    assert_eq!(event["old"][name], old[name], "old {name}\n{}", told());
                }
            }
            match kind {
                "DELETE" => copy.remove(&row),
                _ => copy.insert(row, event["new"].clone()),
            };
        }
        let mut expected = table(&mut client, "row");
        expected.extend(table(&mut client, "bulk"));
        assert!(copy == expected, "the copy differs\n{}", told());
        client
            .batch_execute("truncate realtime_sync.event")
            .unwrap();
    }
}
