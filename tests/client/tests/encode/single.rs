//! Single cases: what the comparison once found, what it cannot make, and encoding that fails.

use client::Server;
use client::postgres::Client;

fn app(options: &str) -> (Server, Client) {
    let server = Server::with(&[("realtime_sync.delivery", "manual")]);
    let client = server.create("app", options);
    (server, client)
}

fn capture(table: &str) -> String {
    let triggers = ["insert", "update", "delete"].map(|operation| {
        format!(
            r#"create trigger "00_realtime_sync_{operation}" after {operation} on {table}
                   for each row execute function realtime_sync.capture('{{"old_row":"full"}}');"#
        )
    });
    triggers.join("\n")
}

/// An empty int2vector has one dimension of no elements, an empty array none.
#[test]
fn an_empty_vector_is_an_empty_array() {
    let (_server, mut client) = app("");
    let sql = format!(
        "create table t (id int primary key, i int2vector, o oidvector[]); {}
         insert into t values (1, '', array['', '7']::oidvector[]);",
        capture("t")
    );
    client.batch_execute(&sql).unwrap();
    let row = client
        .query_one("select body->>'new' from realtime_sync.event", &[])
        .unwrap();
    assert_eq!(row.get::<_, String>(0), r#"{"id":1,"i":[],"o":[[],["7"]]}"#);
}

/// One value compressed in the old row and plain in the new one is the same value.
#[test]
fn compression_is_no_change() {
    let (_server, mut client) = app("");
    let sql = format!(
        "create table t (id int primary key, v text, pad text); {}
         alter table t alter pad set storage plain;
         insert into t values (1, repeat('value ', 100), repeat('p', 3000));
         update t set v = repeat('value ', 100), pad = '';",
        capture("t")
    );
    client.batch_execute(&sql).unwrap();
    let row = client
        .query_one(
            "select body->>'changed' from realtime_sync.event where body->>'type' = 'UPDATE'",
            &[],
        )
        .unwrap();
    assert_eq!(row.get::<_, String>(0), r#"["pad"]"#);
}

/// What is left out is the columns whose encoding runs foreign code; the write goes on.
#[test]
fn a_value_that_cannot_be_encoded_is_left_out() {
    let (_server, mut client) = app("");
    client
        .batch_execute(include_str!("broken.sql"))
        .expect("no write fails");
    let rows = client
        .query(
            "select (body->>'table') || ' ' || (body->>'type') || ' ' || (body->'key'->>'id') || ' ' || coalesce(body->>'new', '-')
                || ' ' || coalesce(body->>'old', '-') || ' ' || (body->>'partial') || ' ' || array_to_string(topics, ' ')
             from realtime_sync.event order by id",
            &[],
        )
        .unwrap();
    let got: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(got.join("\n"), include_str!("broken.out").trim_end());
}

/// Escapes in json that PostgreSQL keeps, but cannot turn into text of the database's encoding.
#[test]
fn json_escapes_stay_as_written() {
    let (_server, mut client) = app("template template0 encoding 'LATIN1' locale 'C'");
    let sql = format!(
        r#"create table t (id int primary key, j json, a json[]); {}
           insert into t values
               (1, '{{ "a\u0000" : "\u0000" }}', array['"\ud834\udd1e"', ' "\u20ac" ']::json[]),
               (2, ' "\ud834\udd1e"', null);"#,
        capture("t")
    );
    client.batch_execute(&sql).unwrap();
    let rows = client
        .query(
            "select strpos(body::text, ',\"new\":' || row_to_json(t) || ',\"old\":null,') > 0, body::text
             from t join realtime_sync.event on strpos(body::text, '\"key\":{\"id\":' || t.id || '}') > 0",
            &[],
        )
        .unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert!(row.get::<_, bool>(0), "{}", row.get::<_, String>(1));
    }
}
