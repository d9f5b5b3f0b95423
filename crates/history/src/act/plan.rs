// SPDX-License-Identifier: Apache-2.0
//! From a set and what is asked for to the items of a job, and what would become of them now.
//!
//! The set is frozen here: what the job does is decided before anybody is asked to approve it, and no later event or query
//! changes it.

use super::asked::{Asked, EVENT, end};
use super::limits;
use serde::Serialize;
use std::collections::HashSet;
use wardroom_engine::acts::{Act, ActError, Deed, Done, Subject};
use wardroom_engine::{Engine, EngineError, Stored, SubmitError, limits as engine};
use wardroom_event::{Field, Micros, Part, Sight, Type, Value};

/// What was found: the set that is acted on.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Events, by the numbers of their records.
    Events(Vec<u64>),
    /// Entities or other values.
    Values(Vec<(Type, Value)>),
}

/// The items of a job to be, and what was left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is done, item by item.
    pub items: Vec<Deed>,
    /// How many events or values it was asked of.
    pub asked: usize,
    /// Events that are not there, or no longer.
    pub gone: usize,
    /// Events that lack the value it is about.
    pub without: usize,
    /// Those that came to the same as one before.
    pub repeated: usize,
}

/// A plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// What is asked for cannot be understood, or not of these.
    #[error("{0}")]
    Asked(String),
    /// More was found than a job takes.
    #[error("{found} were found, and a job takes {most} at most: narrow what is looked for, or set `cap`")]
    TooMany {
        /// How many.
        found: usize,
        /// How many a job takes.
        most: usize,
    },
    /// Nothing of what was found comes to anything.
    #[error("there is nothing to do: {0}")]
    Nothing(String),
    /// An act that nobody could do.
    #[error(transparent)]
    Act(#[from] ActError),
    /// The journal cannot be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Plans what is asked for on what was found. Blocks on the disk: each event is read.
///
/// # Errors
/// [`PlanError`].
pub fn plan(engine: &Engine, asked: &Asked, found: &Found, now: Micros) -> Result<Plan, PlanError> {
    let most = engine::JOB_ITEMS;
    let count = match found {
        Found::Events(seqs) => seqs.len(),
        Found::Values(values) => values.len(),
    };
    if count > most {
        return Err(PlanError::TooMany { found: count, most });
    }
    let make = Make::of(asked, now)?;
    let mut plan = Plan { items: Vec::new(), asked: count, gone: 0, without: 0, repeated: 0 };
    let mut seen = HashSet::new();
    let mut add = |plan: &mut Plan, deed: Deed| {
        // Two deeds are the same if they say the same, and so do their texts.
        if seen.insert(format!("{deed:?}")) { plan.items.push(deed) } else { plan.repeated += 1 }
    };
    match found {
        Found::Values(values) => {
            for (kind, value) in values {
                add(&mut plan, make.on_value(*kind, value.clone())?);
            }
        }
        Found::Events(seqs) => {
            for seq in seqs {
                match make.on_event(engine, *seq)? {
                    On::Deed(deed) => add(&mut plan, deed),
                    On::Gone => plan.gone += 1,
                    On::Without => plan.without += 1,
                }
            }
        }
    }
    if plan.items.is_empty() {
        let Plan { gone, without, .. } = plan;
        let why =
            format!("{count} were found, of which {gone} are no longer kept and {without} lack the value");
        return Err(PlanError::Nothing(why));
    }
    Ok(plan)
}

/// What an event comes to.
enum On {
    Deed(Deed),
    Gone,
    Without,
}

/// What is asked for, understood.
struct Make<'a> {
    asked: &'a Asked,
    until: Option<Micros>,
}

impl Make<'_> {
    fn of(asked: &Asked, now: Micros) -> Result<Make<'_>, PlanError> {
        let until = match asked {
            Asked::Label(label) => end(label.until.as_deref(), label.expires.as_deref(), now),
            Asked::List(list) => end(list.until.as_deref(), list.expires.as_deref(), now),
            Asked::Unlist(list) if list.until.is_some() || list.expires.is_some() => {
                Err("what is taken off a list is off it: `until` and `expires` say nothing there".to_owned())
            }
            _ => Ok(None),
        };
        Ok(Make { asked, until: until.map_err(PlanError::Asked)? })
    }

    fn on_event(&self, engine: &Engine, seq: u64) -> Result<On, PlanError> {
        let field = match self.asked {
            Asked::Label(label) if *label.on == *EVENT => None,
            Asked::Label(label) => Some(&*label.on),
            Asked::List(list) | Asked::Unlist(list) => Some(&*list.value),
            Asked::Case(_) | Asked::Again {} | Asked::Webhook(_) => None,
        };
        let Some(stored) = engine.decision(seq)?.filter(|stored| stored.seq == seq) else {
            return Ok(On::Gone);
        };
        let Some(field) = field else {
            return Ok(On::Deed(self.on_itself(seq)));
        };
        match value_of(&stored, field)? {
            Some((kind, value)) => Ok(On::Deed(self.on_value(kind, value)?)),
            None => Ok(On::Without),
        }
    }

    /// What is done with an event as such.
    fn on_itself(&self, event: u64) -> Deed {
        match self.asked {
            Asked::Label(_) => self.label(Subject::Event(event)),
            Asked::Case(case) => Deed::Case { event, queue: case.queue.clone() },
            Asked::Webhook(webhook) => Deed::Webhook { event, name: webhook.name.clone() },
            Asked::Again {} | Asked::List(_) | Asked::Unlist(_) => Deed::Again { event },
        }
    }

    fn on_value(&self, kind: Type, value: Value) -> Result<Deed, PlanError> {
        match self.asked {
            Asked::Label(label) if Type::named(&label.on).is_some_and(|on| on.is_entity() && on != kind) => {
                let (on, found) = (&label.on, kind.name());
                Err(PlanError::Asked(format!(
                    "the label is for `{on}`, and entities of type `{found}` were found"
                )))
            }
            Asked::Label(_) if kind.is_entity() => Ok(self.label(Subject::Entity { kind, value })),
            Asked::Label(_) => Err(ActError::NoEntity(kind).into()),
            Asked::List(list) => {
                let list = list.list.clone();
                Ok(Deed::List { list, kind, value, put: true, until: self.until })
            }
            Asked::Unlist(list) => {
                let list = list.list.clone();
                Ok(Deed::List { list, kind, value, put: false, until: None })
            }
            Asked::Case(_) | Asked::Again {} | Asked::Webhook(_) => {
                Err(PlanError::Asked("this is done with events, and entities were found".to_owned()))
            }
        }
    }

    fn label(&self, subject: Subject) -> Deed {
        let Asked::Label(label) = self.asked else { return Deed::Undo { act: 0, since: "".into() } };
        Deed::Label {
            subject,
            label: label.name.clone(),
            says: label.says,
            until: self.until,
            confidence: label.confidence,
            note: label.note.clone(),
            about: None,
        }
    }
}

/// The value of an event's field, or of a part of it; none where the event lacks it.
fn value_of(stored: &Stored, path: &str) -> Result<Option<(Type, Value)>, PlanError> {
    let exact = stored.fields.iter().find(|(field, _)| *field.name == *path);
    if let Some((field, value)) = exact {
        return Ok(Some((field.kind, value.clone())).filter(|(_, value)| !value.is_missing()));
    }
    let (name, part) = path.split_once('.').unwrap_or((path, ""));
    let unknown = || {
        let names = stored.fields.iter().map(|(Field { name, .. }, _)| &**name);
        let near = wardroom_event::nearest(path, names);
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        PlanError::Asked(format!("events of type `{}` have no `{path}`{near}", stored.event_type))
    };
    let (field, value) = stored.fields.iter().find(|(field, _)| *field.name == *name).ok_or_else(unknown)?;
    let (part, kind) =
        Part::named(field.kind, part).filter(|(part, _)| !part.is_fact()).ok_or_else(unknown)?;
    let value = part.of(value);
    Ok(Some((kind, value)).filter(|(_, value)| !value.is_missing()))
}

/// What would become of a plan, were it done now.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Preview {
    /// How many events or values it was asked of.
    pub asked: usize,
    /// How many items it has.
    pub items: usize,
    /// Events that are not there, or no longer.
    pub gone: usize,
    /// Events that lack the value it is about.
    pub without: usize,
    /// Those that came to the same as one before.
    pub repeated: usize,
    /// Items that would change something, or send something.
    pub changes: usize,
    /// Items of which all is as it is to be already.
    pub same: usize,
    /// Items that could not be done.
    pub refused: usize,
    /// Why not: each reason once, and of how many.
    pub why: Vec<(String, usize)>,
    /// Some of them, in words.
    pub samples: Vec<String>,
}

/// Looks what would become of a plan, item by item, as the engine does it.
///
/// # Errors
/// When the engine stops.
pub async fn preview(
    engine: &Engine,
    plan: &Plan,
    sight: Sight,
    now: Micros,
) -> Result<Preview, SubmitError> {
    let Plan { items, asked, gone, without, repeated } = plan;
    let mut preview = Preview {
        asked: *asked,
        items: items.len(),
        gone: *gone,
        without: *without,
        repeated: *repeated,
        ..Preview::default()
    };
    for (number, items) in items.chunks(limits::BATCH).enumerate() {
        let act = |deed: &Deed| Act { deed: deed.clone(), source: "".into(), by: "".into(), item: None };
        let done = engine.would(items.iter().map(act).collect(), now).await?;
        for (at, (deed, done)) in items.iter().zip(done).enumerate() {
            let said = preview.count(deed, &done);
            if number * limits::BATCH + at < limits::SAMPLES {
                preview.samples.push(format!("{}: {said}", deed.show(sight)));
            }
        }
    }
    preview.why.sort_by_key(|(_, of)| std::cmp::Reverse(*of));
    preview.why.truncate(limits::SAMPLES);
    Ok(preview)
}

impl Preview {
    /// Counts what would become of an item, and says it.
    fn count(&mut self, deed: &Deed, done: &Done) -> String {
        match done {
            Done::Made { before, after, .. } if before == after && changes_marks(deed) => {
                self.same += 1;
                format!("{before} already")
            }
            Done::Made { before, after, .. } => {
                self.changes += 1;
                if changes_marks(deed) { format!("{before} now, then {after}") } else { "new".to_owned() }
            }
            Done::Judged { verdict, changes, .. } => {
                self.changes += 1;
                format!("{verdict}, and {changes} labels and entries follow")
            }
            Done::Refused(why) => {
                self.refused += 1;
                let why = why.to_string();
                match self.why.iter().position(|(known, _)| *known == why) {
                    Some(at) => self.why[at].1 += 1,
                    // Of reasons that name what they are about there may be as many as items.
                    None if self.why.len() < 10 * limits::SAMPLES => self.why.push((why.clone(), 1)),
                    None => {}
                }
                format!("refused: {why}")
            }
            Done::Undone { .. } | Done::Repeated => String::new(),
        }
    }
}

/// Whether it is about what rules see.
fn changes_marks(deed: &Deed) -> bool {
    matches!(deed, Deed::Label { subject: Subject::Entity { .. }, .. } | Deed::List { .. })
}
