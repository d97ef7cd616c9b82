//! What there is of the table, before and after.

use tokio_postgres::Client;

use crate::Fallible;
use crate::workload::program;

#[derive(PartialEq)]
pub struct Schema {
    /// of pg_dump --schema-only
    pub lines: Vec<String>,
    /// replica identity, triggers, publications of the table
    pub state: String,
}

const STATE: &str = "
select pg_catalog.format(
    'replica identity %s, triggers %s, publications %s',
    case c.relreplident when 'd' then 'default' when 'f' then 'full' else c.relreplident::text end,
    (select pg_catalog.count(*) from pg_catalog.pg_trigger t where t.tgrelid = c.oid),
    (select pg_catalog.count(*) from pg_catalog.pg_publication_rel p where p.prrelid = c.oid)
)
from pg_catalog.pg_class c where c.oid = 'public.drivers'::regclass";

impl Schema {
    pub async fn read(client: &Client) -> Fallible<Self> {
        let output = program("pg_dump")?.arg("--schema-only").output().await?;
        if !output.status.success() {
            return Err(format!("pg_dump: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let text = String::from_utf8(output.stdout)?;
        Ok(Self {
            // \restrict and \unrestrict carry a key that is new in every dump
            lines: text
                .lines()
                .filter(|line| !line.starts_with('\\') && !line.is_empty())
                .map(str::to_owned)
                .collect(),
            state: client.query_one(STATE, &[]).await?.get(0),
        })
    }

    /// Lines that this has and the other has not.
    pub fn beyond(&self, other: &Self) -> usize {
        self.lines
            .iter()
            .filter(|line| !other.lines.contains(line))
            .count()
    }
}
