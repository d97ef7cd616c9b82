//! pg_dump and pg_restore of a database with sources: the options are what they were, events flow,
//! and ids go on growing.

use client::Server;
use client::postgres::Client;

const SOURCES: &str =
    "select relation::text, row_to_json(s)::text from realtime_sync.source s order by 1";

#[test]
fn a_restored_database_goes_on_where_it_was() {
    let server = Server::start();
    let mut client = server.create("app", "");
    client
        .batch_execute(
            r#"create table t (id int primary key, online bool, "Odd ""name" text);
               create table p (id int primary key, n int) partition by range (id);
               create table p1 partition of p for values from (0) to (10);
               create table p2 partition of p for values from (10) to (20);
               create unique index by_id on p2 (id);
               alter table p2 replica identity using index by_id;
               select count(*) from realtime_sync.enable('t', topics => array['{table}', 'o:{"Odd ""name"}', '{{x}}'],
                   filter => $$new.online and new."Odd ""name" <> 'it''s'$$, old_row => 'full',
                   status_columns => array['online'], event_name => 'é "quoted"', numbers => 'text');
               select count(*) from realtime_sync.enable('p', watch => array['n'], replica_mode => 'always',
                   operations => array['insert', 'update', 'delete'], replica_identity => 'full');
               alter table p1 rename to first;
               alter table p2 rename to second;
               alter index by_id rename to by_another_name;
               insert into t values (1, true, 'a'), (2, false, 'b');
               insert into p values (1, 1), (11, 1)"#,
        )
        .unwrap();
    let text = |client: &mut Client, query: &str| -> Vec<(String, String)> {
        client
            .query(query, &[])
            .unwrap()
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect()
    };
    let sources = text(&mut client, SOURCES);
    assert!(sources.len() >= 2, "{sources:?}");
    let last: i64 = client
        .query_one("select max(id) from realtime_sync.event", &[])
        .unwrap()
        .get(0);

    let dump = server.dir().join("dump");
    let run = |name: &str, arguments: &[&str]| {
        let output = server.program(name).args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let file = dump.to_str().unwrap();
    run("pg_dump", &["-Fc", "-f", file, "app"]);
    run("createdb", &["-T", "template0", "restored"]);
    run("pg_restore", &["--exit-on-error", "-d", "restored", file]);

    let mut restored = server.connect("restored");
    assert_eq!(text(&mut restored, SOURCES), sources);
    let count = |client: &mut Client| -> i64 {
        client
            .query_one("select count(*) from realtime_sync.event", &[])
            .unwrap()
            .get(0)
    };
    // Restoring the rows made no events: pg_restore writes the data before the triggers.
    assert_eq!(count(&mut restored), 0);
    restored
        .batch_execute(
            r#"update t set "Odd ""name" = 'c'; update t set online = false where id = 1;
               update p set n = 2; insert into p values (2, 0)"#,
        )
        .unwrap();
    client
        .batch_execute(
            r#"truncate realtime_sync.event; update t set "Odd ""name" = 'c'; update t set online = false where id = 1;
               update p set n = 2; insert into p values (2, 0)"#,
        )
        .unwrap();
    let same = "select type || ' ' || event || ' ' || coalesce(leaf, ''), concat_ws(' ', topics, key, new, old, changed, status) from realtime_sync.events order by id";
    let (here, there) = (text(&mut client, same), text(&mut restored, same));
    assert!(here.len() >= 5, "{here:?}");
    assert_eq!(here, there);
    let first: i64 = restored
        .query_one("select min(id) from realtime_sync.event", &[])
        .unwrap()
        .get(0);
    assert!(first > last, "ids start again: {first} after {last}");

    // Nothing is left behind by disable() there either, and the replica identities are as they were.
    restored
        .batch_execute("select realtime_sync.disable('t'), realtime_sync.disable('p')")
        .unwrap();
    let triggers: i64 = restored
        .query_one(
            "select count(*) from pg_trigger where not tgisinternal and tgrelid in ('t'::regclass, 'p'::regclass, 'first'::regclass, 'second'::regclass)",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(triggers, 0);
    let identities: Vec<String> = restored
        .query(
            "select concat_ws(' ', c.relname, c.relreplident, i.indexrelid::regclass)
             from pg_class c
             left join pg_index i on i.indrelid = c.oid and i.indisreplident
             where c.relname in ('p', 'first', 'second')
             order by 1",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(identities, ["first d", "p d", "second i by_another_name"]);
}
