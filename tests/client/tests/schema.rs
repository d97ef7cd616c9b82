//! docs/event.schema.json against events of every kind, as the log has them and as a listener gets
//! them.

use client::Server;
use client::postgres::fallible_iterator::FallibleIterator;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

const CHANGES: &str = r#"
create table plain (id int primary key, n int8, t text, at timestamptz, online bool);
select realtime_sync.enable('plain', status_columns => array['online'], old_row => 'full', numbers => 'text');
insert into plain values (1, 1, 'a "b" \ é', 'infinity', false), (2, null, null, '2020-01-01 BC', null);
update plain set n = 2 where id = 1;
update plain set online = true where id = 1;
update plain set n = n;
delete from plain where id = 2;
truncate plain;
create table moved (id int primary key, room int, t text);
select realtime_sync.enable('moved', topics => array['room:{room}'], filter => 'new.t is not null');
insert into moved values (1, 1, 'x');
update moved set room = 2;
update moved set t = null;
create table parted (id int primary key, t text) partition by range (id);
create table parted_1 partition of parted for values from (1) to (10);
create table parted_2 partition of parted for values from (10) to (20);
select realtime_sync.enable('parted');
insert into parted values (1, 'x');
update parted set t = 'y';
update parted set id = 11;
delete from parted;
truncate parted;
create table large (id int primary key, t text);
select realtime_sync.enable('large');
insert into large values (1, repeat('x', 9000)), (2, repeat('x', 100000));
select realtime_sync.send('room:1', 'hello', '{"any": [1, "json"]}');
select realtime_sync.send('room:1', 'nothing', 'null');
select realtime_sync.send('room:1', 'long', to_json(repeat('x', 9000)));
"#;

#[test]
fn events_of_every_kind_are_what_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../../../docs/event.schema.json"))
        .expect("the schema is JSON");
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("the schema is one");
    let server = Server::start();
    let mut client = server.create("app", "");
    let mut listener = server.connect("app");
    listener.batch_execute("listen realtime_sync").unwrap();
    client.batch_execute(CHANGES).unwrap();

    let logged = client
        .query(
            "select native::text from realtime_sync.events order by id",
            &[],
        )
        .unwrap();
    let logged: Vec<String> = logged.iter().map(|row| row.get(0)).collect();
    let mut heard = Vec::new();
    let mut notifications = listener.notifications();
    let mut waiting = notifications.timeout_iter(Duration::from_secs(2));
    while let Some(notification) = waiting.next().unwrap() {
        heard.push(notification.payload().to_string());
        if heard.len() == logged.len() {
            break;
        }
    }
    assert_eq!(heard.len(), logged.len(), "every event is heard");

    let mut kinds = BTreeSet::new();
    let mut references = 0;
    for text in logged.iter().chain(&heard) {
        let event: Value = serde_json::from_str(text).expect("an event is JSON");
        let problems: Vec<_> = validator
            .iter_errors(&event)
            .map(|e| e.to_string())
            .collect();
        assert!(problems.is_empty(), "{text}\n{}", problems.join("\n"));
        kinds.insert(event["type"].as_str().expect("a type").to_string());
        references += usize::from(event.get("v").is_none());
    }
    let all = ["DELETE", "INSERT", "LEAVE", "MESSAGE", "TRUNCATE", "UPDATE"];
    assert!(kinds.iter().eq(all), "{kinds:?}");
    assert_eq!(references, 2, "the long row and the long message");
}
