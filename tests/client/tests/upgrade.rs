//! ALTER EXTENSION UPDATE and a new library, while writers write, a listener listens and a reader
//! replays: nobody sees an error, nothing is lost or comes twice.

use client::Server;
use client::event::committed;
use client::load::{DISAGREEING, TABLES};
use client::postgres::{Client, Config, NoTls};
use client::process::{relay_pid, wait_for};
use client::random::Random;
use client::reader::{BEGINNING, Reader, Seen, replay_all};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const END: &str = "select realtime_sync.send('end', 'end', '{\"id\":0,\"version\":1}')";

/// What an update has to do that alters the log: the log's tables are locked by writers, readers and the
/// relay in more than one order, so whoever wants them all waits for none of them for as long as PostgreSQL
/// would take for a deadlock, and begins again.
const LOCKED: &str = "
do $$
declare
    gate text := current_setting('lock_timeout');
begin
    perform set_config('lock_timeout', '50ms', true);
    for try in 1..1000 loop
        begin
            lock table realtime_sync.tick, realtime_sync.progress, realtime_sync.event in access exclusive mode;
            perform set_config('lock_timeout', gate, true);
            return;
        exception
            when lock_not_available then
                perform pg_sleep(0.01);
        end;
    end loop;
    raise 'the log is busy';
end
$$;
";

/// The relay's own kept plans write these, so a default says which plan wrote.
const ALTERED: &str = "
alter table realtime_sync.event add column note text;
alter table realtime_sync.tick add column note text;
alter table realtime_sync.tick alter column note set default 'new';
alter table realtime_sync.progress add column note text;
alter table realtime_sync.progress alter column note set default 'new';
alter table realtime_sync.sink_definition add column note text;
create function realtime_sync.version() returns text language sql as 'select ''0.1.1''';
";

/// Writes the extension's next version: all its functions and views again, as an update does that mends
/// some, and what `more` does.
fn next_version(server: &Server, more: &str) {
    let scripts = server.scripts();
    let installed = fs::read_to_string(scripts.join("realtime_sync--0.1.0.sql")).unwrap();
    let mut update = String::new();
    let (mut inside, mut quote) = (false, None);
    let mut statements = 0;
    for line in installed.lines() {
        let begins = !inside
            && (line.starts_with("create function realtime_sync.")
                || line.starts_with("create view realtime_sync."));
        if begins {
            inside = true;
            statements += 1;
            update.push_str("create or replace ");
            update.push_str(line.strip_prefix("create ").unwrap());
        } else if inside {
            update.push_str(line);
        }
        if inside {
            update.push('\n');
            match line {
                "begin atomic" => quote = Some(line),
                "end;" if quote == Some("begin atomic") => quote = None,
                _ => {}
            }
            for tag in dollar_tags(line) {
                match quote {
                    None => quote = Some(tag),
                    Some(open) if open == tag => quote = None,
                    Some(_) => {}
                }
            }
            inside = quote.is_some() || !line.ends_with(';');
        }
    }
    assert!(statements > 50, "{statements} statements to run again");
    update.push_str(more);
    fs::write(scripts.join("realtime_sync--0.1.0--0.1.1.sql"), update).unwrap();
    let control = scripts.join("realtime_sync.control");
    let text = fs::read_to_string(&control).unwrap();
    assert!(text.contains("'0.1.0'"), "{text}");
    fs::write(control, text.replace("'0.1.0'", "'0.1.1'")).unwrap();
}

/// The beginnings and ends of dollar-quoted texts in a line.
fn dollar_tags(line: &str) -> Vec<&str> {
    let mut tags: Vec<&str> = line.split('$').collect();
    tags.pop();
    let between = tags.into_iter().skip(1);
    between
        .filter(|tag| tag.bytes().all(|octet| octet.is_ascii_lowercase()))
        .collect()
}

/// Writers that expect no error at all, each with hot rows of its own.
struct Writers {
    stop: Arc<AtomicBool>,
    transactions: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Duration>>,
}

static MESSAGE: AtomicU64 = AtomicU64::new(1);

impl Writers {
    /// `sessions` transactions and a new connection, 0 for one connection throughout.
    fn start(config: &Config, random: &mut Random, n: usize, sessions: u64) -> Writers {
        let (stop, transactions) = <(Arc<AtomicBool>, Arc<AtomicU64>)>::default();
        let threads = (1..=n)
            .map(|row| {
                let (config, mut random) = (config.clone(), random.fork());
                let (stop, transactions) = (stop.clone(), transactions.clone());
                std::thread::spawn(move || {
                    let mut client = config.connect(NoTls).unwrap();
                    let (mut done, mut longest) = (0, Duration::ZERO);
                    while !stop.load(Relaxed) {
                        if sessions > 0 && done % sessions == sessions - 1 {
                            client = config.connect(NoTls).unwrap();
                        }
                        let began = Instant::now();
                        let statement = transaction(row, &mut random);
                        if let Err(error) = client.batch_execute(&statement) {
                            panic!("a writer saw: {error:?} in {statement}");
                        }
                        longest = longest.max(began.elapsed());
                        done += 1;
                        transactions.fetch_add(1, Relaxed);
                    }
                    longest
                })
            })
            .collect();
        Writers {
            stop,
            transactions,
            threads,
        }
    }

    fn work_on(&self, transactions: u64) {
        let aim = self.transactions.load(Relaxed) + transactions;
        wait_for("the writers to write", || {
            (self.transactions.load(Relaxed) >= aim).then_some(())
        });
    }

    fn finish(self) {
        self.stop.store(true, Relaxed);
        let longest = self
            .threads
            .into_iter()
            .map(|thread| thread.join().expect("a writer"));
        let longest = longest.max().unwrap_or_default();
        println!(
            "{} transactions, the longest took {} ms",
            self.transactions.load(Relaxed),
            longest.as_millis()
        );
    }
}

fn transaction(row: usize, random: &mut Random) -> String {
    let hot = format!(
        "update hot set version = version + 1 where id in ({row}, {})",
        row + 10
    );
    let cold = "insert into cold (version) select 1 from generate_series(1, 3)";
    let id = MESSAGE.fetch_add(1, Relaxed);
    let message = format!(
        "select realtime_sync.send('room', 'said', '{{\"id\":{id},\"version\":1}}');
         insert into history (source, kind, id, version) values ('room', 'MESSAGE', {id}, 1)"
    );
    match random.below(6) {
        // Both orders of a segment's lock and the log's.
        0 => format!("begin; {hot}; {message}; commit"),
        1 => format!("begin; {message}; {hot}; commit"),
        2 => format!("begin; {hot}; savepoint a; {cold}; rollback to a; {hot}; commit"),
        3 => format!("begin; {hot}; select realtime_sync.flush(); {cold}; commit"),
        4 => format!("begin; {hot}; {cold}; rollback"),
        _ => hot,
    }
}

struct Watched {
    live: Reader,
    follower: Reader,
}

fn watch(config: &Config, random: &mut Random) -> Watched {
    Watched {
        live: Reader::listen(config),
        follower: Reader::follow(config, random.fork(), BEGINNING),
    }
}

/// All that was committed came to both, once and in order.
fn check(client: &mut Client, watched: Watched) {
    client.batch_execute(END).unwrap();
    let (live, follower) = (watched.live.join(), watched.follower.join());
    let row = client.query_one(DISAGREEING, &[]).unwrap();
    let (n, first): (i64, Option<&str>) = (row.get(0), row.get(1));
    assert_eq!(n, 0, "log and history disagree, first {first:?}");
    let events = committed(client);
    live.check("listener", &events, true);
    assert_eq!(live.sessions, 1, "the listener lost its connection");
    follower.check("reader that comes and goes", &events, true);
    let mut seen = Seen::at(BEGINNING);
    replay_all(client, &mut seen, || 5_000).unwrap();
    seen.check("replay of everything", &events, true);
}

fn dropped(client: &mut Client) -> i64 {
    let query = "select value::int8 from realtime_sync.stats where name = 'dropped'";
    client.query_one(query, &[]).unwrap().get(0)
}

#[test]
fn an_update_under_load_loses_and_repeats_nothing() {
    let mut random = Random::seeded();
    let server = Server::with_installation(&[("max_connections", "100")]);
    next_version(&server, &format!("{LOCKED}{ALTERED}"));
    let app = server.config("app");
    server
        .connect("postgres")
        .batch_execute("create database app")
        .unwrap();
    let mut client = server.connect("app");
    client
        .batch_execute("create extension realtime_sync version '0.1.0'")
        .unwrap();
    client
        .batch_execute(
            "create table box (n bigint generated always as identity, event_id bigint);
             select realtime_sync.add_sink('box', target => 'table:box')",
        )
        .unwrap();
    let watched = watch(&app, &mut random);
    client.batch_execute(TABLES).unwrap();
    let writers = Writers::start(&app, &mut random, 8, 0);
    writers.work_on(500);
    let relay = wait_for("a relay", || relay_pid(&mut client, "app"));
    let began = Instant::now();
    client
        .batch_execute("alter extension realtime_sync update")
        .unwrap();
    println!("the update took {} ms", began.elapsed().as_millis());
    writers.work_on(500);
    writers.finish();
    check(&mut client, watched);
    let row = client
        .query_one("select extversion, realtime_sync.version() from pg_extension where extname = 'realtime_sync'", &[])
        .unwrap();
    assert_eq!((row.get(0), row.get(1)), ("0.1.1", "0.1.1"));
    // The same process, with the new objects: what it wrote since has the new columns' defaults.
    assert_eq!(relay_pid(&mut client, "app"), Some(relay));
    // A tick that is sent in several batches has a row of progress for each.
    for (table, place, sink) in [
        ("tick", "array[position]", ""),
        ("progress", "array[position, id]", "and sink = 1"),
    ] {
        let query = format!(
            "select count(*) filter (where note is null), count(*) filter (where note = 'new'),
                max({place}) filter (where note is null) < min({place}) filter (where note = 'new')
             from realtime_sync.{table} where position > 0 {sink}"
        );
        let row = client.query_one(&query, &[]).unwrap();
        let (old, new): (i64, i64) = (row.get(0), row.get(1));
        println!("{table}: {old} rows of before, {new} of after");
        assert!(old > 0 && new > 0 && row.get(2), "{table}");
    }
    wait_for("the table sink", || {
        let query = "
            select count(*) = count(distinct event_id) and count(*) = (select count(*) from realtime_sync.event)
            from box";
        client
            .query_one(query, &[])
            .unwrap()
            .get::<_, bool>(0)
            .then_some(())
    });
    assert_eq!(dropped(&mut client), 0);
}

/// Another library of the same layout in shared memory: its backends and those of before work together.
#[test]
fn a_new_library_under_load_loses_and_repeats_nothing() {
    swap(|_| {});
}

/// One whose layout is another: old and new backends do not see each other's memory, nor do their relays.
#[test]
fn a_new_library_with_another_layout_loses_and_repeats_nothing() {
    swap(|library| {
        let name = b"realtime_sync layout ";
        let places: Vec<usize> = library
            .windows(name.len() + 2)
            .enumerate()
            .filter(|(_, found)| {
                found.starts_with(name)
                    && found[name.len()].is_ascii_digit()
                    && found[name.len() + 1] == 0
            })
            .map(|(place, _)| place)
            .collect();
        let [place] = places[..] else {
            panic!("the layout's name is at {places:?}")
        };
        library[place + name.len()] = b'~';
    });
}

fn swap(change: impl FnOnce(&mut Vec<u8>)) {
    let mut random = Random::seeded();
    let server =
        Server::with_installation(&[("max_connections", "100"), ("log_min_messages", "log")]);
    let mut client = server.create("app", "");
    let app = server.config("app");
    let watched = watch(&app, &mut random);
    client.batch_execute(TABLES).unwrap();
    let old = Writers::start(&app, &mut random, 4, 0);
    old.work_on(200);
    server.replace_library(change);
    // These load the new one, the others keep theirs.
    let mut rows = random.fork();
    let new = Writers::start(&app, &mut rows, 4, 20);
    old.work_on(500);
    new.work_on(500);
    let ended = client
        .execute("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'realtime_sync relay'", &[])
        .unwrap();
    println!("{ended} relays were ended");
    old.work_on(300);
    new.work_on(300);
    old.finish();
    new.work_on(300);
    new.finish();
    check(&mut client, watched);
}

#[test]
fn an_older_library_never_writes_a_layout_it_does_not_know() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client.batch_execute(TABLES).unwrap();
    let written = |client: &mut Client| -> i64 {
        let row = client.query_one("select count(*) from realtime_sync.event", &[]);
        row.unwrap().get(0)
    };
    client
        .batch_execute("update hot set version = version + 1 where id = 1")
        .unwrap();
    let before = written(&mut client);
    // What it does not know and may leave null, it leaves null.
    client
        .batch_execute("alter table realtime_sync.event add column note text")
        .unwrap();
    client
        .batch_execute("update hot set version = version + 1 where id = 1")
        .unwrap();
    assert_eq!(
        (written(&mut client), dropped(&mut client)),
        (before + 1, 0)
    );
    // What it would have to fill it does not touch. The write goes on.
    client
        .batch_execute(
            "alter table realtime_sync.event add column shard integer not null default 0",
        )
        .unwrap();
    client
        .batch_execute("update hot set version = version + 1 where id = 1")
        .unwrap();
    client
        .batch_execute("update hot set version = version + 1 where id in (1, 2)")
        .unwrap();
    let version: i64 = client
        .query_one("select version from hot where id = 1", &[])
        .unwrap()
        .get(0);
    assert_eq!(version, 4);
    assert_eq!(
        (written(&mut client), dropped(&mut client)),
        (before + 1, 3)
    );
    let problem: String = client
        .query_one("select level || ': ' || problem || ' ' || fix from realtime_sync.health() where subject = 'stats'", &[])
        .unwrap()
        .get(0);
    assert!(
        problem.starts_with("error: 3 since") && problem.contains("update"),
        "{problem}"
    );
    client
        .batch_execute("alter table realtime_sync.event drop column shard")
        .unwrap();
    client
        .batch_execute("update hot set version = version + 1 where id = 1")
        .unwrap();
    assert_eq!(
        (written(&mut client), dropped(&mut client)),
        (before + 2, 3)
    );
}
