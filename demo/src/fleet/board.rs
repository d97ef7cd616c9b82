//! The live view: the city from above, the numbers beside it, the latest news below.

use std::time::Duration;

use crate::city::{BOUNDS, City};
use demo::screen::{Screen, Tone, thousands};

const COLUMNS: usize = 56;
/// Of the numbers beside the map, with a gap.
const NUMBERS: usize = 33;
const ROWS: usize = 15;

/// (free drivers, drivers on a trip) of a square.
type Square = (u32, u32);

pub fn lines(screen: &Screen, city: &City, elapsed: Duration, seconds: u32) -> Vec<String> {
    let seen = city.seen.lock().expect("one thread");
    // the map gives way, or the numbers would be beyond the edge of a narrow window
    let columns = COLUMNS.min(screen.width.saturating_sub(NUMBERS + 1)).max(1);
    let mut map = vec![vec![Square::default(); columns]; ROWS];
    let [south, west, north, east] = BOUNDS;
    for (driver, (lat, lng)) in seen.places.iter().enumerate() {
        if *lat == 0.0 {
            continue;
        }
        let row = ((north - lat) / (north - south) * (ROWS - 1) as f64) as usize;
        let column = ((lng - west) / (east - west) * (columns - 1) as f64) as usize;
        let square = &mut map[row.min(ROWS - 1)][column.min(columns - 1)];
        match seen.on_trip.contains(&(driver as i64)) {
            true => square.1 += 1,
            false => square.0 += 1,
        }
    }
    let names = [
        "bookings",
        "offers made",
        "offers declined",
        "offers expired",
        "offers taken by others",
        "offers canceled",
        "trips accepted",
        "trips completed",
        "trips canceled",
        "trips nobody took",
        "offered again",
        "places reported",
        "answers too late",
        "steps too late",
        "failed calls",
    ];
    let mut lines = vec![screen.paint(
        &[Tone::Bold],
        &format!(
            "{:>2} of {seconds} s   {} events received, {} drivers on a trip",
            elapsed.as_secs().min(u64::from(seconds)),
            thousands(seen.ids.len() as u64),
            seen.on_trip.len()
        ),
    )];
    for (row, name) in map.iter().zip(names) {
        let mut line: String = row.iter().map(|square| draw(screen, *square)).collect();
        let n = seen.counts.get(name).copied().unwrap_or_default();
        line.push_str(&format!("   {name:<22}{:>8}", thousands(n)));
        lines.push(line);
    }
    lines.push(screen.paint(
        &[Tone::Dim],
        "drivers: free . : o O, on a trip *; what was told last:",
    ));
    for n in 0..4 {
        lines.push(format!("  {}", seen.news.get(n).map_or("", String::as_str)));
    }
    lines
}

fn draw(screen: &Screen, (free, busy): Square) -> String {
    match (busy, free) {
        (0, 0) => " ".into(),
        (0, 1) => screen.paint(&[Tone::Green], "."),
        (0, 2) => screen.paint(&[Tone::Green], ":"),
        (0, 3) => screen.paint(&[Tone::Green], "o"),
        (0, _) => screen.paint(&[Tone::Green], "O"),
        _ => screen.paint(&[Tone::Bold, Tone::Yellow], "*"),
    }
}
