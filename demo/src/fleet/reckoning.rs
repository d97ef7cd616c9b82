//! What must hold after any such day, asked in SQL; and whether the listener has heard all that the log has.

use std::collections::HashMap;

use tokio_postgres::Client;

use crate::Fallible;
use crate::city::City;
use demo::screen::{Screen, Tone, thousands};

/// What must hold, what it is about (a number), and the exceptions (none).
const INVARIANTS: &[(&str, &str, &str)] = &[
    (
        "No driver was on two trips at a time",
        "select count(*) from trips where accepted_at is not null",
        "with ride as (
            select id, driver_id, tstzrange(accepted_at, coalesce(completed_at, canceled_at)) as during
            from trips where accepted_at is not null
        )
        select count(*) from ride a join ride b on a.driver_id = b.driver_id and a.id < b.id and a.during && b.during",
    ),
    (
        "Every trip that was accepted has one accepted offer, its driver's",
        "select count(*) from trip_offers where state = 'accepted'",
        "select count(*) from (
            select t.id from trips t left join trip_offers o on o.trip_id = t.id and o.state = 'accepted'
            group by t.id
            having count(o.id) <> (t.accepted_at is not null)::int or bool_or(o.driver_id is distinct from t.driver_id) and count(o.id) > 0
        ) t",
    ),
    (
        "Every offer that was made was told, and ended once",
        "select count(*) from trip_offers where offered_at is not null",
        "with told as (
            select (payload ->> 'offer_id')::bigint as id, event, count(*) as n
            from realtime_sync.event where event like 'trip\\_offer.%' group by 1, 2
        )
        select count(*) from trip_offers o
        left join told c on c.id = o.id and c.event = 'trip_offer.created'
        left join (select id, sum(n) as n, min(event) as event from told where event <> 'trip_offer.created' group by id) e on e.id = o.id
        where o.answered_at is null
            or coalesce(c.n, 0) <> (o.offered_at is not null)::int
            or o.state <> 'accepted' and o.offered_at is not null and (e.n, e.event) is distinct from (1, 'trip_offer.' || o.state)
            or o.state = 'accepted' and e.n is not null",
    ),
    (
        "Offers expired when they should, within a second",
        "select count(*) from trip_offers where state = 'expired'",
        "select count(*) from trip_offers
        where state = 'expired' and (answered_at < expires_at or answered_at > expires_at + interval '1 second')",
    ),
    (
        "Offers were declined in time, and who declines a trip is not offered it again",
        "select count(*) from trip_offers where state = 'declined'",
        "select count(*) from trip_offers o
        where o.state = 'declined' and (
            o.answered_at > o.expires_at + interval '1 second'
            or exists (select from trip_offers a where (a.trip_id, a.driver_id) = (o.trip_id, o.driver_id) and a.id > o.id)
        )",
    ),
    (
        "Each step of each trip is one the table of steps has, and follows the one before",
        "select count(*) from trip_status_changes",
        "select count(*) from (
            select c.*, lag(to_status, 1, 'requested') over (partition by trip_id order by id) as before from trip_status_changes c
        ) c
        where c.from_status <> c.before or not exists (
            select from trip_transitions t where (t.from_status, t.to_status) = (c.from_status, c.to_status)
        )",
    ),
    (
        "What drivers earned is in their wallets, to the cent",
        "select count(*) from driver_wallets where balance > 0",
        "select count(*) from driver_wallets w
        where balance <> (select coalesce(sum(earnings), 0) from trips where driver_id = w.driver_id and status = 'completed')",
    ),
];

/// Below a sentence, not below its verdict.
const INDENT: usize = 7;

const DASHBOARDS: &str = include_str!("dashboard.sql");

/// Of a driver's fixes only the newest has to be sent: what it was for is in it. Which may so be missing, whose, and of when.
const LOG: &str = "
    select id, \"table\" = 'drivers' and type = 'UPDATE' and not changed && array['is_online', 'status'] as fix,
        case when \"table\" = 'drivers' then (key ->> 'id')::bigint end as driver,
        extract(epoch from (new ->> 'location_at')::timestamptz)::float8 as at
    from realtime_sync.events";

/// Dashboards beside a recomputation of the same snapshot.
pub struct Compared {
    drivers: i64,
    pub on_trip: i64,
    pub offered: i64,
    pub present: i64,
    differ: i64,
}

/// Of all drivers, or of those on a trip, with an offer, and twenty more.
pub async fn compare(owner: &Client, all: bool) -> Fallible<Compared> {
    let row = owner.query_one(DASHBOARDS, &[&all]).await?;
    Ok(Compared {
        drivers: row.get(0),
        on_trip: row.get(1),
        offered: row.get(2),
        present: row.get(3),
        differ: row.get(4),
    })
}

pub async fn print(
    screen: &mut Screen,
    owner: &Client,
    city: &City,
    midday: &Compared,
) -> Fallible<bool> {
    screen.line("");
    screen.step("The reckoning, in SQL; in parentheses, of how many");
    let mut verdicts = Vec::new();
    for (what, about, exceptions) in INVARIANTS {
        let about: i64 = owner.query_one(*about, &[]).await?.get(0);
        let exceptions: i64 = owner.query_one(*exceptions, &[]).await?.get(0);
        verdicts.push(verdict(screen, what, about as u64, exceptions as u64));
    }
    verdicts.push(verdict(
        screen,
        &format!(
            "At midday, with {} on a trip, {} offers open and {} present, dashboards were what plain SQL recomputes",
            midday.on_trip, midday.offered, midday.present
        ),
        midday.drivers as u64,
        midday.differ as u64,
    ));
    let evening = compare(owner, true).await?;
    verdicts.push(verdict(
        screen,
        "In the evening each section of every dashboard was, too",
        evening.drivers as u64,
        evening.differ as u64,
    ));
    let log = owner.query(LOG, &[]).await?;
    let seen = city.seen.lock().expect("one thread");
    // The newest place of each driver that was heard of.
    let mut newest: HashMap<i64, f64> = HashMap::new();
    for row in &log {
        if let (true, Some(driver), Some(at)) =
            (seen.ids.contains(&row.get(0)), row.get(2), row.get(3))
        {
            let newest = newest.entry(driver).or_insert(at);
            *newest = newest.max(at);
        }
    }
    let (mut missed, mut overtaken) = (0, 0);
    for row in &log {
        if seen.ids.contains(&row.get(0)) {
            continue;
        }
        let fix: Option<bool> = row.get(1);
        let known = row
            .get::<_, Option<i64>>(2)
            .and_then(|driver| newest.get(&driver));
        // Of the same moment is what came after it and left the place as it was.
        match (fix, known, row.get::<_, Option<f64>>(3)) {
            (Some(true), Some(known), Some(at)) if *known >= at => overtaken += 1,
            _ => missed += 1,
        }
    }
    let heard = seen.ids.len() as u64;
    let invented = heard + missed + overtaken - log.len() as u64;
    verdicts.push(verdict(
        screen,
        "Every event was received, once, and none that the log has not",
        heard,
        missed + invented + seen.twice,
    ));
    let failed = seen.counts.get("failed calls").copied().unwrap_or_default();
    let calls = seen.counts.values().sum();
    verdicts.push(verdict(
        screen,
        "No call failed, but those that came too late",
        calls,
        failed,
    ));
    screen.prose(&format!(
        "       besides, {} places were overtaken by newer ones of the same driver and rightly not sent",
        thousands(overtaken)
    ), INDENT);
    let held = verdicts.iter().filter(|holds| **holds).count();
    let good = held == verdicts.len();
    let tone = if good { Tone::Green } else { Tone::Red };
    let text = format!("{held} of {} hold", verdicts.len());
    screen.line(&screen.paint(&[Tone::Bold, tone], &text));
    Ok(good)
}

fn verdict(screen: &mut Screen, what: &str, about: u64, exceptions: u64) -> bool {
    // Of nothing anything holds: a day without an expired offer has not tried it.
    let good = exceptions == 0 && about > 0;
    let word = match (good, about) {
        (true, _) => screen.paint(&[Tone::Bold, Tone::Green], "holds"),
        (false, 0) => screen.paint(&[Tone::Bold, Tone::Red], "WAS NOT TRIED"),
        (false, _) => screen.paint(
            &[Tone::Bold, Tone::Red],
            &format!("FAILS {} times", thousands(exceptions)),
        ),
    };
    screen.prose(&format!("{word}  {what} ({})", thousands(about)), INDENT);
    good
}
