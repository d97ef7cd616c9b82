//! Partitions kept on another server are captured where they are written through; a row that moves to one
//! is deleted here and inserted there, since nothing in the foreign row tells that the two are one change.

use client::Server;

#[test]
fn a_row_that_moves_to_a_foreign_partition_is_deleted_and_inserted() {
    let server = Server::with(&[("realtime_sync.delivery", "manual")]);
    let mut client = server.create("app", "");
    // The PostgreSQL 18 of the tests is built without it.
    let lacks = "select current_setting('server_version_num')::int >= 180000
        and not exists (select from pg_available_extensions where name = 'postgres_fdw')";
    if client.query_one(lacks, &[]).unwrap().get(0) {
        println!("skipped: this PostgreSQL has no postgres_fdw");
        return;
    }
    client
        .batch_execute(&format!(
            "create extension postgres_fdw;
             create server itself foreign data wrapper postgres_fdw
                 options (host '{}', port '5432', dbname 'app');
             create user mapping for postgres server itself options (user 'postgres');
             create table away (id int, part int);
             create table t (id int, part int) partition by list (part);
             create table here partition of t for values in (1);
             create foreign table there partition of t for values in (2)
                 server itself options (table_name 'away');
             select count(*) from realtime_sync.enable('t', key_columns => array['id'])",
            server.dir().display()
        ))
        .unwrap();
    for work in [
        "insert into t values (1, 1), (2, 1), (3, 2)",
        "update t set part = 2 where part = 1 and id = 1",
        "begin; insert into t values (4, 1); update t set part = 2 where part = 1 and id = 2; commit",
        "delete from t where id = 3",
        // and what the same command inserts here is another row
        "with m as (update t set part = 2 where part = 1 and id = 4 returning id) insert into t select 5, 1 from m",
    ] {
        client.batch_execute(work).expect(work);
    }
    let events: Vec<String> = client
        .query(
            "select concat_ws(' ', type, leaf, key ->> 'id') from realtime_sync.events order by id",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(
        events,
        [
            "INSERT here 1",
            "INSERT here 2",
            "INSERT there 3",
            "DELETE here 1",
            "INSERT there 1",
            "INSERT here 4",
            "DELETE here 2",
            "INSERT there 2",
            "DELETE there 3",
            "DELETE here 4",
            "INSERT there 4",
            "INSERT here 5",
        ]
    );
}
