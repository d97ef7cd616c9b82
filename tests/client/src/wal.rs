//! A logical slot on what a WAL sink with the prefix outbox writes.

use postgres::Client;

/// By pgoutput, which every PostgreSQL has and which wants a publication, if only of nothing.
pub fn create_slot(client: &mut Client) {
    for statement in [
        "create publication nothing",
        "select count(*) from pg_create_logical_replication_slot('slot', 'pgoutput')",
    ] {
        client.batch_execute(statement).expect(statement);
    }
}

/// The messages that came since the last call, those of transactions alone. They are 'M', a byte of flags, 8 of the
/// place, the prefix with its zero, the text's length in 4 bytes and the text.
pub fn messages(client: &mut Client) -> Vec<String> {
    let query = r"
        select convert_from(substr(data, 22), 'UTF8')
        from pg_logical_slot_get_binary_changes('slot', null, null, 'proto_version', '1', 'publication_names', 'nothing', 'messages', 'true')
        where substr(data, 1, 2) = '\x4d01' and substr(data, 11, 7) = '\x6f7574626f7800'";
    let rows = client.query(query, &[]).expect(query);
    rows.iter().map(|row| row.get(0)).collect()
}

/// Where the texts are events' ids.
pub fn ids(client: &mut Client) -> Vec<i64> {
    let ids = messages(client).into_iter().map(|text| text.parse());
    ids.collect::<Result<_, _>>().expect("ids")
}
