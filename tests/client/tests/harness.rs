//! The throwaway server itself.

use client::Server;

#[test]
fn a_crashed_server_starts_again() {
    let mut server = Server::with(&[("realtime_sync.delivery", "manual")]);
    let mut client = server.create("app", "");
    client
        .batch_execute(
            r#"create table t (id int primary key);
               create trigger "00_realtime_sync_insert" after insert on t
                   for each row execute function realtime_sync.capture('{}');
               insert into t values (1);"#,
        )
        .unwrap();
    drop(client);
    server.kill();
    server.start_postmaster();
    let mut client = server.connect("app");
    let row = client
        .query_one("select count(*) from realtime_sync.event", &[])
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
}
