// SPDX-License-Identifier: Apache-2.0
//! Backtests: what a rule, or a whole policy, would have done to the events of a period.
//!
//! The way of one: an [`Ask`] becomes a plan (`plan`: which policy, which rules of it), each rule gets its way (`way`: stored
//! columns, or a replay, and why), what needs it is replayed (`replayed`), then the rows of the period are read once
//! (`side` says what fires on them, `tally` counts), and what was counted becomes a [`Report`] (`conclude`).
//!
//! A rule that is tried is laid over what was decided: what the rules beside it said stays as it is on the record, so the
//! difference is what this rule makes, whatever else the policy was then. A whole policy is judged in the place of what was
//! decided. Either way labels, lists and counts of decisions are those on the record: they followed from the decisions
//! that were made, not from those that would be.
//!
//! **Invariant:** a backtest of the policy in force over a stretch in which it was in force finds what was decided, to the
//! bit, by both ways.
//!
//! Left out: what people would have done had they been answered otherwise. An abuser who is blocked comes back in another way.

mod ask;
mod conclude;
mod desk;
mod figures;
mod files;
mod journal_rows;
mod keep;
pub mod limits;
mod markdown;
mod meta;
mod past_rows;
mod plan;
mod replayed;
mod report;
mod rows;
mod side;
mod tally;
mod text;
mod way;

pub use ask::{Ask, Costs, Limits, Way};
pub use desk::{Desk, DeskError, Found};
pub use figures::Share;
pub use files::Files;
pub use journal_rows::JournalRows;
pub use keep::{Kept, Status};
pub use markdown::markdown;
pub use past_rows::PastRows;
pub use report::{
    Broken, Change, Classes, Cost, Delay, Example, Load, Measures, Overlap, Past, Report, RuleReport, Series,
    Top,
};
pub use rows::{Batches, Journal, Rows, Want};
pub use text::{Paint, text};

use meta::Texts;
use plan::Plan;
use replayed::{Replayed, Replays};
use side::Side;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use tally::{Counting, Tally};
use wardroom_engine::{Active, RecountError, Watch, each};
use wardroom_event::{Micros, TypeId};
use wardroom_journal::segments;
use wardroom_policy::{ColumnError, Program};
use wardroom_report::{Diagnostic, Sources};
use way::{Chosen, Versions, choose};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// What is asked cannot be done.
    #[error("{0}")]
    Ask(String),
    /// The text or policy to be tried is not right.
    #[error("the policy has {} errors", diagnostics.iter().filter(|d| d.is_error()).count())]
    Policy {
        /// Everything wrong with it.
        diagnostics: Vec<Diagnostic>,
        /// The texts it is said about.
        sources: Sources,
    },
    /// There is no policy to begin with.
    #[error("no policy is in force, or its text is no longer kept")]
    NoPolicy,
    /// The past cannot be read.
    #[error("the past cannot be read: {0}")]
    Rows(String),
    /// Columns are not what they should be.
    #[error("the columns of the past are not as they should be: {0}")]
    Column(#[from] ColumnError),
    /// The replay failed.
    #[error(transparent)]
    Replay(#[from] RecountError),
    /// Nobody wants it any more.
    #[error("it was stopped")]
    Stopped,
}

/// What an installation allows a backtest.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Most threads.
    pub threads: usize,
    /// Most bytes that counters of a replay may hold.
    pub replay_bytes: usize,
    /// The label that says that a decision was appealed.
    pub appealed: Box<str>,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting { threads: 1, replay_bytes: limits::REPLAY_BYTES, appealed: "appealed".into() }
    }
}

/// How far a backtest is.
#[derive(Debug, Default)]
pub struct Progress {
    /// To stop it, and how far its replay is.
    pub watch: Watch,
    /// In thousandths.
    share: AtomicU64,
    parts: AtomicU64,
}

/// The share of the work that a replay is taken for, in thousandths.
const REPLAY: u64 = 800;

impl Progress {
    /// From 0 to 1.
    pub fn share(&self) -> f64 {
        self.share.load(Relaxed) as f64 / 1000.0
    }

    /// Stops it: it ends with [`BacktestError::Stopped`] soon.
    pub fn stop(&self) {
        self.watch.stop.store(true, Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.watch.stop.load(Relaxed)
    }

    fn replayed(&self, of: u64) {
        let done = self.watch.done.load(Relaxed);
        self.share.store((done * REPLAY).checked_div(of.max(1)).unwrap_or(0).min(REPLAY), Relaxed);
    }

    fn read(&self, of: usize, after_replay: bool) {
        let begin = if after_replay { REPLAY } else { 0 };
        let done = self.parts.fetch_add(1, Relaxed) + 1;
        self.share.store((begin + (1000 - begin) * done / of.max(1) as u64).min(1000), Relaxed);
    }
}

/// A policy with the rules that are asked, and how.
struct Asked<'p> {
    active: &'p Arc<Active>,
    rules: Vec<(usize, Chosen)>,
    replayed: Option<Replayed>,
}

/// Does a backtest. `now` is the time there is; nothing else is taken for it.
///
/// # Errors
/// [`BacktestError`].
pub fn run(
    ask: &Ask,
    rows: &dyn Rows,
    journal: &Journal,
    setting: &Setting,
    now: Micros,
    progress: &Progress,
) -> Result<Report, BacktestError> {
    let began = Instant::now();
    let plan = Plan::new(ask, journal, now)?;
    let through = rows.last();
    let replays = Replays {
        recorded: ask.recorded,
        through,
        threads: setting.threads,
        most_bytes: setting.replay_bytes,
    };
    let work = Work { ask, plan: &plan, rows, journal, replays: &replays, progress };
    let asked = work.asked(&plan.after, &plan.rules)?;
    let against = plan.against.as_ref().map(|active| work.asked(active, &[])).transpose()?;
    let tally = work.count(&asked, against.as_ref(), setting)?;
    if progress.is_stopped() {
        return Err(BacktestError::Stopped);
    }
    let mut report = work.report(&asked, &tally)?;
    report.through = through;
    report.warnings = conclude::warnings(&plan, &report, rows.faded());
    report.broken = ask.limits.broken(&report);
    report.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(report)
}

/// What a backtest works with.
struct Work<'w> {
    ask: &'w Ask,
    plan: &'w Plan,
    rows: &'w dyn Rows,
    journal: &'w Journal,
    replays: &'w Replays,
    progress: &'w Progress,
}

impl Work<'_> {
    /// Which rules of a policy are asked, by which way; and what a replay of those that need one finds.
    fn asked<'p>(&self, active: &'p Arc<Active>, reported: &[usize]) -> Result<Asked<'p>, BacktestError> {
        let program = &active.program;
        let mut numbers = reported.to_vec();
        if self.plan.whole {
            numbers.extend(program.schema.iter().flat_map(|(kind, _)| program.plan(kind).rules.clone()));
            numbers.sort_unstable();
            numbers.dedup();
        }
        let everything = self.everything(program)?;
        let versions = Versions::of(&self.journal.policies, &everything)?;
        let together = self.plan.whole;
        let mut chosen = choose(active, &numbers, &versions, None, together)?;
        if chosen.iter().any(|c| c.way == Way::Replay) {
            // Perhaps a policy of another time is to blame.
            let there = self.versions(program)?;
            let versions = Versions::of(&self.journal.policies, &there)?;
            chosen = choose(active, &numbers, &versions, self.ask.way, together)?;
        } else if let Some(way) = self.ask.way {
            chosen = choose(active, &numbers, &versions, Some(way), together)?;
        }
        if self.ask.recorded {
            self.with_recorded(active, &numbers, &mut chosen);
        }
        let rules: Vec<(usize, Chosen)> = numbers.into_iter().zip(chosen).collect();
        let replayed = Replayed::run(active, &rules, self.plan, self.journal, self.replays, self.progress)?;
        Ok(Asked { active, rules, replayed })
    }

    /// Nothing was served for what was only recorded: rules that read what is served are replayed.
    fn with_recorded(&self, active: &Active, numbers: &[usize], chosen: &mut [Chosen]) {
        let program = &active.program;
        for (number, one) in numbers.iter().zip(chosen) {
            if one.way == Way::Columns && !one.reads.served.is_empty() {
                one.way = Way::Replay;
                one.why = "nothing was served for events that were only recorded".to_owned();
            }
            let serve = program.plan(program.rules[*number].on).serve.len();
            one.anew = one.reads.served.iter().copied().filter(|place| *place < serve).collect();
        }
    }

    /// The versions of the policy that may have judged events of the period: all that the journal knows, and where its
    /// beginning is gone those that are found, for of rows that outlast it only they themselves say what judged them.
    fn everything(&self, program: &Program) -> Result<BTreeSet<Box<str>>, BacktestError> {
        let begins = segments(&self.journal.dir).map_err(|e| BacktestError::Rows(e.to_string()))?;
        if begins.first().is_some_and(|first| *first > 1) {
            return self.versions(program);
        }
        Ok(self.journal.policies.iter().map(|policy| (*policy.version).into()).collect())
    }

    /// The versions of the policy that judged events of the period.
    fn versions(&self, program: &Program) -> Result<BTreeSet<Box<str>>, BacktestError> {
        let mut found = BTreeSet::new();
        for (_, event) in program.schema.iter() {
            let want = self.want(&event.name, vec!["seq".into(), "time".into(), "policy".into()]);
            let parts = each(self.replays.threads, self.rows.parts(&want)?, |part| {
                let mut found: BTreeSet<Box<str>> = BTreeSet::new();
                for batch in part {
                    let batch = batch?;
                    let texts = Texts::of(batch.column_by_name("policy"));
                    let mut last = None;
                    for version in (0..batch.num_rows()).filter_map(|row| texts.get(row)) {
                        if last != Some(version) {
                            found.insert(version.into());
                            last = Some(version);
                        }
                    }
                }
                Ok::<_, BacktestError>(found)
            });
            for part in parts {
                found.extend(part?);
            }
        }
        Ok(found)
    }

    fn want(&self, table: &str, columns: Vec<Box<str>>) -> Want {
        let Plan { from, to, as_of, .. } = *self.plan;
        Want { table: table.into(), columns, from, to, as_of }
    }

    /// Reads the rows of the period and counts.
    fn count(
        &self,
        asked: &Asked<'_>,
        against: Option<&Asked<'_>>,
        setting: &Setting,
    ) -> Result<Tally, BacktestError> {
        let mut tally = Tally::new(&self.plan.rules);
        let names = names(self.plan);
        let kinds = self.kinds(asked);
        for kind in kinds {
            let side = self.side(asked, kind, true);
            let name = &asked.active.program.schema.get(kind).name;
            let other = against.and_then(|asked| Some((asked, asked.active.program.schema.id(name)?)));
            let other = other.map(|(asked, kind)| (asked, self.side(asked, kind, false)));
            let first = [Some(asked), against].into_iter().flatten();
            let first = first.filter_map(|asked| asked.replayed.as_ref()).map(|r| r.done.first).max();
            let counting = Counting {
                side: &side,
                against: other.as_ref().map(|(_, side)| side),
                replayed: asked.replayed.as_ref(),
                against_replayed: other.as_ref().and_then(|(asked, _)| asked.replayed.as_ref()),
                whole: self.plan.whole,
                recorded: self.ask.recorded,
                names: &names,
                brief: self.ask.brief,
                step: step(self.plan),
                first: first.unwrap_or(0),
                appealed: &setting.appealed,
            };
            let want = self.want(name, self.columns(&counting, name)?);
            let parts = self.rows.parts(&want)?;
            let (many, replayed) = (parts.len(), asked.replayed.is_some());
            let counted = each(setting.threads, parts, |part| {
                let mut tally = Tally::new(&self.plan.rules);
                for batch in part {
                    if self.progress.is_stopped() {
                        return Err(BacktestError::Stopped);
                    }
                    tally.batch(&counting, &batch?)?;
                }
                self.progress.read(many, replayed);
                Ok(tally)
            });
            for part in counted {
                tally.join(part?);
            }
        }
        Ok(tally)
    }

    /// The types of events that are looked at: those that rules judge, or of a whole policy all.
    fn kinds(&self, asked: &Asked<'_>) -> Vec<TypeId> {
        let program = &asked.active.program;
        let is_asked = |kind: TypeId| asked.rules.iter().any(|(number, _)| program.rules[*number].on == kind);
        program
            .schema
            .iter()
            .map(|(kind, _)| kind)
            .filter(|kind| self.plan.whole || is_asked(*kind))
            .collect()
    }

    fn side<'p>(&self, asked: &Asked<'p>, kind: TypeId, tried: bool) -> Side<'p> {
        let program = &asked.active.program;
        let at = |number: usize| self.plan.rules.iter().position(|n| *n == number).filter(|_| tried);
        let own = asked.rules.iter().filter(|(number, _)| program.rules[*number].on == kind);
        let rules: Vec<(usize, Option<usize>, &Chosen)> =
            own.map(|(number, chosen)| (*number, at(*number), chosen)).collect();
        let as_live = self.plan.as_live && tried;
        Side::new(asked.active, kind, &rules, self.plan.whole, as_live, tried && !self.ask.brief)
    }

    /// The columns to read, of those that there are.
    fn columns(&self, counting: &Counting<'_>, table: &str) -> Result<Vec<Box<str>>, BacktestError> {
        let mut wanted: Vec<Box<str>> = ["seq", "time", "verdict", "class"].map(Box::from).to_vec();
        let sides = [Some(counting.side), counting.against];
        let sides = || sides.into_iter().flatten();
        if sides().any(|side| side.asks_received) {
            wanted.push("received".into());
        }
        if !self.ask.brief {
            wanted.push("labels".into());
        }
        if counting.against.is_none() && (!self.ask.brief || self.fired_before(counting)) {
            wanted.push("signals".into());
        }
        wanted.extend(sides().flat_map(|side| side.columns.iter().cloned()));
        wanted.sort_unstable();
        wanted.dedup();
        let there = self.rows.columns(table)?;
        wanted.retain(|name| there.contains(name));
        Ok(wanted)
    }

    /// Whether any policy of the past has a rule by one of the names: then what it said gives way.
    fn fired_before(&self, counting: &Counting<'_>) -> bool {
        // By text, which is cheap and only ever errs towards reading more.
        let named =
            |text: &str| counting.names.keys().any(|id| text.contains(id.rsplit('.').next().unwrap_or(id)));
        let texts = self.journal.policies.iter().filter_map(|policy| policy.bundle.as_ref());
        texts.flat_map(|bundle| bundle.files()).any(|(_, text)| named(text))
    }

    fn report(&self, asked: &Asked<'_>, tally: &Tally) -> Result<Report, BacktestError> {
        let plan = self.plan;
        let events = conclude::by_class(&tally.old);
        let rule = |(at, number): (usize, &usize)| {
            let (_, chosen) = asked.rules.iter().find(|(n, _)| n == number)?;
            Some(conclude::rule(plan, self.ask, *number, chosen, &tally.rules[at], tally, step(plan)))
        };
        let delays = self.rows.delays(plan.from, plan.as_of)?;
        Ok(Report {
            ask: self.ask.clone(),
            policy: plan.after.program.version.to_string(),
            in_force: plan.in_force.to_string(),
            against: plan.against.as_ref().map(|active| active.program.version.to_string()),
            whole: plan.whole,
            from: if plan.from.0 == i64::MIN { "the beginning".to_owned() } else { plan.from.to_string() },
            to: plan.to.to_string(),
            as_of: plan.as_of.to_string(),
            through: 0,
            past: past(asked, tally),
            events: conclude::classes(&events),
            change: conclude::change(tally),
            together: conclude::measures(&tally.any, &events),
            rules: plan.rules.iter().enumerate().filter_map(rule).collect(),
            gone: plan.gone.iter().map(ToString::to_string).collect(),
            cost: plan.costs.as_ref().map(|costs| conclude::cost(costs, tally)),
            delay: conclude::delay(&delays),
            warnings: Vec::new(),
            broken: Vec::new(),
            took_ms: 0,
        })
    }
}

/// Ids under which what was decided names the rules of the report.
fn names(plan: &Plan) -> HashMap<Box<str>, Option<usize>> {
    let mut names: HashMap<Box<str>, Option<usize>> = plan.gone.iter().map(|id| (id.clone(), None)).collect();
    for (at, number) in plan.rules.iter().enumerate() {
        let rule = &plan.after.program.rules[*number];
        names.extend(rule.was.iter().map(|was| (was.clone(), Some(at))));
        names.insert(rule.id.clone(), Some(at));
    }
    names
}

/// Microseconds of a step of the series: an hour, or a day where those would be too many.
fn step(plan: &Plan) -> i64 {
    const HOUR: i64 = 3_600_000_000;
    let hours = plan.to.0.saturating_sub(plan.from.0) / HOUR;
    if hours > limits::HOURS { 24 * HOUR } else { HOUR }
}

fn past(asked: &Asked<'_>, tally: &Tally) -> Past {
    let replays = asked.rules.iter().filter(|(_, chosen)| chosen.way == Way::Replay).count();
    let done = asked.replayed.as_ref().map(|replayed| &replayed.done);
    Past {
        columns: asked.rules.len() - replays,
        replayed: replays,
        decisions: "recorded".to_owned(),
        warm_up_from: done.map(|done| done.first),
        warm_up_since: done.and_then(|done| done.begins).map(|at| at.to_string()),
        records: done.map_or(0, |done| done.records),
        counted: done.map_or(0, |done| done.counted),
        bytes: done.map_or(0, |done| done.bytes as u64),
        beyond: tally.beyond,
    }
}
