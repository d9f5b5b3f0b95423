// SPDX-License-Identifier: Apache-2.0
//! Where cases stand: who took them, what came of them, by when they are due.
//!
//! Nothing of this is kept anywhere but in the journal. Cases are what the outbox lists; taking and closing one is a label
//! said of its event in the words of its queue (`case:QUEUE`), which is on record, known to backtests and undone as any other.
//! What is here is a fold over these, read on each time somebody asks.

use crate::limits;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wardroom_engine::acts::{ActRecord, Body, Deed, Subject};
use wardroom_engine::{Acted, Engine, EngineError, Listed, State as Stage};
use wardroom_event::{Micros, Span};

/// What begins the labels that say where a case stands.
const CLAIMED: &str = "case.claimed";
const CLOSED: &str = "case.closed.";

/// What came of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaseOutcome {
    /// It was the owner.
    Owner,
    /// It was somebody else.
    Attacker,
    /// Nobody can tell.
    Unclear,
}

impl CaseOutcome {
    const ALL: [CaseOutcome; 3] = [CaseOutcome::Owner, CaseOutcome::Attacker, CaseOutcome::Unclear];

    pub(crate) fn name(self) -> &'static str {
        match self {
            CaseOutcome::Owner => "owner",
            CaseOutcome::Attacker => "attacker",
            CaseOutcome::Unclear => "unclear",
        }
    }

    pub(crate) fn named(name: &str) -> Option<CaseOutcome> {
        CaseOutcome::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// What is said of the event beside, for measuring and for rules to come.
    pub(crate) fn class(self) -> Option<&'static str> {
        match self {
            CaseOutcome::Owner => Some("good"),
            CaseOutcome::Attacker => Some("abuse"),
            CaseOutcome::Unclear => None,
        }
    }

    /// The label that says it.
    pub(crate) fn label(self) -> String {
        format!("{CLOSED}{}", self.name())
    }
}

/// By when cases are due, queue by queue.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// Where a queue has none of its own.
    pub usual: Span,
    /// Those that do.
    pub by_queue: BTreeMap<Box<str>, Span>,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines { usual: limits::CASE_DUE, by_queue: BTreeMap::new() }
    }
}

impl Deadlines {
    pub(crate) fn of(&self, queue: &str) -> Span {
        self.by_queue.get(queue).copied().unwrap_or(self.usual)
    }
}

/// Something that was said of a case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Word {
    /// Its record.
    pub(crate) act: u64,
    /// Who said it.
    pub(crate) by: Box<str>,
    /// When.
    pub(crate) at: Micros,
    /// In words.
    pub(crate) note: Box<str>,
    step: Step,
    says: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Claimed,
    Closed(CaseOutcome),
}

impl Step {
    fn of(label: &str) -> Option<Step> {
        match label.strip_prefix(CLOSED) {
            Some(outcome) => CaseOutcome::named(outcome).map(Step::Closed),
            None => (label == CLAIMED).then_some(Step::Claimed),
        }
    }
}

/// A case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Its key, as the outbox has it.
    pub(crate) key: String,
    pub(crate) queue: Box<str>,
    /// The record of its event.
    pub(crate) event: u64,
    pub(crate) opened: Micros,
    pub(crate) due: Micros,
    pub(crate) claimed: Option<Word>,
    pub(crate) closed: Option<(Word, CaseOutcome)>,
}

impl Case {
    pub(crate) fn state(&self) -> &'static str {
        match (&self.closed, &self.claimed) {
            (Some(_), _) => "closed",
            (None, Some(_)) => "claimed",
            (None, None) => "open",
        }
    }

    pub(crate) fn is_overdue(&self, now: Micros) -> bool {
        self.closed.is_none() && self.due < now
    }
}

/// The label that says that somebody has taken a case.
pub(crate) fn claimed() -> &'static str {
    CLAIMED
}

/// Whose word it is what comes of a case.
pub(crate) fn source(queue: &str) -> String {
    format!("case:{queue}")
}

/// All cases that are listed, and what was said of them.
#[derive(Default)]
pub(crate) struct Desk {
    folded: Mutex<Folded>,
    /// Held while one is taken or closed, so that nobody else does in between.
    pub(crate) deciding: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Folded {
    /// Up to which record; none before the first time.
    through: Option<u64>,
    words: BTreeMap<(u64, Box<str>), Vec<Word>>,
    /// The event of each case that is listed, where the journal still has it.
    events: HashMap<String, Option<u64>>,
}

impl Desk {
    fn folded(&self) -> MutexGuard<'_, Folded> {
        self.folded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every case whose event the journal has, those that are due first at the front. Blocks on the disk.
    pub(crate) fn all(&self, engine: &Engine, deadlines: &Deadlines) -> Result<Vec<Case>, EngineError> {
        let listed = engine.outbox().list(Stage::Cases, limits::CASES).effects;
        let mut folded = self.folded();
        folded.find_events(engine, &listed)?;
        folded.read_on(engine, &listed)?;
        let mut cases: Vec<Case> = listed.into_iter().filter_map(|it| folded.case(it, deadlines)).collect();
        cases.sort_by(|a, b| (a.due, &a.key).cmp(&(b.due, &b.key)));
        Ok(cases)
    }
}

impl Folded {
    /// Which event each case is about: that of an act is the one it was about.
    fn find_events(&mut self, engine: &Engine, listed: &[Listed]) -> Result<(), EngineError> {
        let mut events = HashMap::with_capacity(listed.len());
        for it in listed {
            let event = match self.events.remove(&it.key) {
                Some(event) => event,
                None => engine.decision(it.decision)?.map(|stored| stored.seq),
            };
            events.insert(it.key.clone(), event);
        }
        self.events = events;
        Ok(())
    }

    fn read_on(&mut self, engine: &Engine, listed: &[Listed]) -> Result<(), EngineError> {
        let to = engine.committed();
        // Nothing is said of a case before it is there.
        let first = || listed.iter().map(|it| it.decision).min().unwrap_or(to + 1);
        let from = self.through.map_or_else(first, |through| through + 1);
        let mut said = Vec::new();
        engine.acts_between(from, to, |seq, acted| {
            if let Acted::Act(record) = acted {
                said.push((seq, record));
            }
        })?;
        said.into_iter().for_each(|(seq, record)| self.fold(seq, record));
        self.through = Some(to);
        while self.words.len() > limits::CASE_WORDS && self.words.pop_first().is_some() {}
        Ok(())
    }

    fn fold(&mut self, seq: u64, record: ActRecord) {
        let ActRecord { at, by, source, body, .. } = record;
        match body {
            Body::Made {
                deed: Deed::Label { subject: Subject::Event(event), label, says, note, .. },
                ..
            } => {
                let (Some(queue), Some(step)) = (source.strip_prefix("case:"), Step::of(&label)) else {
                    return;
                };
                let words = self.words.entry((event, queue.into())).or_default();
                // The newest counts; those before it do again where it is undone.
                words.push(Word { act: seq, by, at, note, step, says });
                if words.len() > limits::CASE_WORDS / limits::CASES {
                    words.remove(0);
                }
            }
            Body::Undone { act, .. } => {
                self.words.values_mut().for_each(|words| words.retain(|word| word.act != act));
            }
            _ => {}
        }
    }

    fn case(&self, listed: Listed, deadlines: &Deadlines) -> Option<Case> {
        let event = self.events.get(&listed.key).copied().flatten()?;
        let queue: Box<str> = (&*listed.destination.name).into();
        let words = self.words.get(&(event, queue.clone())).map_or(&[][..], Vec::as_slice);
        let newest = |fits: fn(Step) -> bool| words.iter().rev().find(|word| fits(word.step));
        let closed = newest(|step| matches!(step, Step::Closed(_))).filter(|word| word.says);
        Some(Case {
            due: listed.at.plus(deadlines.of(&queue)),
            opened: listed.at,
            key: listed.key,
            queue,
            event,
            claimed: newest(|step| step == Step::Claimed).filter(|word| word.says).cloned(),
            closed: closed.and_then(|word| match word.step {
                Step::Closed(outcome) => Some((word.clone(), outcome)),
                Step::Claimed => None,
            }),
        })
    }
}
