//! Which updates are sent at once and which are held back: of each row the first at once, then at most
//! one a window, the last always. No clock of its own: times are whatever the caller counts in.

use crate::reference::members;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What an event is about, as a throttle tells rows apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Row(Vec<u8>),
    /// An update of the key: the row, and the one it was.
    Renamed(Vec<u8>, Vec<u8>),
    /// Every row that begins so.
    Table(Vec<u8>),
    /// A message, or what is no event of ours.
    None,
}

impl Subject {
    /// Of an event in the native dialect. Whether it is an update of its key is only asked of those that
    /// may be: `throttled` ones are not.
    pub fn of(text: &[u8], throttled: bool) -> Subject {
        Subject::scan(text, throttled, true)
    }

    /// The same among the events of one table: rows by their key alone.
    pub fn in_table(text: &[u8], throttled: bool) -> Subject {
        Subject::scan(text, throttled, false)
    }

    fn scan(text: &[u8], throttled: bool, named: bool) -> Subject {
        let (mut kind, mut table, mut key) = (&b""[..], Vec::new(), &b""[..]);
        for (name, value) in members(text) {
            match name {
                b"type" if kind.is_empty() => kind = value,
                b"schema" | b"table" if named && key.is_empty() && value != b"null" => {
                    table.extend_from_slice(value);
                }
                b"key" if key.is_empty() => {
                    key = value;
                    if throttled || kind != b"\"UPDATE\"" {
                        break;
                    }
                }
                b"old" => {
                    let row = [&table[..], key].concat();
                    return match former_key(key, value) {
                        Some(former) => Subject::Renamed(row, [&table[..], &former].concat()),
                        None => Subject::Row(row),
                    };
                }
                _ => {}
            }
        }
        match key {
            _ if named && table.is_empty() => Subject::None,
            b"" | b"null" => Subject::Table(table),
            key => Subject::Row([&table[..], key].concat()),
        }
    }
}

/// The key by the old row's values, where they are other ones.
fn former_key(key: &[u8], old: &[u8]) -> Option<Vec<u8>> {
    let mut former = Vec::new();
    for (name, value) in members(key) {
        former.extend_from_slice(if former.is_empty() { b"{\"" } else { b",\"" });
        former.extend_from_slice(name);
        former.extend_from_slice(b"\":");
        let before = members(old).find(|(other, _)| *other == name);
        former.extend_from_slice(before.map_or(value, |(_, before)| before));
    }
    former.push(b'}');
    (former != key).then_some(former)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Send,
    /// Not now: when its window ends, unless another of the row has come by then.
    Hold,
}

/// Rows by the end of their window; the number keeps those of one time apart.
type Queue = BTreeMap<(i64, u64), Arc<[u8]>>;

/// The state of every row an update of which has lately been sent. `E` refers to an event.
pub struct Throttle<E> {
    rows: HashMap<Arc<[u8]>, Row<E>>,
    /// Rows that hold an event back.
    holding: Queue,
    /// The others: to be forgotten when their window ends.
    idle: Queue,
    /// Rows kept at the most.
    limit: usize,
    next: u64,
    /// Events that are never sent: a later one of their row came before the window's end.
    pub suppressed: u64,
    /// Events sent at once because there were too many rows already.
    pub let_through: u64,
}

struct Row<E> {
    until: i64,
    number: u64,
    window: i64,
    held: Option<E>,
    /// The event that was sent as the window began, and the newest that was looked at since.
    opened: Option<E>,
    newest: Option<E>,
}

/// An event whose window has ended.
pub struct Due<E> {
    pub event: E,
    place: (i64, u64),
}

impl<E: Copy + Ord> Throttle<E> {
    pub fn new(limit: usize) -> Throttle<E> {
        Throttle {
            rows: HashMap::new(),
            holding: BTreeMap::new(),
            idle: BTreeMap::new(),
            limit,
            next: 0,
            suppressed: 0,
            let_through: 0,
        }
    }

    /// Whether there is nothing to be known of any row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// An update that may be held back for as long as `window`.
    pub fn update(&mut self, row: &[u8], window: i64, now: i64, event: E) -> Verdict {
        let Some(known) = self.rows.get_mut(row) else {
            return self.begin(row, window, now, event);
        };
        // Events come again to a sink that failed, or whose batch ended before them: what was said of them holds.
        if known.opened == Some(event) {
            return Verdict::Send;
        }
        if known.newest.is_some_and(|newest| newest >= event) && known.held != Some(event) {
            return Verdict::Hold;
        }
        if known.held.is_some_and(|held| held != event) {
            self.suppressed += 1;
        }
        known.window = window;
        if known.until <= now {
            known.held = None;
            self.renew(row, now, Some(event));
            return Verdict::Send;
        }
        known.newest = Some(event);
        let place = (known.until, known.number);
        if known.held.replace(event).is_none()
            && let Some(row) = self.idle.remove(&place)
        {
            self.holding.insert(place, row);
        }
        Verdict::Hold
    }

    /// Another event of the row, sent at once: it says all that an older one held back would have said. One that
    /// comes again, to a sink that failed, says nothing of what came after it.
    pub fn pass(&mut self, row: &[u8], event: E) {
        if let Some(known) = self.rows.get_mut(row)
            && known.held.take_if(|held| *held < event).is_some()
        {
            self.suppressed += 1;
            let place = (known.until, known.number);
            if let Some(row) = self.holding.remove(&place) {
                self.idle.insert(place, row);
            }
        }
    }

    /// An event that is not to be held back.
    pub fn pass_subject(&mut self, subject: &Subject, event: E) {
        match subject {
            Subject::Row(row) => self.pass(row, event),
            Subject::Renamed(row, former) => {
                self.pass(former, event);
                self.pass(row, event);
            }
            Subject::Table(beginning) => self.pass_all(beginning, event),
            Subject::None => {}
        }
    }

    /// [`Throttle::pass`] of every row that begins so.
    pub fn pass_all(&mut self, beginning: &[u8], event: E) {
        let rows: Vec<Arc<[u8]>> = self
            .holding
            .values()
            .filter(|row| row.starts_with(beginning))
            .cloned()
            .collect();
        for row in rows {
            self.pass(&row, event);
        }
    }

    /// An event of which it is not known whether it was held back: holds it until then.
    pub fn recall(&mut self, row: &[u8], window: i64, until: i64, event: E) {
        self.forget(row);
        if self.rows.len() < self.limit {
            self.insert(row, window, until, Some(event), None);
        }
    }

    /// When the next event held back is due.
    pub fn next_due(&self) -> Option<i64> {
        self.holding.keys().next().map(|(until, _)| *until)
    }

    /// The earliest event held back.
    pub fn oldest(&self) -> Option<E> {
        let held = self.holding.values().filter_map(|row| self.rows[row].held);
        held.min()
    }

    /// Events whose window has ended, the longest waiting first; still held until [`Throttle::sent`].
    pub fn due(&self, now: i64, max: usize) -> Vec<Due<E>> {
        let due = self.holding.range(..=(now, u64::MAX)).take(max);
        due.filter_map(|(&place, row)| {
            let event = self.rows[row].held?;
            Some(Due { event, place })
        })
        .collect()
    }

    /// These have been sent now; the next window of their rows begins.
    pub fn sent(&mut self, due: &[Due<E>], now: i64) {
        for due in due {
            if let Some(row) = self.holding.remove(&due.place) {
                if let Some(known) = self.rows.get_mut(&row) {
                    known.held = None;
                }
                self.renew(&row, now, None);
            }
        }
    }

    /// Forgets rows whose window has ended and that hold nothing back.
    pub fn sweep(&mut self, now: i64) {
        while let Some(entry) = self.idle.first_entry()
            && entry.key().0 <= now
        {
            self.rows.remove(&entry.remove());
        }
    }

    fn begin(&mut self, row: &[u8], window: i64, now: i64, event: E) -> Verdict {
        if self.rows.len() >= self.limit {
            self.sweep(now);
        }
        if self.rows.len() < self.limit {
            self.insert(row, window, now.saturating_add(window), None, Some(event));
        } else {
            self.let_through += 1;
        }
        Verdict::Send
    }

    fn insert(&mut self, row: &[u8], window: i64, until: i64, held: Option<E>, opened: Option<E>) {
        let row: Arc<[u8]> = row.into();
        let number = self.next;
        self.next += 1;
        let queue = match held {
            Some(_) => &mut self.holding,
            None => &mut self.idle,
        };
        queue.insert((until, number), row.clone());
        let known = Row {
            until,
            number,
            window,
            held,
            opened,
            newest: opened.or(held),
        };
        self.rows.insert(row, known);
    }

    /// Begins the window of a row that holds nothing back any more.
    fn renew(&mut self, row: &[u8], now: i64, opened: Option<E>) {
        if let Some(window) = self.forget(row) {
            self.insert(row, window, now.saturating_add(window), None, opened);
        }
    }

    fn forget(&mut self, row: &[u8]) -> Option<i64> {
        let known = self.rows.remove(row)?;
        let place = (known.until, known.number);
        self.holding.remove(&place);
        self.idle.remove(&place);
        Some(known.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOW: i64 = 10;

    #[test]
    fn the_first_at_once_and_the_last_at_the_windows_end() {
        let mut throttle = Throttle::new(10);
        assert_eq!(throttle.update(b"a", WINDOW, 0, 1), Verdict::Send);
        assert_eq!(throttle.update(b"a", WINDOW, 1, 2), Verdict::Hold);
        assert_eq!(throttle.update(b"a", WINDOW, 2, 3), Verdict::Hold);
        assert_eq!(throttle.update(b"b", WINDOW, 2, 4), Verdict::Send);
        assert_eq!((throttle.suppressed, throttle.next_due()), (1, Some(10)));
        assert!(throttle.due(9, 9).is_empty());
        let due = throttle.due(10, 9);
        assert_eq!(due.iter().map(|due| due.event).collect::<Vec<_>>(), [3]);
        throttle.sent(&due, 10);
        assert_eq!(throttle.next_due(), None);
        // a window after that one
        assert_eq!(throttle.update(b"a", WINDOW, 19, 5), Verdict::Hold);
        assert_eq!(throttle.next_due(), Some(20));
        throttle.sent(&throttle.due(20, 9), 20);
        throttle.sweep(29);
        assert!(!throttle.is_empty());
        throttle.sweep(30);
        assert!(throttle.is_empty());
    }

    #[test]
    fn what_comes_again_is_judged_as_before() {
        let mut throttle = Throttle::new(10);
        for (now, suppressed) in [(0, 1), (1, 1), (9, 1)] {
            assert_eq!(throttle.update(b"a", WINDOW, now, 1), Verdict::Send);
            assert_eq!(throttle.update(b"a", WINDOW, now, 2), Verdict::Hold);
            assert_eq!(throttle.update(b"a", WINDOW, now, 3), Verdict::Hold);
            assert_eq!(throttle.suppressed, suppressed);
            assert_eq!(throttle.oldest(), Some(3));
        }
        // after the window's end the last is sent, once, whether it comes again or not
        assert_eq!(throttle.update(b"a", WINDOW, 10, 2), Verdict::Hold);
        assert_eq!(throttle.update(b"a", WINDOW, 10, 3), Verdict::Send);
        assert_eq!((throttle.next_due(), throttle.suppressed), (None, 1));
        assert_eq!(throttle.update(b"a", WINDOW, 11, 3), Verdict::Send);
        assert_eq!(throttle.update(b"a", WINDOW, 12, 4), Verdict::Hold);
    }

    #[test]
    fn what_comes_again_takes_nothing_that_came_after_it() {
        let mut throttle = Throttle::new(10);
        // inserted, updated twice, and truncated before all that, by a sink that fails three times
        for now in 0..3 {
            throttle.pass_all(b"a", 1);
            throttle.pass(b"a", 2);
            assert_eq!(throttle.update(b"a", WINDOW, now, 3), Verdict::Send);
            assert_eq!(throttle.update(b"a", WINDOW, now, 4), Verdict::Hold);
            assert_eq!((throttle.oldest(), throttle.suppressed), (Some(4), 0));
        }
        let due = throttle.due(10, 9);
        assert_eq!(due.iter().map(|due| due.event).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn what_is_not_held_back_takes_the_place_of_what_is() {
        let mut throttle = Throttle::new(10);
        for (event, row) in [(1, b"t1"), (2, b"t2"), (3, b"u1")] {
            throttle.update(row, WINDOW, 0, event);
            assert_eq!(throttle.update(row, WINDOW, 1, 10 * event), Verdict::Hold);
        }
        throttle.pass(b"t1", 11);
        assert_eq!((throttle.suppressed, throttle.due(10, 9).len()), (1, 2));
        // the window goes on
        assert_eq!(throttle.update(b"t1", WINDOW, 9, 4), Verdict::Hold);
        throttle.pass_all(b"t", 29);
        let due = throttle.due(10, 9);
        assert_eq!(due.iter().map(|due| due.event).collect::<Vec<_>>(), [30]);
        assert_eq!(throttle.oldest(), Some(30));
    }

    #[test]
    fn rows_are_bounded() {
        let mut throttle = Throttle::new(2);
        for row in [b"a", b"b", b"c", b"c"] {
            assert_eq!(throttle.update(row, WINDOW, 0, 0), Verdict::Send);
        }
        assert_eq!((throttle.rows.len(), throttle.let_through), (2, 2));
        // when a window has ended there is room again
        assert_eq!(throttle.update(b"c", WINDOW, 10, 0), Verdict::Send);
        assert_eq!(throttle.update(b"c", WINDOW, 11, 1), Verdict::Hold);
    }

    #[test]
    fn rows_are_told_apart_by_table_and_key() {
        let event = |kind: &str, key: &str, old: &str| {
            format!(
                r#"{{"v":1,"id":1,"type":"{kind}","event":"x","schema":"s","table":"a\"b","topics":["t"],"key":{key},"new":{{"id":9,"key":8}},"old":{old},"changed":["id"]}}"#
            )
        };
        let subject = |kind: &str, key: &str, old: &str, throttled: bool| {
            Subject::of(event(kind, key, old).as_bytes(), throttled)
        };
        let row = |key: &str| format!(r#""s""a\"b"{key}"#).into_bytes();
        let (one, two) = (r#"{"id":1,"b":2}"#, r#"{"id":1,"b":3}"#);
        assert_eq!(
            subject("UPDATE", two, r#"{"id":1,"b":2}"#, true),
            Subject::Row(row(two))
        );
        assert_eq!(
            subject("UPDATE", two, "null", false),
            Subject::Row(row(two))
        );
        assert_eq!(
            subject("UPDATE", two, r#"{"b":2,"id":1,"n":7}"#, false),
            Subject::Renamed(row(two), row(one))
        );
        assert_eq!(
            subject("DELETE", one, r#"{"b":7}"#, false),
            Subject::Row(row(one))
        );
        assert_eq!(
            subject("TRUNCATE", "null", "null", false),
            Subject::Table(row(""))
        );
        let message = br#"{"v":1,"id":1,"type":"MESSAGE","schema":null,"table":null,"key":null}"#;
        assert_eq!(Subject::of(message, false), Subject::None);
        assert_eq!(Subject::of(b"not json", false), Subject::None);
        // within a table by the key alone
        let text = event("UPDATE", r#"{"id":1}"#, r#"{"id":2}"#);
        let row = br#"{"id":1}"#.to_vec();
        let renamed = Subject::Renamed(row.clone(), br#"{"id":2}"#.to_vec());
        assert_eq!(Subject::in_table(text.as_bytes(), false), renamed);
        assert_eq!(Subject::in_table(text.as_bytes(), true), Subject::Row(row));
        let text = event("TRUNCATE", "null", "null");
        let all = Subject::Table(Vec::new());
        assert_eq!(Subject::in_table(text.as_bytes(), false), all);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Update(u8),
        Pass(u8),
        Wait(i64),
        /// The events are there and the relay looks.
        Poll,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (0..3u8).prop_map(Step::Update),
            1 => (0..3u8).prop_map(Step::Pass),
            3 => (1..7i64).prop_map(Step::Wait),
            3 => Just(Step::Poll),
        ];
        prop::collection::vec(step, 0..80)
    }

    struct Model {
        throttle: Throttle<u32>,
        now: i64,
        /// By row: what was sent, when, and whether by the throttle's leave.
        sent: BTreeMap<u8, Vec<(u32, i64, bool)>>,
        rows: Vec<u8>,
    }

    impl Model {
        fn poll(&mut self) {
            let due = self.throttle.due(self.now, usize::MAX);
            for due in &due {
                let row = self.rows[due.event as usize];
                let list = self.sent.entry(row).or_default();
                list.push((due.event, self.now, true));
            }
            self.throttle.sent(&due, self.now);
        }

        fn run(&mut self, steps: Vec<Step>) {
            for step in steps {
                let event = self.rows.len() as u32;
                match step {
                    Step::Update(row) => {
                        self.rows.push(row);
                        let verdict = self.throttle.update(&[row], WINDOW, self.now, event);
                        if verdict == Verdict::Send {
                            let list = self.sent.entry(row).or_default();
                            list.push((event, self.now, true));
                        }
                    }
                    Step::Pass(row) => {
                        self.rows.push(row);
                        self.throttle.pass(&[row], event);
                        let list = self.sent.entry(row).or_default();
                        list.push((event, self.now, false));
                    }
                    Step::Wait(time) => self.now += time,
                    Step::Poll => self.poll(),
                }
                self.throttle.sweep(self.now);
            }
        }
    }

    proptest! {
        #[test]
        fn at_most_one_a_window_and_the_last_always(steps in steps()) {
            let mut model = Model {
                throttle: Throttle::new(100),
                now: 0,
                sent: BTreeMap::new(),
                rows: Vec::new(),
            };
            model.run(steps);
            let total = model.rows.len();
            // it looks when something is due, and not before
            while let Some(due) = model.throttle.next_due() {
                model.now = model.now.max(due);
                model.poll();
            }
            let mut count = 0;
            for (row, sent) in &model.sent {
                count += sent.len();
                let last = model.rows.iter().rposition(|other| other == row).unwrap() as u32;
                prop_assert_eq!(sent.last().unwrap().0, last, "the last always");
                prop_assert!(sent.is_sorted_by(|a, b| a.0 < b.0), "in order");
                let by_leave: Vec<i64> = sent.iter().filter(|s| s.2).map(|s| s.1).collect();
                prop_assert!(by_leave.is_sorted_by(|a, b| a + WINDOW <= *b), "one a window");
            }
            prop_assert_eq!(count as u64 + model.throttle.suppressed, total as u64);
            prop_assert_eq!(model.throttle.let_through, 0);
            model.throttle.sweep(i64::MAX);
            prop_assert!(model.throttle.is_empty());
        }
    }
}
