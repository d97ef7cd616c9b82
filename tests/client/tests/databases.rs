//! Databases that come and go leave no trace in shared memory, which has room for 30 of them.

use client::Server;

#[test]
fn a_dropped_database_gives_its_shared_memory_up() {
    let server = Server::with(&[("realtime_sync.delivery", "manual")]);
    let mut admin = server.connect("postgres");
    for n in 0..40 {
        let name = format!("passing_{n}");
        let mut client = server.create(&name, "");
        let (own, written): (bool, i64) = {
            let row = client
                .query_one(
                    "select own_memory, (select value from realtime_sync.counters() where name = 'written')
                     from realtime_sync.relay_state()",
                    &[],
                )
                .unwrap();
            (row.get(0), row.get(1))
        };
        assert!(own, "database {n} has no shared memory of its own");
        assert_eq!(written, 0, "database {n} counts another's events");
        client
            .batch_execute(
                "create table t (id int primary key);
                 select count(*) from realtime_sync.enable('t');
                 insert into t values (1)",
            )
            .unwrap();
        drop(client);
        admin
            .batch_execute(&format!("drop database {name} with (force)"))
            .unwrap();
    }
}
