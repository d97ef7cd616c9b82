//! The triggers a source is made of: what each looks like, and its DDL.

use super::catalog;
use super::relation::{Existing, Member, Relation};
use super::request::Request;
use super::restore::Memory;
use pgrx::pg_sys;
use pgrx::spi::{quote_identifier, quote_literal};
use wire::filter::{Filter, Row};
use wire::options::{Operation, Options, Restore};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firing {
    On(Operation),
    /// An UPDATE after which the row no longer matches the filter.
    Leave,
}

/// A trigger as it should be.
pub struct Trigger {
    pub firing: Firing,
    /// Quoted name of the table or partition it is on.
    pub table: String,
    pub argument: String,
    pub when: Option<String>,
    /// The columns it names.
    pub columns: Vec<String>,
    /// pg_trigger.tgenabled.
    pub enabled: char,
}

impl Firing {
    /// They lead with 00 so that they fire before the app's own: after one that updates the same row
    /// again, the feed would end on the older value.
    pub fn name(self) -> &'static str {
        match self {
            Firing::On(Operation::Insert) => "00_realtime_sync_insert",
            Firing::On(Operation::Update) => "00_realtime_sync_update",
            Firing::On(Operation::Delete) => "00_realtime_sync_delete",
            Firing::On(Operation::Truncate) => "00_realtime_sync_truncate",
            Firing::Leave => "00_realtime_sync_leave",
        }
    }

    fn event(self) -> &'static str {
        match self {
            Firing::On(Operation::Insert) => "insert",
            Firing::On(Operation::Update) | Firing::Leave => "update",
            Firing::On(Operation::Delete) => "delete",
            Firing::On(Operation::Truncate) => "truncate",
        }
    }

    fn level(self) -> &'static str {
        match self {
            Firing::On(Operation::Truncate) => "statement",
            _ => "row",
        }
    }

    /// pg_trigger.tgtype.
    fn kind(self) -> i16 {
        let (event, level) = match self {
            Firing::On(Operation::Insert) => {
                (pg_sys::TRIGGER_TYPE_INSERT, pg_sys::TRIGGER_TYPE_ROW)
            }
            Firing::On(Operation::Update) | Firing::Leave => {
                (pg_sys::TRIGGER_TYPE_UPDATE, pg_sys::TRIGGER_TYPE_ROW)
            }
            Firing::On(Operation::Delete) => {
                (pg_sys::TRIGGER_TYPE_DELETE, pg_sys::TRIGGER_TYPE_ROW)
            }
            Firing::On(Operation::Truncate) => (
                pg_sys::TRIGGER_TYPE_TRUNCATE,
                pg_sys::TRIGGER_TYPE_STATEMENT,
            ),
        };
        (event | level) as i16
    }
}

impl Trigger {
    pub fn create(&self) -> String {
        let when = match &self.when {
            Some(condition) => format!(" when ({condition})"),
            None => String::new(),
        };
        format!(
            "create or replace trigger \"{}\" after {} on {} for each {}{when} execute function realtime_sync.capture({})",
            self.firing.name(),
            self.firing.event(),
            self.table,
            self.firing.level(),
            quote_literal(&self.argument).trim_start(),
        )
    }

    /// The clause of ALTER TABLE that sets when it fires.
    pub fn enable(&self) -> String {
        let mode = match self.enabled {
            'R' => "enable replica trigger",
            'A' => "enable always trigger",
            _ => "enable trigger",
        };
        format!("{mode} \"{}\"", self.firing.name())
    }

    pub fn drop(table: &str, name: &str) -> String {
        // A hand-written trigger's name holds what its maker likes, and a superuser may be dropping it.
        format!("drop trigger {} on {table}", quote_identifier(name))
    }

    /// Whether the one in the catalog is this. The argument has the filter and the watched columns, so
    /// equal arguments mean equal conditions; unless a column was renamed, which the condition followed
    /// and the argument did not, and another has its name now.
    pub fn stands(&self, existing: &Existing) -> bool {
        existing.name == self.firing.name()
            && existing.argument == self.argument
            && existing.kind == self.firing.kind()
            && existing.conditional == self.when.is_some()
            && self
                .columns
                .iter()
                .all(|column| existing.columns.contains(column))
    }
}

/// The triggers that make `request` true of `relation`, each with what is to be given back of its
/// table.
pub fn wanted(request: &Request, relation: &Relation, memory: &Memory) -> Vec<Trigger> {
    let mut options = request.options.clone();
    let asked = |operation| request.operations.contains(&operation);
    let mut firings: Vec<Firing> = request.operations.iter().copied().map(Firing::On).collect();
    // Moving a row to another partition fires DELETE and INSERT, so an UPDATE trigger alone would see
    // nothing: all three stand, and capture() drops what was not asked for.
    let rows = [Operation::Insert, Operation::Update, Operation::Delete];
    let asked_rows = rows.iter().filter(|&&row| asked(row)).count();
    if relation.is_partitioned() && (1..rows.len()).contains(&asked_rows) {
        options.operations.clone_from(&request.operations);
        firings.retain(|&firing| firing == Firing::On(Operation::Truncate));
        firings.extend(rows.map(Firing::On));
    }
    let by_row = request
        .filter
        .as_ref()
        .filter(|filter| !filter.names(Row::Old));
    if by_row.is_some() && asked(Operation::Update) {
        firings.push(Firing::Leave);
    }

    let trigger = |firing: Firing, member: &Member, options: &Options| Trigger {
        firing,
        table: member.name.clone(),
        argument: Options {
            leave: firing == Firing::Leave,
            restore: memory.of(member),
            ..options.clone()
        }
        .to_json(),
        when: condition(firing, request, relation),
        columns: condition_columns(firing, request, relation),
        enabled: request.replica_mode.letter(),
    };
    let mut triggers: Vec<Trigger> = firings
        .into_iter()
        .map(|firing| trigger(firing, relation.root(), &options))
        .collect();
    // TRUNCATE triggers are per statement, and those do not pass down to partitions. Where TRUNCATE was
    // not asked for, one stands all the same on a partition that has something to remember.
    let truncate = Firing::On(Operation::Truncate);
    if !asked(Operation::Truncate) {
        options.operations.clone_from(&request.operations);
    }
    triggers.extend(
        relation.members[1..]
            .iter()
            .filter(|member| member.kind != 'f')
            .filter(|member| asked(Operation::Truncate) || memory.of(member) != Restore::default())
            .map(|member| trigger(truncate, member, &options)),
    );
    triggers
}

fn condition(firing: Firing, request: &Request, relation: &Relation) -> Option<String> {
    let filter = request.filter.as_ref();
    match firing {
        Firing::On(Operation::Insert) => filter.map(|filter| filter.text().to_owned()),
        Firing::On(Operation::Delete) => filter.map(Filter::over_old),
        Firing::On(Operation::Truncate) => None,
        Firing::On(Operation::Update) => {
            let watch = watch(request, relation);
            match (filter, watch) {
                (None, watch) => watch,
                (Some(filter), None) => Some(filter.text().to_owned()),
                (Some(filter), Some(watch)) if filter.names(Row::Old) => {
                    Some(format!("({}) and ({watch})", filter.text()))
                }
                // A row that comes to match is new to those who follow, whatever changed.
                (Some(filter), Some(watch)) => Some(format!(
                    "({}) and ({watch} or ({}) is not true)",
                    filter.text(),
                    filter.over_old()
                )),
            }
        }
        Firing::Leave => filter.map(|filter| {
            format!(
                "({}) and ({}) is not true",
                filter.over_old(),
                filter.text()
            )
        }),
    }
}

/// The columns of [`condition`]. What is none of the table's is a function in the notation of a column.
fn condition_columns(firing: Firing, request: &Request, relation: &Relation) -> Vec<String> {
    let filter = request
        .filter
        .iter()
        .filter(|_| firing != Firing::On(Operation::Truncate))
        .flat_map(|filter| filter.columns());
    let watch = request
        .options
        .watch
        .iter()
        .filter(|_| firing == Firing::On(Operation::Update))
        .map(String::as_str);
    filter
        .chain(watch)
        .filter(|column| relation.column(column).is_some())
        .map(str::to_owned)
        .collect()
}

fn watch(request: &Request, relation: &Relation) -> Option<String> {
    let changes: Vec<String> = request
        .options
        .watch
        .iter()
        .filter_map(|name| relation.column(name))
        .map(|column| {
            let name = &column.quoted;
            if column.exact && catalog::has_own_equality(column.type_oid) {
                format!("old.{name} is distinct from new.{name}")
            } else {
                // Byte for byte. Not by the operator: pg_dump would write row(...) *<> row(...), which
                // the parser takes apart column by column and cannot resolve.
                format!("pg_catalog.record_image_ne(row(old.{name}), row(new.{name}))")
            }
        })
        .collect();
    (!changes.is_empty()).then(|| changes.join(" or "))
}
