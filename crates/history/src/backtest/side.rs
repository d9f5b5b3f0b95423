// SPDX-License-Identifier: Apache-2.0
//! A policy over rows: which of its rules fire on which, and what it answers. By stored columns, by what a replay found, or by
//! single rows where a vector cannot say it to the bit.

use super::BacktestError;
use super::ask::Way;
use super::journal_rows::{META, stored_name};
use super::meta::{Meta, NONE};
use super::replayed::Replayed;
use super::way::Chosen;
use crate::KIND;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field as ArrowField, Schema};
use std::collections::BTreeSet;
use std::sync::Arc;
use wardroom_engine::{Active, judge, limits::SERVED_TEXT_BYTES};
use wardroom_event::{Event, EventId, Micros, Type, TypeId, Value};
use wardroom_policy::{ColumnPlan, ColumnRule, Missing, Mode, Row, Rule, Source, StoredRows, Tri, Verdict};

/// Whether two types are the same but for what their metadata say: what is in a list says in files whether it is masked.
fn holds_alike(one: &DataType, other: &DataType) -> bool {
    let alike = |a: &ArrowField, b: &ArrowField| {
        a.is_nullable() == b.is_nullable() && holds_alike(a.data_type(), b.data_type())
    };
    match (one, other) {
        (DataType::List(a), DataType::List(b)) => alike(a, b),
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name() == b.name() && alike(a, b))
        }
        _ => one == other,
    }
}

/// A policy as it is asked of rows of one type.
pub(crate) struct Side<'p> {
    pub(crate) active: &'p Arc<Active>,
    pub(crate) kind: TypeId,
    plan: ColumnPlan<'p>,
    pub(crate) rules: Vec<Ruled>,
    /// Places of computed values that the rules read.
    computed: BTreeSet<usize>,
    /// Columns of the plan that are read.
    pub(crate) columns: Vec<Box<str>>,
    /// Whether rules may be left out for want of budget: then each row is judged.
    by_rows: bool,
    /// Whether a rule asks when the event counted, which columns know only of events that did not come from the future.
    pub(crate) asks_received: bool,
    /// Whether rules decide whatever their modes.
    as_live: bool,
}

/// A rule that is asked.
pub(crate) struct Ruled {
    /// Its number in the policy.
    pub(crate) number: usize,
    /// Its place in the report.
    pub(crate) at: Option<usize>,
    /// How it is asked of columns; by replay otherwise.
    columns: Option<ColumnRule>,
}

/// A rule that fires on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fire {
    pub(crate) row: u32,
    /// Its place among the rules that are asked.
    pub(crate) rule: u32,
    /// Its condition is unknown, and it says what that means.
    pub(crate) missing: bool,
}

/// What a policy says of a batch.
pub(crate) struct Said {
    /// Sorted.
    pub(crate) fires: Vec<Fire>,
    /// Of each rule, for how many of the rows that count its condition is unknown.
    pub(crate) unknown: Vec<u64>,
    /// Answers of rows that were judged one by one.
    verdicts: Option<Vec<u8>>,
    pub(crate) rows: StoredRows,
}

impl<'p> Side<'p> {
    /// The rules of this type, by number with their place in the report.
    pub(crate) fn new(
        active: &'p Arc<Active>,
        kind: TypeId,
        rules: &[(usize, Option<usize>, &Chosen)],
        whole: bool,
        as_live: bool,
        entities: bool,
    ) -> Side<'p> {
        let program = &active.program;
        let (plan, fields) = (program.columns(kind), &program.schema.get(kind).fields);
        let (mut computed, mut columns) = (BTreeSet::new(), BTreeSet::new());
        let serve = &program.plan(kind).serve;
        for (number, _, chosen) in rules {
            // Whom a canary decides hangs on a field that its condition need not read.
            let by = program.rules[*number].share.as_ref().and_then(|(_, by)| fields.get(by.slot));
            columns.extend(by.map(|field| stored_name(&field.name, "field")));
            columns.extend(chosen.reads.fields.iter().map(|slot| stored_name(&fields[*slot].name, "field")));
            for place in chosen.reads.served.iter().filter(|_| chosen.way == Way::Columns) {
                let is_stored = !matches!(serve[*place].source, Source::Computed(_))
                    || serve[*place].id.starts_with("items at ");
                if is_stored {
                    columns.extend(plan.served_column(*place).map(|name| stored_name(name, "served")));
                } else {
                    computed.insert(*place);
                }
            }
        }
        if entities {
            let entities = fields.iter().filter(|f| f.kind.is_entity());
            columns.extend(entities.map(|f| stored_name(&f.name, "field")));
        }
        let ruled = |(number, at, chosen): &(usize, Option<usize>, &Chosen)| Ruled {
            number: *number,
            at: *at,
            columns: plan.rule(*number).filter(|_| chosen.way == Way::Columns),
        };
        let ruled: Vec<Ruled> = rules.iter().map(ruled).collect();
        let judged = program.plan(kind);
        let cost: u64 = judged.rules.iter().map(|n| u64::from(program.rules[*n].cost)).sum();
        let by_rows = whole && cost > judged.budget.saturating_sub(judged.cost);
        let asks_received = by_rows
            || rules.iter().any(|(n, _, chosen)| {
                program.rules[*n].expires.is_some() || chosen.reads.time && ends(active, program.rules[*n].on)
            });
        let columns = columns.into_iter().collect();
        Side { active, kind, plan, rules: ruled, computed, columns, by_rows, asks_received, as_live }
    }

    pub(crate) fn rule(&self, place: u32) -> &Rule {
        &self.active.program.rules[self.rules[place as usize].number]
    }

    /// What the policy says of a batch.
    pub(crate) fn say(
        &self,
        batch: &RecordBatch,
        meta: &Meta<'_>,
        replayed: Option<&Replayed>,
        is_counted: &dyn Fn(usize) -> bool,
    ) -> Result<Said, BacktestError> {
        let fitted = self.plan.fit(&self.renamed(batch)?)?.batch;
        let world = &**self.active;
        let fitted = match self.computed.is_empty() {
            true => fitted,
            false => {
                let wanted = |place| self.computed.contains(&place);
                self.plan.recompute_some(&fitted, world, wanted, SERVED_TEXT_BYTES - 16)?
            }
        };
        let mut said = Said {
            fires: Vec::new(),
            unknown: vec![0; self.rules.len()],
            verdicts: None,
            rows: self.plan.rows(&fitted)?,
        };
        for (place, ruled) in self.rules.iter().enumerate() {
            if let Some(columns) = &ruled.columns {
                self.by_columns(place, columns, &fitted, meta, is_counted, &mut said)?;
            }
        }
        self.patch(meta, &mut said);
        if let Some(replayed) = replayed {
            replayed.fires(self, meta, is_counted, &mut said);
        }
        said.fires.sort_unstable();
        if self.by_rows && replayed.is_none() {
            said.verdicts = Some((0..meta.rows).map(|row| self.judged(meta, &said.rows, row)).collect());
        } else if let Some(replayed) = replayed {
            said.verdicts = replayed.verdicts(self.kind, meta);
        }
        Ok(said)
    }

    /// The batch with its columns as the plan calls them: beside those that belong to no policy, some have other names.
    fn renamed(&self, batch: &RecordBatch) -> Result<RecordBatch, BacktestError> {
        let event = self.active.program.schema.get(self.kind);
        let own = |name: &str| {
            let (role, plain) = name.split_once(':')?;
            let is_field = event.slot(plain).is_some();
            (META.contains(&plain) && (role == "field") == is_field).then(|| plain.to_owned())
        };
        let schema = batch.schema();
        let is_meta = |name: &str| META.contains(&name) && name != "time";
        let mut fields = Vec::new();
        let mut arrays = Vec::new();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            let name = own(field.name()).unwrap_or_else(|| field.name().clone());
            if !is_meta(field.name()) && self.is_alike(&name, field) {
                fields.push(field.as_ref().clone().with_name(name));
                arrays.push(array.clone());
            }
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|e| BacktestError::Rows(e.to_string()))
    }

    /// Whether a column holds what the plan's column of that name holds. One that an earlier policy filled with another type
    /// of value is missing, as it is in a replay.
    fn is_alike(&self, name: &str, found: &ArrowField) -> bool {
        let Ok(expected) = self.plan.schema().field_with_name(name) else { return false };
        let is_text = |of: &DataType| match of {
            DataType::Utf8 | DataType::Utf8View => true,
            DataType::Dictionary(_, of) => **of == DataType::Utf8,
            _ => false,
        };
        let (is, found_type) = (expected.data_type(), found.data_type());
        let kind = || {
            let event = self.active.program.schema.get(self.kind);
            let field = event.slot(name).map(|slot| event.fields[slot].kind);
            let serve = self.active.program.plan(self.kind).serve.iter();
            let served = name.strip_prefix("served:").unwrap_or(name);
            field.or_else(|| serve.filter(|s| *s.id == *served).map(|s| s.kind).next())
        };
        let typed = found.metadata().get(KIND);
        let same = typed.is_none_or(|typed| kind().is_none_or(|kind| kind.name() == typed));
        same && (holds_alike(is, found_type) || is_text(is) && is_text(found_type))
    }

    fn by_columns(
        &self,
        place: usize,
        columns: &ColumnRule,
        batch: &RecordBatch,
        meta: &Meta<'_>,
        is_counted: &dyn Fn(usize) -> bool,
        said: &mut Said,
    ) -> Result<(), BacktestError> {
        let rule = self.rule(place as u32);
        let truths = columns.evaluate(batch, &**self.active)?;
        let fire = |row: usize, missing| Fire { row: row as u32, rule: place as u32, missing };
        let valid = |row: usize| rule.is_valid(counted_at(meta, row));
        said.fires.extend(truths.rows_true().filter(|row| valid(*row)).map(|row| fire(row, false)));
        if truths.count_unknown() > 0 {
            let open = || (0..meta.rows).filter(|row| truths.get(*row) == Tri::Unknown);
            said.unknown[place] = open().filter(|row| is_counted(*row)).count() as u64;
            if rule.missing != Missing::Nothing {
                said.fires.extend(open().filter(|row| valid(*row)).map(|row| fire(row, true)));
            }
        }
        Ok(())
    }

    /// Events that count before they happened, for their clocks go fast: those rows are asked again one by one, since a list
    /// whose entries end is asked as of when they counted.
    fn patch(&self, meta: &Meta<'_>, said: &mut Said) {
        let Some(received) = meta.received.filter(|_| self.asks_received) else { return };
        let early: Vec<usize> = (0..meta.rows).filter(|row| received[*row] < meta.time[*row]).collect();
        if early.is_empty() {
            return;
        }
        let is_early = |fire: &Fire| received[fire.row as usize] < meta.time[fire.row as usize];
        said.fires.retain(|fire| !is_early(fire) || self.rules[fire.rule as usize].columns.is_none());
        for row in early {
            let Some((event, served)) = self.row(meta, &said.rows, row) else { continue };
            let asked = Row::new(&event, &served, &**self.active);
            for (place, _) in self.rules.iter().enumerate().filter(|(_, ruled)| ruled.columns.is_some()) {
                let rule = self.rule(place as u32);
                let missing = match rule.holds(&asked) {
                    Tri::True => false,
                    Tri::Unknown if rule.missing != Missing::Nothing => true,
                    _ => continue,
                };
                if rule.is_valid(event.counted_at()) {
                    said.fires.push(Fire { row: row as u32, rule: place as u32, missing });
                }
            }
        }
    }

    /// A row as the event it was, with what is served for it.
    pub(crate) fn row(&self, meta: &Meta<'_>, rows: &StoredRows, row: usize) -> Option<(Event, Vec<Value>)> {
        let stored = rows.get(row)?;
        let received = meta.received.map_or(stored.time, |received| Micros(received[row]));
        let event = Event {
            schema: self.active.program.schema.clone(),
            kind: self.kind,
            id: EventId { source: "".into(), id: "".into() },
            time: stored.time,
            received,
            values: stored.values.into(),
        };
        Some((event, stored.served))
    }

    /// What the policy answers to one row, with its budget.
    fn judged(&self, meta: &Meta<'_>, rows: &StoredRows, row: usize) -> u8 {
        let Some((event, served)) = self.row(meta, rows, row) else { return NONE as u8 };
        let program = &self.active.program;
        let asked = Row::new(&event, &served, &**self.active);
        judge(program, program.plan(self.kind), &asked, None).verdict as u8
    }

    /// What a rule that fires says, and whether it has a say.
    pub(crate) fn speaks(&self, said: &Said, meta: &Meta<'_>, fire: Fire) -> (u8, bool) {
        let rule = self.rule(fire.rule);
        let verdict = match (fire.missing, rule.missing) {
            (true, Missing::Review) => Some(Verdict::Review),
            _ => rule.verdict,
        };
        let has_say = match rule.mode {
            Mode::Retired => false,
            _ if self.as_live => true,
            Mode::Live => true,
            Mode::Canary => self
                .row(meta, &said.rows, fire.row as usize)
                .is_some_and(|(event, served)| rule.decides(&Row::new(&event, &served, &**self.active))),
            Mode::Draft | Mode::Shadow => false,
        };
        (verdict.unwrap_or(Verdict::Allow) as u8, has_say && verdict.is_some())
    }

    /// The answer that a row was given one by one, if it was.
    pub(crate) fn answered(said: &Said, row: usize) -> Option<u8> {
        said.verdicts.as_ref().and_then(|all| all.get(row)).copied()
    }

    /// The fields that tell who or what an event is about.
    pub(crate) fn entities(&self) -> Vec<(usize, &str, Type)> {
        let fields = self.active.program.schema.get(self.kind).fields.iter().enumerate();
        fields.filter(|(_, f)| f.kind.is_entity()).map(|(slot, f)| (slot, &*f.name, f.kind)).collect()
    }
}

/// Whether an entry of a list ends: then a look into it depends on when the event counted.
fn ends(active: &Active, _: TypeId) -> bool {
    active.program.lists.iter().any(|list| list.entries.iter().any(|(_, until)| until.is_some()))
}

fn counted_at(meta: &Meta<'_>, row: usize) -> Micros {
    let received = meta.received.map_or(i64::MAX, |received| received[row]);
    Micros(meta.time[row].min(received))
}

/// The strongest of what has a say: `allow` ends the matter, otherwise the strongest wins.
pub(crate) fn strongest(said: impl Iterator<Item = (u8, bool)>) -> u8 {
    let mut strongest = Verdict::Allow as u8;
    for (verdict, has_say) in said {
        match (has_say, verdict) {
            (false, _) => {}
            (true, allow) if allow == Verdict::Allow as u8 => return allow,
            (true, verdict) => strongest = strongest.max(verdict),
        }
    }
    strongest
}
