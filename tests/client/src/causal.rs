//! Order across rows: what the writer of an event could see when it wrote comes before the event.

use crate::event::{Event, Kind, Source};
use crate::reader::Seen;
use postgres::Client;
use std::collections::HashMap;
use wire::snapshot::Snapshot;

/// The snapshot of each change, as the history's trigger took it. Not of bulk changes, which are in the log before
/// that trigger fires.
pub struct Views(HashMap<(u64, Source, i64, i64, Kind), Snapshot>);

impl Views {
    pub fn read(client: &mut Client) -> Views {
        let query = "
            select xid::text, source, id, version, kind, saw::text from history where source <> 'bulk'";
        let rows = client.query(query, &[]).expect(query);
        let views = rows.iter().map(|row| {
            let xid = row.get::<_, &str>(0).parse().expect("a transaction");
            let change = (
                xid,
                Source::named(row.get(1)),
                row.get(2),
                row.get(3),
                Kind::named(row.get(4)),
            );
            (change, Snapshot::parse(row.get(5)).expect("a snapshot"))
        });
        Views(views.collect())
    }

    /// Panics where a reader got an event before one that its writer could see.
    pub fn check(&self, name: &str, seen: &Seen) {
        let mut last: HashMap<u64, (usize, &Event)> = HashMap::new();
        for (n, event) in seen.events.iter().enumerate() {
            last.insert(event.xid, (n, event));
        }
        // Of all transactions below each, the last event.
        let mut xids: Vec<u64> = last.keys().copied().collect();
        xids.sort_unstable();
        let mut below = Vec::with_capacity(xids.len() + 1);
        let mut latest: Option<(usize, &Event)> = None;
        for xid in &xids {
            below.push(latest);
            latest = latest
                .into_iter()
                .chain([last[xid]])
                .max_by_key(|(n, _)| *n);
        }
        below.push(latest);
        let (mut looked, mut inverted, mut first) = (0, 0, None);
        for (n, event) in seen.events.iter().enumerate() {
            let change = &event.change;
            let key = (
                event.xid,
                change.source,
                change.row,
                change.version,
                change.kind,
            );
            let Some(saw) = self.0.get(&key) else {
                continue;
            };
            looked += 1;
            let from = xids.partition_point(|xid| *xid < saw.xmin);
            let to = xids.partition_point(|xid| *xid < saw.xmax);
            let within = xids[from..to.max(from)].iter();
            // A snapshot does not list its own transaction.
            let within = within.filter(|xid| saw.sees(**xid) && **xid != event.xid);
            let late = within.map(|xid| last[xid]).chain(below[from]);
            if let Some((_, late)) = late.max_by_key(|(n, _)| *n).filter(|(m, _)| *m > n) {
                inverted += 1;
                first.get_or_insert(format!("{event} came before {late}, which its writer saw"));
            }
        }
        println!("{name}: {looked} events and what their writers saw, {inverted} inverted");
        assert!(looked > 0, "{name}: nothing to look at");
        assert_eq!(inverted, 0, "{name}: the first {first:?}");
    }
}
