//! Sources: making a table one, unmaking it, and reading what it was made with. The triggers are the
//! configuration; nothing is kept beside them.

mod catalog;
mod check;
mod describe;
mod mistake;
mod relation;
mod request;
mod restore;
mod trigger;

pub use mistake::Mistake;

use crate::relay::held;
use mistake::Table;
use pgrx::pg_sys;
use pgrx::prelude::*;
use relation::Relation;
use request::Request;
use restore::Changes;
use trigger::Trigger;
use wire::options::Options;

/// Brings a table to what enable()'s arguments say, and gives its row of realtime_sync.source, as
/// JSON; with `dry_run` only says how.
#[pg_extern(sql = false)]
fn set_source(relation: Option<pg_sys::Oid>, arguments: &[u8], dry_run: bool) -> Vec<u8> {
    let Some(oid) = relation else {
        Table::NoRelation.raise()
    };
    let request = Request::read(arguments);
    let Some(relation) = Relation::load(oid) else {
        Table::NoSuchRelation { oid: oid.to_u32() }.raise()
    };
    let step = plan_enable(&relation, &request);
    if dry_run {
        return describe::preview(&request, &relation, &step.options, &step.statements());
    }
    if !step.is_empty() {
        lock(&relation, step.lock());
        // What another session did while this one waited for the lock counts.
        let Some(relation) = Relation::load(oid) else {
            Table::Dropped {
                name: relation.name,
            }
            .raise()
        };
        let step = plan_enable(&relation, &request);
        step.run(&relation, &request);
        held::release(oid);
    }
    describe::row(oid)
}

/// Undoes what enable() did; false if there was nothing to undo.
#[pg_extern(sql = false)]
fn disable(relation: pg_sys::Oid) -> bool {
    let Some(found) = Relation::load(relation) else {
        Table::NoSuchRelation {
            oid: relation.to_u32(),
        }
        .raise()
    };
    check::may_disable(&found);
    if plan_disable(&found).is_empty() {
        return false;
    }
    lock(&found, pg_sys::AccessExclusiveLock);
    let Some(found) = Relation::load(relation) else {
        return false;
    };
    let statements = plan_disable(&found);
    for statement in &statements {
        catalog::execute(statement, None, &found);
    }
    held::release(relation);
    if restore::changes_identity(&found) {
        check_replica_identity(&found);
    }
    !statements.is_empty()
}

/// A trigger's argument in full: every option with its default, the columns each names, and what is
/// wrong with it if it cannot be read.
#[pg_extern(sql = false)]
fn read_options(argument: &[u8]) -> Vec<u8> {
    describe::argument(argument)
}

/// What one call of enable() has to do.
struct Step {
    options: Options,
    drops: Vec<String>,
    creates: Vec<Create>,
    modes: Vec<String>,
    changes: Vec<String>,
}

struct Create {
    statement: String,
    conditional: bool,
}

fn plan_enable(relation: &Relation, request: &Request) -> Step {
    check::may_enable(relation, request);
    let Changes { statements, memory } = restore::changes(request, relation);
    let options = Options {
        restore: memory.of(relation.root()),
        ..request.options.clone()
    };
    let wanted = trigger::wanted(request, relation, &memory);
    Step::new(relation, options, &wanted, statements)
}

impl Step {
    fn new(
        relation: &Relation,
        options: Options,
        wanted: &[Trigger],
        changes: Vec<String>,
    ) -> Step {
        let mut step = Step {
            options,
            drops: Vec::new(),
            creates: Vec::new(),
            modes: Vec::new(),
            changes,
        };
        for member in &relation.members {
            let here: Vec<&Trigger> = wanted.iter().filter(|t| t.table == member.name).collect();
            for existing in member.triggers.iter().filter(|existing| existing.is_ours()) {
                if !here
                    .iter()
                    .any(|trigger| trigger.firing.name() == existing.name)
                {
                    step.drops.push(Trigger::drop(&member.name, &existing.name));
                }
            }
            let mut modes = Vec::new();
            for trigger in here {
                let standing = member
                    .triggers
                    .iter()
                    .find(|existing| trigger.stands(existing));
                if standing.is_none() {
                    step.creates.push(Create {
                        statement: trigger.create(),
                        conditional: trigger.when.is_some(),
                    });
                }
                // A replaced trigger fires on origin again.
                if standing.map_or('O', |existing| existing.enabled) != trigger.enabled {
                    modes.push(trigger.enable());
                }
            }
            if !modes.is_empty() {
                step.modes
                    .push(format!("alter table {} {}", member.name, modes.join(", ")));
            }
        }
        step
    }

    fn is_empty(&self) -> bool {
        self.drops.is_empty()
            && self.creates.is_empty()
            && self.modes.is_empty()
            && self.changes.is_empty()
    }

    fn statements(&self) -> Vec<&str> {
        let creates = self.creates.iter().map(|create| &create.statement);
        self.drops
            .iter()
            .chain(creates)
            .chain(&self.modes)
            .chain(&self.changes)
            .map(String::as_str)
            .collect()
    }

    /// The strongest lock its statements take, to be taken first: two sessions that both hold a
    /// weaker one and wait for more would never end.
    fn lock(&self) -> u32 {
        if self.drops.is_empty() && self.changes.is_empty() {
            pg_sys::ShareRowExclusiveLock
        } else {
            pg_sys::AccessExclusiveLock
        }
    }

    fn run(&self, relation: &Relation, request: &Request) {
        for statement in &self.drops {
            catalog::execute(statement, None, relation);
        }
        for create in &self.creates {
            let filter = request.filter.as_ref().filter(|_| create.conditional);
            catalog::execute(&create.statement, filter.map(|f| f.text()), relation);
        }
        for statement in self.modes.iter().chain(&self.changes) {
            catalog::execute(statement, None, relation);
        }
        if !self.changes.is_empty() {
            check_replica_identity(relation);
        }
    }
}

/// Undoing may break what an unchanged table does not: a publication's row filter may have come to
/// need the identity that goes.
fn check_replica_identity(relation: &Relation) {
    for member in relation.members.iter().filter(|member| member.kind == 'r') {
        catalog::check_replica_identity(member.oid, &member.name);
    }
}

fn plan_disable(relation: &Relation) -> Vec<String> {
    let mut statements = Vec::new();
    for member in &relation.members {
        for existing in member.triggers.iter().filter(|existing| existing.is_ours()) {
            statements.push(Trigger::drop(&member.name, &existing.name));
        }
    }
    if !statements.is_empty() {
        statements.extend(restore::undo(relation));
    }
    statements
}

/// Root first, as PostgreSQL's own commands do.
fn lock(relation: &Relation, mode: u32) {
    for member in &relation.members {
        catalog::lock(member.oid, mode);
    }
}
