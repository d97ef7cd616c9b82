//! The encoder against PostgreSQL: random rows of every type, written under random settings, are byte
//! for byte what row_to_json gives in another session under the fixed ones.
//!
//! `SEED` repeats a run; `ROWS` is the number of rows in all (at least 100,000 by default).

mod random;
mod single;
mod table;
mod types;

use client::Server;
use client::postgres::Client;
use client::postgres::error::SqlState;
use random::Random;
use table::{Numbers, Table};
use types::{EXTENSIONS, TYPES, Type};

/// The databases' encodings and what share of the rows each gets, of 10.
const DATABASES: [(&str, u64); 3] = [("UTF8", 6), ("LATIN1", 2), ("SQL_ASCII", 2)];

const FIXED: &str = "set TimeZone = 'UTC'; set DateStyle = 'ISO, MDY'; set IntervalStyle = postgres; set bytea_output = hex;
    set extra_float_digits = 1; set search_path = pg_catalog; set lc_monetary = 'C'; set quote_all_identifiers = off;";

#[test]
fn every_type_is_spelled_as_row_to_json_spells_it() {
    let seed = number("SEED").unwrap_or_else(random::seed);
    let rows = number("ROWS").unwrap_or(100_000);
    println!("seed {seed} (repeat with SEED={seed})");
    let server = Server::with(&[
        ("realtime_sync.delivery", "manual"),
        ("realtime_sync.max_event_size", "16MB"),
        ("autovacuum", "off"),
        // A locale the system has not is refused, which is no news.
        ("log_min_messages", "fatal"),
        ("shared_buffers", "256MB"),
        ("max_wal_size", "8GB"),
    ]);
    // Two at a time, the larger database on its own: what two cores can do.
    let reports = std::thread::scope(|scope| {
        let server = &server;
        let (large, small) = DATABASES.split_at(1);
        let threads = [large, small].map(|databases| {
            scope.spawn(move || {
                databases
                    .iter()
                    .map(|&(encoding, share)| compare(server, encoding, rows * share / 10, seed))
                    .collect::<Vec<_>>()
            })
        });
        threads.map(|thread| thread.join().expect("a database was compared"))
    });
    let mut total = 0;
    let mut problems = Vec::new();
    for report in reports.into_iter().flatten() {
        println!("{}: {}", report.encoding, report.lines.join(", "));
        total += report.rows;
        problems.extend(report.problems);
    }
    println!("{total} rows compared");
    assert!(problems.is_empty(), "seed {seed}\n{}", problems.join("\n"));
    assert!(
        total >= rows,
        "{total} rows were compared, {rows} were to be"
    );
}

struct Report {
    encoding: &'static str,
    rows: u64,
    /// Rows by type.
    lines: Vec<String>,
    problems: Vec<String>,
}

fn compare(server: &Server, encoding: &'static str, rows: u64, seed: u64) -> Report {
    let mut random = Random::new(seed ^ encoding.len() as u64);
    let name = encoding.to_lowercase();
    let options = format!("template template0 encoding '{encoding}' locale 'C'");
    let mut maker = server.create(&name, &options);
    prepare(&mut maker, &mut random);
    let mut writer = server.connect(&name);
    let mut reader = server.connect(&name);
    reader.batch_execute(FIXED).expect("the fixed settings");

    let mut types: Vec<(&Type, Numbers)> = TYPES.iter().map(|t| (t, Numbers::Json)).collect();
    if let Err(error) = maker.batch_execute("select xmlparse(content 'x')") {
        assert_eq!(error.code(), Some(&SqlState::FEATURE_NOT_SUPPORTED));
        println!("{encoding} xml: not compared, this PostgreSQL has no libxml");
        types.retain(|(t, _)| t.name != "xml");
    }
    for (extension, extension_type) in EXTENSIONS {
        let sql = format!("create extension if not exists {extension} with schema public");
        match maker.batch_execute(&sql) {
            Ok(()) => types.push((extension_type, Numbers::Json)),
            Err(_) => println!(
                "{encoding} {}: not compared, {extension} is not installed",
                extension_type.name
            ),
        }
    }
    for name in ["int8", "numeric", "numeric_scaled", "huge_numeric"] {
        let found = TYPES.iter().find(|t| t.name == name);
        types.push((found.expect("a type of that name"), Numbers::Text));
    }
    // Huge values take a tenth of the rows others do.
    let huge = types.iter().filter(|(t, _)| t.is_huge()).count() as u64;
    let each = rows / (types.len() as u64 - huge) + 1;
    let mut report = Report {
        encoding,
        rows: 0,
        lines: Vec::new(),
        problems: Vec::new(),
    };
    for &(one, numbers) in &types {
        let each = if one.is_huge() { each / 10 + 8 } else { each };
        let table = Table::new(one, numbers, each);
        let result = table.compare(&mut maker, &mut writer, &mut reader, &mut random);
        let name = table.name();
        report.lines.push(format!("{name} {each}"));
        report.rows += each;
        let problems = result.unwrap_or_else(|error| {
            let _ = reader.batch_execute("truncate realtime_sync.event");
            vec![error]
        });
        report.problems.extend(
            problems
                .into_iter()
                .map(|problem| format!("{encoding} {name}: {problem}")),
        );
    }
    report
}

fn prepare(maker: &mut Client, random: &mut Random) {
    maker
        .batch_execute(include_str!("encode/generators.sql"))
        .expect("the generators");
    maker.batch_execute(FIXED).expect("the fixed settings");
    maker
        .batch_execute(&format!(
            "select setseed({}); select gen.fill()",
            random.unit()
        ))
        .expect("the pool");
    let f4: Vec<f32> = (0..2000)
        .map(|_| f32::from_bits(random.next() as u32))
        .collect();
    let f8: Vec<f64> = (0..2000).map(|_| f64::from_bits(random.next())).collect();
    maker
        .execute(
            "insert into gen.bits select (row_number() over ())::int - 1, a, b from unnest($1::float4[], $2::float8[]) as x (a, b)",
            &[&f4, &f8],
        )
        .expect("random bit patterns");
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
    )
}
